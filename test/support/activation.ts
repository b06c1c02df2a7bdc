/** What a workflow is told in one activation, and what it answers: order, and sameness on a replay. */
import { coresdk } from '@temporalio/proto';
import type { Command, Job } from './workflow-sandbox';

/** As the SDK's core sorts the jobs of an activation; those of one rank keep their order. */
export const inOrder = (jobs: readonly Job[]): Job[] => jobs.toSorted((a, b) => rankOf(a) - rankOf(b));

function rankOf(job: Job): number {
  if (job.initializeWorkflow) return 0;
  if (job.notifyHasPatch) return 1;
  if (job.signalWorkflow || job.doUpdate) return 2;
  return 3;
}

/** A patch whose marker follows in the history is told ahead of the jobs, as the SDK's core does. */
export const patchesOf = (commands: readonly Command[]): readonly Job[] =>
  commands
    .flatMap(({ setPatchMarker }) => setPatchMarker?.patchId ?? [])
    .map((patchId) => ({ notifyHasPatch: { patchId } }));

/** @returns how they differ, for people; undefined when they are the same, byte for byte */
export function differenceOf(was: readonly Command[], now: readonly Command[]): string | undefined {
  if (Buffer.compare(encoded(was), encoded(now)) === 0) return undefined;
  return `replay differs:\n was ${describe(was)}\n now ${describe(now)}`;
}

const encoded = (commands: readonly Command[]): Uint8Array =>
  coresdk.workflow_completion.Success.encode({ commands: [...commands] }).finish();

const describe = (commands: readonly Command[]): string =>
  commands
    .map((command) => {
      const { scheduleActivity: activity } = command;
      if (activity) return `schedule ${activity.activityType} ${activity.seq}`;
      // Payloads are bytes: of them only the beginning is worth reading.
      return JSON.stringify(command).slice(0, 200);
    })
    .join('\n     ');

import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import type { temporal } from '@temporalio/proto';
import type { Progress } from '../model/run/progress';

type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;

/** An activity that is under way or waits to be tried again, with what it told last. */
export interface PendingWork {
  readonly activity: string;
  readonly attempt: number;
  readonly progress: Progress | null;
  /** When Temporal heard that, by its clock, ISO 8601; null while it has told nothing. */
  readonly toldAt: string | null;
  readonly lastFailure: string | null;
  /** When the next attempt begins, ISO 8601; null while one is under way. */
  readonly nextAttemptAt: string | null;
}

export function pendingWork(
  client: Client,
  pending: readonly PendingActivity[],
): Promise<readonly PendingWork[]> {
  return Promise.all(pending.map((activity) => oneActivity(client, activity)));
}

async function oneActivity(client: Client, activity: PendingActivity): Promise<PendingWork> {
  const scheduled = activity.scheduledTime?.seconds;
  const waits = activity.state === 1 && scheduled !== null && scheduled !== undefined;
  return {
    activity: activity.activityType?.name ?? 'unknown',
    attempt: activity.attempt ?? 1,
    progress: await progressOf(client, activity),
    toldAt: timeOf(activity.lastHeartbeatTime),
    lastFailure: activity.lastFailure?.message ?? null,
    nextAttemptAt: waits ? new Date(Number(scheduled) * 1_000).toISOString() : null,
  };
}

function timeOf(time: PendingActivity['lastHeartbeatTime']): string | null {
  if (time?.seconds == null) return null;
  return new Date(Number(time.seconds) * 1_000 + Math.floor((time.nanos ?? 0) / 1e6)).toISOString();
}

async function progressOf(client: Client, activity: PendingActivity): Promise<Progress | null> {
  const payloads = activity.heartbeatDetails?.payloads;
  if (!payloads || payloads.length === 0) return null;
  const [details] = await decodeArrayFromPayloads(client.options.loadedDataConverter, payloads);
  if (typeof details !== 'object' || details === null || !('progress' in details)) return null;
  // Written by our own activities (src/activities/run/activity-boundary.ts).
  return (details.progress as Progress | undefined) ?? null;
}

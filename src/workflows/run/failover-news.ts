/** What a failover tells the run that began it, while it goes on. */
import { condition, getExternalWorkflowHandle, workflowInfo } from '@temporalio/workflow';
import type { FailoverRecord } from './failover-record';
import type { Run } from './run';
import { type FailoverNews, failoverNewsSignal } from './standing-messages';

/** What waits for a person here is shown by the run that began it, where people look. */
export async function tellProblems(run: Run): Promise<void> {
  let told = run.state.blockedBy;
  for (;;) {
    await condition(() => run.state.blockedBy !== told);
    told = run.state.blockedBy;
    const problem =
      told === null
        ? null
        : { code: told.code, message: told.message, remedy: told.remedy, where: told.stepId };
    await tellParent({ kind: 'problem', problem });
  }
}

/** Applications wait, so the run that began it says why. */
export async function tellRefusals(run: Run): Promise<void> {
  let told = run.refusal;
  for (;;) {
    await condition(() => run.refusal !== told);
    told = run.refusal;
    await tellParent({ kind: 'waiting', waitingFor: told });
  }
}

export const tellPlace = (place: string | null): void => {
  tellParent({ kind: 'waiting', waitingFor: place }).catch(() => undefined);
};

/** The new primary is watched, and may be failed over by force, while hooks and checks go on. */
export function tellCrossed(done: () => FailoverRecord): void {
  tellParent({ kind: 'new-primary-proven', record: done() }).catch(() => undefined);
}

/** It goes back: the next forced failover is not kept waiting by what is opened and given back for that. */
export function tellGivenUp(): void {
  tellParent({ kind: 'given-up' }).catch(() => undefined);
}

export async function tellParent(news: FailoverNews): Promise<void> {
  const { parent, workflowId, runId } = workflowInfo();
  if (parent === undefined) return;
  // Another run of the same name has failovers of its own.
  const standing = getExternalWorkflowHandle(parent.workflowId, parent.runId);
  await standing.signal(failoverNewsSignal, { ...news, from: { workflowId, runId } });
}

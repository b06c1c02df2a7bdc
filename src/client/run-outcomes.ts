/** How runs ended, in their own words: to Temporal an aborted run is as completed as any other. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';

export type ListedOutcome =
  | 'running'
  | 'completed'
  | 'aborted'
  | 'removed'
  | 'failed'
  | 'cancelled'
  | 'terminated';

/** Results that are asked for at a time. */
const AT_A_TIME = 8;
/** Of runs that ended before, Temporal's own word must do: each costs a request. */
const NEWEST_ASKED = 200;

/** @returns one for each run, in their order; null where it cannot be told */
export async function runOutcomes(
  client: Client,
  runs: readonly WorkflowExecutionInfo[],
): Promise<readonly (ListedOutcome | null)[]> {
  const outcomes = runs.map(({ status }) => byTemporal(status.name));
  const toAsk = runs.flatMap(({ status }, index) => (status.name === 'COMPLETED' ? [index] : []));
  const waiting = toAsk.slice(0, NEWEST_ASKED);
  const askOneByOne = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      const run = runs[index];
      if (run !== undefined) outcomes[index] = (await outcomeOf(client, run)) ?? 'completed';
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, askOneByOne));
  return outcomes;
}

function byTemporal(status: WorkflowExecutionInfo['status']['name']): ListedOutcome | null {
  switch (status) {
    case 'RUNNING':
    case 'CONTINUED_AS_NEW':
      return 'running';
    case 'COMPLETED':
      return 'completed';
    case 'FAILED':
    case 'TIMED_OUT':
      return 'failed';
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    default:
      return null;
  }
}

/** The result says it. Its history may be gone, and results of other versions may not say it. */
async function outcomeOf(
  client: Client,
  { workflowId, runId }: WorkflowExecutionInfo,
): Promise<ListedOutcome | null> {
  try {
    const result: unknown = await client.workflow.getHandle(workflowId, runId).result();
    if (typeof result !== 'object' || result === null || !('outcome' in result)) return null;
    return isOutcome(result.outcome) ? result.outcome : null;
  } catch {
    return null;
  }
}

const isOutcome = (value: unknown): value is ListedOutcome =>
  value === 'completed' || value === 'aborted' || value === 'removed';

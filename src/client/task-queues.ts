import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { watchQueueOf } from '../temporal/task-queues';

type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;

/** TaskQueueType of activities, PendingActivityState of one that no worker has. */
const ACTIVITIES = 2;
const SCHEDULED = 1;

/** Workers that asked a task queue for activities during the last five minutes, as the server remembers them. */
export async function pollersOf(
  connection: Client['connection'],
  namespace: string,
  taskQueue: string,
): Promise<number> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITIES,
  });
  return pollers?.length ?? 0;
}

/**
 * Task queues of a run of which nobody takes work while some waits for it: no worker serves them, or all slots of those
 * that do are taken.
 */
export async function unservedQueues(
  client: Client,
  taskQueue: string,
  pending: readonly PendingActivity[],
): Promise<readonly string[]> {
  if (!pending.some(({ state }) => state === SCHEDULED)) return [];
  const queues = [taskQueue, watchQueueOf(taskQueue)];
  const { connection, options } = client;
  const pollers = await Promise.all(queues.map((queue) => pollersOf(connection, options.namespace, queue)));
  return queues.filter((_queue, index) => pollers[index] === 0);
}

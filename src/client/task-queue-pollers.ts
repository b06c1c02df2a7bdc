import type { Client } from '@temporalio/client';

/** `TASK_QUEUE_TYPE_WORKFLOW`, as a number: this file loads without the SDK's weight. */
const WORKFLOWS = 1;
/** A worker that waits for work asks again after a minute at the latest; Temporal lists it for five. */
const ASKED_WITHIN_MS = 90_000;

/** Whether a worker takes workflows of a task queue, as Temporal has seen within a minute or so. */
export async function hasPollers(client: Client, taskQueue: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOWS,
  });
  return pollers.some(
    ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 < ASKED_WITHIN_MS,
  );
}

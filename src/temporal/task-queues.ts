/** Task queue of the workers, unless a service chooses its own: runs and the steps that they perform. */
export const DEFAULT_TASK_QUEUE = 'sqlferry';

/**
 * Task queue of the watches that belong to the runs of another one. A watch holds its slot for days, so that one queue
 * for both would let a step behind the fence wait for a slot that no watch ever gives back.
 */
export const watchQueueOf = (taskQueue: string): string => `${taskQueue}-watches`;

import type { Progress } from '../../model/progress';
import type { SealedOperation } from '../../ports/managed-instance';

/** What a step tells while it works; Temporal's heartbeat is behind it, or nothing in a plan. */
export interface Reporter {
  report(progress: Progress): void;
  /** Remembers an operation that another worker could resume; undefined when it is over. */
  saveOperation(operation: SealedOperation | undefined): void;
  /** Operation that an earlier attempt of this activity left behind. */
  readonly resumable: SealedOperation | undefined;
}

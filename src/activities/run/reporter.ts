import type { Progress } from '../../model/run/progress';
import type { SealedOperation } from '../../ports/managed-instance';

/** What a step tells while it works; Temporal's heartbeat is behind it, or nothing in a plan. */
export interface Reporter {
  report(progress: Progress): void;
  /** Remembers an operation that another worker could resume; undefined when it is over. */
  saveOperation(operation: SealedOperation | undefined): void;
  /** Operation that an earlier attempt, or an activity before this one, left behind. */
  readonly resumable: SealedOperation | undefined;
  /**
   * True when an earlier attempt, or an activity before this one, may have sent a request to Azure of which nobody knows
   * the answer: its worker died, or the answer was lost on the way. What it asked for may be under way, and not to be seen yet.
   */
  readonly mayHaveSent: boolean;
  /** Small state that an earlier attempt of this activity left; undefined when there is none. */
  readonly resumeState: unknown;
  saveResumeState(state: unknown): void;
  /** Told before a request is sent that changes something (true), and once its answer is known (false). */
  noteUnanswered(unanswered: boolean): void;
}

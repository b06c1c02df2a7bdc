import type { Side } from './statement';

/** One change that a run made, or found already made, in the order of the run. */
export interface JournalEntry {
  readonly at: string;
  readonly phase: string;
  readonly stepId: string;
  readonly title: string;
  readonly outcome: 'done' | 'already-done' | 'undone';
  readonly effects: readonly JournalEffect[];
  /** Facts that prove the outcome, one sentence. */
  readonly evidence: string;
  readonly durationMs: number;
}

export interface JournalEffect {
  readonly kind: 'tsql' | 'arm';
  readonly on: Side | 'azure';
  /** The same text that `plan` prints. */
  readonly display: string;
  /** What would undo it, as text; absent where nothing can. */
  readonly undo?: string;
}

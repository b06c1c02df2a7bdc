import type { Side } from './statement';

/** One change that a run made, or found already made, in the order of the run. */
export interface JournalEntry {
  readonly at: string;
  readonly phase: string;
  readonly stepId: string;
  /** Replica of the availability group that the step was about; absent where there is one server only. */
  readonly server?: string;
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
  /** Name in the inventory of the SQL Server that it runs on, where the availability group has several. */
  readonly server?: string;
  /** The same text that `plan` prints. */
  readonly display: string;
  /** What would undo it, as text; absent where nothing can. */
  readonly undo?: string;
}

/** The effect of a step that was about one replica of an availability group. */
export const onReplica = (effect: JournalEffect, server: string | undefined): JournalEffect =>
  server === undefined || effect.on !== 'source' ? effect : { ...effect, server };

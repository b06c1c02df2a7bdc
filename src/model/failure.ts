/** How a failure is met. */
export type Reaction =
  /** Try again: it passes by itself. */
  | 'retry'
  /** The effect is there already: success. */
  | 'already-done'
  /** A person must change something first; trying again before that is useless. */
  | 'needs-person'
  /** Information only. */
  | 'informational';

/** One entry of the error catalogue. */
export interface CatalogueEntry {
  /** Stable code, type of the ApplicationFailure that leaves an activity, for example `FullBackupMissing`. */
  readonly code: string;
  /** Server error numbers and ARM codes that mean this. */
  readonly matches: readonly (number | string)[];
  readonly meaning: string;
  readonly reaction: Reaction;
  readonly remedy: string;
  /** Documentation page or table the meaning comes from; "inferred" where it is ours. */
  readonly source: string;
}

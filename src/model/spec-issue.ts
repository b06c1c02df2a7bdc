/** What is wrong in a spec, and where: shared by those who find it and those who tell it. */

export type SpecPath = readonly (string | number)[];

export interface Position {
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
}

/** A mistake at a field, not yet at a line. */
export interface SpecIssue {
  readonly path: SpecPath;
  readonly message: string;
  readonly remedy?: string;
  /** Whether the key or the value of the field is to be pointed at. */
  readonly at?: 'key' | 'value';
}

/** What differs between the spec in force and another one, and what of it may. */

export interface RefusedField {
  /** As it is called in the spec files. */
  readonly field: string;
  readonly ruleId: string;
  /** One sentence. */
  readonly reason: string;
  readonly nextStep: string;
}

export interface SpecChange {
  /** Fields that differ and may, as they are called in the spec files. Names only: a value may be for few eyes. */
  readonly changed: readonly string[];
  readonly refused: readonly RefusedField[];
  /** What a person should know of a change that is allowed, one sentence each. */
  readonly warnings: readonly string[];
}

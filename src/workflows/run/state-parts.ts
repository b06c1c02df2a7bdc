import type { FailoverRecord } from './standing-messages';

/** Older failovers have workflows of their own, whose results hold all of it: a state stays small. */
export const withoutDetails = ({
  hooks: _hooks,
  checks: _checks,
  unliftedFences: _unliftedFences,
  ...record
}: FailoverRecord): FailoverRecord => record;

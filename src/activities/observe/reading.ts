import type { ObservedAt } from '../../model/observation';
import type { Clock } from '../../ports/clock';
import type { SqlCallOptions } from '../../ports/sql-server';

export const observedAt = (clock: Clock): ObservedAt => new Date(clock.now()).toISOString();

export const withSignal = (signal: AbortSignal | undefined): SqlCallOptions =>
  signal === undefined ? {} : { signal };

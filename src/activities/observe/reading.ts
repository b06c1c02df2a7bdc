import type { ObservedAt } from '../../model/observation';
import type { Clock } from '../../ports/clock';
import type { SqlCallOptions } from '../../ports/sql-server';

/** A server answered a query that always has a row with none. */
export class FactsMissing extends Error {
  override readonly name = 'FactsMissing';
  constructor(server: string, what: string) {
    super(`${server} sent no row with the ${what}`);
  }
}

export const observedAt = (clock: Clock): ObservedAt => new Date(clock.now()).toISOString();

export const withSignal = (signal: AbortSignal | undefined): SqlCallOptions =>
  signal === undefined ? {} : { signal };

/**
 * T-SQL and Azure requests as values. What a run will do is a list of these, made by pure builders; `plan` prints
 * their `display`, the run executes them and logs the same `display` (promise 4).
 */

import type { ArmRequest } from './arm-request';
import type { SiteId } from './run/site';

/** One T-SQL statement or batch. Only src/tsql makes these. */
export interface Statement {
  /** Stable name of the builder, for example `create-availability-group`. */
  readonly id: string;
  /** What is sent. May hold a secret: never log it, never put it in a history. */
  readonly text: string;
  /** What people see: secrets masked, values learnt during a run named (`<public key of ...>`, `<time>`). */
  readonly display: string;
  /** Database context the statement runs in. */
  readonly database: string;
}

/** A read. Parameters travel as RPC parameters, never as text. */
export interface Query<Row> {
  readonly id: string;
  readonly text: string;
  readonly database: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Turns one driver row into a typed row; throws on a shape that the server should not send. */
  readonly decode: (row: Readonly<Record<string, unknown>>) => Row;
}

/** One change to the world. */
export type Effect =
  | {
      readonly kind: 'tsql';
      /** Site whose SQL Server runs it. */
      readonly on: SiteId;
      /** Replica of the availability group, by its name in the inventory. Absent: the one that leads it. */
      readonly server?: string;
      readonly statement: Statement;
      readonly undo?: string;
      /** Longest time the statement may run, in milliseconds; one minute when absent. */
      readonly deadlineMs?: number;
    }
  | { readonly kind: 'arm'; readonly request: ArmRequest; readonly display: string; readonly undo?: string };

export const effectDisplay = (effect: Effect): string =>
  effect.kind === 'tsql' ? effect.statement.display : effect.display;

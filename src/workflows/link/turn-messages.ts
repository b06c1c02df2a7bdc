/** Messages between a failover that wants its turn and the workflow that gives the turns of an instance. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { TurnKey, TurnRequest, Turns } from '../../rules/link/failover-turns';

/** One workflow for each managed instance, whoever asks. Resource ids do not tell upper from lower case. */
export const turnsWorkflowId = (resourceId: string): string =>
  `sqlferry-failover-turns${resourceId.toLowerCase()}`;

export interface TurnsInput {
  /** Resource id of the managed instance. */
  readonly instance: string;
  /** Who made this workflow begin, so that its request cannot come too late. */
  readonly first?: TurnRequest;
  /** Begin a new history once it has this many events; the server's own suggestion counts as well. */
  readonly maxHistoryEvents?: number;
  /** Present after continue-as-new. */
  readonly state?: Turns;
}

export type TurnMessage =
  | { readonly kind: 'ask'; readonly request: TurnRequest }
  | { readonly kind: 'leave'; readonly key: TurnKey }
  | { readonly kind: 'go-ahead'; readonly request: TurnRequest };
export const turnSignal = defineSignal<[TurnMessage]>('turn');

/** `attempt`: of the request that is answered. One that was given back may be answered still. */
export type TurnNews =
  | { readonly kind: 'granted'; readonly attempt: number }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly place: string }
  /** Asks nothing: a workflow that is over cannot take it, and that is the answer. */
  | { readonly kind: 'are-you-there' };
export const turnNewsSignal = defineSignal<[TurnNews]>('turnNews');

export const turnsQuery = defineQuery<Turns>('turns');

/** Messages between a failover that wants a slot and the workflow that gives the slots of a resource, such as a managed instance. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { SlotKey, SlotRequest, Slots } from '../../rules/run/failover-slots';

/** One workflow for each resource, whoever asks. Resource ids do not tell upper from lower case. */
export const slotsWorkflowId = (resourceId: string): string =>
  `sqlferry-failover-slots${resourceId.toLowerCase()}`;

export interface SlotsInput {
  /** Resource id of what has them. */
  readonly resource: string;
  /** Who made this workflow begin, so that its request cannot come too late. */
  readonly first?: SlotRequest;
  /** Begin a new history once it has this many events; the server's own suggestion counts as well. */
  readonly maxHistoryEvents?: number;
  /** Present after continue-as-new. */
  readonly state?: Slots;
}

export type SlotMessage =
  | { readonly kind: 'ask'; readonly request: SlotRequest }
  | { readonly kind: 'leave'; readonly key: SlotKey }
  | { readonly kind: 'go-ahead'; readonly request: SlotRequest };
export const slotSignal = defineSignal<[SlotMessage]>('slot');

/** `attempt`: of the request that is answered. One that was given back may be answered still. */
export type SlotNews =
  | { readonly kind: 'granted'; readonly attempt: number }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly place: string }
  /** Asks nothing: a workflow that is over cannot take it, and that is the answer. */
  | { readonly kind: 'ping' };
export const slotNewsSignal = defineSignal<[SlotNews]>('slotNews');

export const slotsQuery = defineQuery<Slots>('slots');

/** What a hook is told, and what it answered. */

import type { HookPhase } from './hook-phases';
import type { SiteId } from './site';

export type FailoverKind = 'cutover' | 'planned-failover' | 'forced-failover' | 'repair';

/** One site as those know it who repoint applications. */
export interface HookParty {
  readonly side: SiteId;
  /** Name in the inventory. */
  readonly name: string;
  /** As the inventory gives it; null where only Azure knows it. */
  readonly host: string | null;
  readonly port: number;
}

/** Body of a web hook and standard input of a command. Fields are only ever added. */
export interface HookMessage {
  readonly version: 1;
  readonly source: 'sqlferry';
  /** Name of the migration. */
  readonly run: string;
  readonly workflowId: string;
  readonly database: string;
  readonly hook: string;
  readonly phase: HookPhase;
  readonly kind: FailoverKind;
  /** Who leads before; whenWithdrawn: who leads still. */
  readonly from: HookParty;
  readonly to: HookParty;
  /** The same for each repetition of the same call: a receiver acts once. */
  readonly idempotencyKey: string;
  /** When the run asked for the call, ISO 8601 UTC. */
  readonly time: string;
  /** Why, where somebody said why or the failover was withdrawn; null otherwise. */
  readonly reason: string | null;
  /** What is proved so far; null where nothing is. */
  readonly evidence: HookEvidence | null;
}

export interface HookEvidence {
  /** Equal on both sides behind the fence; null for a forced failover. */
  readonly lsn: string | null;
  readonly fencedAt: string | null;
  readonly firstWriteAt: string | null;
  /** Milliseconds without service. */
  readonly rtoMs: number | null;
}

/** How one hook went, for records and status. */
export interface HookRecord {
  readonly at: string;
  readonly phase: HookPhase;
  readonly hook: string;
  /** `refused`: it said no. `failed`: no usable answer came in time. */
  readonly outcome: 'passed' | 'refused' | 'failed';
  /** First line of the answer, or what kept it from coming. */
  readonly reason: string;
  readonly tries: number;
  readonly durationMs: number;
}

/** What came back from one call of a hook. Texts are one line, bounded, and free of the secrets that were sent. */
export type HookReply =
  | { readonly kind: 'http'; readonly status: number; readonly text: string }
  | { readonly kind: 'exit'; readonly code: number; readonly text: string }
  /** Nothing usable: not reached, cut off, out of time, ended by a signal. */
  | { readonly kind: 'no-answer'; readonly reason: string }
  /** This worker does not run it, whatever is tried. */
  | { readonly kind: 'not-allowed'; readonly reason: string };

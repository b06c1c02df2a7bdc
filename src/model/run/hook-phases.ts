/** The phases of hooks, without the schema of a spec: workflows load no zod. */
import type { Hook, Hooks } from './hooks';

/**
 * When a hook is called, in the order of a failover. `whenWithdrawn` gives back what an earlier one did, where the
 * failover did not happen.
 */
export const HOOK_PHASES = ['beforeFailover', 'whenFenced', 'afterFailover', 'whenWithdrawn'] as const;
export type HookPhase = (typeof HOOK_PHASES)[number];

/** Phases whose hooks may still stop a failover; behind the point of no return nothing does. */
export const MAY_VETO: readonly HookPhase[] = ['beforeFailover', 'whenFenced'];

/** Which hook of a spec. */
export interface HookAddress {
  readonly phase: HookPhase;
  /** Place in the list of its phase. */
  readonly index: number;
}

/** All hooks of a phase; a spec without the section has none. */
export const hooksOf = (spec: { readonly hooks?: Hooks | undefined }, phase: HookPhase): readonly Hook[] =>
  spec.hooks?.[phase] ?? [];

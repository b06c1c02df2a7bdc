/** What activities of any run take and give, as their callers see it: types alone. */
import type { JournalEffect } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';

/** What a step would do now, with the facts that undoing it needs. */
export interface ObservedStep {
  readonly before: unknown;
  /** Evidence that nothing is to be done; undefined otherwise. */
  readonly settled?: string;
  readonly planned: readonly JournalEffect[];
  /** Should the step fail, its facts are to be observed once more, for `undoStep`. */
  readonly asksAfter?: true;
  /** Settled, but for servers that do not answer; absent where there are none. */
  readonly unreached?: readonly PendingOnServer[];
}

/** A replica that answers again, with what opened the logins of the fence there; nothing when they were open. */
export interface LiftedFence {
  readonly server: string;
  readonly effects: readonly JournalEffect[];
}

export interface LinkHealth {
  readonly observedAt: string;
  readonly healthy: boolean;
  /** One sentence for people. */
  readonly summary: string;
  readonly lagSeconds: number | null;
  readonly logUsedPercent: number;
}

/** `lastSeen`: the newest look that knew a lag, when the link cannot be looked at any more. */
export interface HealthChanged {
  readonly kind: 'health-changed';
  readonly health: LinkHealth;
  readonly lastSeen?: LinkHealth;
}

export interface ReadinessEvidence {
  readonly observedAt: string;
  readonly summary: string;
}

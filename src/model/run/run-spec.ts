/** What the resolved spec of every run has, whatever its topology. */
import type { AfterFailover } from './after-failover-schema';
import type { Hooks } from './hooks';
import type { CutoverSettings, FailoverSettings, Polling } from './settings';

export interface RunSpec {
  /** The topology: it chooses the procedure. */
  readonly kind: string;
  readonly version: 1;
  readonly settings: RunSettings;
}

export interface RunSettings {
  /** Of the run, and of its workflows. */
  readonly name: string;
  readonly database: string;
  readonly polling: Polling;
  readonly failover: FailoverSettings;
  readonly cutover: CutoverSettings;
  readonly hooks?: Hooks | undefined;
  readonly afterFailover: AfterFailover;
}

/** The activities around a failover as workflows see them. All inputs and results are plain data, without secrets. */

import type { DatabaseProperties, FailoverCheck } from '../../model/run/failover-facts';
import type { HookMessage, HookRecord } from '../../model/run/hook-message';
import type { HookAddress } from '../../model/run/hook-phases';
import type { SiteId } from '../../model/run/site';
import type { SpecInput } from './api';

/** What the workflow knows for a message to a hook; the rest follows from the spec. */
export type HookOccasion = Pick<
  HookMessage,
  'workflowId' | 'kind' | 'idempotencyKey' | 'time' | 'reason' | 'evidence'
> & { readonly to: SiteId };

export interface HookInput extends SpecInput {
  readonly address: HookAddress;
  readonly occasion: HookOccasion;
}

export interface AfterFailoverInput extends SpecInput {
  /** Site that leads now. */
  readonly primary: SiteId;
  readonly before: DatabaseProperties | null;
  readonly firstWriteAt: string | null;
  /** False where the failover ended the replication. */
  readonly replicates: boolean;
}

export interface AroundFailoverActivities {
  /** Calls a hook until it answers or its time is over. A refusal is an answer, not a failure. */
  runHook(input: HookInput): Promise<HookRecord>;
  /**
   * The database as it is on the site that leads still: what is the same afterwards is compared with it.
   * @returns null where the topology compares nothing
   */
  readDatabaseProperties(input: SpecInput & { readonly on: SiteId }): Promise<DatabaseProperties | null>;
  /** A look at the new primary; changes nothing. */
  checkAfterFailover(input: AfterFailoverInput): Promise<readonly FailoverCheck[]>;
}

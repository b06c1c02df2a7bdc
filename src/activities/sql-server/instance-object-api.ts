/**
 * The activities around objects outside of the database, as workflows see them. Results hold no secrets, and of the
 * findings only the differences.
 */

import type { SiteId } from '../../model/run/site';
import type { ObjectsReport } from '../../model/sql-server/instance-objects';
import type { SqlServerSpec } from '../../model/sql-server/spec';

/** A spec as workflows have it: its sites are worked out where they are needed. */
type GivenSpec = Omit<SqlServerSpec, 'sites'>;

export interface ObjectsInputOf<Id extends SiteId = SiteId, Spec = GivenSpec> {
  readonly spec: Spec;
  /** Site that is the primary. */
  readonly primary: Id;
}

export interface ObjectsWatchInput<Id extends SiteId = SiteId, Spec = GivenSpec>
  extends ObjectsInputOf<Id, Spec> {
  /** `driftMark` of the differences that are known: any other is news. Empty: nothing is known. */
  readonly known: string;
  /** Time between looks, milliseconds. */
  readonly everyMs: number;
  /** True: the first look comes after `everyMs`. */
  readonly waitsFirst: boolean;
  /** Return after this long without news, milliseconds. */
  readonly checkpointAfterMs: number;
}

export interface ObjectSteps<Id extends SiteId = SiteId, Spec = GivenSpec> {
  /** Compares both sides; changes nothing. */
  compareInstanceObjects(input: ObjectsInputOf<Id, Spec>): Promise<ObjectsReport<Id>>;
}

/** Served on the task queue of the watches. */
export interface ObjectWatches<Id extends SiteId = SiteId, Spec = GivenSpec> {
  /** Waits until the differences are others than those that are known, or for the checkpoint. */
  watchInstanceObjects(input: ObjectsWatchInput<Id, Spec>): Promise<ObjectsReport<Id>>;
}

export interface InstanceObjectActivities<Id extends SiteId = SiteId, Spec = GivenSpec>
  extends ObjectSteps<Id, Spec>,
    ObjectWatches<Id, Spec> {}

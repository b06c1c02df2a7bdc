/**
 * The activities around objects outside of the database, as workflows see them. Results hold no secrets, and of the
 * findings only the differences.
 */
import type { ObjectsReport } from '../../model/sql-server/instance-objects';
import type { PrimaryInput } from '../link/api';

export interface ObjectsWatchInput extends PrimaryInput {
  /** `driftMark` of the differences that are known: any other is news. Empty: nothing is known. */
  readonly known: string;
  /** Time between looks, milliseconds. */
  readonly everyMs: number;
  /** True: the first look comes after `everyMs`. */
  readonly waitsFirst: boolean;
  /** Return after this long without news, milliseconds. */
  readonly checkpointAfterMs: number;
}

export interface ObjectSteps {
  /** Compares both sides; changes nothing. */
  compareInstanceObjects(input: PrimaryInput): Promise<ObjectsReport>;
}

/** Served on the task queue of the watches. */
export interface ObjectWatches {
  /** Waits until the differences are others than those that are known, or for the checkpoint. */
  watchInstanceObjects(input: ObjectsWatchInput): Promise<ObjectsReport>;
}

export interface InstanceObjectActivities extends ObjectSteps, ObjectWatches {}

/** What a run keeps of the objects outside of the database. */
import type { SiteId } from '../../model/run/site';
import type { ObjectFinding } from '../../model/sql-server/instance-objects';

export interface ObjectsState {
  /** Site from which they were copied. */
  readonly primary: SiteId;
  readonly observedAt: string;
  /** `driftFingerprint` of what was found. */
  readonly mark: string;
  /** All differences. */
  readonly count: number;
  /** The first ones, for people. */
  readonly drift: readonly ObjectFinding[];
}

/** Own state of a topology whose specs may name such objects. */
export interface WithObjects {
  /** As they were compared last. */
  instanceObjects?: ObjectsState;
}

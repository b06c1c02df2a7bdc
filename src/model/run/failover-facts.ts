/** What is known of a database around its failover. */
import type { SiteId } from './site';

/** As the catalog shows the database, on the side that was asked. */
export interface DatabaseProperties {
  readonly observedAt: string;
  readonly on: SiteId;
  /** Null when there is no such database. */
  readonly stateDesc: string | null;
  /** READ_WRITE or READ_ONLY. */
  readonly updateability: string | null;
  readonly compatibilityLevel: number | null;
  /** Login that owns the database; null when its SID belongs to no login. */
  readonly owner: string | null;
  /** Hexadecimal with 0x; the administrator has 0x01 everywhere, under names of its own. */
  readonly ownerSid: string | null;
  readonly isBrokerEnabled: boolean | null;
  /** Null before 2019. */
  readonly isAcceleratedDatabaseRecoveryOn: boolean | null;
}

/** A user of a database that logs in by its instance (authentication type INSTANCE), without a login of its SID. */
export interface OrphanedUser {
  readonly user: string;
  /** Login of the same name under another SID; null when there is none. */
  readonly login: string | null;
}

export interface DatabaseUser {
  readonly user: string;
  /** Hexadecimal with 0x. */
  readonly sid: string;
}

export interface LoginSid {
  readonly login: string;
  /** Hexadecimal with 0x. */
  readonly sid: string;
}

/** One member of the distributed group, and how it commits. */
export interface GroupMode {
  readonly on: SiteId;
  /** The site in sentences, behind "the". */
  readonly label: string;
  readonly member: string;
  readonly mode: string;
}

export interface AfterFailoverFacts {
  readonly now: DatabaseProperties;
  /** From before the failover; null when nobody could look. */
  readonly before: DatabaseProperties | null;
  readonly orphans: readonly OrphanedUser[];
  /** Null when nothing replicates any more: nothing is left that could be in the wrong mode. */
  readonly modes: readonly GroupMode[] | null;
  readonly firstWriteAt: string | null;
}

/** One finding of a look at a new primary. */
export interface FailoverCheck {
  /** Stable id, for example `after.orphaned-users`. */
  readonly id: string;
  readonly outcome: 'passed' | 'warning';
  readonly evidence: string;
  /** What mends it, with the exact statement where there is one. */
  readonly remedy?: string;
}

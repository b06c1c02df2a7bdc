/** What is known of both sides when their logins and jobs are compared. */
import type { DatabaseUser, SideObjects } from '../../model/sql-server/instance-objects';
import type { InstanceObjects } from '../../model/sql-server/instance-objects-spec';
import type { Platform } from '../../model/sql-server/spec';

/** Compared within one activity: of a password only this much leaves it. */
export type PasswordState =
  | 'same'
  | 'differs'
  | 'unreadable'
  /** The replicas of the primary side differ: nobody knows which password is right. */
  | 'disputed';

export interface ObjectsInput {
  readonly objects: InstanceObjects;
  /** Names of both sides in the inventory, for messages. */
  readonly names: { readonly primary: string; readonly other: string };
  /** What the other side is: a managed instance cannot have everything. */
  readonly otherPlatform: Platform;
  /** What the primary has is right. */
  readonly primary: SideObjects;
  readonly other: SideObjects;
  /** Users of the database on the primary. */
  readonly users: readonly DatabaseUser[];
  /** The database that fails over: nothing is copied before the other side has it. */
  readonly database: string;
  /** By SID, of the logins that both sides have; of the primary's others `unreadable` where its hash is hidden. */
  readonly passwords: ReadonlyMap<string, PasswordState>;
  /** Logins by which sqlferry itself connects, on either side. */
  readonly ownLogins: readonly string[];
  /** Logins of the fence: whether they are open is a matter of the role, not of copying. */
  readonly fencedLogins: readonly string[];
}

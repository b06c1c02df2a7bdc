/** What is known of both sides when their logins and jobs are compared. */
import type { DatabaseUser, SideObjects } from '../../model/sql-server/instance-objects';
import type { InstanceObjects } from '../../model/sql-server/instance-objects-spec';
import type { Side } from '../../model/statement';

/** Compared within one activity: of a password only this much leaves it. */
export type PasswordState =
  | 'same'
  | 'differs'
  | 'unreadable'
  /** The replicas of the primary side differ: nobody knows which password is right. */
  | 'disputed';

export interface ObjectsInput {
  readonly objects: InstanceObjects;
  /** Side that is the primary: what it has is right. */
  readonly primarySide: Side;
  /** Names of both sides in the inventory, for messages. */
  readonly names: Readonly<Record<Side, string>>;
  readonly primary: SideObjects;
  readonly other: SideObjects;
  /** Users of the database on the primary. */
  readonly users: readonly DatabaseUser[];
  /** The database of the link: nothing is copied before the other side has it. */
  readonly database: string;
  /** By SID, of the logins that both sides have; of the primary's others `unreadable` where its hash is hidden. */
  readonly passwords: ReadonlyMap<string, PasswordState>;
  /** Logins by which sqlferry itself connects, on either side. */
  readonly ownLogins: readonly string[];
  /** Logins of the fence: whether they are open is a matter of the role, not of copying. */
  readonly fencedLogins: readonly string[];
}

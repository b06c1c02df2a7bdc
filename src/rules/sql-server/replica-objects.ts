/**
 * Logins of an availability group with several replicas: each may lead tomorrow, so what one of them has differently
 * locks users out after the next local failover, or comes to the instance as if it were right.
 */
import type { Login, ObjectFinding, SideObjects } from '../../model/sql-server/instance-objects';
import { includesName, sameName } from '../names';
import { differences, selectLogins, settingsOf } from './login-plan';
import type { ObjectsInput, PasswordState } from './objects-input';

/** A replica beside the one that leads; `passwords` by SID, against those of the leader. */
export interface ReplicaObjects {
  readonly server: string;
  readonly objects: Pick<SideObjects, 'logins' | 'databases'>;
  readonly passwords: ReadonlyMap<string, PasswordState>;
}

/** A login of the leader that a replica has differently. */
export interface ReplicaDifference {
  readonly server: string;
  readonly name: string;
  readonly sid: string;
  /** Nobody can say which password is right. */
  readonly isDisputed: boolean;
  readonly what: readonly string[];
}

/** Of the SQL logins that are selected; `input.primary` is what the leader has. */
export function replicaDifferences(
  input: ObjectsInput,
  replicas: readonly ReplicaObjects[],
): readonly ReplicaDifference[] {
  const logins = selectLogins(input).logins.filter(({ kind }) => kind === 'sql');
  return replicas.flatMap((replica) =>
    logins.flatMap((login) => {
      const difference = compare(login, replica, input);
      return difference.what.length === 0 ? [] : [difference];
    }),
  );
}

function compare(
  login: Login,
  { server, objects, passwords }: ReplicaObjects,
  { fencedLogins }: ObjectsInput,
): ReplicaDifference {
  const { name, sid } = login;
  const found = { server, name, sid, isDisputed: false };
  const twin = objects.logins.find((candidate) => sameName(candidate.name, name));
  if (twin === undefined) return { ...found, what: ['there is no such login'] };
  if (twin.sid !== sid) return { ...found, what: ['another SID'] };
  const password = passwords.get(sid) ?? 'unreadable';
  // What the fence left on one replica is the fence's affair.
  const isDisabled = includesName(fencedLogins, name) ? twin.isDisabled : login.isDisabled;
  const wanted = { ...settingsOf(login), isDisabled };
  return {
    ...found,
    isDisputed: password !== 'same',
    what: [
      ...(password === 'differs' ? ['another password'] : []),
      ...(password === 'unreadable' ? ['its password hash cannot be read'] : []),
      ...differences(twin, wanted),
    ],
  };
}

/** Never mended by copying: nobody but a person knows which replica is right. */
export function replicaFindings(
  found: readonly ReplicaDifference[],
  leader: string,
): readonly ObjectFinding[] {
  return found.map(({ server, name, what }) => ({
    kind: 'login',
    name,
    state: 'cannot-be-copied',
    detail: `the replicas differ, ${server} from ${leader}, which leads: ${what.join(', ')}`,
    remedy: `make it the same on every replica, with its SID and its password hash; until then its password is not copied`,
    copyable: false,
  }));
}

/** A replica whose logins nobody could look at. */
export const silentReplica = (server: string): ObjectFinding => ({
  kind: 'login',
  name: server,
  state: 'remark',
  detail: `the replica ${server} does not answer: its logins are not compared, and nothing is copied to it`,
  remedy: 'compare again (sqlferry objects) when it answers',
  copyable: false,
});

import type { PendingOnServer } from '../../../model/run/pending-on-server';
import type { SiteId } from '../../../model/run/site';
import { sqlServerSite } from '../../../model/sql-server/spec';
import type { Effect, Query } from '../../../model/statement';
import { SqlServerFailure } from '../../../ports/failures';
import type { SqlServerPort } from '../../../ports/sql-server';
import { disableLogin, enableLogin } from '../../../tsql/logins';
import { readLogins, readSessions } from '../../../tsql/queries/logins';
import { terminateSessions } from '../../../tsql/sessions';
import { NeedsPerson } from '../../run/failures';
import { defineSqlServerStep, readAt, type SqlServerContext, type SqlServerStep } from '../context';

interface FencedServer {
  readonly logins: readonly {
    readonly name: string;
    readonly exists: boolean;
    readonly isDisabled: boolean;
  }[];
  readonly openSessions: number;
}

interface FenceState extends FencedServer {
  /**
   * Every replica of the availability group that answers, by its name in the inventory: the group may fail over behind
   * the fence, and logins belong to servers. Absent where there is one server; then the fields above say all.
   */
  readonly replicas?: readonly (FencedServer & { readonly server: string })[];
  /** Replicas that do not answer; absent where all do. */
  readonly silent?: readonly string[];
}

/** One server of the side, as the effects name it. */
type Door = FencedServer & { readonly server?: string };

const doorsOf = (state: FenceState): readonly Door[] => state.replicas ?? [state];

const onDoor = ({ server }: Door, on: SiteId) => ({ on, ...(server === undefined ? {} : { server }) });

/**
 * Keeps the applications out of one side, so that its log stands still. A database in an availability group cannot be
 * set read-only or single-user (error 1468): the logins are disabled and their sessions ended.
 */
export function fence(on: SiteId): SqlServerStep {
  return defineSqlServerStep<FenceState>({
    id: `${on}.fence`,
    observe: (context) => observeLogins(context, on),
    // The way back of a drill: the failover there lets the applications in on this side.
    assume: (facts, _context, before) =>
      before.includes(`${on}.admit-applications`) ? withLogins(facts, false) : facts,
    settled(state) {
      const { logins } = state;
      if (logins.length === 0) return 'no logins to disable: the operators keep the applications away';
      if (!doorsOf(state).every(isShut)) return undefined;
      return `${logins.map((login) => login.name).join(', ')} disabled, no open sessions of theirs`;
    },
    async effects(state, { spec }) {
      const { logins } = state;
      const missing = logins.filter((login) => !login.exists);
      if (missing.length > 0) {
        throw new NeedsPerson(
          'FenceLoginMissing',
          `${sqlServerSite(spec, on).name} has no login ${missing.map((login) => login.name).join(', ')}`,
          'create it there with the same SID, or correct cutover.fence.disableLogins in the migration',
        );
      }
      return doorsOf(state).flatMap((door) => shut(door, on));
    },
    async undo(before, now) {
      return doorsOf(now).flatMap((door) => {
        const open = openBefore(before, door.server);
        const disabledByUs = door.logins.filter(({ name, isDisabled }) => isDisabled && open.includes(name));
        return disabledByUs.map(({ name }) => ({
          kind: 'tsql' as const,
          ...onDoor(door, on),
          statement: enableLogin(name),
        }));
      });
    },
    // Whether the fence got there before it went silent, nobody can know.
    undoUnreached: (before, now) =>
      (now.silent ?? []).flatMap((server) => closedDoor(server, openBefore(before, server))),
  });
}

/**
 * Logins that were open on a server before the fence. One that did not answer then may have been fenced since: what was
 * open on the server that led was meant to be open there as well.
 */
function openBefore(before: FenceState, server: string | undefined): readonly string[] {
  const found = doorsOf(before).find((door) => door.server === server) ?? before;
  return found.logins.filter(({ exists, isDisabled }) => exists && !isDisabled).map(({ name }) => name);
}

const closedDoor = (server: string, logins: readonly string[]): readonly PendingOnServer[] =>
  logins.length === 0
    ? []
    : [{ server, logins, statement: logins.map((name) => enableLogin(name).display).join(' ') }];

const isShut = ({ logins, openSessions }: Door): boolean =>
  openSessions === 0 && logins.every((login) => !login.exists || login.isDisabled);

/** Nobody comes in any more; then those who are inside go. A login that a replica does not have needs no shutting. */
function shut(door: Door, on: SiteId): readonly Effect[] {
  const present = door.server === undefined ? door.logins : door.logins.filter(({ exists }) => exists);
  if (present.length === 0) return [];
  return [
    ...present
      .filter((login) => !login.isDisabled)
      .map((login) => ({
        kind: 'tsql' as const,
        ...onDoor(door, on),
        statement: disableLogin(login.name),
        undo: enableLogin(login.name).display,
      })),
    {
      kind: 'tsql',
      ...onDoor(door, on),
      statement: terminateSessions({ logins: present.map(({ name }) => name) }),
    },
  ];
}

/** Lets the applications in to the new primary; logins that are not there are the operator's to bring. */
export function admission(on: SiteId): SqlServerStep {
  return defineSqlServerStep<FenceState>({
    id: `${on}.admit-applications`,
    observe: (context) => observeLogins(context, on),
    assume(facts, { spec }, before) {
      if (before.includes(`${on}.fence`)) return withLogins(facts, true);
      return spec.settings.instanceObjects === undefined ? facts : withCopies(facts);
    },
    settled(state, { spec }) {
      const { logins } = state;
      const closed = doorsOf(state).flatMap((door) =>
        door.logins.filter((login) => login.exists && login.isDisabled),
      );
      if (closed.length > 0) return undefined;
      const names = logins.filter((login) => login.exists).map((login) => login.name);
      if (names.length === 0) return `no application logins on ${sqlServerSite(spec, on).name}`;
      const admitted = `${names.join(', ')} may log in to ${sqlServerSite(spec, on).name}`;
      const { silent = [] } = state;
      return silent.length === 0 ? admitted : `${admitted}; no answer from ${silent.join(', ')}`;
    },
    unreached: ({ logins, silent = [] }) => {
      const wanted = logins.filter(({ exists }) => exists).map(({ name }) => name);
      return silent.flatMap((server) => closedDoor(server, wanted));
    },
    effects: async (state) =>
      doorsOf(state).flatMap((door) =>
        door.logins
          .filter((login) => login.exists && login.isDisabled)
          .map((login) => ({
            kind: 'tsql' as const,
            ...onDoor(door, on),
            statement: enableLogin(login.name),
          })),
      ),
  });
}

/** Copied logins of the fence are born disabled. */
const withCopies = (facts: FenceState): FenceState =>
  everywhere(facts, (login) => (login.exists ? login : { ...login, exists: true, isDisabled: true }));

const withLogins = (facts: FenceState, isDisabled: boolean): FenceState =>
  everywhere(facts, (login) => ({ ...login, isDisabled }));

type FencedLogin = FencedServer['logins'][number];

function everywhere(facts: FenceState, change: (login: FencedLogin) => FencedLogin): FenceState {
  const changed = { ...facts, logins: facts.logins.map(change) };
  if (facts.replicas === undefined) return changed;
  return {
    ...changed,
    replicas: facts.replicas.map((replica) => ({ ...replica, logins: replica.logins.map(change) })),
  };
}

async function observeLogins(context: SqlServerContext, on: SiteId): Promise<FenceState> {
  const { disableLogins } = context.spec.settings.cutover.fence;
  if (disableLogins.length === 0) return { logins: [], openSessions: 0 };
  const leader = await observeDoor((query) => readAt(context, on, query), disableLogins);
  const { group } = context.ports;
  // The replicas of a managed instance are its own affair.
  if (sqlServerSite(context.spec, on).platform === 'managed-instance' || group === undefined) return leader;
  const members = [...group.members];
  const looks = await Promise.all(
    members.map(([server, port]) => observeReplica(context, server, port, disableLogins)),
  );
  const silent = members.flatMap(([server], index) => (looks[index] === undefined ? [server] : []));
  return {
    ...leader,
    replicas: looks.filter((look) => look !== undefined),
    ...(silent.length === 0 ? {} : { silent }),
  };
}

/** @returns undefined when the replica cannot be reached: no application reaches it either, and it cannot lead */
async function observeReplica(
  { signal }: SqlServerContext,
  server: string,
  port: SqlServerPort,
  names: readonly string[],
): Promise<(FencedServer & { readonly server: string }) | undefined> {
  try {
    return { server, ...(await observeDoor((query) => port.query(query, { signal }), names)) };
  } catch (error) {
    if (error instanceof SqlServerFailure && error.transport !== undefined && !signal.aborted)
      return undefined;
    throw error;
  }
}

async function observeDoor(
  read: <Row>(query: Query<Row>) => Promise<readonly Row[]>,
  names: readonly string[],
): Promise<FencedServer> {
  const [logins, sessions] = await Promise.all([
    read(readLogins(names)),
    read(readSessions({ logins: names })),
  ]);
  const byName = new Map(logins.map((login) => [login.name.toLowerCase(), login]));
  return {
    logins: names.map((name) => {
      const login = byName.get(name.toLowerCase());
      return { name, exists: login !== undefined, isDisabled: login?.isDisabled ?? false };
    }),
    openSessions: sessions.length,
  };
}

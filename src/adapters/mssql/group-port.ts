/** A SQL Server side that is an availability group with several replicas: whoever leads the group answers. */
import type { Query, Statement } from '../../model/statement';
import type { Clock } from '../../ports/clock';
import { SqlServerFailure } from '../../ports/failures';
import type { SqlCallOptions, SqlServerPort } from '../../ports/sql-server';
import type { GroupPorts } from '../../ports/sql-server-ports';
import { readGroupRole } from '../../tsql/queries/availability-groups';

/** A read may go to the server that led the group so long ago; a change never does. */
const LEADER_KNOWN_FOR_MS = 2_000;
/** A replica that does not tell its role within this is not waited for. */
const ROLE_DEADLINE_MS = 15_000;

export interface GroupPort extends SqlServerPort {
  readonly group: GroupPorts;
}

/**
 * @param group name of the availability group on the SQL Servers
 * @param members its replicas by their names in the inventory; the first one answers while no server has the group
 * @throws SqlServerFailure `unreachable` from every call, while no replica says that it is the primary
 */
export function createGroupPort(
  group: string,
  members: ReadonlyMap<string, SqlServerPort>,
  clock: Pick<Clock, 'now'>,
): GroupPort {
  return new LeaderPort(group, members, clock);
}

class LeaderPort implements GroupPort {
  readonly group: GroupPorts;
  private leader: { readonly name: string; readonly at: number } | undefined;
  /** Reads that begin together ask for the leader once. */
  private locating: Promise<SqlServerPort> | undefined;

  constructor(
    private readonly groupName: string,
    private readonly members: ReadonlyMap<string, SqlServerPort>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {
    this.group = { members, leader: () => this.leader?.name };
  }

  get name(): string {
    return this.leader?.name ?? [...this.members.keys()][0] ?? this.groupName;
  }

  async query<Row>(query: Query<Row>, options?: SqlCallOptions): Promise<readonly Row[]> {
    this.locating ??= this.locate(LEADER_KNOWN_FOR_MS, undefined).finally(() => {
      this.locating = undefined;
    });
    const port = await this.locating;
    options?.signal?.throwIfAborted();
    return this.forgetting(() => port.query(query, options));
  }

  async execute(statement: Statement, options?: SqlCallOptions): Promise<void> {
    const port = await this.locate(0, options?.signal);
    await this.forgetting(() => port.execute(statement, options));
  }

  /** After a failure the leader is asked for again: the group may have failed over. */
  private async forgetting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.leader !== undefined) this.leader = { ...this.leader, at: Number.NEGATIVE_INFINITY };
      throw error;
    }
  }

  private async locate(maxAgeMs: number, signal: AbortSignal | undefined): Promise<SqlServerPort> {
    const { leader } = this;
    const known = leader === undefined ? undefined : this.members.get(leader.name);
    if (leader !== undefined && known !== undefined) {
      if (this.clock.now() - leader.at < maxAgeMs) return known;
      const answer = await this.ask(leader.name, known, signal);
      if (answer.role === 'PRIMARY') return this.remember(leader.name, known);
    }
    return this.search(signal);
  }

  private async search(signal: AbortSignal | undefined): Promise<SqlServerPort> {
    const asked = [...this.members].map(async ([name, port]) => ({
      port,
      ...(await this.ask(name, port, signal)),
    }));
    const first = await firstThat(asked, ({ role }) => role === 'PRIMARY');
    if (first !== undefined) return this.remember(first.name, first.port);
    signal?.throwIfAborted();
    const answers = await Promise.all(asked);
    const [named] = answers;
    // There is no such group anywhere: what is asked is asked of the server that the migration names.
    if (named !== undefined && answers.every(({ role }) => role === 'NO SUCH GROUP')) return named.port;
    const roles = answers.map(({ name, role }) => `${name}: ${role}`).join(', ');
    throw new SqlServerFailure(
      this.name,
      'connect',
      [],
      'unreachable',
      `no replica leads the availability group ${this.groupName} now (${roles})`,
    );
  }

  private async ask(name: string, port: SqlServerPort, signal: AbortSignal | undefined) {
    try {
      const options = { deadlineMs: ROLE_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
      const [row] = await port.query(readGroupRole(this.groupName), options);
      return { name, role: row === undefined ? 'NO SUCH GROUP' : (row.roleDesc ?? 'RESOLVING') };
    } catch (error) {
      if (!(error instanceof SqlServerFailure)) throw error;
      return { name, role: `no answer (${error.message})` };
    }
  }

  private remember(name: string, port: SqlServerPort): SqlServerPort {
    this.leader = { name, at: this.clock.now() };
    return port;
  }
}

/** The first answer of that kind, without waiting for those that come later; undefined when there is none. */
function firstThat<T>(answers: readonly Promise<T>[], fits: (answer: T) => boolean): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    for (const answer of answers) {
      answer.then((value) => {
        if (fits(value)) resolve(value);
      }, reject);
    }
    Promise.all(answers).then(() => resolve(undefined), reject);
  });
}

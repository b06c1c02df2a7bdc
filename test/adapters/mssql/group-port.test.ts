/** Whoever leads the group answers, and nobody else changes anything. */
import { createGroupPort } from '../../../src/adapters/mssql/group-port';
import type { Query, Statement } from '../../../src/model/statement';
import { SqlServerFailure } from '../../../src/ports/failures';
import type { SqlServerPort } from '../../../src/ports/sql-server';
import { dropAvailabilityGroup } from '../../../src/tsql/link/availability-groups';
import { readTraceFlags } from '../../../src/tsql/queries/server';

/** Role in the group; `none`: no replica of it; `down`: no answer; `silent`: never an answer. */
type Role = 'PRIMARY' | 'SECONDARY' | 'none' | 'down' | 'silent';

class Server implements SqlServerPort {
  readonly executed: string[] = [];
  asked = 0;
  reads = 0;

  constructor(
    readonly name: string,
    public role: Role,
  ) {}

  async query<Row>(query: Query<Row>): Promise<readonly Row[]> {
    if (this.role === 'down') throw this.failure();
    if (this.role === 'silent') return new Promise(() => undefined);
    if (query.id !== 'read-group-role') {
      this.reads += 1;
      return [];
    }
    this.asked += 1;
    return this.role === 'none' ? [] : [query.decode({ role_desc: this.role })];
  }

  async execute(statement: Statement): Promise<void> {
    if (this.role === 'down') throw this.failure();
    this.executed.push(statement.id);
  }

  private failure(): SqlServerFailure {
    return new SqlServerFailure(this.name, 'connect', [], 'unreachable', `${this.name} is down`);
  }
}

function group(...roles: readonly Role[]) {
  const servers = roles.map((role, index) => new Server(`sql${index + 1}`, role));
  const clock = { time: 0, now: () => clock.time };
  const port = createGroupPort('AG', new Map(servers.map((server) => [server.name, server])), clock);
  return { servers, clock, port };
}

const change = dropAvailabilityGroup('x');

test('a change goes to the leader, and follows it without being told', async () => {
  const { servers, port } = group('SECONDARY', 'PRIMARY');
  await port.execute(change);
  expect(servers.map(({ executed }) => executed.length)).toEqual([0, 1]);
  expect([port.name, port.group.leader()]).toEqual(['sql2', 'sql2']);
  for (const server of servers) server.role = server.role === 'PRIMARY' ? 'SECONDARY' : 'PRIMARY';
  await port.execute(change);
  expect(servers.map(({ executed }) => executed.length)).toEqual([1, 1]);
  expect(port.group.leader()).toBe('sql1');
});

test('reads in a row ask for the role once, until it is old', async () => {
  const { servers, clock, port } = group('PRIMARY', 'SECONDARY');
  for (let read = 0; read < 5; read += 1) await port.query(readTraceFlags());
  expect(servers.map(({ asked, reads }) => [asked, reads])).toEqual([
    [1, 5],
    [1, 0],
  ]);
  clock.time = 60_000;
  await port.query(readTraceFlags());
  expect(servers[0]?.asked).toBe(2);
});

test('a server that died is left at once, and one that never answers is not waited for', async () => {
  const { servers, port } = group('PRIMARY', 'SECONDARY', 'silent');
  await port.query(readTraceFlags());
  const [first, second] = servers;
  if (first === undefined || second === undefined) throw new Error('fixture');
  first.role = 'down';
  // The reader learns of the failure; the next read finds the new leader.
  await expect(port.query(readTraceFlags())).rejects.toThrow('sql1 is down');
  second.role = 'PRIMARY';
  await port.query(readTraceFlags());
  expect(port.group.leader()).toBe('sql2');
});

test('without a leader nothing is done, and the roles are told', async () => {
  const { servers, port } = group('SECONDARY', 'down');
  await expect(port.execute(change)).rejects.toMatchObject({
    transport: 'unreachable',
    message: expect.stringMatching(/no replica leads .* AG now \(sql1: SECONDARY, sql2: no answer/),
  });
  expect(servers.flatMap(({ executed }) => executed)).toEqual([]);
});

test('while there is no such group, the server that the migration names answers', async () => {
  const { servers, port } = group('none', 'none');
  await port.query(readTraceFlags());
  expect(servers.map(({ reads }) => reads)).toEqual([1, 0]);
  expect(port.group.leader()).toBeUndefined();
});

test('a group that one server has, without leading it, is no missing group', async () => {
  const { port } = group('none', 'SECONDARY');
  await expect(port.query(readTraceFlags())).rejects.toThrow('sql1: NO SUCH GROUP, sql2: SECONDARY');
});

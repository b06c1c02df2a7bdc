/** Servers that tell cases apart: the estate has none, so their answers are made here. */
import { atSites } from '../../../src/activities/link/context';
import { compareObjects } from '../../../src/activities/sql-server/instance-objects';
import { systemClock } from '../../../src/adapters/clock';
import { driftOf } from '../../../src/model/sql-server/instance-objects';
import type { Query } from '../../../src/model/statement';
import type { LinkPorts } from '../../../src/ports/link-ports';
import { linkSpecWith } from '../../support/link-spec';

interface FakeLogin {
  readonly name: string;
  readonly sid: string;
  readonly hash: string;
}

const login = ({ name, sid }: FakeLogin) => ({
  name,
  sid,
  type: 'S',
  is_disabled: false,
  default_database_name: 'master',
  default_language_name: null,
  is_policy_checked: true,
  is_expiration_checked: false,
});

const connect = ({ name }: FakeLogin) => ({
  grantee: name,
  permission_name: 'CONNECT SQL',
  state: 'G',
  grantor: null,
});

function portOf(logins: readonly FakeLogin[], others: Readonly<Record<string, readonly object[]>> = {}) {
  const answers: Readonly<Record<string, readonly object[]>> = {
    'read-instance-logins': logins.map(login),
    'read-server-permissions': logins.map(connect),
    'read-database-users': logins.map(({ name, sid }) => ({ name, sid })),
    ...others,
  };
  const hashes = (parameters: readonly unknown[]) =>
    logins
      .filter(({ name, sid }) => parameters.some((asked) => asked === sid || asked === name))
      .map(({ name, sid, hash }) => ({ name, sid, password_hash: hash }));
  return {
    name: 'fake',
    async query<Row>(query: Query<Row>): Promise<readonly Row[]> {
      const rows =
        query.id === 'read-password-hashes'
          ? hashes(Object.values(query.parameters))
          : (answers[query.id] ?? []);
      return rows.map((row) => query.decode(row as Readonly<Record<string, unknown>>));
    },
  };
}

const findings = async (server: ReturnType<typeof portOf>, instance: ReturnType<typeof portOf>) => {
  const ports = { server, instance, sites: { server, instance } } as unknown as LinkPorts;
  const spec = linkSpecWith('instanceObjects: {}\n');
  const { signal } = new AbortController();
  return driftOf(await compareObjects(atSites({ ports, spec, clock: systemClock, signal }), 'server')).map(
    ({ name, detail }) => `${name}: ${detail}`,
  );
};

const UPPER = { name: 'App', sid: '0xA1', hash: '0x01' };
const LOWER = { name: 'app', sid: '0xB2', hash: '0x02' };

test('two logins of one name have a password each', async () => {
  expect(await findings(portOf([UPPER, LOWER]), portOf([UPPER, LOWER]))).toEqual([]);
  // With the password of the other one.
  expect(await findings(portOf([UPPER, LOWER]), portOf([{ ...UPPER, hash: '0x02' }, LOWER]))).toEqual([
    expect.stringMatching(/^App: .*password$/),
  ]);
});

test('and roles and permissions of their own', async () => {
  const given = {
    'read-server-role-members': [{ role_name: 'dbcreator', member_name: 'app' }],
    'read-server-permissions': [
      connect(UPPER),
      connect(LOWER),
      { ...connect(LOWER), permission_name: 'ALTER TRACE' },
    ],
  };
  expect(await findings(portOf([UPPER, LOWER], given), portOf([UPPER, LOWER]))).toEqual([
    expect.stringMatching(/^app: .*server roles, server permissions$/),
  ]);
});

import type { AfterFailoverFacts, DatabaseProperties } from '../../../src/model/run/failover-facts';
import { afterFailoverChecks, type Repairs } from '../../../src/rules/sql-server/after-failover';
import { orphanedUsers } from '../../../src/rules/sql-server/orphaned-users';

const REPAIRS: Repairs = {
  user: ({ user, login }) => `MAP ${user} ${login}`,
  compatibilityLevel: (level) => `LEVEL ${level}`,
  owner: (login) => `OWNER ${login}`,
  broker: 'BROKER',
  asynchronous: (members) => `ASYNC ${members.join(' ')}`,
};

const NOW: DatabaseProperties = {
  observedAt: '2026-11-01T00:00:00.000Z',
  on: 'instance',
  stateDesc: 'ONLINE',
  updateability: 'READ_WRITE',
  compatibilityLevel: 160,
  owner: 'sa',
  ownerSid: '0x01',
  isBrokerEnabled: false,
  isAcceleratedDatabaseRecoveryOn: true,
};

const GOOD: AfterFailoverFacts = {
  now: NOW,
  before: { ...NOW, on: 'server' },
  orphans: [],
  modes: [
    { on: 'server', label: 'SQL Server', member: 'AG', mode: 'ASYNCHRONOUS_COMMIT' },
    { on: 'server', label: 'SQL Server', member: 'AG_MI', mode: 'ASYNCHRONOUS_COMMIT' },
  ],
  firstWriteAt: '2026-11-01T00:00:00.000Z',
};

const found = (facts: Partial<AfterFailoverFacts>) =>
  afterFailoverChecks({ ...GOOD, ...facts }, REPAIRS).filter(({ outcome }) => outcome === 'warning');

test('all as before: nothing is found, and what was looked at is named', () => {
  const checks = afterFailoverChecks(GOOD, REPAIRS);
  expect(checks.map(({ id, outcome }) => [id, outcome])).toEqual(
    [
      'first-write',
      'state',
      'orphaned-users',
      'compatibility-level',
      'owner',
      'service-broker',
      'accelerated-recovery',
      'commit-mode',
    ].map((id) => [`after.${id}`, 'passed']),
  );
});

test.each<[string, Partial<AfterFailoverFacts>, string, string]>([
  ['read-only', { now: { ...NOW, updateability: 'READ_ONLY' } }, 'after.state', 'sp_readerrorlog'],
  ['absent', { now: { ...NOW, stateDesc: null } }, 'after.state', 'sp_readerrorlog'],
  ['another level', { now: { ...NOW, compatibilityLevel: 150 } }, 'after.compatibility-level', 'LEVEL 160'],
  ['no owner', { now: { ...NOW, owner: null } }, 'after.owner', 'OWNER sa'],
  ['another owner', { now: { ...NOW, owner: 'ann', ownerSid: '0x77' } }, 'after.owner', 'OWNER sa'],
  ['broker lost', { before: { ...NOW, isBrokerEnabled: true } }, 'after.service-broker', 'BROKER'],
  [
    'recovery switched',
    { before: { ...NOW, isAcceleratedDatabaseRecoveryOn: false } },
    'after.accelerated-recovery',
    'look whether',
  ],
  [
    'one side still synchronous',
    {
      modes: [
        ...(GOOD.modes ?? []),
        { on: 'instance', label: 'instance', member: 'AG', mode: 'SYNCHRONOUS_COMMIT' },
      ],
    },
    'after.commit-mode',
    'ASYNC AG AG_MI',
  ],
  [
    'an orphan with a login of its name',
    { orphans: [{ user: 'app', login: 'app' }] },
    'after.orphaned-users',
    'MAP app app',
  ],
  [
    'an orphan without one',
    { orphans: [{ user: 'app', login: null }] },
    'after.orphaned-users',
    'create it with the SID of the user',
  ],
  ['no write known', { firstWriteAt: null }, 'after.first-write', 'write'],
])('%s', (_name, facts, id, remedy) => {
  expect(found(facts)).toEqual([
    expect.objectContaining({ id, remedy: expect.stringContaining(remedy), evidence: expect.any(String) }),
  ]);
});

test('the administrator owns it on both sides, under another name', () => {
  expect(found({ now: { ...NOW, owner: 'ferryadmin' } })).toEqual([]);
});

test('what nobody saw before is not held against the new primary', () => {
  expect(found({ before: null })).toEqual([]);
  expect(found({ before: null, modes: null }).length).toBe(0);
});

describe('orphaned users', () => {
  test('found by SID, however it is written; the login of the same name is named, exact spelling first', () => {
    const users = [
      { user: 'kept', sid: '0xAB' },
      { user: 'Ann', sid: '0x01' },
      { user: 'bob', sid: '0x02' },
      { user: 'gone', sid: '0x03' },
    ];
    const logins = [
      { login: 'other', sid: '0xab' },
      { login: 'ann', sid: '0x11' },
      { login: 'Ann', sid: '0x12' },
      { login: 'BOB', sid: '0x13' },
    ];
    expect(orphanedUsers(users, logins)).toEqual([
      { user: 'Ann', login: 'Ann' },
      { user: 'bob', login: 'BOB' },
      { user: 'gone', login: null },
    ]);
  });
});

/** Which objects outside of the database belong on the other side, and what cannot be brought there. */
import {
  driftFingerprint,
  driftOf,
  type Job,
  type Login,
  type SideObjects,
} from '../../../src/model/sql-server/instance-objects';
import { instanceObjectsSchema } from '../../../src/model/sql-server/instance-objects-spec';
import { findObjects } from '../../../src/rules/sql-server/instance-objects';
import { jobDifferences } from '../../../src/rules/sql-server/job-comparison';
import { planLogins } from '../../../src/rules/sql-server/login-plan';
import { gateText, OBJECTS_GATE, objectsGate } from '../../../src/rules/sql-server/objects-gate';
import type { ObjectsInput, PasswordState } from '../../../src/rules/sql-server/objects-input';

const NONE = { primary: [], other: [] } as const;
const SID = 'A1'.repeat(16);
const OTHER_SID = 'B2'.repeat(16);

const login = (change: Partial<Login> = {}): Login => ({
  name: 'app',
  sid: SID,
  kind: 'sql',
  isDisabled: false,
  defaultDatabase: 'Sales',
  defaultLanguage: 'us_english',
  isPolicyChecked: true,
  isExpirationChecked: false,
  connect: 'granted',
  roles: [],
  permissions: [],
  ...change,
});

const role = (name: string, roles: readonly string[] = []) => ({ name, roles, permissions: [] });
const TRACE = { name: 'ALTER TRACE', state: 'GRANT' } as const;

const job = (change: Partial<Job> = {}): Job => ({
  name: 'totals',
  isEnabled: true,
  description: '',
  category: 'Totals',
  owner: 'sa',
  isOwnedBySa: change.owner === undefined,
  startStep: 1,
  notifyEventLog: 0,
  deleteLevel: 0,
  notifiesOperator: false,
  hasTarget: true,
  steps: [step()],
  schedules: [],
  ...change,
});

const step = (change: Partial<Job['steps'][number]> = {}): Job['steps'][number] => ({
  id: 1,
  name: 'add',
  subsystem: 'TSQL',
  command: 'SELECT 1',
  additionalParameters: null,
  flags: 0,
  successCode: 0,
  onSuccessAction: 1,
  onSuccessStep: 0,
  onFailAction: 2,
  onFailStep: 0,
  database: 'Sales',
  databaseUser: null,
  retryAttempts: 0,
  retryInterval: 0,
  priority: 0,
  outputFile: null,
  usesProxy: false,
  ...change,
});

const side = (change: Partial<SideObjects> = {}): SideObjects => ({
  logins: [],
  roles: [],
  databases: ['master', 'Sales'],
  jobs: [],
  jobCategories: [],
  ...change,
});

interface Case {
  readonly primary?: Partial<SideObjects>;
  readonly other?: Partial<SideObjects>;
  readonly section?: unknown;
  readonly passwords?: Readonly<Record<string, PasswordState>>;
  readonly fenced?: readonly string[];
  readonly own?: readonly string[];
  readonly from?: 'server' | 'instance';
  readonly users?: readonly string[];
  /** SID of the owner of the database. */
  readonly ownedBy?: string;
}

const ENDS = {
  server: { names: { primary: 'sql1', other: 'mi-west' }, otherPlatform: 'managed-instance' },
  instance: { names: { primary: 'mi-west', other: 'sql1' }, otherPlatform: 'sql-server' },
} as const;

function input(given: Case): ObjectsInput {
  const primary = side(given.primary);
  const readable = primary.logins.map(({ sid }) => [sid, 'same'] as const);
  return {
    objects: instanceObjectsSchema.parse(given.section ?? {}),
    ...ENDS[given.from ?? 'server'],
    primary,
    other: side(given.other),
    users: (given.users ?? primary.logins.map(({ sid }) => sid)).map((sid) =>
      given.ownedBy === sid
        ? { name: 'dbo', sid }
        : {
            name: `user of ${sid}`,
            sid,
          },
    ),
    database: 'Sales',
    passwords: new Map<string, PasswordState>([...readable, ...Object.entries(given.passwords ?? {})]),
    ownLogins: given.own ?? ['ferry'],
    fencedLogins: given.fenced ?? [],
  };
}

const found = (given: Case): string[] =>
  findObjects(input(given), NONE).map(({ name, state, detail }) =>
    `${name} ${state}: ${detail}`.replace(/: $/, ''),
  );

describe('logins', () => {
  const cases: readonly (readonly [string, Case, readonly string[]])[] = [
    ['missing', { primary: { logins: [login()] } }, ['app missing: mi-west has no such login']],
    ['the same', { primary: { logins: [login()] }, other: { logins: [login()] } }, ['app same']],
    [
      'named alike in another case',
      { primary: { logins: [login()] }, other: { logins: [login({ name: 'APP' })] } },
      ['app same'],
    ],
    [
      'the same name with another SID',
      { primary: { logins: [login()] }, other: { logins: [login({ sid: OTHER_SID })] } },
      [
        'app cannot-be-copied: mi-west has a login of this name with another SID, so its user in the database would be an orphan',
      ],
    ],
    [
      'the SID under another name',
      { primary: { logins: [login()] }, other: { logins: [login({ name: 'old_app' })] } },
      ['app cannot-be-copied: its SID belongs to the login old_app on mi-west'],
    ],
    [
      'another password',
      { primary: { logins: [login()] }, other: { logins: [login()] }, passwords: { [SID]: 'differs' } },
      ['app differs: on mi-west: password'],
    ],
    [
      'a hash that cannot be read',
      { primary: { logins: [login()] }, passwords: { [SID]: 'unreadable' } },
      ['app cannot-be-copied: its password hash cannot be read or compared'],
    ],
    [
      'settings',
      {
        primary: { logins: [login({ isDisabled: true, connect: 'denied', roles: ['dbcreator'] })] },
        other: { logins: [login({ permissions: [{ name: 'VIEW SERVER STATE', state: 'GRANT' }] })] },
      },
      ['app differs: on mi-west: is to be disabled, CONNECT SQL, server roles, server permissions'],
    ],
    [
      'roles and permissions in another order',
      {
        primary: { logins: [login({ roles: ['a', 'B'] })] },
        other: { logins: [login({ roles: ['b', 'A'] })] },
      },
      ['app same'],
    ],
    [
      'Windows and Entra to an instance',
      {
        primary: {
          logins: [
            login({ name: 'DOMAIN\\ann', kind: 'windows-user' }),
            login({ name: 'DOMAIN\\staff', kind: 'windows-group', sid: OTHER_SID }),
            login({ name: 'ann@example.com', kind: 'external', sid: 'C3' }),
            login({ name: 'signed', kind: 'other', sid: 'D4' }),
          ],
        },
      },
      [
        'DOMAIN\\ann cannot-be-copied: a managed instance has no logins of Windows',
        'DOMAIN\\staff cannot-be-copied: a managed instance has no logins of Windows',
        'ann@example.com cannot-be-copied: a login of Microsoft Entra is not made from a copy',
        'signed cannot-be-copied: it is mapped to a certificate or a key',
      ],
    ],
    [
      'an Entra login that stands on both sides',
      {
        primary: { logins: [login({ kind: 'external' })] },
        other: { logins: [login({ kind: 'external' })] },
      },
      ['app same'],
    ],
    [
      'of the system, of sqlferry, and excluded: not looked at',
      {
        section: { logins: { exclude: ['legacy'], include: ['NT AUTHORITY\\SYSTEM', 'ferry', 'sa'] } },
        primary: {
          logins: [
            login({ name: 'sa', sid: '01' }),
            login({ name: '##MS_PolicyTsqlExecutionLogin##' }),
            login({ name: 'NT AUTHORITY\\SYSTEM', kind: 'windows-user' }),
            login({ name: 'NT SERVICE\\SQLSERVERAGENT', kind: 'windows-user' }),
            login({ name: 'Ferry' }),
            login({ name: 'LEGACY' }),
          ],
        },
      },
      [],
    ],
    [
      'by name, and only by name',
      {
        section: { logins: { ofDatabase: false, include: ['batch', 'nobody'] } },
        primary: { logins: [login(), login({ name: 'batch', sid: OTHER_SID })] },
      },
      ['batch missing: mi-west has no such login', 'nobody cannot-be-copied: sql1 has no login of this name'],
    ],
    [
      'an orphan of the primary',
      { primary: {}, users: [OTHER_SID] },
      [`user of ${OTHER_SID} remark: a user of the database without a login on sql1 (an orphan)`],
    ],
    [
      'the owner of the database, of Windows: holds nothing',
      { ownedBy: SID, primary: { logins: [login({ name: 'D\\ann', kind: 'windows-user' })] } },
      ['D\\ann remark: it owns the database, and mi-west does not know it'],
    ],
    [
      'the owner of the database, of SQL',
      { ownedBy: SID, primary: { logins: [login()] } },
      ['app missing: mi-west has no such login'],
    ],
    [
      'a user-defined role comes with its login',
      {
        primary: {
          logins: [login({ roles: ['watchers'] })],
          roles: [
            { name: 'watchers', permissions: [{ name: 'VIEW ANY DEFINITION', state: 'GRANT' }], roles: [] },
            { name: 'unused', permissions: [], roles: ['sysadmin'] },
          ],
        },
      },
      ['app missing: mi-west has no such login', 'watchers missing: mi-west has no server role of this name'],
    ],
    [
      'a role with other permissions',
      {
        primary: {
          logins: [login({ roles: ['watchers'] })],
          roles: [
            { name: 'watchers', permissions: [{ name: 'VIEW ANY DEFINITION', state: 'GRANT' }], roles: [] },
          ],
        },
        other: {
          logins: [login({ roles: ['watchers'] })],
          roles: [{ name: 'watchers', permissions: [], roles: [] }],
        },
      },
      ['app same', 'watchers differs: on mi-west: permissions of the server role'],
    ],
    [
      'a role that is a member of others, on one side',
      {
        primary: {
          logins: [login({ roles: ['watchers'] })],
          roles: [role('watchers', ['OUTER', 'dbcreator'])],
        },
        other: { logins: [login({ roles: ['watchers'] })], roles: [role('WATCHERS', ['outer', 'sysadmin'])] },
      },
      [
        'app same',
        'watchers cannot-be-copied: on mi-west this server role is no member of the server role dbcreator, whose rights its members lack there',
        'watchers cannot-be-copied: on mi-west this server role is a member of the server role sysadmin, which gives its members more rights than on sql1',
      ],
    ],
    [
      'a role that is missing, and a member of others',
      {
        primary: { logins: [login({ roles: ['a'] })], roles: [role('a', ['b']), role('b', ['a'])] },
      },
      [
        'app missing: mi-west has no such login',
        'a missing: mi-west has no server role of this name',
        'a cannot-be-copied: on mi-west this server role is no member of the server role b, whose rights its members lack there',
      ],
    ],
    [
      'a role behind roles',
      {
        primary: {
          logins: [login({ roles: ['a'] })],
          roles: [role('a', ['b']), role('b', ['c']), { ...role('c'), permissions: [TRACE] }],
        },
        other: {
          logins: [login({ roles: ['a'] })],
          roles: [role('a', ['b']), role('b', ['c']), role('c')],
        },
      },
      [
        'app same',
        'c cannot-be-copied: on mi-west: permissions of the server role, of which roles of copied logins are members',
      ],
    ],
  ];
  test.each(cases)('%s', (_title, given, expected) => expect(found(given)).toEqual(expected));

  test('one that is not copied is in no plan', () => {
    for (const [, given] of cases) {
      const findings = findObjects(input(given), NONE);
      const plan = planLogins(input(given));
      const planned = [...plan.missing, ...plan.changed, ...plan.roles, ...plan.otherPassword];
      const copyable = findings.filter((finding) => finding.copyable).map(({ name }) => name);
      expect([...new Set(planned.map(({ name }) => name))].sort()).toEqual([...new Set(copyable)].sort());
    }
  });

  test('whatever cannot be copied has a remedy', () => {
    for (const [, given] of cases) {
      for (const { state, remedy } of findObjects(input(given), NONE)) {
        if (state === 'cannot-be-copied' || state === 'remark') expect(remedy).not.toBe('');
      }
    }
  });

  test('a default database that is not there becomes master until it is', () => {
    const given = { primary: { logins: [login({ defaultDatabase: 'Archive' })] } };
    expect(planLogins(input(given)).missing[0]).toMatchObject({
      wanted: { defaultDatabase: 'master' },
      defaultDatabase: 'Archive',
    });
    const there = { ...given, other: { databases: ['master', 'archive'] } };
    expect(planLogins(input(there)).missing[0]?.wanted.defaultDatabase).toBe('Archive');
  });

  test.each([
    ['is born disabled', undefined, true],
    ['stays disabled', true, true],
    ['stays open', false, false],
  ])('a login of the fence %s, whatever the fence says on the primary', (_title, present, wanted) => {
    for (const isDisabled of [true, false]) {
      const given = {
        fenced: ['APP'],
        primary: { logins: [login({ isDisabled })] },
        other: { logins: present === undefined ? [] : [login({ isDisabled: present })] },
      };
      const plan = planLogins(input(given));
      expect(plan.missing.map((copied) => copied.wanted.isDisabled)).toEqual(
        present === undefined ? [wanted] : [],
      );
      expect(plan.changed).toEqual([]);
    }
  });
});

describe('jobs', () => {
  const section = { jobs: { include: ['totals'] } };
  const cases: readonly (readonly [string, Case, readonly string[]])[] = [
    ['missing', { primary: { jobs: [job()] } }, ['totals missing: mi-west has no such job']],
    [
      'the same, disabled there',
      { primary: { jobs: [job()] }, other: { jobs: [job({ isEnabled: false })] } },
      ['totals same'],
    ],
    [
      'enabled on both sides',
      { primary: { jobs: [job()] }, other: { jobs: [job()] } },
      ['totals differs: on mi-west: it is enabled on mi-west, too'],
    ],
    ['not on the primary', {}, ['totals cannot-be-copied: sql1 has no job of this name']],
    [
      'CmdExec',
      { primary: { jobs: [job({ steps: [step({ subsystem: 'CmdExec' })] })] } },
      [
        'totals cannot-be-copied: step 1 (add) is of the subsystem CmdExec, which a managed instance does not run',
      ],
    ],
    [
      'CmdExec to a SQL Server',
      { from: 'instance', primary: { jobs: [job({ steps: [step({ subsystem: 'CmdExec' })] })] } },
      ['totals missing: sql1 has no such job'],
    ],
    [
      'a proxy, a file',
      {
        primary: {
          jobs: [job({ steps: [step({ usesProxy: true }), step({ id: 2, outputFile: 'C:\\x' })] })],
        },
      },
      [
        'totals cannot-be-copied: step 1 (add) runs under a proxy, which a managed instance does not have; step 2 (add) writes to a file of the server',
      ],
    ],
    [
      'a step in a database that is not there',
      { primary: { jobs: [job({ steps: [step(), step({ id: 2, name: 'file', database: 'Archive' })] })] } },
      ['totals cannot-be-copied: step 2 (file) runs in the database Archive, which mi-west does not have'],
    ],
    [
      'a step in a database that is there, in the linked one, and one that needs none',
      {
        primary: {
          jobs: [
            job({
              steps: [
                step({ database: 'ARCHIVE' }),
                step({ id: 2 }),
                step({ id: 3, subsystem: 'PowerShell', database: 'none' }),
              ],
            }),
          ],
        },
        other: { databases: ['master', 'Archive'] },
      },
      ['totals missing: mi-west has no such job'],
    ],
    [
      'an owner that is not there',
      { primary: { jobs: [job({ owner: 'batch' })] } },
      ['totals cannot-be-copied: its owner batch is no login on mi-west'],
    ],
    [
      'of a login that is only named sa, to a server whose sa is another one',
      {
        primary: { jobs: [job({ owner: 'sa', isOwnedBySa: false })] },
        other: { logins: [login({ name: 'sa', sid: '01' })] },
      },
      ['totals cannot-be-copied: its owner sa is no login on mi-west'],
    ],
    [
      'an owner that is copied before it',
      { primary: { jobs: [job({ owner: 'APP' })], logins: [login()] } },
      ['app missing: mi-west has no such login', 'totals missing: mi-west has no such job'],
    ],
    [
      'an owner that cannot be copied',
      {
        primary: {
          jobs: [job({ owner: 'D\\ann' })],
          logins: [login({ name: 'D\\ann', kind: 'windows-user' })],
        },
      },
      [
        'D\\ann cannot-be-copied: a managed instance has no logins of Windows',
        'totals cannot-be-copied: its owner D\\ann is no login on mi-west',
      ],
    ],
    [
      'no owner any more',
      { primary: { jobs: [job({ owner: null })] } },
      ['totals cannot-be-copied: its owner is no login any more'],
    ],
    [
      'an operator that is told',
      { primary: { jobs: [job({ notifiesOperator: true })] }, other: { jobs: [job({ isEnabled: false })] } },
      ['totals same', 'totals remark: it tells an operator when it ends, which is not copied'],
    ],
  ];
  test.each(cases)('%s', (_title, given, expected) => expect(found({ section, ...given })).toEqual(expected));

  const schedule = {
    id: 1,
    name: 'at night',
    isEnabled: true,
    freqType: 4,
    freqInterval: 1,
    freqSubdayType: 1,
    freqSubdayInterval: 0,
    freqRelativeInterval: 0,
    freqRecurrenceFactor: 0,
    activeStartDate: 20_260_101,
    activeEndDate: 99_991_231,
    activeStartTime: 0,
    activeEndTime: 235_959,
  };
  test.each<readonly [string, Partial<Job>, readonly string[]]>([
    ['nothing', {}, []],
    ['the number of a schedule', { schedules: [{ ...schedule, id: 9 }] }, []],
    ['a schedule', { schedules: [{ ...schedule, freqInterval: 2 }] }, ['schedules']],
    ['a step', { steps: [step({ command: 'SELECT 2' })] }, ['steps']],
    [
      'the rest',
      { description: 'x', category: 'y', owner: 'z', startStep: 2, hasTarget: false },
      ['description', 'category', 'owner', 'start step', 'target server'],
    ],
  ])('%s differs', (_title, change, expected) => {
    const of = (more: Partial<Job>) => job({ schedules: [schedule], ...more });
    expect(jobDifferences(of({}), of(change))).toEqual(expected);
  });
});

describe('the gate', () => {
  const report = (given: Case) => ({
    observedAt: '2026-11-01T00:00:00.000Z',
    primary: 'server' as const,
    findings: findObjects(input(given), {
      primary: [{ kind: 'credential', name: 'backup' }],
      other: [],
    }),
  });
  const alike = report({ primary: { logins: [login()] }, other: { logins: [login()] } });
  const differing = report({
    primary: { logins: [login()] },
    other: { logins: [login({ sid: OTHER_SID })] },
  });

  test('what is only shown holds nothing', () => {
    expect(alike.findings.map(({ state }) => state)).toEqual(['same', 'remark']);
    expect(driftOf(alike)).toEqual([]);
    expect(objectsGate(alike, 'block', null)).toEqual({ mayBegin: true, told: [], reasons: [] });
  });

  test.each([
    ['block', null, false, 0, 1],
    ['block', 'dba', true, 1, 0],
    ['warn', null, true, 1, 0],
    ['ignore', null, true, 0, 0],
  ] as const)('%s, accepted by %s', (policy, acceptedBy, mayBegin, told, reasons) => {
    const verdict = objectsGate(differing, policy, acceptedBy);
    expect(verdict.mayBegin).toBe(mayBegin);
    expect([verdict.told.length, verdict.reasons.length]).toEqual([told, reasons]);
    for (const { id } of [...verdict.told, ...verdict.reasons]) expect(id).toBe(OBJECTS_GATE);
  });

  test('a long list is cut, and says so', () => {
    const reasons = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((reason) => ({ reason }));
    expect(gateText(reasons)).toBe('a; b; c; d; e; and 2 more');
    expect(gateText(reasons.slice(0, 2))).toBe('a; b');
  });

  test('the mark of the differences changes with them, and with nothing else', () => {
    expect(driftFingerprint(differing)).not.toBe(driftFingerprint(alike));
    const reversed = { findings: [...differing.findings].reverse() };
    expect(driftFingerprint(reversed)).toBe(driftFingerprint(differing));
    const others = differing.findings.map((finding) => ({ ...finding, detail: `${finding.detail}!` }));
    expect(driftFingerprint({ findings: others })).not.toBe(driftFingerprint(differing));
  });
});

import { groupMembers, onServer } from '../../../src/model/link/replicas';
import { parseLink, resolveLink } from '../../../src/model/link/spec-file';
import { formatSpecProblems, parseInventory } from '../../../src/model/spec-file';

const MIGRATION = `apiVersion: sqlferry/v1
kind: Link
name: orders
database: Orders
server: sql-01
instance: mi-01
logBackups:
  directory: /var/opt/mssql/backup
`;

const INVENTORY = `apiVersion: sqlferry/v1
kind: Inventory
sqlServers:
  sql-01:
    host: sql01.example.test
    authentication: { type: sql, user: ferry, password: "env:SQL_PASSWORD" }
    endpoint: { address: 10.0.1.8 }
managedInstances:
  mi-01:
    resourceId: /subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/managedInstances/mi-01
    authentication: { type: entra }
`;

const told = (text: string): string => {
  const result = parseLink(text, 'migration.yaml');
  return result.ok ? 'no problem' : formatSpecProblems(result.problems);
};

test('fills in the defaults and turns durations into milliseconds', () => {
  const result = parseLink(MIGRATION, 'migration.yaml');
  if (!result.ok) throw new Error(formatSpecProblems(result.problems));
  expect(result.value.seeding.deadline).toBe(6 * 86_400_000);
  expect(result.value.cutover.approval.required).toBe(true);
  expect(result.value.logBackups.every).toBe(900_000);
  expect(result.locate(['logBackups', 'directory'])).toEqual({ file: 'migration.yaml', line: 8, column: 14 });
});

describe('a broken migration file gives one clear message', () => {
  const broken: readonly (readonly [string, string, string])[] = [
    ['empty file', '', 'migration.yaml:1:1: the file is empty'],
    ['only a comment', '# nothing\n', 'migration.yaml:1:1: the file is empty'],
    ['a list', '- a\n', 'migration.yaml:1:1: must hold the fields of one Link, such as "kind: Link"'],
    [
      'misspelt key',
      MIGRATION.replace('directory', 'direktory'),
      'migration.yaml:7:1: logBackups.directory: is missing; expected text\n' +
        'migration.yaml:8:3: logBackups.direktory: unknown key\n    Did you mean "directory"?',
    ],
    [
      'key in the wrong block',
      `${MIGRATION}maxLag: 30s\n`,
      'migration.yaml:9:1: maxLag: unknown key\n    "maxLag" belongs under cutover.',
    ],
    [
      'key that is known nowhere',
      `${MIGRATION}link:\n  colour: red\n`,
      'migration.yaml:10:3: link.colour: unknown key\n' +
        '    Known here: name, availabilityGroup, instanceAvailabilityGroup, replicas, listener.',
    ],
    [
      'missing field',
      MIGRATION.replace('database: Orders\n', ''),
      'migration.yaml:1:1: database: is missing; expected text',
    ],
    ['empty field', MIGRATION.replace('Orders', ''), 'migration.yaml:4:1: database: is empty; expected text'],
    [
      'number for text',
      MIGRATION.replace('Orders', '2024'),
      'migration.yaml:4:11: database: must be text, found the number 2024\n    Put it in quotes: "2024"',
    ],
    [
      'text for number',
      `${MIGRATION}  atUsedPercent: lots\n`,
      'migration.yaml:9:18: logBackups.atUsedPercent: must be a number, found "lots"',
    ],
    [
      'number out of range',
      `${MIGRATION}  atUsedPercent: 120\n`,
      'migration.yaml:9:18: logBackups.atUsedPercent: must be at most 99, found the number 120',
    ],
    [
      'no duration',
      `${MIGRATION}  every: 15 minutes\n`,
      'migration.yaml:9:10: logBackups.every: "15 minutes" is no duration; write for example 30s, 15m, 6h or 2d',
    ],
    [
      'a duration with which no date can be reckoned',
      `${MIGRATION}certificate: { validFor: 99999999999d }\n`,
      'migration.yaml:9:26: certificate.validFor: "99999999999d" is too long: a duration is at most 3650d (ten years)',
    ],
    [
      'no duration but nothing',
      `${MIGRATION}  every: 0s\n`,
      'migration.yaml:9:10: logBackups.every: must be longer than nothing',
    ],
    [
      'wrong choice',
      `${MIGRATION}cutover:\n  afterwards: removelink\n`,
      'migration.yaml:10:15: cutover.afterwards: must be "remove-link" or "keep-link", found "removelink"\n' +
        '    Did you mean "remove-link"?',
    ],
    [
      'wrong alternative',
      `${MIGRATION}cutover:\n  schedule: { type: sometime }\n`,
      'migration.yaml:10:21: cutover.schedule.type: must be "as-soon-as-ready", "at" or "in-windows", found "sometime"',
    ],
    [
      'alternative not named',
      `${MIGRATION}cutover:\n  schedule: { time: "2027-01-01T00:00:00Z" }\n`,
      'migration.yaml:10:3: cutover.schedule.type: is missing; expected "as-soon-as-ready", "at" or "in-windows"',
    ],
    [
      'key of another alternative',
      `${MIGRATION}cutover:\n  schedule: { type: at, time: "2027-01-01T00:00:00Z", windows: [] }\n`,
      'migration.yaml:10:55: cutover.schedule.windows: unknown key\n    "windows" belongs under cutover.schedule.',
    ],
    [
      'time without offset',
      `${MIGRATION}cutover:\n  schedule: { type: at, time: "2027-01-01" }\n`,
      'migration.yaml:10:31: cutover.schedule.time: must be a time with its offset such as 2027-03-01T22:00:00+01:00, found "2027-01-01"',
    ],
    [
      'time of day',
      `${MIGRATION}cutover:\n  schedule:\n    type: in-windows\n    windows:\n      - { days: [sat], from: "25:00", to: "04:00" }\n`,
      'migration.yaml:13:30: cutover.schedule.windows[0].from: must be a time of day such as 22:30, found "25:00"',
    ],
    [
      'time zone',
      `${MIGRATION}cutover:\n  schedule:\n    type: in-windows\n    windows:\n      - { days: [sat], from: "22:00", to: "04:00", timezone: Europe/Berln }\n`,
      'migration.yaml:13:62: cutover.schedule.windows[0].timezone: "Europe/Berln" is no time zone that is known here\n' +
        '    Give an IANA name such as Europe/Berlin, or UTC.',
    ],
    [
      'empty list',
      `${MIGRATION}cutover:\n  retryAfter: []\n`,
      'migration.yaml:10:3: cutover.retryAfter: must be a list of at least 1 entry, found a list',
    ],
    [
      'duplicate key',
      `${MIGRATION}name: again\n`,
      'migration.yaml:9:1: the key stands here a second time in the same block\n    Keep one of the two.',
    ],
    [
      'tab',
      MIGRATION.replace('  directory', '\tdirectory'),
      'migration.yaml:8:1: a tab is used to indent; YAML allows only spaces\n    Replace the tab by spaces.',
    ],
    [
      'several documents',
      `${MIGRATION}---\n${MIGRATION}`,
      'migration.yaml:9:1: the file holds several documents, expected one\n    Put each into a file of its own, without "---".',
    ],
    [
      'other kind',
      INVENTORY,
      'migration.yaml:2:7: kind: this file is of kind "Inventory", expected "Link"\n    Give the Link file here.',
    ],
    [
      'kind misspelt',
      MIGRATION.replace('Link', 'LinkMigratoin'),
      'migration.yaml:2:7: kind: this file is of kind "LinkMigratoin", expected "Link"\n    Did you mean "kind: Link"?',
    ],
    [
      'other version',
      MIGRATION.replace('sqlferry/v1', 'sqlferry/v9'),
      'migration.yaml:1:13: apiVersion: must be "sqlferry/v1", found "sqlferry/v9"\n    Did you mean "sqlferry/v1"?',
    ],
    [
      'same group names',
      `${MIGRATION}link: { availabilityGroup: G, instanceAvailabilityGroup: g }\n`,
      'migration.yaml:9:58: link.instanceAvailabilityGroup: the availability groups of both sides are named "G"; Azure refuses that (InstanceAvailabilityGroupNamePartnerAvailabilityGroupNameMatch)\n    Give the instance side another name.',
    ],
    [
      'link named as its group',
      `${MIGRATION}link: { name: G, availabilityGroup: G }\n`,
      'migration.yaml:9:15: link.name: the link and the availability group are both named "G"; they must differ (error 41042)\n    Leave both out to get DAG_<database> and AG_<database>.',
    ],
    [
      'system database',
      MIGRATION.replace('Orders', 'msdb'),
      'migration.yaml:4:11: database: "msdb" is a system database; only user databases can be linked (error 35249)',
    ],
    [
      'deadline beyond that of Azure',
      `${MIGRATION}seeding: { deadline: 8d }\n`,
      'migration.yaml:9:22: seeding.deadline: 8d is beyond the 6d after which Azure cancels the creation itself\n    Give 6d or less.',
    ],
    [
      'warning before the start',
      `${MIGRATION}seeding: { deadline: 2h, warnBefore: [3h] }\n`,
      'migration.yaml:9:39: seeding.warnBefore[0]: a warning must come after the start: give less than the deadline of 2h',
    ],
    [
      'alarm before the backup',
      `${MIGRATION}  atUsedPercent: 90\n`,
      'migration.yaml:7:1: logBackups.alarmAtUsedPercent: must be above atUsedPercent (90), or the alarm comes before the backup',
    ],
    [
      'backslash in the certificate name',
      `${MIGRATION}certificate: { name: 'Cert_SRV\\INST' }\n`,
      'migration.yaml:9:22: certificate.name: must not contain a backslash',
    ],
    [
      'name too long',
      MIGRATION.replace('Orders', 'x'.repeat(129)),
      'migration.yaml:4:11: database: must be at most 128 characters long, found a text of 129 characters',
    ],
  ];

  test.each(broken)('%s', (_, text, message) => {
    expect(told(text)).toBe(message);
  });

  test.each([
    'a: [1',
    'a: "x',
    'a: b: c',
    'a: *nowhere',
    'a: !tag 1',
    '{',
    'a: |\n b\n  c: ]',
  ])('broken YAML %j never throws and names a line', (text) => {
    expect(told(text)).toMatch(/^migration\.yaml:\d+:\d+: \S/);
  });
});

describe('inventory files', () => {
  const toldInventory = (text: string): string => {
    const result = parseInventory(text, 'inventory.yaml');
    return result.ok ? 'no problem' : formatSpecProblems(result.problems);
  };

  test('a complete one is read', () => expect(toldInventory(INVENTORY)).toBe('no problem'));

  test('a password in the file is refused and not repeated', () => {
    const long = 'Sup3rS3cret'.repeat(6);
    const message = toldInventory(INVENTORY.replace('env:SQL_PASSWORD', long));
    expect(message).toContain(
      'inventory.yaml:6:57: sqlServers.sql-01.authentication.password: must refer to a secret, not hold it',
    );
    expect(message).not.toContain('Sup3rS3cret');
  });

  test.each([
    '"hunter2"',
    '4711',
    '*4711',
    '[4711, "hunter2"]',
    '{ a: hunter2 }',
  ])('a short password %s is not repeated', (value) => {
    const message = toldInventory(INVENTORY.replace('"env:SQL_PASSWORD"', value));
    expect(message).toMatch(/^inventory\.yaml:\d+/);
    expect(message).not.toMatch(/hunter2|4711/);
  });

  test('a name that cannot be used is pointed at', () => {
    expect(toldInventory(INVENTORY.replace('  mi-01:', '  "mi 01":'))).toMatch(
      /^inventory\.yaml:9:3: managedInstances\.mi 01: the name must be 1 to 63 letters/,
    );
  });

  test('a resource id of another type is refused', () => {
    expect(toldInventory(INVENTORY.replace('managedInstances/mi-01', 'servers/mi-01'))).toMatch(
      /^inventory\.yaml:10:17: managedInstances\.mi-01\.resourceId: must be \/subscriptions\//,
    );
  });

  test('keys inside an alternative get suggestions of that alternative', () => {
    expect(toldInventory(INVENTORY.replace('user: ferry', 'usr: ferry'))).toContain(
      'sqlServers.sql-01.authentication.usr: unknown key\n    Did you mean "user"?',
    );
  });
});

describe('resolveLinkMigration', () => {
  const inventory = parseInventory(INVENTORY, 'inventory.yaml');
  const resolve = (text: string) => {
    const migration = parseLink(text, 'migration.yaml');
    if (!inventory.ok || !migration.ok) throw new Error('fixtures are broken');
    return resolveLink(inventory.value, migration.value, migration.locate);
  };

  test('joins both files', () => {
    const result = resolve(MIGRATION);
    expect(result.ok && result.value.names).toEqual({
      distributedGroup: 'DAG_Orders',
      availabilityGroup: 'AG_Orders',
      instanceAvailabilityGroup: 'AG_Orders_MI',
    });
    expect(result.ok && result.value.server.endpoint.address).toBe('10.0.1.8');
  });

  test('asks the conditions between fields also of a migration that came around the file', () => {
    const migration = parseLink(MIGRATION, 'migration.yaml');
    if (!inventory.ok || !migration.ok) throw new Error('fixtures are broken');
    const link = { availabilityGroup: 'G', instanceAvailabilityGroup: 'G' };
    const result = resolveLink(inventory.value, { ...migration.value, link });
    expect(result.ok ? [] : result.problems.map(({ path }) => path)).toEqual([
      'link.instanceAvailabilityGroup',
    ]);
  });

  test('survives the way through a history', () => {
    const result = resolve(MIGRATION);
    if (!result.ok) throw new Error('not resolved');
    expect(JSON.parse(JSON.stringify(result.value))).toEqual(result.value);
  });

  describe('an availability group that exists', () => {
    const inventory = parseInventory(
      INVENTORY.replace(
        'managedInstances:',
        `  sql-02:
    host: sql02.corp
    authentication: { type: sql, user: ferry, password: "env:SQL_PASSWORD" }
    endpoint: { address: 10.0.1.9 }
managedInstances:`,
      ),
      'inventory.yaml',
    );
    const resolve = (text: string) => {
      const migration = parseLink(text, 'migration.yaml');
      if (!inventory.ok) throw new Error(formatSpecProblems(inventory.problems));
      if (!migration.ok) return migration;
      return resolveLink(inventory.value, migration.value, migration.locate);
    };
    const over = (link: string): string => {
      const result = resolve(`${MIGRATION}link:\n${link}`);
      return result.ok ? 'no problem' : formatSpecProblems(result.problems);
    };

    test('the migration of one server knows nothing of replicas', () => {
      const result = resolve(MIGRATION);
      expect(result.ok && Object.keys(result.value)).not.toContain('replicas');
      expect(result.ok && groupMembers(result.value)).toEqual([]);
    });

    test('replicas are found in the inventory, and seen one by one', () => {
      const result = resolve(
        `${MIGRATION}link:\n  replicas: [sql-02]\n  listener: { address: 10.0.1.50 }\ncertificate: { name: Own }\n`,
      );
      if (!result.ok) throw new Error(formatSpecProblems(result.problems));
      const { value } = result;
      expect(groupMembers(value).map(({ name, server }) => [name, server.endpoint.address])).toEqual([
        ['sql-01', '10.0.1.8'],
        ['sql-02', '10.0.1.9'],
      ]);
      const second = onServer(value, 'sql-02');
      expect(second.server.host).toBe('sql02.corp');
      expect(second.settings).toMatchObject({ server: 'sql-02', certificate: { validFor: 31_536_000_000 } });
      // A name in the spec is that of the SQL Server only: the instance holds both under their names.
      expect(second.settings.certificate).not.toHaveProperty('name');
      expect(onServer(value, 'sql-01').settings.certificate.name).toBe('Own');
      expect(onServer(value, 'sql-01')).not.toHaveProperty('replicas');
      expect(() => onServer(value, 'sql-03')).toThrow(RangeError);
    });

    test.each([
      [
        '  replicas: [sql-02]\n',
        'link.replicas: an availability group with several replicas is reached through its listener: without it the link ends with the first failover of the group\n    Set link.listener.address to the IP address of the listener.',
      ],
      [
        '  replicas: [sql-02, sql-02]\n  listener: { address: 10.0.1.50 }\n',
        'link.replicas[1]: "sql-02" is there twice',
      ],
      [
        '  replicas: [sql-01]\n  listener: { address: 10.0.1.50 }\n',
        'link.replicas[0]: "sql-01" is the SQL Server already\n    Name the other replicas only.',
      ],
      [
        '  replicas: [sql-20]\n  listener: { address: 10.0.1.50 }\n',
        'link.replicas[0]: the inventory has no SQL Server named "sql-20" under sqlServers\n    Did you mean "sql-02"?',
      ],
    ])('%j is told', (link, message) => {
      expect(over(link).replace(/^migration\.yaml:\d+:\d+: /, '')).toBe(message);
    });
  });

  test('unknown names come with suggestions and their lines', () => {
    const result = resolve(MIGRATION.replace('sql-01', 'sql-1').replace('mi-01', 'constructor'));
    expect(result.ok ? '' : formatSpecProblems(result.problems)).toBe(
      'migration.yaml:5:9: server: the inventory has no SQL Server named "sql-1" under sqlServers\n' +
        '    Did you mean "sql-01"?\n' +
        'migration.yaml:6:11: instance: the inventory has no managed instance named "constructor" under managedInstances\n' +
        '    Known are: mi-01.',
    );
  });
});

describe('instanceObjects', () => {
  const withSection = (section: string): string => `${MIGRATION}instanceObjects:\n${section}`;

  test('is absent unless it is written', () => {
    const result = parseLink(MIGRATION, 'migration.yaml');
    expect(result.ok && Object.hasOwn(result.value, 'instanceObjects')).toBe(false);
  });

  test('fills in its defaults', () => {
    const result = parseLink(`${MIGRATION}instanceObjects: {}\n`, 'migration.yaml');
    if (!result.ok) throw new Error(formatSpecProblems(result.problems));
    expect(result.value.instanceObjects).toEqual({
      logins: { ofDatabase: true, include: [], exclude: [] },
      jobs: { include: [] },
      drift: 'block',
    });
  });

  test.each([
    [
      '  drift: stop\n',
      'migration.yaml:10:10: instanceObjects.drift: must be "block", "warn" or "ignore", found "stop"',
    ],
    [
      '  logins: { ofDatabse: true }\n',
      'migration.yaml:10:13: instanceObjects.logins.ofDatabse: unknown key\n    Did you mean "ofDatabase"?',
    ],
    [
      '  jobs: { include: totals }\n',
      'migration.yaml:10:20: instanceObjects.jobs.include: must be a list, found "totals"',
    ],
    [
      '  logins:\n    include: [a, App]\n    exclude: [app]\n',
      'migration.yaml:11:18: instanceObjects.logins.include[1]: "App" stands under include and under exclude\n    Leave it in one of the two lists.',
    ],
  ])('%j is told with its line', (section, message) => expect(told(withSection(section))).toBe(message));
});

describe('a link that begins on the instance', () => {
  const problemsOf = (text: string) => {
    const parsed = parseLink(text, 'migration.yaml');
    return parsed.ok ? '' : formatSpecProblems(parsed.problems);
  };
  const first = (sections: string) => MIGRATION.replace('database:', `${sections}\ndatabase:`);

  test('is asked for by name, and stays; without a word the SQL Server leads', () => {
    const plain = parseLink(MIGRATION, 'migration.yaml');
    expect(plain.ok && plain.value.initialPrimary).toBe('server');
    expect(problemsOf(first('initialPrimary: instance\npurpose: disaster-recovery'))).toBe('');
  });

  test('is refused for a migration, with the reason and the way there', () => {
    expect(problemsOf(first('initialPrimary: instance'))).toMatch(
      /initialPrimary: "instance" needs purpose: disaster-recovery; a migration begins on the SQL Server[\s\S]*failover --to server/,
    );
  });

  test('has no log of a SQL Server to keep, and no name that its address cannot carry', () => {
    const text = first(
      'initialPrimary: instance\npurpose: disaster-recovery\nseeding: { keepLog: trace-flag-12381 }',
    );
    expect(problemsOf(text)).toMatch(/seeding\.keepLog: .*Azure keeps its log/);
    expect(problemsOf(text.replace(/database: .*/, 'database: "Or[d]ers"'))).toMatch(/database: .*bracket/);
  });
});

/** What the server refuses, with the server's numbers. */
import { Client, Rig } from './harness';

const group = (extra = '') =>
  `CREATE AVAILABILITY GROUP [AG] WITH (CLUSTER_TYPE = NONE) FOR DATABASE [Sales] REPLICA ON N'SQL1' WITH (ENDPOINT_URL = 'TCP://10.0.0.4:5022', AVAILABILITY_MODE = SYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC${extra})`;

describe('refusals', () => {
  let rig: Rig;
  let client: Client;

  beforeEach(async () => {
    rig = new Rig({
      instances: [
        {
          kind: 'sql-server',
          name: 'SQL1',
          update: 'CU16',
          addresses: ['10.0.0.4'],
          masterKey: true,
          certificates: [{ name: 'EndpointCert', subject: 'endpoint' }],
          endpoint: { certificate: 'EndpointCert' },
          databases: [
            { name: 'Sales', dataBytes: 10 * 1024 ** 2 },
            { name: 'Bare', fullBackup: false, dataBytes: 10 * 1024 ** 2 },
          ],
        },
        { kind: 'sql-server', name: 'OLD', version: '2016', clustered: true, databases: [{ name: 'Sales' }] },
        { kind: 'managed-instance', name: 'mi1' },
      ],
    });
    client = await rig.connect('SQL1');
  });
  afterEach(() => rig.stop());

  test.each([
    ['CREATE AVAILABILITY GROUP [x] WITH (DISTRIBUTE) FOR DATABASE a', [102]],
    [group(', COLOUR = BLUE'), [102]],
    ["BACKUP DATABASE Sales TO DISK = 'C:\\a' + '.bak'", [102]],
    ["BACKUP DATABASE Sales TO DISK = 'C:\\a.bak' WITH SPEEDY", [102]],
    ['ALTER DATABASE Sales SET NONSENSE ON', [102]],
    ['CREATE ENDPOINT e STATE = STARTED AS TCP (LISTENER_PORT = 5022) FOR SERVICE_BROKER ()', [102]],
    ['USE Sales; DROP AVAILABILITY GROUP AG', [35208]],
    ['DROP AVAILABILITY GROUP Nobody', [15151]],
    ['ALTER AVAILABILITY GROUP Nobody FAILOVER', [15151]],
    [group().replace("N'SQL1'", "N'ELSEWHERE'"), [35237]],
    [group().replace('[Sales]', '[Bare]'), [1475, 41152]],
    ["BACKUP LOG Bare TO DISK = 'C:\\bare.trn'", [4214, 3013]],
    ["BACKUP DATABASE Sales TO DISK = 'Z:\\nowhere\\a.bak'", [3201, 3013]],
    ["BACKUP DATABASE Nobody TO DISK = 'C:\\a.bak'", [911, 3013]],
    ["CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'Str0ng!Passw0rd'", [15578]],
    ["CREATE CERTIFICATE EndpointCert WITH SUBJECT = 'again'", [15232]],
    ["CREATE CERTIFICATE FromFile FROM FILE = 'C:\\a.cer'", [15208]],
    ['DROP CERTIFICATE EndpointCert', [15352]],
    ['DROP CERTIFICATE Nobody', [15151]],
    ['DROP MASTER KEY', [15580]],
    ["CREATE CERTIFICATE Late WITH SUBJECT = 'x', EXPIRY_DATE = '31/31/2030'", [241]],
    [
      'CREATE ENDPOINT second STATE = STARTED AS TCP (LISTENER_PORT = 5023) FOR DATABASE_MIRRORING (ROLE = ALL)',
      [7862],
    ],
    ["CREATE LOGIN sa WITH PASSWORD = 'Other!Passw0rd'", [15025]],
    ["CREATE LOGIN weak WITH PASSWORD = 'weak'", [15118]],
    ['CREATE LOGIN [DOM\\user] FROM WINDOWS', [15401]],
    ['DROP LOGIN sa', [15434]],
    ['DROP DATABASE Nobody', [3701]],
    ['DROP DATABASE IF EXISTS Nobody', []],
    ['CREATE DATABASE Sales', [1801]],
    ['KILL 4000', [6106]],
    ['EXEC sp_nothing', [2812]],
    ['EXEC sys.sp_multidb_milink', [2812]],
    ["EXEC sp_configure 'no such option'", [15123]],
    ["EXEC msdb.dbo.sp_start_job @job_name = N'none'", [14262]],
    ['DBCC NONSENSE', [102]],
    ['ALTER LOGIN nobody DISABLE', [15151]],
    ['ALTER SERVER ROLE nosuch ADD MEMBER sa', [15151]],
    ['RESTORE DATABASE Nobody WITH RECOVERY', [911, 3013]],
  ])('%s', async (statement, numbers) => {
    expect(await rig.while(client.refusal(statement))).toEqual(numbers);
  });

  test('an availability database refuses state changes with 1468 and drops with 3752', async () => {
    await client.ok(group());
    for (const option of ['READ_ONLY', 'OFFLINE', 'SINGLE_USER WITH ROLLBACK IMMEDIATE', 'RECOVERY SIMPLE']) {
      expect(await client.refusal(`ALTER DATABASE Sales SET ${option}`)).toEqual([1468, 5069]);
    }
    expect(await client.refusal('DROP DATABASE Sales')).toEqual([3752]);
    expect(await client.refusal(group())).toContain(41042);
    expect(await client.refusal('ALTER AVAILABILITY GROUP AG FAILOVER')).toEqual([47122]);
  });

  test('2016 does not know CLUSTER_TYPE, ADR or CONTAINED', async () => {
    const old = await rig.connect('OLD');
    expect(await old.refusal(group())).toEqual([102]);
    expect(await old.refusal('ALTER DATABASE Sales SET ACCELERATED_DATABASE_RECOVERY = ON')).toEqual([102]);
  });

  test('a managed instance refuses what it takes over', async () => {
    const managed = await rig.connect('mi1');
    await managed.ok('CREATE DATABASE Own');
    expect(await managed.refusal("BACKUP LOG Own TO DISK = 'x.trn'")).toEqual([41924, 3013]);
    expect(await managed.refusal("BACKUP DATABASE Own TO DISK = 'x.bak'")).toEqual([41904, 3013]);
    expect(await managed.refusal(group())).toEqual([40510]);
    expect(await managed.refusal('CREATE LOGIN [DOM\\u] FROM WINDOWS')).toEqual([41906]);
    expect(await managed.refusal('CREATE LOGIN [ana@contoso.com] FROM EXTERNAL PROVIDER')).toEqual([]);
  });

  test('logins without rights are refused statement by statement', async () => {
    await client.ok("CREATE LOGIN plain WITH PASSWORD = 'Plain!Passw0rd'");
    const plain = await rig.connect('SQL1', { user: 'plain', password: 'Plain!Passw0rd' });
    expect(await plain.refusal(group())).toEqual([15247]);
    expect(await plain.refusal('CREATE DATABASE Mine')).toEqual([262]);
    expect(await plain.refusal("CREATE LOGIN more WITH PASSWORD = 'Plain!Passw0rd'")).toEqual([15247]);
    expect(await plain.refusal('USE Sales')).toEqual([916]);
    expect(await plain.refusal("BACKUP DATABASE Sales TO DISK = 'a.bak'")).toEqual([262, 3013]);
    expect(await plain.refusal(`KILL ${client.spid}`)).toEqual([6102]);
    expect(await plain.refusal('DBCC TRACEON (12381, -1)')).toEqual([2571]);
    expect(await plain.refusal('ALTER DATABASE Sales SET READ_ONLY')).toEqual([5011, 5069]);
    expect(await plain.refusal('RECONFIGURE')).toEqual([5812]);
  });

  test('nothing that was refused has changed the world', async () => {
    await client.refusal(group(', COLOUR = BLUE'));
    await client.refusal(group().replace('[Sales]', '[Bare]'));
    await client.refusal('DROP CERTIFICATE EndpointCert');
    expect(rig.world.effects().filter((effect) => effect.outcome === 'effect')).toEqual([]);
    expect(rig.world.effects().map((effect) => effect.outcome)).toEqual(['refused', 'refused']);
  });
});

describe('logins', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.stop());

  test('are refused with their numbers', async () => {
    expect(await rig.login('SQL1', { password: 'wrong' })).toEqual([18456]);
    expect(await rig.login('SQL1', { user: 'nobody' })).toEqual([18456]);
    expect(await rig.login('SQL1', { database: 'Nowhere' })).toEqual([4060, 18456]);
    expect(await rig.login('SQL1', { accessToken: 'entra:ana' })).toEqual([18456]);
    const log = rig.world.instances.get('SQL1').errorLog.map((entry) => entry.text);
    expect(log).toEqual(
      expect.arrayContaining([
        'Error: 18456, Severity: 14, State: 8.',
        'Error: 18456, Severity: 14, State: 5.',
      ]),
    );
    const client = await rig.connect('SQL1');
    await client.ok("CREATE LOGIN closed WITH PASSWORD = 'Some!Passw0rd'; ALTER LOGIN closed DISABLE");
    expect(await rig.login('SQL1', { user: 'closed', password: 'Some!Passw0rd' })).toEqual([18470]);
    await client.ok('ALTER LOGIN closed ENABLE');
    expect(await rig.login('SQL1', { user: 'closed', password: 'Some!Passw0rd' })).toBeInstanceOf(Client);
    expect(await rig.login('SQL1', { user: 'closed', password: 'Some!Passw0rd', database: 'Sales' })).toEqual(
      [4060, 18456],
    );
    await client.ok('DENY CONNECT SQL TO closed');
    expect(await rig.login('SQL1', { user: 'closed', password: 'Some!Passw0rd' })).toEqual([18456]);
  });

  test('Entra tokens name a login of the managed instance', async () => {
    const admin = await rig.connect('mi-west');
    await admin.ok('CREATE LOGIN [ana@contoso.com] FROM EXTERNAL PROVIDER');
    const ana = await rig.connect('mi-west', { accessToken: 'entra:ana@contoso.com' });
    expect(await ana.rows('SELECT SUSER_SNAME() AS me')).toEqual([{ me: 'ana@contoso.com' }]);
    expect(await rig.login('mi-west', { accessToken: 'entra:eve@contoso.com' })).toEqual([18456]);
    expect(await rig.login('mi-west', { accessToken: 'forged' })).toEqual([18456]);
  });

  test('hashed passwords and SIDs cross from one server to the other', async () => {
    const source = await rig.connect('SQL1');
    await source.ok(
      "CREATE LOGIN app WITH PASSWORD = 'App!Passw0rd', DEFAULT_DATABASE = [Sales], CHECK_POLICY = OFF",
    );
    const [made] = await source.rows(
      "SELECT CONVERT(varchar(514), password_hash, 1) AS hash, CONVERT(varchar(100), sid, 1) AS sid FROM sys.sql_logins WHERE name = 'app'",
    );
    const target = await rig.connect('mi-west');
    await target.ok(
      `CREATE LOGIN [app] WITH PASSWORD = ${String(made?.hash)} HASHED, SID = ${String(made?.sid)}, DEFAULT_DATABASE = [master], CHECK_POLICY = OFF, CHECK_EXPIRATION = OFF`,
    );
    const app = await rig.connect('mi-west', { user: 'app', password: 'App!Passw0rd' });
    expect(await app.rows('SELECT CONVERT(varchar(100), SUSER_SID(), 1) AS sid')).toEqual([
      { sid: made?.sid },
    ]);
    const journal = rig.world
      .effects()
      .map((effect) => effect.text)
      .join('\n');
    expect(journal).not.toContain('App!Passw0rd');
    expect(journal).not.toContain(String(made?.hash));
  });
});

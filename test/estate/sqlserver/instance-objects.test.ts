/** Logins, roles and Agent as master and msdb have them, with the refusals of the server. */
import { Client, Rig } from './harness';

let rig: Rig;
let server: Client;
let instance: Client;

const asAdmin = async (name: string): Promise<Client> => {
  const client = await rig.login(name);
  if (!(client instanceof Client)) throw new Error(`login refused: ${client.join()}`);
  return client;
};

beforeEach(async () => {
  rig = new Rig();
  server = await asAdmin('SQL1');
  instance = await asAdmin('mi-west');
});
afterEach(() => rig.stop());

const literal = async (client: Client, column: string, login: string): Promise<string> => {
  const [row] = await client.rows(
    `SELECT CONVERT(varchar(514), ${column}, 1) AS hex FROM sys.sql_logins WHERE name = N'${login}'`,
  );
  return String(row?.hex);
};

describe('logins', () => {
  test('a hash and a SID make the same login on another server: the old password opens it', async () => {
    await server.ok("CREATE LOGIN [app] WITH PASSWORD = N'App!Passw0rd'");
    const hash = await literal(server, 'password_hash', 'app');
    const sid = await literal(server, 'sid', 'app');
    await instance.ok(`CREATE LOGIN [app] WITH PASSWORD = ${hash} HASHED, SID = ${sid}`);
    expect(await rig.login('mi-west', { user: 'app', password: 'App!Passw0rd' })).toBeInstanceOf(Client);
    expect(await rig.login('mi-west', { user: 'app', password: 'other' })).toEqual([18456]);
    await instance.ok("ALTER LOGIN [app] WITH PASSWORD = N'Other!Passw0rd'");
    await instance.ok(`ALTER LOGIN [app] WITH PASSWORD = ${hash} HASHED`);
    expect(await rig.login('mi-west', { user: 'app', password: 'App!Passw0rd' })).toBeInstanceOf(Client);
  });

  test.each([
    ["CREATE LOGIN [app] WITH PASSWORD = N'App!Passw0rd'", [15025]],
    ["CREATE LOGIN [b] WITH PASSWORD = N'App!Passw0rd', SID = $SID", [15433]],
    ["CREATE LOGIN [b] WITH PASSWORD = N'App!Passw0rd', DEFAULT_DATABASE = [none]", [15010]],
    ['ALTER LOGIN [nobody] DISABLE', [15151]],
    ['ALTER SERVER ROLE [nobody] ADD MEMBER [app]', [15151]],
    ['ALTER SERVER ROLE [watchers] ADD MEMBER [nobody]', [15151]],
    ['CREATE SERVER ROLE [watchers]', [15025]],
    ['DROP SERVER ROLE [watchers]', [15144]],
    ['DROP LOGIN [owner]', [15170]],
  ])('%s is refused with %j', async (text, numbers) => {
    await server.ok("CREATE LOGIN [app] WITH PASSWORD = N'App!Passw0rd'");
    await server.ok("CREATE LOGIN [owner] WITH PASSWORD = N'App!Passw0rd'");
    await server.ok('CREATE SERVER ROLE [watchers]');
    await server.ok('ALTER SERVER ROLE [watchers] ADD MEMBER [app]');
    await server.ok("EXEC msdb.dbo.sp_add_job @job_name = N'j', @owner_login_name = N'owner'");
    expect(await server.refusal(text.replace('$SID', await literal(server, 'sid', 'app')))).toEqual(numbers);
  });

  test('a login of Windows is refused on an instance', async () => {
    expect(await instance.refusal('CREATE LOGIN [D\\ann] FROM WINDOWS')).toEqual([41906]);
  });

  test('a hash is shown to those with CONTROL SERVER alone', async () => {
    await server.ok("CREATE LOGIN [app] WITH PASSWORD = N'App!Passw0rd'");
    const app = await rig.login('SQL1', { user: 'app', password: 'App!Passw0rd' });
    if (!(app instanceof Client)) throw new Error('refused');
    const text =
      "SELECT COUNT(password_hash) AS hashes, CONVERT(varbinary(256), LOGINPROPERTY(N'sa', 'PasswordHash')) AS property FROM sys.sql_logins";
    expect(await app.rows(text)).toMatchObject([{ hashes: 0, property: null }]);
    expect((await server.rows(text))[0]?.property).not.toBeNull();
  });

  test('CONNECT SQL: granted at first, denied, revoked; a row for each but the last', async () => {
    await server.ok("CREATE LOGIN [app] WITH PASSWORD = N'App!Passw0rd'");
    const states = async () =>
      (
        await server.rows(
          "SELECT p.state FROM sys.server_permissions AS p JOIN sys.server_principals AS g ON g.principal_id = p.grantee_principal_id WHERE g.name = N'app' AND p.permission_name = N'CONNECT SQL'",
        )
      ).map(({ state }) => String(state).trim());
    expect(await states()).toEqual(['G']);
    await server.ok('DENY CONNECT SQL TO [app]');
    expect(await states()).toEqual(['D']);
    await server.ok('REVOKE CONNECT SQL FROM [app]');
    expect(await states()).toEqual([]);
    expect(await rig.login('SQL1', { user: 'app', password: 'App!Passw0rd' })).toEqual([18456]);
    await server.ok('GRANT CONNECT SQL TO [app]');
    expect(await rig.login('SQL1', { user: 'app', password: 'App!Passw0rd' })).toBeInstanceOf(Client);
  });

  test('a role may be a member of another one, and its members have the rights of both', async () => {
    await server.ok("CREATE LOGIN [app] WITH PASSWORD = N'App!Passw0rd'");
    for (const name of ['Inner', 'Outer']) await server.ok(`CREATE SERVER ROLE [${name}]`);
    await server.ok('ALTER SERVER ROLE [Inner] ADD MEMBER [app]');
    await server.ok('ALTER SERVER ROLE [Outer] ADD MEMBER [Inner]');
    await server.ok('GRANT VIEW SERVER STATE TO [Outer]');
    const app = await rig.login('SQL1', { user: 'app', password: 'App!Passw0rd' });
    if (!(app instanceof Client)) throw new Error('refused');
    const text = 'SELECT COUNT(*) AS n FROM sys.dm_os_performance_counters';
    expect(await app.refusal(text)).toEqual([]);
    expect(
      await server.rows(
        `SELECT r.name AS role, m.name AS member FROM sys.server_role_members AS rm
JOIN sys.server_principals AS r ON r.principal_id = rm.role_principal_id
JOIN sys.server_principals AS m ON m.principal_id = rm.member_principal_id WHERE r.is_fixed_role = 0 ORDER BY r.name`,
      ),
    ).toEqual([
      { role: 'Inner', member: 'app' },
      { role: 'Outer', member: 'Inner' },
    ]);
    expect(await server.refusal('ALTER SERVER ROLE [Inner] ADD MEMBER [Outer]')).toEqual([15413]);
    expect(await server.refusal('DROP SERVER ROLE [Outer]')).toEqual([15144]);
    await server.ok('ALTER SERVER ROLE [Outer] DROP MEMBER [Inner]');
    expect(await app.refusal(text)).toContain(300);
    await server.ok('DROP SERVER ROLE [Outer]');
  });

  test('a user-defined role gives its permissions to its members', async () => {
    await server.ok("CREATE LOGIN [app] WITH PASSWORD = N'App!Passw0rd'");
    await server.ok('CREATE SERVER ROLE [watchers]');
    await server.ok('GRANT VIEW SERVER STATE TO [watchers]');
    const app = await rig.login('SQL1', { user: 'app', password: 'App!Passw0rd' });
    if (!(app instanceof Client)) throw new Error('refused');
    const text = 'SELECT COUNT(*) AS n FROM sys.dm_os_performance_counters';
    expect(await app.refusal(text)).toContain(300);
    await server.ok('ALTER SERVER ROLE [watchers] ADD MEMBER [app]');
    expect(await app.refusal(text)).toEqual([]);
  });
});

describe('Agent', () => {
  test.each([
    ["EXEC msdb.dbo.sp_add_job @job_name = N'j', @category_name = N'none'", [14234]],
    [
      "EXEC msdb.dbo.sp_add_jobstep @job_name = N'a', @step_name = N's', @subsystem = N'CmdExec', @command = N'dir'",
      [41914],
    ],
    [
      "EXEC msdb.dbo.sp_add_jobstep @job_name = N'a', @step_name = N's', @subsystem = N'QueueReader', @command = N'x'",
      [41914],
    ],
    ["EXEC msdb.dbo.sp_add_proxy @proxy_name = N'p', @credential_name = N'c'", [41914]],
    [
      "EXEC msdb.dbo.sp_add_jobstep @job_name = N'a', @step_name = N's', @command = N'x', @database_name = N'none'",
      [14262],
    ],
    ["EXEC msdb.dbo.sp_add_jobstep @job_name = N'a', @step_name = N's', @step_id = 2", [14266]],
    ["EXEC msdb.dbo.sp_delete_jobstep @job_name = N'a', @step_id = 4", [14262]],
    ["EXEC msdb.dbo.sp_detach_schedule @job_name = N'a', @schedule_name = N'twice'", [14371]],
    ["EXEC msdb.dbo.sp_detach_schedule @job_name = N'a', @schedule_name = N'none'", [14262]],
    ["EXEC msdb.dbo.sp_delete_category @class = 'JOB', @name = N'Database Maintenance'", [14276]],
    [
      "EXEC msdb.dbo.sp_add_category @class = 'JOB', @type = 'LOCAL', @name = N'Database Maintenance'",
      [14261],
    ],
  ])('%s is refused with %j on an instance', async (text, numbers) => {
    await instance.ok("EXEC msdb.dbo.sp_add_job @job_name = N'a'");
    await instance.ok("EXEC msdb.dbo.sp_add_schedule @schedule_name = N'twice'");
    await instance.ok("EXEC msdb.dbo.sp_add_schedule @schedule_name = N'twice'");
    expect(await instance.refusal(text)).toEqual(numbers);
  });

  test('a deleted job takes the schedules along that no other one has', async () => {
    for (const name of ['a', 'b']) await server.ok(`EXEC msdb.dbo.sp_add_job @job_name = N'${name}'`);
    await server.ok("EXEC msdb.dbo.sp_add_jobschedule @job_name = N'a', @name = N'own'");
    await server.ok("EXEC msdb.dbo.sp_add_schedule @schedule_name = N'shared'");
    for (const name of ['a', 'b'])
      await server.ok(`EXEC msdb.dbo.sp_attach_schedule @job_name = N'${name}', @schedule_name = N'shared'`);
    await server.ok("EXEC msdb.dbo.sp_delete_job @job_name = N'a'");
    expect(await server.rows('SELECT name FROM msdb.dbo.sysschedules')).toEqual([{ name: 'shared' }]);
  });

  const jobs = () => server.rows('SELECT name FROM msdb.dbo.sysjobs ORDER BY name');
  const TWO = "EXEC msdb.dbo.sp_add_job @job_name = N'a'; EXEC msdb.dbo.sp_add_job @job_name = N'a';";

  test('XACT_ABORT does not hold for RAISERROR, by which procedures fail: the batch goes on to its COMMIT', async () => {
    expect(await server.refusal(`SET XACT_ABORT ON; BEGIN TRANSACTION; ${TWO} COMMIT TRANSACTION;`)).toEqual([
      14261,
    ]);
    expect(await jobs()).toEqual([{ name: 'a' }]);
  });

  test('CATCH gets the error, a rollback takes back what procedures did, THROW gives it to the client', async () => {
    await server.ok("EXEC msdb.dbo.sp_add_job @job_name = N'old'");
    await server.ok("EXEC msdb.dbo.sp_add_jobstep @job_name = N'old', @step_name = N's', @command = N'x'");
    await server.ok("EXEC msdb.dbo.sp_add_jobschedule @job_name = N'old', @name = N'own'");
    const text = `BEGIN TRY BEGIN TRANSACTION;
EXEC msdb.dbo.sp_delete_jobstep @job_name = N'old', @step_id = 0;
EXEC msdb.dbo.sp_update_job @job_name = N'old', @new_name = N'new', @description = N'other';
EXEC msdb.dbo.sp_detach_schedule @job_name = N'new', @schedule_name = N'own', @delete_unused_schedule = 1;
EXEC msdb.dbo.sp_add_category @class = 'JOB', @type = 'LOCAL', @name = N'mine';
SAVE TRANSACTION here; EXEC msdb.dbo.sp_add_job @job_name = N'between'; ROLLBACK TRANSACTION here;
IF EXISTS (SELECT 1 FROM msdb.dbo.sysjobs WHERE name = N'between') THROW 50001, N'still there', 1;
${TWO} COMMIT TRANSACTION; END TRY
BEGIN CATCH IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; THROW; END CATCH;`;
    const state = async () => [
      await server.rows('SELECT * FROM msdb.dbo.sysjobs'),
      await server.rows('SELECT * FROM msdb.dbo.sysjobsteps'),
      await server.rows('SELECT * FROM msdb.dbo.sysschedules'),
      await server.rows('SELECT * FROM msdb.dbo.syscategories'),
    ];
    const before = await state();
    expect(await server.refusal(text)).toEqual([14261]);
    expect(await state()).toEqual(before);
    expect(await server.rows('SELECT @@TRANCOUNT AS depth')).toEqual([{ depth: 0 }]);
  });

  test('sa is found by its name, as any other login; on an instance it is always there', async () => {
    await instance.ok("EXEC msdb.dbo.sp_add_job @job_name = N'a', @owner_login_name = N'sa'");
    await server.ok("CREATE LOGIN [boss] WITH PASSWORD = N'App!Passw0rd'");
    await server.ok('ALTER SERVER ROLE [sysadmin] ADD MEMBER [boss]');
    const boss = await rig.login('SQL1', { user: 'boss', password: 'App!Passw0rd' });
    if (!(boss instanceof Client)) throw new Error('refused');
    rig.world.logins.alter('SQL1', 'sa', { name: 'root' });
    const text = "EXEC msdb.dbo.sp_add_job @job_name = N'a', @owner_login_name = ";
    expect(await boss.refusal(`${text}N'sa'`)).toEqual([14234]);
    await boss.ok(`DECLARE @owner sysname = SUSER_SNAME(0x01); ${text}@owner`);
  });

  test('a step that is put before others moves them down', async () => {
    await server.ok("EXEC msdb.dbo.sp_add_job @job_name = N'a'");
    for (const name of ['y', 'x'])
      await server.ok(
        `EXEC msdb.dbo.sp_add_jobstep @job_name = N'a', @step_id = 1, @step_name = N'${name}', @command = N'x'`,
      );
    expect(await server.rows('SELECT step_id, step_name FROM msdb.dbo.sysjobsteps ORDER BY step_id')).toEqual(
      [
        { step_id: 1, step_name: 'x' },
        { step_id: 2, step_name: 'y' },
      ],
    );
  });

  test('steps behind a deleted one move up; 0 deletes them all', async () => {
    await server.ok("EXEC msdb.dbo.sp_add_job @job_name = N'a'");
    for (const name of ['x', 'y', 'z'])
      await server.ok(
        `EXEC msdb.dbo.sp_add_jobstep @job_name = N'a', @step_name = N'${name}', @command = N'SELECT 1'`,
      );
    await server.ok("EXEC msdb.dbo.sp_delete_jobstep @job_name = N'a', @step_id = 2");
    expect(await server.rows('SELECT step_id, step_name FROM msdb.dbo.sysjobsteps')).toEqual([
      { step_id: 1, step_name: 'x' },
      { step_id: 2, step_name: 'z' },
    ]);
    await server.ok("EXEC msdb.dbo.sp_delete_jobstep @job_name = N'a', @step_id = 0");
    expect(await server.rows('SELECT step_id FROM msdb.dbo.sysjobsteps')).toEqual([]);
  });

  test('messages of users stand above 50000', async () => {
    await server.ok("EXEC sp_addmessage @msgnum = 50010, @severity = 16, @msgtext = N'no stock'");
    expect(await server.rows('SELECT message_id, text FROM sys.messages WHERE message_id > 50000')).toEqual([
      { message_id: 50010, text: 'no stock' },
    ]);
    expect(await server.refusal("EXEC sp_addmessage @msgnum = 5, @severity = 16, @msgtext = N'x'")).toEqual([
      15040,
    ]);
    expect(
      await server.refusal("EXEC sp_addmessage @msgnum = 50010, @severity = 16, @msgtext = N'x'"),
    ).toEqual([15043]);
  });
});

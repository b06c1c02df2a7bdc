/** Sessions, KILL, restarts, faults, Agent jobs. */
import { Rig } from './harness';

describe('sessions', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.stop());

  test('KILL ends the victim and rolls its work back', async () => {
    const [victim, killer] = [await rig.connect('SQL1', { database: 'Sales' }), await rig.connect('SQL1')];
    await victim.ok('CREATE TABLE dbo.t (id int PRIMARY KEY)');
    await victim.ok('BEGIN TRAN; INSERT INTO dbo.t VALUES (1)');
    expect(
      await killer.rows(
        `SELECT open_transaction_count AS n FROM sys.dm_exec_sessions WHERE session_id = ${victim.spid}`,
      ),
    ).toEqual([{ n: 1 }]);
    expect(await killer.refusal(`KILL ${killer.spid}`)).toEqual([6104]);
    await killer.ok(`KILL ${victim.spid}`);
    expect(victim.state.terminated).toBe(true);
    expect(await victim.refusal('SELECT 1')).toEqual([596]);
    expect(await killer.rows('SELECT * FROM Sales.dbo.t')).toEqual([]);
    expect(await killer.refusal(`KILL ${victim.spid}`)).toEqual([6106]);
  });

  test('an open transaction that has written holds the log', async () => {
    const client = await rig.connect('SQL1', { database: 'Sales' });
    await client.ok('CREATE TABLE dbo.t (id int)');
    await client.ok('BEGIN TRAN; INSERT INTO dbo.t VALUES (1)');
    const other = await rig.connect('SQL1');
    await other.ok('CREATE TABLE Sales.dbo.later (id int); INSERT INTO Sales.dbo.later VALUES (1)');
    await rig.while(other.ok("BACKUP LOG Sales TO DISK = 'a.trn'"));
    expect(
      await other.rows("SELECT log_reuse_wait_desc AS w FROM sys.databases WHERE name = 'Sales'"),
    ).toEqual([{ w: 'ACTIVE_TRANSACTION' }]);
    await client.ok('ROLLBACK');
    expect(
      await other.rows("SELECT log_reuse_wait_desc AS w FROM sys.databases WHERE name = 'Sales'"),
    ).not.toEqual([{ w: 'ACTIVE_TRANSACTION' }]);
  });

  test('a restart ends every session and admits nobody meanwhile', async () => {
    const client = await rig.connect('SQL1');
    rig.world.instances.stop('SQL1');
    expect(client.state.terminated).toBe(true);
    expect(await client.refusal('SELECT 1')).toEqual([596]);
    expect(await rig.login('SQL1')).toEqual([]);
    rig.world.instances.start('SQL1');
    expect(await (await rig.connect('SQL1')).rows('SELECT COUNT(*) AS n FROM sys.dm_exec_sessions')).toEqual([
      { n: 1 },
    ]);
  });

  test('reset brings the database of the login back', async () => {
    const client = await rig.connect('SQL1', { database: 'Sales' });
    await client.ok('USE master; DBCC TRACEON (1800)');
    await client.session.reset(false);
    expect(await client.rows('SELECT DB_NAME() AS d')).toEqual([{ d: 'Sales' }]);
    expect(await client.rows('DBCC TRACESTATUS')).toEqual([]);
  });

  test('the limit of user connections is kept', async () => {
    const client = await rig.connect('SQL1');
    const setting = rig.backend('SQL1').state.configuration('user connections');
    if (setting === undefined) throw new Error('no such setting');
    setting.valueInUse = 1;
    expect(await rig.login('SQL1')).toEqual([17809]);
    client.session.close();
    await rig.connect('SQL1');
  });
});

describe('faults', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.stop());

  const inserted = async () =>
    (await (await rig.connect('SQL1')).rows('SELECT COUNT(*) AS n FROM Sales.dbo.t'))[0]?.n;

  test.each([
    ['before', 0],
    ['during', 1],
    ['after', 1],
  ] as const)('a connection dropped %s the effect leaves %i row', async (when, rows) => {
    const client = await rig.connect('SQL1', { database: 'Sales' });
    await client.ok('CREATE TABLE dbo.t (id int)');
    rig.world.faults.add({
      surface: 'sql',
      statement: 'INSERT',
      count: 1,
      action: { kind: 'drop', when, how: 'rst' },
    });
    const answer = await client.run('INSERT INTO dbo.t VALUES (1); SELECT 7');
    expect(answer.dropped).toBe('rst');
    expect(answer.sets).toEqual([]);
    expect(await inserted()).toBe(rows);
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('a scripted error %s the effect leaves %i row', async (when, rows) => {
    const client = await rig.connect('SQL1', { database: 'Sales' });
    await client.ok('CREATE TABLE dbo.t (id int)');
    rig.world.faults.add({
      surface: 'sql',
      statement: 'INSERT',
      count: 1,
      action: { kind: 'error', number: 1205, when, message: 'deadlock' },
    });
    expect(await client.refusal('INSERT INTO dbo.t VALUES (1)')).toEqual([1205]);
    expect(await inserted()).toBe(rows);
    expect(await client.refusal('INSERT INTO dbo.t VALUES (2)')).toEqual([]);
  });

  test('a hanging statement ends with the attention and did nothing', async () => {
    const client = await rig.connect('SQL1', { database: 'Sales' });
    await client.ok('CREATE TABLE dbo.t (id int)');
    rig.world.faults.add({ surface: 'sql', statement: 'INSERT', action: { kind: 'hang' } });
    const attention = new AbortController();
    const hanging = client.run('INSERT INTO dbo.t VALUES (1)', attention.signal);
    attention.abort(new Error('attention'));
    await expect(hanging).rejects.toThrow('attention');
    rig.world.faults.clear();
    expect(await inserted()).toBe(0);
  });

  test('login faults refuse or drop', async () => {
    rig.world.faults.add({
      surface: 'login',
      count: 1,
      action: { kind: 'error', number: 40613, severity: 14 },
    });
    rig.world.faults.add({ surface: 'login', count: 1, action: { kind: 'drop' } });
    expect(await rig.login('SQL1')).toEqual([40613]);
    expect(await rig.login('SQL1')).toEqual([]);
    await rig.connect('SQL1');
  });
});

describe('SQL Agent', () => {
  test("runs the documented network test from SQL Server's side", async () => {
    const rig = new Rig();
    const client = await rig.connect('SQL1');
    const host = rig.world.instances.get('mi-west').managed?.fullyQualifiedDomainName ?? '';
    await client.ok(`
      EXEC msdb.dbo.sp_add_job @job_name = N'TestMILinkConnection', @enabled = 1;
      EXEC msdb.dbo.sp_add_jobstep @job_name = N'TestMILinkConnection', @step_name = N'Server', @subsystem = N'PowerShell', @on_success_action = 3, @on_fail_action = 3,
        @command = N'tnc ${host} -port 5022 | select ComputerName, RemoteAddress, TcpTestSucceeded | Format-List';
      EXEC msdb.dbo.sp_add_jobstep @job_name = N'TestMILinkConnection', @step_name = N'Nowhere', @subsystem = N'PowerShell',
        @command = N'tnc nowhere.example -port 5022 | select ComputerName, RemoteAddress, TcpTestSucceeded | Format-List';`);
    expect(await client.refusal("EXEC msdb.dbo.sp_start_job @job_name = N'TestMILinkConnection'")).toEqual([
      14256,
    ]);
    await client.ok(
      "EXEC msdb.dbo.sp_add_jobserver @job_name = N'TestMILinkConnection', @server_name = N'(local)'; EXEC msdb.dbo.sp_start_job @job_name = N'TestMILinkConnection'",
    );
    await rig.world.clock.advance(10_000);
    const history = await client.rows(
      "SELECT h.step_id, h.run_status, h.message FROM msdb.dbo.sysjobhistory h JOIN msdb.dbo.sysjobs j ON j.job_id = h.job_id WHERE j.name = 'TestMILinkConnection' ORDER BY h.step_id",
    );
    expect(history.map((row) => [row.step_id, row.run_status])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(history[1]?.message).toContain('TcpTestSucceeded : True');
    expect(history[2]?.message).toContain('TcpTestSucceeded : False');
    rig.stop();
  });

  test('runs T-SQL steps as the owner and reports their failure', async () => {
    const rig = new Rig();
    const client = await rig.connect('SQL1', { database: 'Sales' });
    await client.ok('CREATE TABLE dbo.t (id int)');
    await client.ok(`
      DECLARE @id uniqueidentifier;
      EXEC msdb.dbo.sp_add_job @job_name = N'writer', @job_id = @id OUTPUT;
      EXEC msdb.dbo.sp_add_jobstep @job_id = @id, @step_name = N'one', @subsystem = N'TSQL', @database_name = N'Sales', @command = N'INSERT INTO dbo.t VALUES (1)', @on_success_action = 3;
      EXEC msdb.dbo.sp_add_jobstep @job_id = @id, @step_name = N'two', @command = N'SELECT * FROM dbo.nothing';
      EXEC msdb.dbo.sp_add_jobserver @job_id = @id;
      EXEC msdb.dbo.sp_start_job @job_id = @id;`);
    await rig.world.clock.advance(10_000);
    expect(await client.rows('SELECT id FROM dbo.t')).toEqual([{ id: 1 }]);
    expect(
      await client.rows('SELECT step_id, run_status FROM msdb.dbo.sysjobhistory ORDER BY step_id'),
    ).toEqual([
      { step_id: 0, run_status: 0 },
      { step_id: 1, run_status: 1 },
      { step_id: 2, run_status: 0 },
    ]);
    rig.stop();
  });
});

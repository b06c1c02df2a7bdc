/** Through the real driver over a socket. */
import sql from 'mssql';
import { SqlServerBackend } from '../../../estate/sqlserver/backend';
import { TdsServer } from '../../../estate/tds/server';
import { EstateWorld } from '../../../estate/world/world';
import { PASSWORD } from './harness';

describe('through mssql', () => {
  let world: EstateWorld;
  let server: TdsServer;
  let port: number;
  const pools: sql.ConnectionPool[] = [];

  beforeAll(async () => {
    // A simulated day in a second: a backup of 24 GB does not keep the test waiting.
    world = EstateWorld.create({ clock: { mode: 'real', speed: 86_400 } });
    server = new TdsServer({ backend: new SqlServerBackend({ world, instance: 'SQL1' }) });
    ({ port } = await server.listen(0, '127.0.0.1'));
  });
  afterAll(async () => {
    for (const pool of pools) await pool.close();
    await server.close();
    world.stop();
  });

  const connect = async (options: Partial<sql.config> = {}): Promise<sql.ConnectionPool> => {
    const pool = new sql.ConnectionPool({
      server: '127.0.0.1',
      port,
      user: 'sa',
      password: PASSWORD,
      pool: { min: 0, max: 1 },
      options: { encrypt: false },
      ...options,
    });
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool.connect();
  };

  test('catalog rows, variants and LSN-sized decimals arrive', async () => {
    const pool = await connect();
    const properties = await pool.query(
      "SELECT SERVERPROPERTY('ProductVersion') AS v, SERVERPROPERTY('IsHadrEnabled') AS h",
    );
    expect(properties.recordset).toEqual([{ v: '16.0.4165.4', h: 1 }]);
    const lsn = await pool.query(
      "SELECT CONVERT(varchar(30), last_log_backup_lsn) AS l FROM sys.database_recovery_status WHERE database_id = DB_ID('Sales')",
    );
    expect(lsn.recordset[0].l).toMatch(/^\d{15,25}$/);
    const all = await pool.query('SELECT * FROM sys.databases');
    expect(all.recordset.map((row) => row.name)).toEqual(['master', 'tempdb', 'model', 'msdb', 'Sales']);
  });

  test('a backup tells its progress while it runs', async () => {
    const pool = await connect();
    const messages: string[] = [];
    const request = pool.request();
    request.on('info', (info: { message: string }) => messages.push(info.message));
    await request.batch("BACKUP DATABASE [Sales] TO DISK = N'C:\\backup\\s.bak' WITH COPY_ONLY, STATS = 50");
    expect(messages.slice(0, 2)).toEqual(['50 percent processed.', '100 percent processed.']);
    expect(messages.at(-1)).toMatch(/^BACKUP DATABASE successfully processed \d+ pages in/);
  });

  test('both errors of a failed backup arrive, the cause first', async () => {
    const pool = await connect();
    const failure = await pool.query("BACKUP DATABASE [Sales] TO DISK = N'Z:\\x\\s.bak'").then(
      () => undefined,
      (error: sql.RequestError & { precedingErrors: { number: number }[] }) => error,
    );
    expect(failure?.number).toBe(3013);
    expect(failure?.precedingErrors.map((error) => error.number)).toEqual([3201]);
  });

  test('parameters, transactions and the working table', async () => {
    const pool = await connect({ database: 'Sales' });
    await pool.query('CREATE TABLE dbo.w (n bigint PRIMARY KEY, at datetime2 DEFAULT SYSUTCDATETIME())');
    const transaction = pool.transaction();
    await transaction.begin();
    await transaction.request().input('n', sql.BigInt, 1).query('INSERT INTO dbo.w (n) VALUES (@n)');
    await transaction.rollback();
    await pool.request().input('n', sql.BigInt, 2).query('INSERT INTO dbo.w (n) VALUES (@n)');
    expect((await pool.query('SELECT n FROM dbo.w')).recordset).toEqual([{ n: '2' }]);
  });

  test('KILL closes the socket of the victim', async () => {
    const [victim, killer] = [await connect(), await connect()];
    const { recordset } = await victim.query('SELECT @@SPID AS spid');
    const waiting = victim.query("WAITFOR DELAY '23:59:59'").then(
      () => 'done',
      (error: Error) => error.constructor.name,
    );
    await killer.query(`KILL ${recordset[0].spid}`);
    expect(await waiting).toBe('RequestError');
    const left = await killer.query(
      `SELECT COUNT(*) AS n FROM sys.dm_exec_sessions WHERE session_id = ${recordset[0].spid}`,
    );
    expect(left.recordset).toEqual([{ n: 0 }]);
  });

  test('a drop after the commit leaves the row and an error', async () => {
    const pool = await connect({ database: 'Sales' });
    await pool.query('CREATE TABLE dbo.d (n int)');
    world.faults.add({
      surface: 'sql',
      statement: 'INSERT INTO dbo.d',
      count: 1,
      action: { kind: 'drop', when: 'after', how: 'rst' },
    });
    await expect(pool.query('INSERT INTO dbo.d VALUES (1)')).rejects.toThrow();
    expect((await pool.query('SELECT n FROM dbo.d')).recordset).toEqual([{ n: 1 }]);
  });

  test('a wrong password is refused', async () => {
    await expect(connect({ password: 'wrong' })).rejects.toThrow("Login failed for user 'sa'.");
  });
});

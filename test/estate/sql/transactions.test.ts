import { MemoryTableStore } from '../../../estate/sql/engine';
import { SqlError } from '../../../estate/sql/errors';
import { FakeServer, Recorder, type TestSession } from './fake-host';

const setUp = async (): Promise<[FakeServer, TestSession, TestSession]> => {
  const server = new FakeServer();
  const [a, b] = [server.session(), server.session()];
  await a.run("CREATE TABLE t (id int PRIMARY KEY, v nvarchar(5)); INSERT t VALUES (1, N'a'), (2, N'b')");
  return [server, a, b];
};

describe('transactions', () => {
  test('own writes are visible, others see committed rows only', async () => {
    const [, a, b] = await setUp();
    await a.run(
      "BEGIN TRAN; INSERT t VALUES (3, N'c'); UPDATE t SET v = N'x' WHERE id = 1; DELETE t WHERE id = 2",
    );
    expect(await a.rows('SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, 'x'],
      [3, 'c'],
    ]);
    expect(await b.rows('SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(await a.rows('SELECT COUNT(*) FROM t')).toEqual([[2]]);
    await a.run('COMMIT');
    expect(await b.rows('SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, 'x'],
      [3, 'c'],
    ]);
  });

  test('rollback, savepoints, nesting', async () => {
    const [server, a] = await setUp();
    await a.run(
      "BEGIN TRAN outside; INSERT t VALUES (3, N'c'); SAVE TRAN s; INSERT t VALUES (4, N'd'); ROLLBACK TRAN s; BEGIN TRAN; COMMIT",
    );
    expect(a.sql.transactionDepth).toBe(1);
    expect(await a.rows('SELECT MAX(id), @@TRANCOUNT FROM t')).toEqual([[3, 1]]);
    const commits = server.committed.length;
    await a.run('ROLLBACK');
    expect(await a.rows('SELECT MAX(id), @@TRANCOUNT FROM t')).toEqual([[2, 0]]);
    expect(server.committed).toHaveLength(commits);
  });

  test('a failing statement takes back only itself', async () => {
    const [, a] = await setUp();
    const output = await a.run(
      "BEGIN TRAN; INSERT t VALUES (5, N'e'); INSERT t VALUES (6, N'f'), (1, N'dup'); COMMIT",
    );
    expect(output.errors.map((error) => error.number)).toEqual([2627]);
    expect(await a.rows('SELECT id FROM t ORDER BY id')).toEqual([[1], [2], [5]]);
  });

  test('XACT_ABORT holds for THROW, and not for RAISERROR', async () => {
    const [, a] = await setUp();
    const raised = "SET XACT_ABORT ON; BEGIN TRAN; INSERT t VALUES (3, N'c'); RAISERROR(N'r', 16, 1); COMMIT";
    expect(await a.errors(raised)).toEqual([50_000]);
    expect(await a.rows('SELECT COUNT(*) FROM t')).toEqual([[3]]);
    const thrown = "BEGIN TRAN; DELETE t; THROW 50001, N't', 1; COMMIT";
    expect(await a.errors(thrown)).toEqual([50_001]);
    expect(await a.rows('SELECT COUNT(*), @@TRANCOUNT FROM t')).toEqual([[3, 0]]);
  });

  test('XACT_ABORT rolls everything back and ends the batch', async () => {
    const [, a] = await setUp();
    expect(
      await a.errors(
        "SET XACT_ABORT ON; BEGIN TRAN; INSERT t VALUES (5, N'e'); INSERT t VALUES (1, N'x'); PRINT 'never'",
      ),
    ).toEqual([2627]);
    expect(a.sql.transactionDepth).toBe(0);
    expect(await a.rows('SELECT COUNT(*) FROM t')).toEqual([[2]]);
    expect(a.sql.xactAbort).toBe(true);
  });

  test('TRY, CATCH and a doomed transaction', async () => {
    const [, a] = await setUp();
    const output = await a.run(`
      SET XACT_ABORT ON;
      BEGIN TRY BEGIN TRAN; INSERT t VALUES (1, N'x'); PRINT 'never'; END TRY
      BEGIN CATCH
        SELECT ERROR_NUMBER(), XACT_STATE(), ERROR_SEVERITY();
        IF XACT_STATE() = -1 ROLLBACK;
      END CATCH;
      SELECT @@TRANCOUNT`);
    expect(output.sets.map((set) => set.rows)).toEqual([[[2627, -1, 14]], [[0]]]);
    expect(output.infos).toEqual([]);
    expect(
      await a.errors(
        "SET XACT_ABORT ON; BEGIN TRY BEGIN TRAN; SELECT 1/0 END TRY BEGIN CATCH PRINT 'x' END CATCH",
      ),
    ).toEqual([3998]);
    expect(a.sql.transactionDepth).toBe(0);
  });

  test('writers wait for each other; LOCK_TIMEOUT ends the wait with 1222', async () => {
    const [, a, b] = await setUp();
    await a.run("BEGIN TRAN; UPDATE t SET v = N'a2' WHERE id = 1");
    expect(await b.errors("SET LOCK_TIMEOUT 0; UPDATE t SET v = N'b' WHERE id = 2")).toEqual([1222]);
    const waiting = b.run("SET LOCK_TIMEOUT -1; UPDATE t SET v = v + N'!' WHERE id = 1");
    await a.run('COMMIT');
    await waiting;
    expect(await a.rows('SELECT v FROM t WHERE id = 1')).toEqual([['a2!']]);
  });

  test('inserters do not wait unless they want the same key', async () => {
    const [, a, b] = await setUp();
    await a.run("BEGIN TRAN; INSERT t VALUES (10, N'a')");
    await b.run("INSERT t VALUES (11, N'b')");
    const same = b.errors("INSERT t VALUES (10, N'b')");
    await a.run('COMMIT');
    expect(await same).toEqual([2627]);
    expect(await b.rows('SELECT id FROM t WHERE id >= 10 ORDER BY id')).toEqual([[10], [11]]);
  });

  test('a deadlock has a victim', async () => {
    const [, a, b] = await setUp();
    await a.run('CREATE TABLE u (id int)');
    await a.run("BEGIN TRAN; UPDATE t SET v = N'1'");
    await b.run('BEGIN TRAN; INSERT u VALUES (1); UPDATE u SET id = 2');
    const waiting = a.run('UPDATE u SET id = 3');
    expect(await b.errors("UPDATE t SET v = N'2'")).toEqual([1205]);
    await waiting;
    expect(b.sql.transactionDepth).toBe(0);
    await a.run('COMMIT');
  });

  test('a waiting writer leaves when its signal aborts', async () => {
    const [, a, b] = await setUp();
    await a.run("BEGIN TRAN; UPDATE t SET v = N'1'");
    const controller = new AbortController();
    const waiting = b.sql.executeBatch("UPDATE t SET v = N'2'", new Recorder(), controller.signal);
    controller.abort(new Error('attention'));
    await expect(waiting).rejects.toThrow('attention');
    await a.run('COMMIT');
    expect(await b.rows('SELECT DISTINCT v FROM t')).toEqual([['1']]);
  });

  test('a commit that the host refuses applies nothing and ends the transaction', async () => {
    const [server, a] = await setUp();
    await a.run("BEGIN TRAN; INSERT t VALUES (7, N'x')");
    server.failCommit = new SqlError(983, 'not primary', { severity: 14 });
    expect(await a.errors('COMMIT')).toEqual([983]);
    expect(a.sql.transactionDepth).toBe(0);
    server.failCommit = undefined;
    expect(await a.rows('SELECT COUNT(*) FROM t')).toEqual([[2]]);
    await a.run("UPDATE t SET v = N'free' WHERE id = 1");
  });

  test.each([
    ['COMMIT', [3902]],
    ['ROLLBACK', [3903]],
    ['BEGIN TRAN; ROLLBACK TRAN nope; ROLLBACK', [6401]],
    ['SAVE TRAN x', [628]],
    ["EXEC('BEGIN TRAN'); ROLLBACK", [266]],
    ["BEGIN TRAN; EXEC('ROLLBACK')", [266]],
    ['BEGIN TRAN; INSERT t VALUES (9, NULL); INSERT master.dbo.x VALUES (1); ROLLBACK', [40515]],
  ])('%s', async (sql, numbers) => {
    const [server, a] = await setUp();
    server.databases.get('master')?.apply([
      {
        kind: 'create-table',
        table: {
          schema: 'dbo',
          name: 'x',
          columns: [{ name: 'a', type: { kind: 'int' }, nullable: true }],
          primaryKey: [],
        },
      },
    ]);
    expect(await a.errors(sql)).toEqual(numbers);
  });

  test('a read-only database refuses writes, not reads', async () => {
    const [server, a] = await setUp();
    server.readOnly.add('orders');
    expect(await a.errors('DELETE t')).toEqual([3906]);
    expect(await a.rows('SELECT COUNT(*) FROM t')).toEqual([[2]]);
  });

  test('the log replayed on another copy gives the same tables', async () => {
    const server = new FakeServer();
    const a = server.session();
    await a.run(`CREATE TABLE t (id int IDENTITY PRIMARY KEY, v int DEFAULT 5); INSERT t DEFAULT VALUES; INSERT t (v) VALUES (7), (8);
      UPDATE t SET v += 1; DELETE t WHERE id = 2; ALTER TABLE t ADD w int NOT NULL DEFAULT 3; INSERT t (v) VALUES (1)`);
    const copy = new MemoryTableStore();
    for (const changes of server.committed) copy.apply(changes);
    const original = server.databases.get('orders')?.table('dbo', 't');
    const table = copy.table('DBO', 'T');
    expect([...(table?.rows ?? [])]).toEqual([...(original?.rows ?? [])]);
    expect([...(table?.rows.values() ?? [])]).toEqual([
      [1, 6, 3],
      [3, 9, 3],
      [4, 1, 3],
    ]);
    expect([table?.nextRowId, table?.nextIdentity]).toEqual([original?.nextRowId, original?.nextIdentity]);
    expect(table?.rowIdOf?.([3])).toBe(original?.rowIdOf?.([3]));
  });
});

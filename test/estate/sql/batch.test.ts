import * as fc from 'fast-check';
import { SqlError, SqlErrors } from '../../../estate/sql/errors';
import { parseBatch } from '../../../estate/sql/syntax/batch';
import { FakeServer, Recorder, TestSession } from './fake-host';

describe('batches', () => {
  test('variables, IF, PRINT, EXEC', async () => {
    const session = new TestSession();
    const output = await session.run(`
      DECLARE @a int = 2, @b nvarchar(20), @rc int;
      SET @b = N'x' + CAST(@a AS nvarchar(10));
      IF @a = 2 AND @b = N'X2' PRINT 'yes' ELSE PRINT 'no';
      EXEC @rc = sp_double @n = 4, @result = @a OUTPUT;
      SET @a += 1;
      SELECT @a AS a, @b b, @rc AS [rc]`);
    expect(output.infos.map((info) => info.message)).toEqual(['yes']);
    expect(output.sets[0]?.rows).toEqual([[9, 'x2', 7]]);
    expect(output.sets[0]?.columns.map((column) => column.name)).toEqual(['a', 'b', 'rc']);
  });

  test('WHILE, BREAK, CONTINUE, RETURN', async () => {
    const output = await new TestSession().run(`
      DECLARE @i int = 0, @sum int = 0;
      WHILE 1 = 1 BEGIN
        SET @i += 1;
        IF @i % 2 = 0 CONTINUE;
        IF @i > 9 BREAK;
        SET @sum += @i;
      END
      SELECT @sum;
      RETURN;
      SELECT 'never'`);
    expect(output.sets.map((set) => set.rows)).toEqual([[[25]]]);
  });

  test('a table through its life', async () => {
    const output = await new TestSession().run(`
      CREATE TABLE dbo.t (id int IDENTITY(1,1) PRIMARY KEY, name nvarchar(10) NOT NULL, at datetime2(3) DEFAULT SYSUTCDATETIME());
      INSERT INTO t (name) VALUES (N'a'), (N'b'), (N'c');
      UPDATE t SET name = name + N'!' OUTPUT deleted.name, inserted.name WHERE id >= 2;
      DELETE FROM t WHERE id = 1;
      SELECT id, name FROM t ORDER BY id DESC;
      SELECT COUNT(*), MAX(id), SCOPE_IDENTITY() FROM dbo.t;
      TRUNCATE TABLE t;
      INSERT t (name) OUTPUT inserted.id VALUES ('z');
      DROP TABLE IF EXISTS t, nope`);
    expect(output.errors).toEqual([]);
    expect(output.counts).toEqual([undefined, 3, 2, 1, undefined, 1, undefined]);
    expect(output.sets.map((set) => set.rows)).toMatchObject([
      [
        ['b', 'b!'],
        ['c', 'c!'],
      ],
      [
        [3, 'c!'],
        [2, 'b!'],
      ],
      [[2, 3, { unscaled: 3n }]],
      [[1]],
    ]);
  });

  test('UPDATE and DELETE with joins, TOP, table variables, OUTPUT INTO', async () => {
    const output = await new TestSession().run(`
      DECLARE @src TABLE (id int PRIMARY KEY, v int);
      DECLARE @log TABLE (id int, old int);
      CREATE TABLE #t (id int, v int);
      INSERT @src SELECT value, value * 10 FROM GENERATE_SERIES(1, 5);
      INSERT #t (id, v) SELECT id, 0 FROM @src;
      UPDATE x SET v = s.v OUTPUT inserted.id, deleted.v INTO @log FROM #t x JOIN @src s ON s.id = x.id WHERE s.id > 3;
      DELETE TOP (2) FROM #t WHERE v = 0;
      DELETE t FROM #t AS t WHERE NOT EXISTS (SELECT 1 FROM @log l WHERE l.id = t.id);
      SELECT * FROM #t ORDER BY id; SELECT * FROM @log ORDER BY id`);
    expect(output.counts).toEqual([undefined, 5, 5, 2, 2, 1]);
    expect(output.sets.map((set) => set.rows)).toEqual([
      [
        [4, 40],
        [5, 50],
      ],
      [
        [4, 0],
        [5, 0],
      ],
    ]);
  });

  test.each<[string, number[]]>([
    ["INSERT t VALUES (1, N'x', 3)", [213]],
    ['INSERT t (id, v) VALUES (1)', [109]],
    ['INSERT t (id) VALUES (1, 2)', [110]],
    ['INSERT t (id, v) SELECT 1', [120]],
    ['INSERT t (id, nope) VALUES (1, 2)', [207]],
    ["INSERT t VALUES (NULL, N'x')", [515]],
    ["INSERT t VALUES (1, N'toolong')", [2628]],
    ["INSERT t VALUES (1, N'a'); INSERT t VALUES (1, N'b')", [2627]],
    ["INSERT t VALUES (1, N'a'), (2, N'b'); UPDATE t SET id = 2 WHERE id = 1", [2627]],
    ["INSERT t VALUES (1, N'a'), (2, N'b'); UPDATE t SET id = 3 - id", []],
    ['UPDATE t SET nope = 1', [207]],
    ['UPDATE nope SET a = 1', [208]],
    ['CREATE TABLE t (a int)', [2714]],
    ['CREATE TABLE u (a int, A int)', [2705]],
    ['DROP TABLE nope', [3701]],
    ['MERGE t USING t AS s ON 1 = 1 WHEN MATCHED THEN DELETE;', [40510]],
    ['CREATE VIEW v AS SELECT 1 AS a', [40510]],
    ['EXEC missing_procedure', [2812]],
    ["EXEC('SELECT FROM')", [156]],
    ["EXEC sp_executesql N'SELECT @p', N'@p int'", [8178]],
    ["EXEC sp_executesql 'SELECT 1'", [214]],
    ['USE nowhere', [911]],
    ['DECLARE @a int; DECLARE @a int', [134]],
    ["RAISERROR('x', 16, 1); PRINT 'on'", [50_000]],
    ["THROW 50001, 'x', 1; SELECT 1/0", [50_001]],
    ["THROW 1, 'x', 1", [35_100]],
    ["SELECT 1/0; SELECT CAST('x' AS int); SELECT 1/0", [8134, 245]],
    ['SELECT 1; SELEC 2', [102]],
    ['BEGIN SELECT 1', [102]],
    ['SELECT * FROM nowhere.dbo.t', [911]],
    ['SELECT * FROM srv.db.dbo.t', [7202]],
    ["WAITFOR DELAY 'soon'", [148]],
  ])('%s', async (sql, numbers) => {
    const session = new TestSession();
    await session.run('CREATE TABLE t (id int NOT NULL PRIMARY KEY, v nvarchar(5) NULL)');
    expect(await session.errors(sql)).toEqual(numbers);
  });

  test('a syntax error runs nothing, an unknown object only stops the batch there', async () => {
    const session = new TestSession();
    const first = new Recorder();
    await expect(
      session.sql.executeBatch("PRINT 'a'; SELECT (", first, session.signal),
    ).rejects.toMatchObject({ number: 102 });
    expect(first.infos).toEqual([]);
    const second = new Recorder();
    await expect(
      session.sql.executeBatch("PRINT 'a';\nSELECT * FROM nope; PRINT 'b'", second, session.signal),
    ).rejects.toMatchObject({ number: 208, line: 2 });
    expect(second.infos.map((info) => info.message)).toEqual(['a']);
  });

  test('TRY and CATCH', async () => {
    const output = await new TestSession().run(`
      BEGIN TRY
        SELECT 1/0;
        PRINT 'never';
      END TRY
      BEGIN CATCH
        PRINT CONCAT(ERROR_NUMBER(), ' ', ERROR_LINE(), ' ', ERROR_MESSAGE());
        BEGIN TRY EXEC('SELECT * FROM nope') END TRY BEGIN CATCH PRINT ERROR_NUMBER() END CATCH;
        BEGIN TRY THROW END TRY BEGIN CATCH PRINT ERROR_NUMBER() END CATCH
      END CATCH;
      PRINT ISNULL(ERROR_NUMBER(), -1)`);
    expect(output.infos.map((info) => info.message)).toEqual([
      '8134 3 Divide by zero error encountered.',
      '208',
      '8134',
      '-1',
    ]);
    expect(output.errors).toEqual([]);
  });

  test('RAISERROR fills in its arguments; small severities are messages', async () => {
    const output = await new TestSession().run(
      "DECLARE @n int = 5; RAISERROR(N'%s has %d of %3d%%', 10, 2, N'db', @n, 7) WITH NOWAIT; SELECT @@ERROR",
    );
    expect(output.infos).toMatchObject([{ message: 'db has 5 of   7%', severity: 10, state: 2 }]);
    expect(output.sets[0]?.rows).toEqual([[0]]);
  });

  test('sp_executesql: own scope, outputs, USE and options end with it', async () => {
    const session = new TestSession();
    const output = await session.run(`
      DECLARE @out int, @sql nvarchar(200) = N'SET NOCOUNT ON; USE master; SET @r = @x * 2; SELECT DB_NAME()';
      EXEC sp_executesql @sql, N'@x int, @r int OUTPUT', @x = 21, @r = @out OUTPUT;
      SELECT @out, DB_NAME()`);
    expect(output.sets.map((set) => set.rows)).toEqual([[['master']], [[42, 'orders']]]);
    expect(output.databases).toEqual(['master', 'orders']);
    expect(session.sql.noCount).toBe(false);
    expect(await session.errors("DECLARE @hidden int; EXEC('SELECT @hidden')")).toEqual([137]);
  });

  test('executeStatement and executeProcedure give outputs and status', async () => {
    const session = new TestSession();
    const output = new Recorder();
    const int = { kind: 'int' } as const;
    const result = await session.sql.executeStatement(
      'SET @b = @a + 1; SELECT @b',
      [
        { name: 'a', type: int, value: 1, output: false },
        { name: 'b', type: int, value: null, output: true },
      ],
      output,
      session.signal,
    );
    expect(result).toEqual({ returnStatus: 0, outputs: [{ name: 'b', type: int, value: 2, output: true }] });
    const called = await session.sql.executeProcedure(
      'master.dbo.[sp_double]',
      [
        { name: '', type: int, value: 5, output: false },
        { name: '', type: int, value: null, output: true },
      ],
      output,
      session.signal,
    );
    expect(called).toEqual({ returnStatus: 7, outputs: [{ name: '', type: int, value: 10, output: true }] });
    expect((await session.run('sp_inner')).sets[0]?.rows).toEqual([[3]]);
  });

  test('USE and SET stay, NOCOUNT hides counts, reset undoes', async () => {
    const session = new TestSession();
    await session.run(
      'SET NOCOUNT, XACT_ABORT ON; SET LOCK_TIMEOUT 500; SET TRANSACTION ISOLATION LEVEL SNAPSHOT; USE master; CREATE TABLE #a (b int)',
    );
    const output = await session.run('INSERT #a VALUES (1); SELECT @@LOCK_TIMEOUT');
    expect(output.counts).toEqual([undefined]);
    expect(output.sets[0]?.rows).toEqual([[500]]);
    expect(session.host.currentDatabase).toBe('master');
    session.sql.reset();
    expect([session.sql.noCount, session.sql.xactAbort]).toEqual([false, false]);
    expect(await session.errors('SELECT * FROM #a')).toEqual([208]);
  });

  test.each([
    'NOEXEC',
    'PARSEONLY',
  ])('under SET %s ON nothing runs until it is taken back', async (option) => {
    const session = new TestSession();
    await session.run('CREATE TABLE t (a int)');
    await session.run(`SET ${option} ON`);
    await session.run('DROP TABLE t; WHILE 1 = 1 SELECT 1; BEGIN TRY DELETE t END TRY BEGIN CATCH END CATCH');
    expect(await session.rows('SELECT 1')).toEqual([]);
    expect(await session.errors('SELECT FROM t')).toEqual([156]);
    await session.run(`SET ${option} OFF`);
    expect(await session.rows('SELECT COUNT(*) FROM t')).toEqual([[0]]);
  });

  test('plans are refused, not promised', async () => {
    const session = new TestSession();
    expect(await session.errors('SET SHOWPLAN_XML ON')).toEqual([40_510]);
    expect(await session.errors('SET SHOWPLAN_XML OFF')).toEqual([]);
  });

  test('RAISERROR of a number that sys.messages does not hold is error 18054', async () => {
    const session = new TestSession();
    expect(await session.errors('RAISERROR(60001, 16, 1)')).toEqual([18_054]);
    expect(await session.errors('RAISERROR(60001, 5, 1)')).toEqual([18_054]);
  });

  test('IMPLICIT_TRANSACTIONS begins with the first write', async () => {
    const session = new TestSession();
    await session.run('CREATE TABLE t (a int)');
    await session.run('SET IMPLICIT_TRANSACTIONS ON; INSERT t VALUES (1)');
    expect(session.sql.transactionDepth).toBe(1);
    await session.run('ROLLBACK; SET IMPLICIT_TRANSACTIONS OFF');
    expect(await session.rows('SELECT COUNT(*) FROM t')).toEqual([[0]]);
  });

  test('WAITFOR waits in the time of the host', async () => {
    const session = new TestSession();
    await session.run("WAITFOR DELAY '00:00:05.500'; WAITFOR TIME '10:31:00'");
    expect(session.host.slept).toEqual([5500, 14_877]);
  });

  test('an aborted signal ends a loop', async () => {
    const session = new TestSession();
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error('attention')));
    await expect(
      session.sql.executeBatch('WHILE 1 = 1 PRINT 1', new Recorder(), controller.signal),
    ).rejects.toThrow('attention');
  });

  test('a hundred thousand rows are found by key', async () => {
    const server = new FakeServer();
    const session = server.session();
    await session.run(
      'CREATE TABLE big (id bigint PRIMARY KEY, v int); INSERT big SELECT value, value FROM GENERATE_SERIES(1, 100000)',
    );
    expect(await session.rows('SELECT COUNT(*), MAX(id) FROM big')).toEqual([[100_000, 100_000n]]);
    expect(await session.rows('SELECT v FROM big b WHERE b.id = 77777 AND v > 0')).toEqual([[77_777]]);
    expect((await session.run('DELETE big WHERE id = 77777')).counts).toEqual([1]);
    expect(await session.rows('SELECT COUNT(*) FROM big WHERE id = 77777')).toEqual([[0]]);
  });
});

describe('any text', () => {
  const words = fc.constantFrom(
    'SELECT',
    'FROM',
    'WHERE',
    '(',
    ')',
    ',',
    '*',
    "'a'",
    '[b]',
    '@v',
    '1',
    '.',
    '=',
    'BEGIN',
    'END',
    'IF',
    'CASE',
    'WHEN',
    'THEN',
    'UNION',
    'JOIN',
    'ON',
    'TRAN',
    'EXEC',
    'SET',
    'DECLARE',
    'int',
    'IN',
    'NOT',
    'EXISTS',
    'OVER',
    'WITH',
    'AS',
    'VALUES',
    'INSERT',
    'CAST',
    ';',
    'BACKUP LOG',
    'TOP',
    'CREATE TABLE',
    'NULL',
  );

  test('is parsed or refused with a SQL error', () => {
    const host = new TestSession().host;
    fc.assert(
      fc.property(fc.array(words, { maxLength: 25 }), (list) => {
        try {
          parseBatch(list.join(' '), host);
        } catch (error) {
          if (!(error instanceof SqlError) && !(error instanceof SqlErrors)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('nested without measure is 191, or 8631 when long', async () => {
    const session = new TestSession();
    expect(await session.errors(`SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`)).toEqual([191]);
    expect(await session.errors(`SELECT ${'- '.repeat(5000)}1`)).toEqual([191]);
    expect(await session.errors(`SELECT 1${' + 1'.repeat(50_000)}`)).toEqual([8631]);
  });
});

/** What drivers and tools ask a server before they do anything: catalog procedures and reflection views. */
import { type Client, objects, Rig } from './harness';

describe('catalog for clients', () => {
  let rig: Rig;
  let client: Client;

  beforeAll(async () => {
    rig = new Rig({ instances: [{ kind: 'sql-server', name: 'SQL1', databases: [{ name: 'Sales' }] }] });
    client = await rig.connect('SQL1', { database: 'Sales' });
    await client.ok(
      `CREATE TABLE dbo.orders (
         id bigint IDENTITY(10, 5) CONSTRAINT pk_orders PRIMARY KEY,
         quantity int NOT NULL CONSTRAINT df_quantity DEFAULT 0,
         remark nvarchar(40) NULL DEFAULT N'x',
         at datetime2(3) NULL,
         amount decimal(10, 2) NULL)`,
    );
    await client.ok('CREATE TABLE dbo.pairs (a int, b int, PRIMARY KEY (b, a))');
    await client.ok('INSERT INTO dbo.orders (quantity) VALUES (1), (2)');
  });
  afterAll(() => rig.stop());

  const columns = async (sql: string): Promise<string[]> =>
    ((await client.ok(sql)).sets[0]?.columns ?? []).map((column) => column.name);

  test('sp_columns_100 measures columns as ODBC does', async () => {
    const rows = await client.rows("EXEC sp_columns_100 N'orders', N'dbo', NULL, NULL, @ODBCVer = 3");
    expect(
      rows.map((row) => [
        row.COLUMN_NAME,
        row.DATA_TYPE,
        row.TYPE_NAME,
        row.PRECISION,
        row.LENGTH,
        row.SCALE,
      ]),
    ).toEqual([
      ['id', -5, 'bigint identity', 19, 8, 0],
      ['quantity', 4, 'int', 10, 4, 0],
      ['remark', -9, 'nvarchar', 40, 80, null],
      ['at', 93, 'datetime2', 23, 16, 3],
      ['amount', 3, 'decimal', 10, 12, 2],
    ]);
    expect(rows.map((row) => [row.NULLABLE, row.COLUMN_DEF, row.SS_IS_IDENTITY])).toEqual([
      [0, null, 1],
      [0, '((0))', 0],
      [1, "(N'x')", 0],
      [1, null, 0],
      [1, null, 0],
    ]);
    expect(await client.rows("EXEC sp_columns_100 'orders', @column_name = 'q%'")).toHaveLength(1);
    expect(await client.rows("EXEC sp_columns_100 'order%', @fUsePattern = 0")).toHaveLength(0);
    expect((await client.rows("EXEC sp_columns 'orders', @column_name = 'at'"))[0]?.DATA_TYPE).toBe(11);
    expect(await columns("EXEC sp_columns 'orders'")).toHaveLength(19);
    expect(await columns("EXEC sp_columns_100 'orders'")).toHaveLength(29);
    expect(await client.refusal("EXEC sp_columns 'orders', NULL, 'master'")).toEqual([15250]);
  });

  test('keys and indexes', async () => {
    expect(await client.rows("EXEC sp_pkeys 'pairs'")).toEqual([
      expect.objectContaining({ COLUMN_NAME: 'b', KEY_SEQ: 1, PK_NAME: 'PK_pairs' }),
      expect.objectContaining({ COLUMN_NAME: 'a', KEY_SEQ: 2, PK_NAME: 'PK_pairs' }),
    ]);
    expect(await client.rows("EXEC sp_pkeys @table_name = 'orders', @table_owner = 'dbo'")).toEqual([
      expect.objectContaining({ COLUMN_NAME: 'id', PK_NAME: 'pk_orders' }),
    ]);
    expect(await columns("EXEC sp_fkeys 'orders'")).toHaveLength(14);
    expect(await client.refusal('EXEC sp_fkeys')).toEqual([15252]);
    expect(await client.rows("EXEC sp_statistics_100 'orders'")).toEqual([
      expect.objectContaining({ TYPE: 0, CARDINALITY: 2 }),
      expect.objectContaining({ TYPE: 1, NON_UNIQUE: 0, INDEX_NAME: 'pk_orders', COLUMN_NAME: 'id' }),
    ]);
    expect(await client.rows("EXEC sp_special_columns_100 'orders', 'dbo', 'Sales', 'R'")).toEqual([
      expect.objectContaining({ COLUMN_NAME: 'id', TYPE_NAME: 'bigint identity' }),
    ]);
    expect(await client.rows("EXEC sp_special_columns 'orders', @col_type = 'V'")).toEqual([]);
  });

  test('sp_tables lists tables, views, databases, schemas and types', async () => {
    const names = await client.rows('EXEC sp_tables @table_type = "\'TABLE\'"');
    expect(names.map((row) => row.TABLE_NAME)).toEqual(['orders', 'pairs']);
    const views = await client.rows("EXEC sp_tables 'databases', 'sys'");
    expect(views).toEqual([expect.objectContaining({ TABLE_OWNER: 'sys', TABLE_TYPE: 'VIEW' })]);
    expect((await client.rows("EXEC sp_tables '', '', '%'")).map((row) => row.TABLE_QUALIFIER)).toContain(
      'Sales',
    );
    expect((await client.rows("EXEC sp_tables '', '%', ''")).map((row) => row.TABLE_OWNER)).toContain('dbo');
  });

  test('routines and types', async () => {
    const procedures = await client.rows("EXEC sp_stored_procedures 'sp_pkeys'");
    expect(procedures).toEqual([
      expect.objectContaining({ PROCEDURE_NAME: 'sp_pkeys;1', PROCEDURE_OWNER: 'sys' }),
    ]);
    expect(await client.rows("EXEC sp_sproc_columns_100 'nothing'")).toEqual([]);
    const types = await client.rows('EXEC sp_datatype_info_100 -9, @ODBCVer = 3');
    expect(types.map((row) => row.TYPE_NAME).sort()).toEqual(['nvarchar', 'sysname']);
    expect(await columns('EXEC sp_datatype_info')).toHaveLength(20);
  });

  test('sp_help and its relatives', async () => {
    const help = await client.ok("EXEC sp_help 'dbo.orders'");
    expect(objects(help, 0)).toEqual([expect.objectContaining({ Name: 'orders', Type: 'user table' })]);
    expect(objects(help, 2)).toEqual([expect.objectContaining({ Identity: 'id', Seed: 10n, Increment: 5n })]);
    expect(await client.rows("EXEC sp_helpindex 'orders'")).toEqual([
      expect.objectContaining({ index_name: 'pk_orders', index_keys: 'id' }),
    ]);
    expect((await client.rows("EXEC sp_spaceused 'orders'"))[0]?.rows).toBe('2'.padEnd(20));
    expect((await client.ok('EXEC sp_spaceused')).sets).toHaveLength(2);
    expect((await client.rows('EXEC sp_helpfile')).map((row) => row.usage)).toEqual([
      'data only',
      'log only',
    ]);
    expect(await client.refusal("EXEC sp_help 'nothing'")).toEqual([15009]);
    expect((await client.rows("EXEC sp_helplogins 'sa'"))[0]?.LoginName).toBe('sa');
  });

  test('reflection views say what the statement said', async () => {
    expect(
      await client.rows(
        'SELECT name, definition, is_system_named FROM sys.default_constraints ORDER BY parent_column_id',
      ),
    ).toEqual([
      { name: 'df_quantity', definition: '((0))', is_system_named: false },
      { name: expect.stringMatching(/^DF__orders__remar__/), definition: "(N'x')", is_system_named: true },
    ]);
    expect(
      await client.rows(
        `SELECT i.name, c.name AS c, ic.key_ordinal AS n FROM sys.indexes i
         JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
         JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
         WHERE i.object_id = OBJECT_ID('dbo.pairs') AND i.has_filter = 0 ORDER BY ic.key_ordinal`,
      ),
    ).toEqual([
      { name: 'PK_pairs', c: 'b', n: 1 },
      { name: 'PK_pairs', c: 'a', n: 2 },
    ]);
    expect(
      await client.rows(
        'SELECT CAST(seed_value AS int) AS s, CAST(last_value AS int) AS l FROM sys.identity_columns',
      ),
    ).toEqual([{ s: 10, l: 15 }]);
    expect(
      await client.rows(
        "SELECT CONSTRAINT_NAME AS n, COLUMN_NAME AS c FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE WHERE TABLE_NAME = 'orders'",
      ),
    ).toEqual([{ n: 'pk_orders', c: 'id' }]);
    expect(
      await client.rows("SELECT rows FROM sys.partitions WHERE object_id = OBJECT_ID('dbo.orders')"),
    ).toEqual([{ rows: 2n }]);
  });

  test('functions about objects', async () => {
    expect(
      await client.rows(
        `SELECT OBJECTPROPERTY(OBJECT_ID('dbo.orders'), 'IsUserTable') AS t,
                OBJECTPROPERTY(OBJECT_ID('dbo.orders'), 'TableHasIdentity') AS i,
                OBJECTPROPERTY(OBJECT_ID('dbo.pairs'), 'TableHasIdentity') AS n,
                COLUMNPROPERTY(OBJECT_ID('dbo.orders'), 'id', 'IsIdentity') AS c,
                COLUMNPROPERTY(OBJECT_ID('dbo.orders'), 'remark', 'AllowsNull') AS a,
                COL_NAME(OBJECT_ID('dbo.orders'), 2) AS name,
                CAST(IDENT_CURRENT('dbo.orders') AS int) AS last,
                CAST(IDENT_SEED('dbo.orders') AS int) AS seed,
                CAST(IDENT_INCR('dbo.orders') AS int) AS step`,
      ),
    ).toEqual([{ t: 1, i: 1, n: 0, c: 1, a: 1, name: 'quantity', last: 15, seed: 10, step: 5 }]);
  });

  test('ORDER BY t.c over a UNION is a column of the result', async () => {
    expect(
      await client.rows(
        'WITH x AS (SELECT 2 AS n UNION SELECT 3) SELECT x.n FROM x UNION SELECT 1 ORDER BY x.n DESC',
      ),
    ).toEqual([{ n: 3 }, { n: 2 }, { n: 1 }]);
  });

  test.each([
    ["EXEC xp_cmdshell 'dir'", [15281]],
    ["DECLARE @o int; EXEC sp_OACreate 'WScript.Shell', @o OUTPUT", [15281]],
    ["SELECT * FROM OPENROWSET('MSOLEDBSQL', 'Server=x', 'SELECT 1') AS a", [15281]],
    ["SELECT * FROM OPENDATASOURCE('MSOLEDBSQL', 'Data Source=x').a.dbo.t", [15281]],
    ["SELECT * FROM OPENQUERY(elsewhere, 'SELECT 1')", [7202]],
    ['GRANT SELECT ON dbo.nothing TO public', [15151]],
    ['SET IDENTITY_INSERT dbo.nothing ON', [1088]],
    ['SET IDENTITY_INSERT dbo.pairs ON', [8106]],
    ['SET DATEFORMAT dmy', [40510]],
    ['SET DATEFORMAT abc', [2741]],
    ['SET LANGUAGE Deutsch', [40510]],
    ['CREATE TABLE dbo.v (id int, v rowversion)', [40510]],
    ['EXEC sp_executesql', [214]],
  ])('%s is refused', async (sql, numbers) => {
    expect(await client.refusal(sql)).toEqual(numbers);
  });

  test('a duplicate key names its constraint', async () => {
    await client.ok('SET IDENTITY_INSERT dbo.orders ON');
    const { errors } = await client.run('INSERT INTO dbo.orders (id, quantity) VALUES (10, 1)');
    await client.ok('SET IDENTITY_INSERT dbo.orders OFF');
    expect(errors[0]).toMatchObject({ number: 2627, message: expect.stringContaining("'pk_orders'") });
  });

  test('SET FMTONLY ON gives columns and changes nothing', async () => {
    const answer = await client.ok(
      'SET FMTONLY ON; SELECT id FROM dbo.orders; DELETE FROM dbo.orders; SET FMTONLY OFF',
    );
    expect(answer.sets.map((set) => [set.columns.map((column) => column.name), set.rows])).toEqual([
      [['id'], []],
    ]);
    expect(await client.rows('SELECT COUNT(*) AS n FROM dbo.orders')).toEqual([{ n: 2 }]);
  });

  test('SET ROWCOUNT limits rows', async () => {
    const answer = await client.ok('SET ROWCOUNT 1; SELECT id FROM dbo.orders; SET ROWCOUNT 0');
    expect(answer.sets[0]?.rows).toHaveLength(1);
  });

  test('a log is never empty', async () => {
    const rows = await client.rows(
      "SELECT cntr_value AS n FROM sys.dm_os_performance_counters WHERE counter_name = 'Log File(s) Used Size (KB)' AND instance_name = 'Sales'",
    );
    expect(Number(rows[0]?.n)).toBeGreaterThan(0);
  });
});

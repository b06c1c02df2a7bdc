import { TestSession } from './fake-host';

describe('batches', () => {
  test('variables, IF, PRINT, EXEC', async () => {
    const session = new TestSession();
    const output = await session.run(`
      DECLARE @a int = 2, @b nvarchar(20);
      SET @b = N'x' + CAST(@a AS nvarchar(10));
      IF @a = 2 AND @b = N'X2' PRINT 'yes' ELSE PRINT 'no';
      EXEC sp_double @n = 4, @result = @a OUTPUT;
      SELECT @a AS a, @b b, @@ROWCOUNT AS [rc]`);
    expect(output.infos.map((info) => info.message)).toEqual(['yes']);
    expect(output.sets[0]?.rows).toEqual([[8, 'x2', 0]]);
    expect(output.sets[0]?.columns.map((column) => column.name)).toEqual(['a', 'b', 'rc']);
  });

  test('a table through its life', async () => {
    const session = new TestSession();
    const output = await session.run(`
      CREATE TABLE dbo.t (id int IDENTITY(1,1) PRIMARY KEY, name nvarchar(10) NOT NULL, at datetime2(3) DEFAULT SYSUTCDATETIME());
      INSERT INTO t (name) VALUES (N'a'), (N'b'), (N'c');
      UPDATE t SET name = name + N'!' OUTPUT deleted.name, inserted.name WHERE id >= 2;
      DELETE FROM t WHERE id = 1;
      SELECT id, name FROM t ORDER BY id DESC;
      SELECT COUNT(*), MAX(id) FROM dbo.t`);
    expect(output.errors).toEqual([]);
    expect(output.counts).toEqual([undefined, 3, 2, 1]);
    expect(output.sets.map((set) => set.rows)).toEqual([
      [
        ['b', 'b!'],
        ['c', 'c!'],
      ],
      [
        [3, 'c!'],
        [2, 'b!'],
      ],
      [[2, 3]],
    ]);
  });
});

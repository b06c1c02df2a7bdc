import { type FakeServer, FakeServer as Server, TestSession, view } from './fake-host';

const people = (): FakeServer => {
  const server = new Server();
  const int = { kind: 'int' } as const;
  const name = { kind: 'nvarchar', length: 20 } as const;
  server.views.set(
    'sys.people',
    view({ id: int, name, boss: int, pay: int }, [
      [1, 'Ann', null, 50],
      [2, 'Bob', 1, 30],
      [3, 'Cy', 1, 30],
      [4, 'Di', 2, 20],
    ]),
  );
  server.views.set(
    'sys.pets',
    view({ owner: int, pet: name }, [
      [2, 'Rex'],
      [2, 'Tom'],
      [9, 'Zed'],
      [null, 'Nul'],
    ]),
  );
  return server;
};
const session = new TestSession(people());

describe('SELECT', () => {
  test.each<[string, unknown[][]]>([
    ['SELECT TOP 2 name FROM sys.people ORDER BY id DESC', [['Di'], ['Cy']]],
    ['SELECT TOP (50) PERCENT id FROM sys.people ORDER BY id', [[1], [2]]],
    ['SELECT TOP 2 WITH TIES id FROM sys.people ORDER BY pay DESC', [[1], [2], [3]]],
    ['SELECT DISTINCT pay FROM sys.people ORDER BY pay', [[20], [30], [50]]],
    ['SELECT p.* FROM sys.people AS p WHERE p.id = 1', [[1, 'Ann', null, 50]]],
    ["SELECT n = name, id AS [x y], pay 'z' FROM sys.people WHERE name LIKE 'b%'", [['Bob', 2, 30]]],
    [
      'SELECT p.name, b.name FROM sys.people p JOIN sys.people b ON p.boss = b.id ORDER BY p.id',
      [
        ['Bob', 'Ann'],
        ['Cy', 'Ann'],
        ['Di', 'Bob'],
      ],
    ],
    [
      'SELECT p.id, t.pet FROM sys.people p LEFT JOIN sys.pets t ON t.owner = p.id ORDER BY 1, 2',
      [
        [1, null],
        [2, 'Rex'],
        [2, 'Tom'],
        [3, null],
        [4, null],
      ],
    ],
    [
      'SELECT p.id, t.pet FROM sys.people p RIGHT JOIN sys.pets t ON t.owner = p.id ORDER BY t.pet',
      [
        [null, 'Nul'],
        [2, 'Rex'],
        [2, 'Tom'],
        [null, 'Zed'],
      ],
    ],
    ['SELECT COUNT(*) FROM sys.people p FULL JOIN sys.pets t ON t.owner = p.id', [[7]]],
    ['SELECT COUNT(*) FROM sys.people CROSS JOIN sys.pets', [[16]]],
    ['SELECT COUNT(*) FROM sys.people p, sys.pets t WHERE p.id = t.owner', [[2]]],
    [
      'SELECT a.id FROM sys.people a LEFT JOIN sys.people b INNER JOIN sys.pets c ON c.owner = b.id ON a.id = b.id WHERE b.id IS NULL ORDER BY 1',
      [[1], [3], [4]],
    ],
    [
      'SELECT p.id, x.pet FROM sys.people p CROSS APPLY (SELECT TOP 1 pet FROM sys.pets t WHERE t.owner = p.id ORDER BY pet DESC) x',
      [[2, 'Tom']],
    ],
    [
      'SELECT p.id, x.n FROM sys.people p OUTER APPLY (SELECT COUNT(*) AS n FROM sys.pets t WHERE t.owner = p.id) AS x ORDER BY p.id',
      [
        [1, 0],
        [2, 2],
        [3, 0],
        [4, 0],
      ],
    ],
    [
      'SELECT p.id, f.value FROM sys.people p CROSS APPLY dbo.fn_twice(p.id) f WHERE p.id > 3',
      [
        [4, 4],
        [4, 8],
      ],
    ],
    ["SELECT d.a FROM (VALUES (1, N'x'), (2, NULL)) AS d(a, b) WHERE d.b IS NULL", [[2]]],
    ['WITH c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 4) SELECT SUM(n) FROM c', [[10]]],
    [
      'WITH a AS (SELECT id FROM sys.people), b AS (SELECT id FROM a WHERE id > 2) SELECT * FROM b',
      [[3], [4]],
    ],
    ['SELECT pay, COUNT(*) AS n FROM sys.people GROUP BY pay HAVING COUNT(*) > 1', [[30, 2]]],
    [
      'SELECT pay / 10 * 10, MAX(name) FROM sys.people GROUP BY pay / 10 ORDER BY 1',
      [
        [20, 'Di'],
        [30, 'Cy'],
        [50, 'Ann'],
      ],
    ],
    [
      'SELECT COUNT(boss), COUNT(DISTINCT boss), SUM(pay), AVG(pay), MIN(name) FROM sys.people',
      [[3, 2, 130, 32, 'Ann']],
    ],
    ['SELECT SUM(id) FROM sys.people WHERE 1 = 0', [[null]]],
    ["SELECT STRING_AGG(name, ',') WITHIN GROUP (ORDER BY id DESC) FROM sys.people", [['Di,Cy,Bob,Ann']]],
    [
      'SELECT id, ROW_NUMBER() OVER (ORDER BY pay DESC, id), RANK() OVER (ORDER BY pay DESC), SUM(pay) OVER (PARTITION BY boss), LAG(id) OVER (ORDER BY id) FROM sys.people ORDER BY id',
      [
        [1, 1n, 1n, 50, null],
        [2, 2n, 2n, 60, 1],
        [3, 3n, 2n, 60, 2],
        [4, 4n, 4n, 20, 3],
      ],
    ],
    [
      'SELECT id, SUM(pay) OVER (ORDER BY id) FROM sys.people ORDER BY id',
      [
        [1, 50],
        [2, 80],
        [3, 110],
        [4, 130],
      ],
    ],
    ['SELECT id FROM sys.people ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY', [[2], [3]]],
    [
      'SELECT id FROM sys.people UNION SELECT owner FROM sys.pets ORDER BY id',
      [[null], [1], [2], [3], [4], [9]],
    ],
    ['SELECT id FROM sys.people EXCEPT SELECT owner FROM sys.pets', [[1], [3], [4]]],
    ['SELECT id FROM sys.people INTERSECT SELECT owner FROM sys.pets', [[2]]],
    ['SELECT id FROM sys.people p WHERE EXISTS (SELECT * FROM sys.pets WHERE owner = p.id)', [[2]]],
    ['SELECT id FROM sys.people WHERE id NOT IN (SELECT owner FROM sys.pets)', []],
    ['SELECT id FROM sys.people WHERE id IN (SELECT owner FROM sys.pets)', [[2]]],
    ['SELECT id FROM sys.people WHERE pay >= ALL (SELECT pay FROM sys.people)', [[1]]],
    ['SELECT id FROM sys.people WHERE id = ANY (SELECT owner FROM sys.pets)', [[2]]],
    [
      'SELECT name, (SELECT COUNT(*) FROM sys.people s WHERE s.boss = p.id) AS staff FROM sys.people p WHERE id <= 2',
      [
        ['Ann', 2],
        ['Bob', 1],
      ],
    ],
    ['SELECT id AS k FROM sys.people WITH (NOLOCK) ORDER BY k DESC OPTION (RECOMPILE)', [[4], [3], [2], [1]]],
    ['(SELECT 1) UNION ALL (SELECT 2)', [[1], [2]]],
    ["SELECT value FROM STRING_SPLIT('a,b', ',')", [['a'], ['b']]],
    ['SELECT CASE WHEN EXISTS (SELECT 1 FROM sys.pets) THEN 1 ELSE 0 END', [[1]]],
    ['SELECT pay FROM sys.people GROUP BY pay ORDER BY COUNT(*) DESC, pay', [[30], [20], [50]]],
    ['SELECT people.id FROM sys.people WHERE sys.people.id = 3', [[3]]],
    [
      'SELECT (SELECT name FROM sys.people WHERE id = t.owner), COUNT(*) FROM sys.pets t GROUP BY t.owner ORDER BY 2 DESC, 1',
      [
        ['Bob', 2],
        [null, 1],
        [null, 1],
      ],
    ],
    [
      'SELECT boss, SUM(COUNT(*)) OVER () FROM sys.people GROUP BY boss ORDER BY boss',
      [
        [null, 4],
        [1, 4],
        [2, 4],
      ],
    ],
  ])('%s', async (sql, expected) => {
    expect(await session.rows(sql)).toEqual(expected);
  });

  test.each([
    ['SELECT * FROM sys.nope', 208],
    ['SELECT nope FROM sys.people', 207],
    ['SELECT x.id FROM sys.people', 4104],
    ['SELECT p.nope FROM sys.people p', 207],
    ['SELECT id FROM sys.people a JOIN sys.people b ON a.id = b.id', 209],
    ['SELECT 1 FROM sys.people, sys.people', 1013],
    ['SELECT name, COUNT(*) FROM sys.people GROUP BY pay', 8120],
    ['SELECT id FROM sys.people WHERE COUNT(*) > 1', 147],
    ['SELECT 1 UNION SELECT 1, 2', 205],
    ['SELECT id FROM sys.people ORDER BY 3', 108],
    ['SELECT *', 263],
    ['SELECT 1 AS a FOR JSON PATH', 40510],
    ['SELECT FROM', 156],
    ['SELECT 1 +', 102],
    ['SELECT (1', 102],
    ['GO', 2812],
    ['SELECT 1\nGO', 0],
    ['FROB x y', 102],
    ['SELECT * FROM OPENROWSET(1)', 156],
    ['WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT * FROM c', 530],
    ['SELECT (SELECT 1, 2)', 116],
  ])('%s gives %d', async (sql, number) => {
    // "SELECT 1 GO" takes GO as an alias, as SQL Server itself does.
    expect(await session.errors(sql)).toEqual(number === 0 ? [] : [number]);
  });

  test('SELECT @v and SELECT INTO', async () => {
    const own = new TestSession(people());
    const output = await own.run(`
      DECLARE @all nvarchar(100) = N'', @last int;
      SELECT @all += name + N';', @last = id FROM sys.people ORDER BY id;
      SELECT id, name INTO #copy FROM sys.people WHERE pay > 20;
      SELECT @all, @last, @@ROWCOUNT;
      SELECT COUNT(*), MAX(id) FROM #copy`);
    expect(output.sets.map((set) => set.rows)).toEqual([[['Ann;Bob;Cy;Di;', 4, 3]], [[3, 3]]]);
    own.sql.reset();
    expect(await own.errors('SELECT * FROM #copy')).toEqual([208]);
  });

  test('a view is read once for a statement', async () => {
    const own = new TestSession(people());
    await own.run(
      'SELECT (SELECT COUNT(*) FROM sys.pets), id FROM sys.people a WHERE EXISTS (SELECT 1 FROM sys.pets)',
    );
    expect(own.host.viewReads).toBe(3);
  });
});

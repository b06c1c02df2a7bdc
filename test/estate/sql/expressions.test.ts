import { SqlDecimal } from '../../../estate/sql/types';
import { formatDecimal } from '../../../estate/sql/values/decimals';
import { TestSession } from './fake-host';

const session = new TestSession();
const show = (value: unknown): unknown => {
  if (value instanceof SqlDecimal) return `d${formatDecimal(value)}`;
  return value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex').toUpperCase()}` : value;
};

describe('values of expressions', () => {
  test.each<[string, unknown]>([
    ['1 + 2 * 3', 7],
    ['7 / 2', 3],
    ['-7 % 3', -1],
    ['7.0 / 2', 'd3.500000'],
    ['1 + 1.5', 'd2.5'],
    ['10.0 * 2.25', 'd22.500'],
    ['1e0 / 4', 0.25],
    ['2147483648', 'd2147483648'],
    ['-2147483648', -2147483648],
    ['~5', -6],
    ['5 & 3 | 8', 9],
    ["'a' + 'b'", 'ab'],
    ["'5' + 1", 6],
    ["N'a' + NULL", null],
    ["CASE WHEN 'ABC' = 'abc ' THEN 1 ELSE 0 END", 1],
    ["CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", 'b'],
    ['CASE WHEN NULL = NULL THEN 1 ELSE 0 END', 0],
    ['CASE WHEN NOT (NULL = 1) THEN 1 ELSE 0 END', 0],
    ['CASE WHEN 1 IN (2, NULL) THEN 1 WHEN 1 NOT IN (2, NULL) THEN 2 ELSE 3 END', 3],
    [
      "CASE WHEN 'a_c' LIKE 'a[_]c' AND 'abc' LIKE 'A%' AND 'a%b' LIKE 'a!%b' ESCAPE '!' THEN 1 ELSE 0 END",
      1,
    ],
    ["CASE WHEN 'x5' LIKE 'x[^a-z]' THEN 1 ELSE 0 END", 1],
    ['IIF(2 BETWEEN 1 AND 3, 1, 0)', 1],
    ["COALESCE(NULL, N'x')", 'x'],
    ["ISNULL(CAST(NULL AS varchar(3)), 'abcdef')", 'abc'],
    ['NULLIF(1, 1)', null],
    ["CHOOSE(2, 'a', 'b')", 'b'],
    ["LEN('ab  ')", 2],
    ["DATALENGTH(N'ab')", 4],
    ["SUBSTRING('abcdef', 0, 3)", 'ab'],
    ["LEFT('abc', 2) + RIGHT('abc', 1)", 'abc'],
    ["UPPER('aé') + LOWER('B')", 'AÉb'],
    ["'[' + LTRIM(RTRIM('  a ')) + TRIM(' b ') + ']'", '[ab]'],
    ["REPLACE('aXbx', 'x', '-')", 'a-b-'],
    ["REPLICATE('ab', 3)", 'ababab'],
    ["STUFF('abcdef', 2, 3, 'X')", 'aXef'],
    ["CHARINDEX('C', 'abcabc', 4)", 6],
    ["PATINDEX('%[0-9]%', 'ab3')", 3],
    ['CHAR(65) + NCHAR(8364)', 'A€'],
    ["ASCII('a')", 97],
    ["UNICODE(N'€')", 8364],
    ["QUOTENAME('a]b')", '[a]]b]'],
    ["QUOTENAME('it''s', '''')", "'it''s'"],
    ["PARSENAME('s.d.[x.y].t', 2)", 'x.y'],
    ["CONCAT('a', NULL, 1)", 'a1'],
    ["CONCAT_WS(',', 'a', NULL, 'b')", 'a,b'],
    ["REVERSE('abc')", 'cba'],
    ['STR(123.456, 7, 2)', ' 123.46'],
    ['ABS(-3)', 3],
    ['CEILING(1.2)', 'd2'],
    ['FLOOR(-1.2)', 'd-2'],
    ['ROUND(2.567, 2)', 'd2.570'],
    ['ROUND(15, -1)', 20],
    ['POWER(2, 10)', 1024],
    ['SIGN(-5)', -1],
    ["CAST('0x1F' AS varchar(10))", '0x1F'],
    ["CONVERT(varbinary(4), '0x1F2E', 1)", '0x1F2E'],
    ['CONVERT(varchar(20), 0x1f2e, 1)', '0x1F2E'],
    ['CONVERT(varchar(20), 0x1f2e, 2)', '1F2E'],
    ["CONVERT(varchar(30), CAST('2026-01-15T10:30:45.123' AS datetime), 121)", '2026-01-15 10:30:45.123'],
    ["CONVERT(varchar(10), CAST('20260115' AS date), 101)", '01/15/2026'],
    ["CONVERT(char(8), CAST('2026-01-15' AS datetime), 112)", '20260115'],
    ["CONVERT(varchar(30), CAST('2026-01-15 10:30' AS datetime2(0)), 126)", '2026-01-15T10:30:00'],
    ["CAST(CAST('2026-01-05 22:05' AS datetime) AS varchar(30))", 'Jan  5 2026 10:05PM'],
    [
      "CONVERT(varchar(40), CAST('2026-01-15 10:30:00 +02:00' AS datetimeoffset(0)), 127)",
      '2026-01-15T08:30:00Z',
    ],
    ["TRY_CAST('abc' AS int)", null],
    ["TRY_CONVERT(date, '2026-02-30')", null],
    ['CAST(1.99 AS int)', 1],
    ["CAST('12' AS bigint)", 12n],
    ['CAST(NULL AS int)', null],
    [
      "CONVERT(varchar(36), CAST('6f9619ff-8b86-d011-b42d-00c04fc964ff' AS uniqueidentifier))",
      '6F9619FF-8B86-D011-B42D-00C04FC964FF',
    ],
    ["DATEDIFF(day, '2026-01-31', '2026-03-01')", 29],
    ["DATEDIFF(month, '2026-01-31', '2026-02-01')", 1],
    ["DATEDIFF_BIG(ms, '2026-01-01', '2026-01-02')", 86_400_000n],
    ["DATEPART(weekday, '2026-01-15')", 5],
    ["DATENAME(month, '2026-01-15')", 'January'],
    ["CONVERT(varchar(10), DATEADD(month, 1, CAST('2026-01-31' AS date)), 23)", '2026-02-28'],
    ["CONVERT(varchar(10), EOMONTH('2024-02-10'), 23)", '2024-02-29'],
    ["YEAR('2026-03-04') * 100 + MONTH('2026-03-04')", 202603],
    ['CONVERT(varchar(23), GETUTCDATE(), 121)', '2026-01-15 10:30:45.123'],
    ['CONVERT(varchar(30), SYSUTCDATETIME(), 121)', '2026-01-15 10:30:45.1230000'],
    ["FORMAT(1234.5, 'N2')", '1,234.50'],
    ["FORMAT(CAST('2026-01-05' AS date), 'yyyyMMdd')", '20260105'],
    ["ISNUMERIC('1.5') + ISDATE('nope')", 1],
    ["HASHBYTES('SHA2_256', 'a')", '0xCA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB'],
    ["SERVERPROPERTY('Nothing')", null],
    ["CASE WHEN SERVERPROPERTY('EngineEdition') = 3 THEN 1 ELSE 0 END", 1],
    ["CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))", '16.0.4125.3'],
    ['@@SERVERNAME', 'SQL1'],
    ["DB_ID('master')", 1],
    ['@@TRANCOUNT + XACT_STATE()', 0],
    ['(SELECT 5)', 5],
    ['$1.5 * 2', 'd3.0000'],
  ])('%s', async (expression, expected) => {
    expect(show(await session.value(expression))).toEqual(expected);
  });

  test('decimals and money keep their digits', async () => {
    const value = await session.value('CAST(12345678901234567890.123456 AS decimal(38,6)) + 1');
    expect(value instanceof SqlDecimal && formatDecimal(value)).toBe('12345678901234567891.123456');
  });
});

describe('types of expressions', () => {
  test.each([
    ['1', { kind: 'int' }],
    ['CAST(1 AS bigint) + 1', { kind: 'bigint' }],
    ['COUNT(*)', { kind: 'int' }],
    ['COUNT_BIG(*)', { kind: 'bigint' }],
    ['1.5', { kind: 'decimal', precision: 2, scale: 1 }],
    ['8.0 / 1024', { kind: 'decimal', precision: 7, scale: 6 }],
    ["N'abc'", { kind: 'nvarchar', length: 3 }],
    ["'a' + N'bc'", { kind: 'nvarchar', length: 3 }],
    ["SERVERPROPERTY('EngineEdition')", { kind: 'sql_variant' }],
    ['GETDATE()', { kind: 'datetime' }],
    ['SYSUTCDATETIME()', { kind: 'datetime2', scale: 7 }],
    ['CASE WHEN 1 = 1 THEN 1 ELSE 2.5 END', { kind: 'decimal', precision: 11, scale: 1 }],
    ['SUM(CAST(1 AS bigint))', { kind: 'bigint' }],
    ['AVG(CAST(1 AS decimal(10,2)))', { kind: 'decimal', precision: 38, scale: 6 }],
    ['CAST(1 AS nvarchar(max))', { kind: 'nvarchar', length: 'max' }],
    ['NULL', { kind: 'int' }],
    ['NEWID()', { kind: 'uniqueidentifier' }],
    ['@@ROWCOUNT', { kind: 'int' }],
    ['ROW_NUMBER() OVER (ORDER BY (SELECT 1))', { kind: 'bigint' }],
  ])('%s', async (expression, expected) => {
    expect(await session.type(expression)).toEqual(expected);
  });
});

describe('errors of expressions', () => {
  test.each([
    ['SELECT 1/0', 8134],
    ["SELECT CAST('abc' AS int)", 245],
    ["SELECT CAST('abc' AS decimal(5,2))", 8114],
    ["SELECT CAST('2026-13-01' AS date)", 241],
    ["SELECT CAST('2026-02-30' AS datetime)", 242],
    ["SELECT CAST('x' AS uniqueidentifier)", 8169],
    ['SELECT 2147483647 + 1', 8115],
    ['SELECT CAST(300 AS tinyint)', 220],
    ["SELECT CAST('99999999999' AS int)", 248],
    ['SELECT CAST(1000 AS decimal(3,1))', 8115],
    ['SELECT nope(1)', 195],
    ['SELECT dbo.nope(1)', 4121],
    ['SELECT @missing', 137],
    ['SELECT x', 207],
    ['SELECT LEN()', 174],
    ["SELECT LEFT(SERVERPROPERTY('ProductVersion'), 2)", 8116],
    ["DECLARE @v nvarchar(10) = SERVERPROPERTY('ProductVersion')", 257],
    ['SELECT DATEADD(nope, 1, GETDATE())', 155],
    ['SELECT CAST(SYSUTCDATETIME() AS datetime2) + 1', 206],
    ['SELECT (SELECT 1 UNION ALL SELECT 2)', 512],
    ['SELECT CAST(1 AS nope)', 243],
    ['SELECT 1 WHERE 1', 4145],
  ])('%s is %d', async (sql, number) => {
    expect(await session.errors(sql)).toEqual([number]);
  });
});

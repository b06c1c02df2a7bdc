/** Every text goes through the estate's parsers: an independent reading of the documented grammar. */
import fc from 'fast-check';
import { parseBatch } from '../../estate/sql/syntax/batch';
import { parseAdministrativeStatement } from '../../estate/sqlserver/syntax/parse';
import type { Dialect } from '../../estate/sqlserver/syntax/reader';
import { inDatabase } from '../../src/tsql/in-database';
import { everyQuery, everyStatement } from './catalog';

const HOSTILE = "]; DROP DATABASE x; --' OR 1=1 /* \n";
const PLAIN = 'Sales';

function parse(sql: string, dialect: Dialect) {
  return parseBatch(sql, { parseStatement: (cursor) => parseAdministrativeStatement(cursor, dialect) });
}

/** Kinds of the statements of a batch, with those inside others. */
const shape = (sql: string, dialect: Dialect): string =>
  JSON.stringify(parse(sql, dialect), (key, value: unknown) =>
    key === 'kind' || typeof value === 'object' ? value : undefined,
  );

const SQL_SERVER_2022: Dialect = { major: 16, managedInstance: false };

describe.each(
  everyStatement(HOSTILE).map((statement, index) => [statement.id, index, statement] as const),
)('%s', (id, index, statement) => {
  test('is one statement of the grammar, whatever the names', () => {
    const plain = everyStatement(PLAIN)[index];
    if (plain === undefined) throw new Error('no such statement');
    expect(shape(statement.text, SQL_SERVER_2022)).toBe(shape(plain.text, SQL_SERVER_2022));
    if (id !== 'drop-database') expect(shape(statement.text, SQL_SERVER_2022)).not.toContain('drop-database');
  });
});

test.each(everyQuery(HOSTILE).map((query) => [query.id, query] as const))('%s parses', (_id, query) => {
  expect(parse(inDatabase(HOSTILE, query.text), SQL_SERVER_2022).statements.length).toBeGreaterThan(1);
});

test('no name changes the shape of any statement', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((any) => any.length <= 128 && !any.includes('\0') && !/\\\r?\n|\p{Surrogate}/u.test(any));
  const wanted = everyStatement(PLAIN).map(({ text }) => shape(text, SQL_SERVER_2022));
  fc.assert(
    fc.property(name, (any) => {
      expect(everyStatement(any).map(({ text }) => shape(text, SQL_SERVER_2022))).toEqual(wanted);
    }),
    { numRuns: 50 },
  );
});

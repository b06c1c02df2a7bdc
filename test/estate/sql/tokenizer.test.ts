import * as fc from 'fast-check';
import { SqlError, SqlErrors } from '../../../estate/sql/errors';
import { tokenize } from '../../../estate/sql/syntax/tokenizer';

const kinds = (sql: string): string[] => tokenize(sql).map((token) => `${token.kind}:${token.text}`);

describe('tokenizer', () => {
  test.each([
    ['[a]]b]', ['quoted-identifier:a]b']],
    ['"a""b"', ['quoted-identifier:a"b']],
    ["'it''s'", ["string:it's"]],
    ["N'x'", ['string:x']],
    ['0xAbC', ['binary:AbC']],
    ['0x', ['binary:']],
    ['1.5e-3', ['number:1.5e-3']],
    ['.5', ['number:.5']],
    ['$12.50', ['number:$12.50']],
    ['@v@@x', ['variable:@v@@x']],
    ['@@ROWCOUNT', ['variable:@@ROWCOUNT']],
    ['#t##u', ['identifier:#t##u']],
    ['a<>b', ['identifier:a', 'symbol:<>', 'identifier:b']],
    ['a-- x\nb', ['identifier:a', 'identifier:b']],
    ['a/* x /* y */ z */b', ['identifier:a', 'identifier:b']],
    ['a.b', ['identifier:a', 'symbol:.', 'identifier:b']],
    ['+=', ['symbol:+=']],
  ])('%s', (sql, expected) => {
    expect(kinds(sql)).toEqual([...expected, 'end:']);
  });

  test('counts lines through strings and comments', () => {
    const tokens = tokenize("a\n/* \n */ 'x\ny'\nb");
    expect(tokens.map((token) => token.line)).toEqual([1, 3, 5, 5]);
  });

  test('an unclosed string is 105 and 102, an unclosed comment 113', () => {
    expect(() => tokenize("SELECT 'abc")).toThrow(SqlErrors);
    try {
      tokenize("SELECT 'abc");
    } catch (error) {
      expect(error instanceof SqlErrors && error.errors.map((one) => one.number)).toEqual([105, 102]);
    }
    expect(() => tokenize('/* /* */')).toThrow(expect.objectContaining({ number: 113 }));
  });

  test('any name survives brackets and quotes, any text survives a literal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 128 }), (name) => {
        expect(tokenize(`[${name.replaceAll(']', ']]')}]`)[0]).toMatchObject({
          kind: 'quoted-identifier',
          text: name,
        });
        expect(tokenize(`"${name.replaceAll('"', '""')}"`)[0]).toMatchObject({ text: name });
        expect(tokenize(`N'${name.replaceAll("'", "''")}'`)).toMatchObject([
          { kind: 'string', text: name, national: true },
          { kind: 'end' },
        ]);
      }),
    );
  });

  test('no text at all breaks it: tokens cover the source, or a SQL error is thrown', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (sql) => {
        try {
          const tokens = tokenize(sql);
          let at = 0;
          for (const token of tokens) {
            expect(token.offset).toBeGreaterThanOrEqual(at);
            at = token.end;
          }
          expect(at).toBe(sql.length);
        } catch (error) {
          expect(error instanceof SqlError || error instanceof SqlErrors).toBe(true);
        }
      }),
    );
  });
});

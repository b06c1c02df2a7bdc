/** Quoting, checked against the estate's tokenizer, which shares no code with it. */
import fc from 'fast-check';
import { tokenize } from '../../estate/sql/syntax/tokenizer';
import {
  binaryLiteral,
  integerLiteral,
  QuotingError,
  quoteAscii,
  quoteIdentifier,
  quoteLiteral,
} from '../../src/tsql/quote';

const HOSTILE = [
  ']',
  ']]',
  '[x]',
  "'",
  "''",
  "'; DROP DATABASE x; --",
  ']; DROP DATABASE x; --',
  '"',
  'a\nb',
  'a\r\nb',
  '--',
  '/* */',
  '$(variable)',
  '@name',
  'ünïcødé',
  '数据库',
  '🚢',
  '‮rtl',
  ' leading and trailing ',
  '\t',
  '\\',
  '\\\\server\\share',
  'GO',
  'x'.repeat(128),
  ']'.repeat(128),
  '🚢'.repeat(64),
];

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter(isName);
const text = fc.string({ unit: 'grapheme', maxLength: 300 }).filter((value) => isWritable(value));

function isName(value: string): boolean {
  return value.length > 0 && value.length <= 128 && !value.includes('\0') && !/\p{Surrogate}/u.test(value);
}

function isWritable(value: string): boolean {
  return !value.includes('\0') && !/\\\r?\n/.test(value) && !/\p{Surrogate}/u.test(value);
}

/** Tokens of text in which the quoted thing stands between two marks, so that anything that escapes shows. */
function between(quoted: string) {
  const tokens = tokenize(`before ${quoted} after`);
  expect(tokens.map((token) => token.text).filter((_, index) => index !== 1)).toEqual([
    'before',
    'after',
    '',
  ]);
  const [, token] = tokens;
  if (token === undefined) throw new Error('no token');
  return token;
}

describe('quoteIdentifier', () => {
  test.each(HOSTILE)('%j comes back as one token', (hostile) => {
    expect(between(quoteIdentifier(hostile))).toMatchObject({ kind: 'quoted-identifier', text: hostile });
  });

  test('any name comes back as one token', () => {
    fc.assert(
      fc.property(name, (any) => {
        expect(between(quoteIdentifier(any))).toMatchObject({ kind: 'quoted-identifier', text: any });
      }),
    );
  });

  test.each([
    ['', 'at least one character'],
    ['x'.repeat(129), 'at most 128'],
    ['🚢'.repeat(65), 'at most 128'],
    ['a\0b', 'NUL'],
    ['a\ud83d', 'well-formed'],
  ])('%j is refused', (bad, reason) => {
    expect(() => quoteIdentifier(bad)).toThrow(QuotingError);
    expect(() => quoteIdentifier(bad)).toThrow(reason);
  });
});

describe('quoteLiteral', () => {
  test.each(HOSTILE)('%j comes back as one token', (hostile) => {
    expect(between(quoteLiteral(hostile))).toMatchObject({ kind: 'string', text: hostile, national: true });
  });

  test('any text comes back as one token', () => {
    fc.assert(
      fc.property(text, (any) => {
        expect(between(quoteLiteral(any))).toMatchObject({ kind: 'string', text: any, national: true });
      }),
    );
  });

  test('the empty text is a literal', () => {
    expect(quoteLiteral('')).toBe("N''");
  });

  test.each(['a\0b', 'a\udc00', 'line\\\ncontinued', 'line\\\r\ncontinued'])('%j is refused', (bad) => {
    expect(() => quoteLiteral(bad)).toThrow(QuotingError);
  });

  test('a refusal does not repeat the value, which may be a secret', () => {
    expect(() => quoteLiteral('my secret\0')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('my secret') }),
    );
  });
});

describe('quoteAscii', () => {
  test('doubles quotes', () => {
    expect(quoteAscii("TCP://o'hara:5022")).toBe("'TCP://o''hara:5022'");
  });

  test.each(['é', 'a\nb', '\u007f'])('%j is refused', (bad) => {
    expect(() => quoteAscii(bad)).toThrow(QuotingError);
  });
});

describe('binaryLiteral', () => {
  test('any bytes come back as one binary token', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        const token = between(binaryLiteral(hex));
        expect(token.kind).toBe('binary');
        expect(token.text.replace(/^0x/i, '').toLowerCase()).toBe(hex);
      }),
    );
  });

  test.each(['', 'abc', '0x00', 'zz', '00 11', "00'; --"])('%j is refused', (bad) => {
    expect(() => binaryLiteral(bad)).toThrow(QuotingError);
  });
});

describe('integerLiteral', () => {
  test('writes whole numbers', () => {
    expect(integerLiteral(5022)).toBe('5022');
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('%p is refused', (bad) => {
    expect(() => integerLiteral(bad)).toThrow(QuotingError);
  });
});

/** String functions. */
import { createHash } from 'node:crypto';
import { SqlError } from '../errors';
import { concatenatedType } from '../query/arithmetic';
import { coerce } from '../query/compile';
import type { Compiled } from '../query/environment';
import { likeSource } from '../query/like';
import type { SqlScalar, SqlType, SqlValue } from '../types';
import { toBinary } from '../values/to-binary';
import { textOf } from '../values/to-text';
import {
  BIGINT,
  INT,
  isBinary,
  isString,
  isUnicode,
  lengthOf,
  nvarchar,
  varbinary,
  varchar,
} from '../values/typing';
import { type Definitions, define, numberArgument, strictCall, textArgument } from './define';

/** Same family, as long as it may get. */
const widest = (type: SqlType): SqlType => {
  const max = lengthOf(type) === 'max';
  if (isUnicode(type)) return nvarchar(max ? 'max' : 4000);
  return varchar(max ? 'max' : 8000);
};

const sameText = (type: SqlType): SqlType => {
  const length = lengthOf(type);
  return isUnicode(type) ? nvarchar(length) : varchar(length);
};

const simple = (name: string, apply: (text: string) => SqlValue, type?: SqlType) =>
  define(1, 1, ([first]) => {
    const text = textArgument(first, 1, name);
    return strictCall([text], type ?? sameText(text.type), (value) => apply(String(value)));
  });

const lengthType = (type: SqlType): SqlType => (lengthOf(type) === 'max' ? BIGINT : INT);

export const STRING_FUNCTIONS: Definitions = {
  len: define(1, 1, ([first]) => {
    const value = first !== undefined && isBinary(first.type) ? first : textArgument(first, 1, 'len');
    const type = lengthType(value.type);
    return strictCall([value], type, (text) => {
      const length = text instanceof Uint8Array ? text.length : String(text).replace(/ +$/, '').length;
      return type.kind === 'bigint' ? BigInt(length) : length;
    });
  }),
  datalength: define(1, 1, ([first]) => {
    const value = first ?? textArgument(first, 1, 'datalength');
    const type = lengthType(value.type);
    return strictCall([value], type, (data) => {
      const length = byteLength(data, value.type);
      return type.kind === 'bigint' ? BigInt(length) : length;
    });
  }),
  substring: define(3, 3, ([first, start, length]) => {
    const counts = [numberArgument(start, BIGINT), numberArgument(length, BIGINT)];
    if (first !== undefined && isBinary(first.type)) {
      return strictCall([first, ...counts], varbinary(lengthOf(first.type)), (data, from, count) => {
        const [begin, end] = sliceBounds(Number(from), Number(count));
        return data instanceof Uint8Array ? data.slice(begin, end) : (data ?? null);
      });
    }
    const text = textArgument(first, 1, 'substring');
    return strictCall([text, ...counts], sameText(text.type), (value, from, count) => {
      const [begin, end] = sliceBounds(Number(from), Number(count));
      return String(value).slice(begin, end);
    });
  }),
  left: define(2, 2, ([first, count]) => {
    const text = textArgument(first, 1, 'left');
    return strictCall([text, numberArgument(count, INT)], sameText(text.type), (value, length) =>
      String(value).slice(0, nonNegative(Number(length), 'left')),
    );
  }),
  right: define(2, 2, ([first, count]) => {
    const text = textArgument(first, 1, 'right');
    return strictCall([text, numberArgument(count, INT)], sameText(text.type), (value, length) => {
      const wanted = nonNegative(Number(length), 'right');
      return wanted === 0 ? '' : String(value).slice(-wanted);
    });
  }),
  upper: simple('upper', (text) => text.toUpperCase()),
  lower: simple('lower', (text) => text.toLowerCase()),
  ltrim: define(1, 2, ([text, set]) => trim(text, set, 'LEADING', 'ltrim')),
  rtrim: define(1, 2, ([text, set]) => trim(text, set, 'TRAILING', 'rtrim')),
  trim: define(1, 3, ([text, set, side]) => {
    const literal =
      side === undefined
        ? 'BOTH'
        : String(side.evaluate({ row: [], aggregates: [], windows: [], parent: undefined }));
    return trim(text, set, literal, 'trim');
  }),
  reverse: simple('reverse', (text) => [...text].reverse().join('')),
  replace: define(3, 3, (args) => {
    const [text, from, to] = args.map((argument, at) => textArgument(argument, at + 1, 'replace'));
    if (text === undefined || from === undefined || to === undefined)
      return textArgument(undefined, 1, 'replace');
    const unicode = args.some((argument) => isUnicode(argument.type));
    const type = unicode ? nvarchar(lengthOf(text.type) === 'max' ? 'max' : 4000) : widest(text.type);
    return strictCall([text, from, to], type, (value, wanted, replacement) =>
      replaceAll(String(value), String(wanted), String(replacement)),
    );
  }),
  replicate: define(2, 2, ([first, count]) => {
    const text = textArgument(first, 1, 'replicate');
    const type = widest(text.type);
    const limit = lengthOf(type);
    return strictCall(
      [text, numberArgument(count, INT)],
      type,
      (value, times) => {
        if (Number(times) < 0) return null;
        const unit = String(value);
        const maximum = limit === 'max' ? 1 << 28 : limit;
        const repeats = unit.length === 0 ? 0 : Math.min(Number(times), Math.ceil(maximum / unit.length));
        return unit.repeat(repeats).slice(0, maximum);
      },
      true,
    );
  }),
  space: define(1, 1, ([count]) =>
    strictCall([numberArgument(count, INT)], varchar(8000), (length) =>
      Number(length) < 0 ? null : ' '.repeat(Math.min(Number(length), 8000)),
    ),
  ),
  stuff: define(4, 4, ([first, start, length, last]) => {
    const text = textArgument(first, 1, 'stuff');
    const insert = textArgument(last, 4, 'stuff');
    const args = [text, numberArgument(start, INT), numberArgument(length, INT)];
    return {
      type: concatenatedType(text.type, insert.type),
      nullable: true,
      evaluate: (frame) => {
        const [value, from, count] = args.map((argument) => argument.evaluate(frame));
        if (value == null || from == null || count == null) return null;
        return stuff(String(value), Number(from), Number(count), String(insert.evaluate(frame) ?? ''));
      },
    };
  }),
  charindex: define(2, 3, ([wanted, text, start]) => {
    const haystack = textArgument(text, 2, 'charindex');
    const args = [textArgument(wanted, 1, 'charindex'), haystack];
    const from = start === undefined ? undefined : coerce(start, BIGINT);
    const type = lengthType(haystack.type);
    return strictCall(from === undefined ? args : [...args, from], type, (needle, value, position) => {
      const offset = position === undefined ? 0 : Math.max(0, Number(position) - 1);
      const found =
        needle === '' ? 0 : String(value).toLowerCase().indexOf(String(needle).toLowerCase(), offset) + 1;
      return type.kind === 'bigint' ? BigInt(found) : found;
    });
  }),
  patindex: define(2, 2, ([pattern, text]) => {
    const args = [textArgument(pattern, 1, 'patindex'), textArgument(text, 2, 'patindex')];
    return strictCall(args, INT, (wanted, value) => patternIndex(String(wanted), String(value)));
  }),
  char: define(1, 1, ([code]) =>
    strictCall(
      [numberArgument(code, INT)],
      { kind: 'char', length: 1 },
      (value) => (Number(value) < 0 || Number(value) > 255 ? null : String.fromCharCode(Number(value))),
      true,
    ),
  ),
  nchar: define(1, 1, ([code]) =>
    strictCall(
      [numberArgument(code, INT)],
      { kind: 'nchar', length: 1 },
      (value) => (Number(value) < 0 || Number(value) > 65_535 ? null : String.fromCharCode(Number(value))),
      true,
    ),
  ),
  ascii: simple('ascii', (text) => (text === '' ? null : Math.min(text.charCodeAt(0), 255)), INT),
  unicode: simple('unicode', (text) => (text === '' ? null : (text.codePointAt(0) ?? null)), INT),
  quotename: define(1, 2, ([first, mark]) => {
    const text = textArgument(first, 1, 'quotename');
    const args = mark === undefined ? [text] : [text, textArgument(mark, 2, 'quotename')];
    return strictCall(
      args,
      nvarchar(258),
      (value, quote) => quoteName(String(value), quote === undefined ? '[' : String(quote)),
      true,
    );
  }),
  parsename: define(2, 2, ([first, part]) =>
    strictCall(
      [textArgument(first, 1, 'parsename'), numberArgument(part, INT)],
      nvarchar(128),
      (value, position) => parseName(String(value), Number(position)),
      true,
    ),
  ),
  concat: define(2, 254, (args) => joined(args, undefined)),
  concat_ws: define(3, 254, ([separator, ...args]) => joined(args, separator)),
  str: define(1, 3, ([value, length, places]) => {
    const args = [
      numberArgument(value, { kind: 'float' }),
      length === undefined ? constant(10) : coerce(length, INT),
      places === undefined ? constant(0) : coerce(places, INT),
    ];
    return strictCall(args, varchar(8000), (number, width, decimals) =>
      str(Number(number), Number(width), Number(decimals)),
    );
  }),
  translate: define(3, 3, (args) => {
    const texts = args.map((argument, at) => textArgument(argument, at + 1, 'translate'));
    return strictCall(texts, sameText(texts[0]?.type ?? nvarchar(1)), (value, from, to) => {
      const source = [...String(from)];
      const target = [...String(to)];
      if (source.length !== target.length) {
        throw new SqlError(
          9828,
          'The second and third arguments of the TRANSLATE built-in function must contain an equal number of characters.',
        );
      }
      return [...String(value)].map((char) => target[source.indexOf(char)] ?? char).join('');
    });
  }),
  hashbytes: define(2, 2, ([algorithm, data]) => {
    const input = data ?? textArgument(data, 2, 'hashbytes');
    return strictCall(
      [textArgument(algorithm, 1, 'hashbytes'), input],
      varbinary(8000),
      (name, value) => {
        const bytes = toBinary(value ?? '', input.type, varbinary('max'), 0);
        return hash(String(name), bytes);
      },
      true,
    );
  }),
  soundex: simple('soundex', soundex, varchar(5)),
};

const constant = (value: number): Compiled => ({ type: INT, nullable: false, evaluate: () => value });

function byteLength(value: SqlScalar, type: SqlType): number {
  if (typeof value === 'string' && isString(type)) return isUnicode(type) ? value.length * 2 : value.length;
  if (value instanceof Uint8Array) return value.length;
  switch (type.kind) {
    case 'bit':
    case 'tinyint':
      return 1;
    case 'smallint':
      return 2;
    case 'bigint':
    case 'float':
    case 'money':
    case 'datetime':
      return 8;
    case 'uniqueidentifier':
      return 16;
    case 'date':
      return 3;
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return (
        { time: 3, datetime2: 6, datetimeoffset: 8 }[type.kind] +
        (type.scale <= 2 ? 0 : type.scale <= 4 ? 1 : 2)
      );
    case 'decimal':
      return type.precision <= 9 ? 5 : type.precision <= 19 ? 9 : type.precision <= 28 ? 13 : 17;
    default:
      return 4;
  }
}

/** Positions count from 1; a start before the text eats into the length. */
function sliceBounds(start: number, length: number): [number, number] {
  if (length < 0)
    throw new SqlError(537, 'Invalid length parameter passed to the LEFT or SUBSTRING function.', {
      state: 3,
    });
  return [Math.max(0, start - 1), Math.max(0, start - 1 + length)];
}

function nonNegative(length: number, name: string): number {
  if (length >= 0) return length;
  throw name === 'right'
    ? new SqlError(536, 'Invalid length parameter passed to the RIGHT function.')
    : new SqlError(537, 'Invalid length parameter passed to the LEFT or SUBSTRING function.', { state: 2 });
}

function trim(first: Compiled | undefined, set: Compiled | undefined, side: string, name: string): Compiled {
  const text = textArgument(first, 1, name);
  const args = set === undefined ? [text] : [text, textArgument(set, 2, name)];
  return strictCall(args, sameText(text.type), (value, characters) => {
    const wanted = new Set(characters === undefined ? ' ' : String(characters).toLowerCase());
    const source = String(value);
    let start = 0;
    let end = source.length;
    const matches = (at: number): boolean => wanted.has((source[at] ?? '').toLowerCase());
    if (side !== 'TRAILING') while (start < end && matches(start)) start++;
    if (side !== 'LEADING') while (end > start && matches(end - 1)) end--;
    return source.slice(start, end);
  });
}

function replaceAll(text: string, from: string, to: string): string {
  if (from === '') return text;
  const pattern = from.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return text.replace(new RegExp(pattern, 'gi'), () => to);
}

function stuff(text: string, start: number, length: number, insert: string): string | null {
  if (start < 1 || start > text.length || length < 0) return null;
  return text.slice(0, start - 1) + insert + text.slice(start - 1 + length);
}

function patternIndex(pattern: string, text: string): number {
  const open = !pattern.startsWith('%');
  const close = !pattern.endsWith('%') || pattern.length < 2;
  const core = pattern.replace(/^%+/, '').replace(/%+$/, '');
  const match = new RegExp(`${open ? '^' : ''}(?:${likeSource(core)})${close ? '$' : ''}`, 'i').exec(text);
  return match === null ? 0 : match.index + 1;
}

function quoteName(text: string, quote: string): string | null {
  if (text.length > 128) return null;
  const pairs: Record<string, [string, string]> = {
    '[': ['[', ']'],
    ']': ['[', ']'],
    "'": ["'", "'"],
    '"': ['"', '"'],
    '(': ['(', ')'],
    ')': ['(', ')'],
    '<': ['<', '>'],
    '>': ['<', '>'],
    '{': ['{', '}'],
    '}': ['{', '}'],
    '`': ['`', '`'],
  };
  const pair = pairs[quote];
  return pair === undefined ? null : `${pair[0]}${text.replaceAll(pair[1], pair[1] + pair[1])}${pair[1]}`;
}

function parseName(text: string, position: number): string | null {
  const parts = text.match(/\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*"|[^.]+|(?<=^|\.)(?=\.|$)/g) ?? [];
  if (parts.length > 4) return null;
  const part = parts[parts.length - position];
  if (part === undefined || part === '') return null;
  if (part.startsWith('[')) return part.slice(1, -1).replaceAll(']]', ']');
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}

/** CONCAT takes NULL as an empty string; CONCAT_WS leaves it out. */
function joined(args: readonly Compiled[], separator: Compiled | undefined): Compiled {
  const texts = args.map((argument) =>
    argument.untyped === true ? { ...argument, type: varchar(1) } : argument,
  );
  for (const text of texts) textArgument(text, 1, 'concat');
  const mark = separator === undefined ? undefined : textArgument(separator, 1, 'concat_ws');
  const unicode = [...texts, ...(mark === undefined ? [] : [mark])].some((text) => isUnicode(text.type));
  const max = texts.some((text) => lengthOf(text.type) === 'max' && isString(text.type));
  const total =
    texts.reduce((sum, text) => sum + Number(lengthOf(text.type) === 'max' ? 0 : lengthOf(text.type)), 0) +
    (mark === undefined ? 0 : 30 * texts.length);
  const type = unicode
    ? nvarchar(max ? 'max' : Math.min(4000, Math.max(1, total)))
    : varchar(max ? 'max' : Math.min(8000, Math.max(1, total)));
  return {
    type,
    nullable: false,
    evaluate: (frame) => {
      const values = texts.map((text) => {
        const value = text.evaluate(frame);
        return value === null ? null : textOf(value, text.type);
      });
      if (mark === undefined) return values.map((value) => value ?? '').join('');
      return values.filter((value) => value !== null).join(String(mark.evaluate(frame) ?? ''));
    },
  };
}

function str(value: number, width: number, decimals: number): string {
  const text = value.toFixed(Math.min(Math.max(decimals, 0), 16));
  if (text.length <= width) return text.padStart(width);
  const whole = value.toFixed(0);
  return whole.length > width
    ? '*'.repeat(width)
    : value.toFixed(Math.max(0, width - whole.length - 1)).padStart(width);
}

const ALGORITHMS: Record<string, string> = {
  MD5: 'md5',
  SHA: 'sha1',
  SHA1: 'sha1',
  SHA2_256: 'sha256',
  SHA2_512: 'sha512',
};

function hash(name: string, bytes: Uint8Array): Uint8Array | null {
  const algorithm = ALGORITHMS[name.toUpperCase()];
  return algorithm === undefined ? null : new Uint8Array(createHash(algorithm).update(bytes).digest());
}

const SOUNDEX_CODES: Record<string, string> = {
  B: '1',
  F: '1',
  P: '1',
  V: '1',
  C: '2',
  G: '2',
  J: '2',
  K: '2',
  Q: '2',
  S: '2',
  X: '2',
  Z: '2',
  D: '3',
  T: '3',
  L: '4',
  M: '5',
  N: '5',
  R: '6',
};

function soundex(text: string): string {
  const letters = text.toUpperCase().replace(/[^A-Z].*$/, '');
  if (letters === '') return '0000';
  let result = letters[0] ?? '';
  let last = SOUNDEX_CODES[result] ?? '';
  for (const letter of letters.slice(1)) {
    const code = SOUNDEX_CODES[letter] ?? '';
    if (code !== '' && code !== last) result += code;
    if (letter !== 'H' && letter !== 'W') last = code;
  }
  return result.slice(0, 4).padEnd(4, '0');
}

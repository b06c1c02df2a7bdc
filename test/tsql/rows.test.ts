import fc from 'fast-check';
import {
  RowShapeError,
  readBoolean,
  readInteger,
  readLsn,
  readNullableInteger,
  readText,
  readTime,
  readUtcTime,
} from '../../src/tsql/rows';

describe('integers', () => {
  test('bigint comes as text from the driver', () => {
    expect(readInteger({ n: '9007199254740991' }, 'n')).toBe(Number.MAX_SAFE_INTEGER);
    expect(readInteger({ n: -5 }, 'n')).toBe(-5);
  });

  test.each(['9007199254740992', '1.5', '', 'x', 1.5, null, undefined, true])('%p is refused', (n) => {
    expect(() => readInteger({ n }, 'n')).toThrow(RowShapeError);
  });

  test('NULL is null, a column that is not there is an error', () => {
    expect(readNullableInteger({ n: null }, 'n')).toBeNull();
    expect(() => readNullableInteger({}, 'n')).toThrow(
      'column n: expected an integer below 2^53, got undefined',
    );
  });
});

describe('LSNs', () => {
  test('any numeric(25,0) survives as text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 25n - 1n }), (lsn) => {
        expect(readLsn({ lsn: lsn.toString() }, 'lsn')).toBe(lsn.toString());
      }),
    );
  });

  test.each([48000000143, '-1', '1.0', '4.8E+24', null])('%p is refused', (lsn) => {
    expect(() => readLsn({ lsn }, 'lsn')).toThrow(RowShapeError);
  });
});

describe('times', () => {
  test('UTC gets its Z and milliseconds', () => {
    expect(readUtcTime({ t: '2026-11-22T02:03:04.1234567' }, 't')).toBe('2026-11-22T02:03:04.123Z');
    expect(readUtcTime({ t: '2026-11-22T02:03:04' }, 't')).toBe('2026-11-22T02:03:04.000Z');
  });

  test('server time stays as it is', () => {
    expect(readTime({ t: '2026-11-22T02:03:04.123' }, 't')).toBe('2026-11-22T02:03:04.123');
  });

  test.each([new Date(0), '2026-11-22', '22.11.2026 02:03:04', null])('%p is refused', (t) => {
    expect(() => readTime({ t }, 't')).toThrow(RowShapeError);
  });
});

test('bits and texts', () => {
  expect([true, false, 0, 1].map((b) => readBoolean({ b }, 'b'))).toEqual([true, false, false, true]);
  expect(() => readBoolean({ b: 2 }, 'b')).toThrow(RowShapeError);
  expect(() => readBoolean({ b: null }, 'b')).toThrow(RowShapeError);
  expect(readText({ s: '' }, 's')).toBe('');
  expect(() => readText({ s: 1 }, 's')).toThrow(RowShapeError);
});

test('an error names the column, not the value', () => {
  expect(() => readInteger({ n: 'secret' }, 'n')).toThrow(
    expect.objectContaining({ message: 'column n: expected an integer below 2^53, got string' }),
  );
});

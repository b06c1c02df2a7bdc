/** The shapes themselves, also with values that JSON cannot carry. */

import * as fc from 'fast-check';
import { linkSites } from '../../../src/model/link/side';
import { LINK_WORKFLOWS } from '../../../src/workflows/link/topology';
import { runInputShape } from '../../../src/workflows/run/run-input-shape';
import {
  anything,
  bounded,
  MalformedInput,
  oneOf,
  type Shape,
  text,
  time,
} from '../../../src/workflows/run/shapes';
import { failoverNewsShape } from '../../../src/workflows/run/signal-shapes';
import { slotMessageShape } from '../../../src/workflows/run/slot-shapes';
import { drillShape, failoverShape, repairShape } from '../../../src/workflows/run/standing-request-shapes';

const BY = { by: 'ann' };
const SITES = linkSites({ server: 'sql1', instance: 'mi-west' });
const failover = failoverShape(SITES);
const repair = repairShape(SITES);
const SHAPES: readonly Shape<unknown>[] = [
  failover,
  drillShape,
  repair,
  failoverNewsShape(SITES),
  slotMessageShape,
  runInputShape(LINK_WORKFLOWS),
];

test.each([
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1,
  1e300,
])('no hold and no loss is %p', (value) => {
  expect(() => drillShape({ ...BY, holdMs: value }, '')).toThrow(/holdMs must be a number/);
  const forced = { ...BY, type: 'forced', to: 'instance', acceptLossSeconds: value };
  expect(() => failover(forced, '')).toThrow(/acceptLossSeconds must be a number/);
});

test('a time has four digits of a year in UTC as well, and no more than nanoseconds', () => {
  expect(time('9999-12-31T23:59:59Z', 'the time')).toBe('9999-12-31T23:59:59Z');
  expect(() => time('9999-12-31T23:59:59-12:00', 'the time')).toThrow(MalformedInput);
  expect(() => time(`2027-12-31T23:59:59.${'1'.repeat(10)}Z`, 'the time')).toThrow(MalformedInput);
});

test('what is handed on unseen is neither deep nor big', () => {
  const nested = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000));
  const shape = bounded(anything, 1_000);
  expect(() => shape({ nested }, 'the spec')).toThrow(/at most 50 levels deep/);
  expect(() => shape({ note: 'x'.repeat(1_000) }, 'the spec')).toThrow(/at most 1000 bytes/);
  expect(shape({ note: 'x' }, 'the spec')).toEqual({ note: 'x' });
});

test('a shape gives back what it was given, and takes no other word for one that it knows', () => {
  const request = { ...BY, type: 'planned', to: 'server' };
  expect(failover(request, 'the request')).toBe(request);
  for (const word of ['Source', ' server', 'toString', '__proto__', '0'])
    expect(() => oneOf(['server', 'instance'])(word, 'to')).toThrow(MalformedInput);
});

test('a field of a prototype is no field of a request', () => {
  const request: unknown = JSON.parse(
    '{"by":"ann","type":"planned","to":"instance","__proto__":{"acceptDrift":true}}',
  );
  expect(() => failover(request, 'the request')).toThrow(/"__proto__" is not known/);
  expect(() => repair(Object.create({ by: 'ann', survivor: 'server' }), 'the request')).toThrow(/by must be/);
});

test.each([
  'a\nb',
  'a\rb',
  '\u001b[2J',
  '\u0085',
  '\u2028',
  '\u202e',
  '\ud800',
  '\u0000',
])('no text that people read holds %j', (value) => {
  expect(() => text(100)(value, 'reason')).toThrow(/^reason must be text .*; got "[ -~]*"$/);
});

test('a time has an offset, and is one', () => {
  for (const good of ['2026-12-01T22:00:00Z', '2026-12-01T22:00+01:00', '2026-12-01T22:00:00.123Z'])
    expect(time(good, 'until')).toBe(good);
  for (const bad of [
    '2026-12-01T22:00:00',
    'tomorrow',
    '5',
    '2026-13-01T22:00:00Z',
    '+275760-09-13T00:00:00Z',
  ])
    expect(() => time(bad, 'until')).toThrow(MalformedInput);
});

test('whatever is given, a shape takes it or throws MalformedInput with one short line', () => {
  const value = fc.oneof(
    fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(value, fc.constantFrom(...SHAPES), (given, shape) => {
      try {
        shape(given, 'the request');
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedInput);
        const { message } = error as Error;
        expect(message.length).toBeLessThan(400);
        expect(message).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }
    }),
    { numRuns: 3_000 },
  );
});

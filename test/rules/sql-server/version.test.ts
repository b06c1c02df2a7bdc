import fc from 'fast-check';
import {
  compareBuilds,
  cumulativeUpdate,
  isAtLeastBuild,
  parseBuild,
  releaseYear,
} from '../../../src/rules/sql-server/version';

const part = fc.integer({ min: 0, max: 99_999 });
const build = fc.record({ major: part, minor: part, build: part, revision: part });

test('parsing undoes writing', () => {
  fc.assert(
    fc.property(build, (b) => {
      expect(parseBuild(`${b.major}.${b.minor}.${b.build}.${b.revision}`)).toEqual(b);
    }),
  );
});

test('comparing is an order: antisymmetric, transitive, and equal only for the same', () => {
  fc.assert(
    fc.property(build, build, build, (a, b, c) => {
      expect(Math.sign(compareBuilds(a, b))).toBe(-Math.sign(compareBuilds(b, a)) + 0);
      if (compareBuilds(a, b) <= 0 && compareBuilds(b, c) <= 0)
        expect(compareBuilds(a, c)).toBeLessThanOrEqual(0);
      expect(compareBuilds(a, a)).toBe(0);
    }),
  );
});

test.each([
  ['16.0.4165.4', '16.0.4125.3', true],
  ['16.0.4125.3', '16.0.4125.3', true],
  ['16.0.999.9', '16.0.1000.6', false],
  ['15.0.9999.9', '16.0.1000.6', false],
  ['x', '16.0.1000.6', undefined],
  ['16', '16.0.1000.6', undefined],
] as const)('%s is at least %s: %s', (text, minimum, expected) => {
  expect(isAtLeastBuild(text, minimum)).toBe(expected);
});

test.each([
  ['13.0.7000.253', 2016],
  ['17.0.1000.7', 2025],
  ['12.0.2000.8', undefined],
  ['18.0.1.1', undefined],
] as const)('the release of %s is %s', (text, year) => {
  const parsed = parseBuild(text);
  expect(parsed && releaseYear(parsed)).toBe(year);
});

test.each([
  ['CU27', 27],
  ['CU5-GDR', 5],
  ['GDR', undefined],
  [null, undefined],
] as const)('the cumulative update of %s is %s', (text, update) =>
  expect(cumulativeUpdate(text)).toBe(update));

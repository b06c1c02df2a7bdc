import fc from 'fast-check';
import { editDistance, nearest } from '../../src/model/suggest';

test.each([
  ['', '', 0],
  ['abc', '', 3],
  ['direktory', 'directory', 1],
  ['hots', 'host', 1],
  ['kitten', 'sitting', 3],
])('from %j to %j: %d', (a, b, distance) => expect(editDistance(a, b)).toBe(distance));

test('is zero only for the same word, symmetric, and never longer than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance === 0).toBe(a === b);
      expect(editDistance(b, a)).toBe(distance);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test('one slip of a key in a longer word is always found again', () => {
  const words = ['directory', 'availabilityGroup', 'maxLag', 'disableLogins', 'atUsedPercent'];
  fc.assert(
    fc.property(fc.constantFrom(...words), fc.nat(20), (word, place) => {
      const at = place % word.length;
      expect(nearest(word.slice(0, at) + word.slice(at + 1), words)).toEqual([word]);
    }),
  );
});

test('a word that is like none has no suggestion', () => {
  expect(nearest('colour', ['host', 'port', 'tls'])).toEqual([]);
});

/** The promises of docs/architecture.md: each has its tests, and comments name no other. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, readPage } from './support/pages';

const COUNT = 15;
const HOUSES = ['src', 'estate', 'test', 'bench'];

/** Also "promises 1, 2 and 3", and one that stands at the end of a line. */
const NAMED = /\bpromises?[\s*]+(?<numbers>\d+(?:(?:, | and |, and )\d+)*)/gi;

const numbersIn = (text: string): readonly number[] =>
  [...text.matchAll(NAMED)].flatMap(({ groups }) => (groups?.numbers ?? '').split(/\D+/).map(Number));

const sources = HOUSES.flatMap((house) =>
  readdirSync(join(ROOT, house), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(house, name)),
);

const rows = [...readPage('docs/architecture.md').text.matchAll(/^\| (?<number>\d+) \| (?<rest>.*)$/gm)];

test('are numbered from 1, and each names a test that would catch its breach', () => {
  expect(rows.map(({ groups }) => Number(groups?.number))).toEqual(
    Array.from({ length: COUNT }, (_, index) => index + 1),
  );
  for (const { groups } of rows) expect(groups?.rest).toMatch(/\(\.\.\/test\/\S+\.test\.ts\)/);
});

test('are named by these numbers in code', () => {
  const named = sources.flatMap((file) =>
    numbersIn(readFileSync(join(ROOT, file), 'utf8')).map((number) => ({ file, number })),
  );
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter(({ number }) => number < 1 || number > COUNT)).toEqual([]);
});

test('are found in every form in which a comment names them', () => {
  const lines = ['(promise ', '3).\n * Promises ', '4, 5 and 7, \n * promise\n * ', '9'];
  expect(numbersIn(lines.join(''))).toEqual([3, 4, 5, 7, 9]);
});

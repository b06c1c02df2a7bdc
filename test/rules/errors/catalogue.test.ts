import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE, cataloguePage, explain, findEntry } from '../../../src/rules/errors/catalogue';
import { LINK_CHECKS } from '../../../src/rules/link/preflight';
import { REFERENCE_ARM_CODES, REFERENCE_NUMBERS, TRANSPORT_PROBLEMS } from './reference-codes';

const ENTRIES = CATALOGUE.flatMap(({ entries }) => entries);

test('knows every documented number, every code of the REST description and every transport problem', () => {
  const wanted = [...REFERENCE_NUMBERS, ...REFERENCE_ARM_CODES, ...TRANSPORT_PROBLEMS];
  expect(wanted.filter((match) => findEntry(match) === undefined)).toEqual([]);
});

test('knows every error that a preflight check says it prevents', () => {
  const prevented = LINK_CHECKS.flatMap(({ preventsError }) =>
    preventsError === null ? [] : [preventsError],
  );
  expect(prevented.filter((error) => findEntry(error) === undefined)).toEqual([]);
});

test('knows every code that activities give to a failure of their own', () => {
  const folder = join(__dirname, '../../../src/activities');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const codes = files.flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return [...text.matchAll(/new (?:NeedsPerson|NotYet)\(\s*'([A-Za-z]+)'/g)].map(([, code = '']) => code);
  });
  const known = new Set(ENTRIES.map(({ code }) => code));
  expect(codes.filter((code) => !known.has(code))).toEqual([]);
});

test('codes are unique, and no number or ARM code stands twice', () => {
  const codes = ENTRIES.map(({ code }) => code.toLowerCase());
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  const matches = ENTRIES.flatMap((entry) => entry.matches.map((match) => String(match).toLowerCase()));
  expect(matches.filter((match, index) => matches.indexOf(match) !== index)).toEqual([]);
});

test('every entry says what it means, what to do and where that comes from', () => {
  for (const { code, meaning, remedy, source } of ENTRIES) {
    expect(code).toMatch(/^[A-Z][A-Za-z]+$/);
    expect([code, /\.$/.test(meaning), /\.$/.test(remedy), source.length > 3]).toEqual([
      code,
      true,
      true,
      true,
    ]);
  }
});

test('the effects that are there already count as done', () => {
  for (const number of [41122, 41965, 41145, 35280, 41195]) {
    expect([number, findEntry(number)?.reaction]).toEqual([number, 'already-done']);
  }
});

describe('explain', () => {
  test.each([
    ['1412', 'LogTruncatedTooEarly'],
    [' Msg 1412 ', 'LogTruncatedTooEarly'],
    ['error 1475', 'FullBackupMissing'],
    ['#41965', 'RoleAlreadySet'],
    ['Msg 1475, Level 16, State 1', 'FullBackupMissing'],
    ['managedinstanceisbusy', 'InstanceBusy'],
    ['fullbackupmissing', 'FullBackupMissing'],
    ['unreachable', 'Unreachable'],
  ])('%j is %s', (text, code) => {
    const explanation = explain(text);
    expect(explanation.found && explanation.entry.code).toBe(code);
  });

  test.each([
    ['FullBackupMising', 'FullBackupMissing'],
    ['ManagedInstanceIsBuzy', 'ManagedInstanceIsBusy'],
  ])('%j suggests %s', (text, suggestion) => {
    const explanation = explain(text);
    expect(explanation.found ? [] : explanation.suggestions).toContain(suggestion);
  });

  test('an unknown number suggests near numbers', () => {
    const explanation = explain('1413');
    expect(explanation.found).toBe(true);
    const near = explain('14120');
    expect(near.found ? [] : near.suggestions).toContain('1412');
  });

  test.each(['', 'constructor', '__proto__', 'zzzzzzzz'])('%j is not found', (text) => {
    expect(explain(text).found).toBe(false);
  });
});

test('docs/error-catalogue.md is what the tables say; regenerate with UPDATE_DOCS=1', () => {
  const file = join(__dirname, '../../../docs/error-catalogue.md');
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, cataloguePage());
  expect(readFileSync(file, 'utf8')).toBe(cataloguePage());
});

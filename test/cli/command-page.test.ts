/** docs/command-line.md against the command itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../src/cli/exit-codes';
import { commandNames, helpOf } from './help';

const PAGE = readFileSync(join(__dirname, '../../docs/command-line.md'), 'utf8');

test('every command and every option of --help is on the page', async () => {
  const names = await commandNames();
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    expect([name, PAGE.includes(`sqlferry ${name}`)]).toEqual([name, true]);
    const { options } = await helpOf(name);
    const missing = options.filter((option) => option !== '--help' && !new RegExp(`${option}\\b`).test(PAGE));
    expect([name, missing]).toEqual([name, []]);
  }
});

test('the page names no option that is not there', async () => {
  const known = new Set(['--help', '--version']);
  for (const name of await commandNames())
    for (const option of (await helpOf(name)).options) known.add(option);
  const named = [...PAGE.matchAll(/`[^`\n]*?(--[a-z][a-z-]*)/g)].map(([, option = '']) => option);
  expect(named.filter((option) => !known.has(option))).toEqual([]);
});

test('every exit code is explained', () => {
  for (const code of Object.values(EXIT)) expect(PAGE).toMatch(new RegExp(`^\\| ${code} \\| \\S`, 'm'));
});

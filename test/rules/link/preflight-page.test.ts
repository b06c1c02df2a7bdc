import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LINK_CHECKS, linkPreflightPage } from '../../../src/rules/link/preflight';

const FILE = join(__dirname, '../../../docs/link-preflight.md');

test('docs/link-preflight.md is what the table of checks says; regenerate with UPDATE_DOCS=1', () => {
  if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, linkPreflightPage());
  expect(readFileSync(FILE, 'utf8')).toBe(linkPreflightPage());
});

test('the page has one row for each check', () => {
  for (const { id } of LINK_CHECKS) expect(linkPreflightPage().split(`| \`${id}\` |`)).toHaveLength(2);
});

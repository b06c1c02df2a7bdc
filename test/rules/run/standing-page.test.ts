import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STANDING_ACTIVITIES } from '../../../src/model/run/standing';
import { standingRequestsPage } from '../../../src/rules/run/standing-page';
import { STANDING_ROWS } from '../../../src/rules/run/standing-table';

const FILE = join(__dirname, '../../../docs/requests.md');

test('docs/requests.md is what the table says; regenerate with UPDATE_DOCS=1', () => {
  if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, standingRequestsPage());
  expect(readFileSync(FILE, 'utf8')).toBe(standingRequestsPage());
});

test('the page has one row for each rule, and each activity can be left', () => {
  const page = standingRequestsPage();
  for (const { rule } of STANDING_ROWS) expect(page.split(`\n| \`${rule}\` |`)).toHaveLength(2);
  for (const activity of STANDING_ACTIVITIES) {
    const id = activity.replaceAll('-', '_');
    expect(page).toMatch(new RegExp(`^  ${id} --> `, 'm'));
    expect(page).toMatch(new RegExp(` --> ${id}(:|$)`, 'm'));
  }
});

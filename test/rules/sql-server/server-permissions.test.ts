/** Several who grant or deny the same permission. */
import { collapsePermissions } from '../../../src/rules/sql-server/server-permissions';

const NAME = 'VIEW SERVER STATE';
const given = (state: 'GRANT' | 'GRANT_WITH_GRANT_OPTION' | 'DENY', grantor: string | null = null) => ({
  name: NAME,
  state,
  grantor,
});

test.each([
  ['one', [given('GRANT')], { name: NAME, state: 'GRANT' }],
  [
    'the same twice',
    [given('GRANT'), given('GRANT', 'ann')],
    { name: NAME, state: 'GRANT', grantors: ['ann'] },
  ],
  [
    'with the option to pass it on',
    [given('GRANT_WITH_GRANT_OPTION', 'ann'), given('GRANT')],
    { name: NAME, state: 'GRANT_WITH_GRANT_OPTION', grantors: ['ann'] },
  ],
  [
    'denied by one of them',
    [given('GRANT_WITH_GRANT_OPTION'), given('DENY', 'bob'), given('GRANT', 'ann')],
    { name: NAME, state: 'DENY', grantors: ['bob', 'ann'] },
  ],
])('%s', (_title, rows, expected) => expect(collapsePermissions(rows)).toEqual([expected]));

test('different permissions stay apart', () => {
  const rows = [given('GRANT'), { ...given('DENY'), name: 'ALTER TRACE' }];
  expect(collapsePermissions(rows)).toEqual([
    { name: NAME, state: 'GRANT' },
    { name: 'ALTER TRACE', state: 'DENY' },
  ]);
});

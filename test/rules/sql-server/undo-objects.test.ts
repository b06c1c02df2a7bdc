/** What goes back to what it was, and what people changed since. */
import type { LoginSettings, ServerPermission } from '../../../src/model/sql-server/instance-objects';
import { restoredPermissions, restoredSettings } from '../../../src/rules/sql-server/undo-objects';

const settings = (change: Partial<LoginSettings> = {}): LoginSettings => ({
  isDisabled: false,
  defaultDatabase: 'Sales',
  defaultLanguage: null,
  isPolicyChecked: true,
  isExpirationChecked: false,
  connect: 'granted',
  roles: [],
  permissions: [],
  ...change,
});

const present = settings({ defaultDatabase: 'master', roles: ['old', 'kept'], connect: 'denied' });
const made = settings({ roles: ['kept', 'new'] });

test('all of it, when nobody changed anything', () => {
  const restored = restoredSettings(made, present, made);
  expect({ ...restored, roles: [...restored.roles].sort() }).toEqual({ ...present, roles: ['kept', 'old'] });
  expect(restoredSettings(present, present, made)).toEqual(present);
});

test('a login that was disabled since stays disabled, and keeps the role that it got', () => {
  const here = settings({ isDisabled: true, roles: ['kept', 'new', 'admin'] });
  const restored = restoredSettings(here, present, made);
  expect(restored).toMatchObject({ isDisabled: true, defaultDatabase: 'master', connect: 'denied' });
  expect([...restored.roles].sort()).toEqual(['admin', 'kept', 'old']);
});

const given = (name: string, state: ServerPermission['state'] = 'GRANT'): ServerPermission => ({
  name,
  state,
});

test.each<readonly [string, ServerPermission[], ServerPermission[], ServerPermission[], ServerPermission[]]>([
  ['given by the run', [given('A')], [], [given('A')], []],
  ['taken by the run', [], [given('A')], [], [given('A')]],
  ['changed by the run', [given('A', 'DENY')], [given('A')], [given('A', 'DENY')], [given('A')]],
  ['given by the run, denied since', [given('A', 'DENY')], [], [given('A')], [given('A', 'DENY')]],
  ['given since', [given('A'), given('B')], [], [given('A')], [given('B')]],
  ['taken by the run, given since', [given('A', 'DENY')], [given('A')], [], [given('A', 'DENY')]],
  ['left alone by the run, taken since', [], [given('A')], [given('A')], []],
])('a permission %s', (_title, here, was, byRun, expected) => {
  expect(restoredPermissions(here, was, byRun)).toEqual(expected);
});

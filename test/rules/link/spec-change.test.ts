import { linkNames, type ResolvedLink } from '../../../src/model/link/spec';
import { specChange } from '../../../src/rules/link/spec-change';
import { linkSpecWith } from '../../support/link-spec';

const STANDS = { fenceIsLeft: false };
const BEFORE: ResolvedLink = {
  ...linkSpecWith('purpose: disaster-recovery\ncutover: { fence: { disableLogins: [app, web] } }\n'),
};
const REPLICA = { name: 'sql2', server: BEFORE.server };

type Fields = Record<string, unknown>;

/** The spec with one value at a path replaced. */
function withValue(path: string, value: unknown, spec: ResolvedLink = BEFORE): ResolvedLink {
  const copy = structuredClone(spec) as unknown as Fields;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at = copy;
  for (const key of keys) at = at[key] as Fields;
  at[last] = value;
  return copy as unknown as ResolvedLink;
}

const HOOKS = { beforeFailover: [], whenFenced: [], afterFailover: [], whenWithdrawn: [] };

test.each<[string, unknown, string]>([
  ['settings.hooks', HOOKS, 'hooks'],
  ['settings.cutover.fence.disableLogins', ['app', 'web', 'batch'], 'cutover.fence.disableLogins'],
  ['settings.cutover.approval.required', false, 'cutover.approval.required'],
  ['settings.cutover.maxLag', 1, 'cutover.maxLag'],
  ['settings.cutover.catchUpTimeout', 1, 'cutover.catchUpTimeout'],
  ['settings.cutover.attempts', 1, 'cutover.attempts'],
  ['settings.cutover.retryAfter', [1], 'cutover.retryAfter'],
  ['settings.polling.steady', 1, 'polling.steady'],
  ['settings.failover.coolDown', 1, 'failover.coolDown'],
  ['settings.failover.atOnce', 1, 'failover.atOnce'],
  ['settings.afterFailover.checks', false, 'afterFailover.checks'],
  ['settings.logBackups.directory', '/other', 'logBackups.directory'],
  ['settings.instanceObjects', { drift: 'warn' }, 'instanceObjects'],
  ['server.host', 'sql1.example.net', 'sqlServers.sql1.host'],
  ['server.port', 1, 'sqlServers.sql1.port'],
  ['server.authentication', { type: 'entra' }, 'sqlServers.sql1.authentication.type'],
  ['server.tls.mode', 'strict', 'sqlServers.sql1.tls.mode'],
  ['instance.host', 'mi.example.net', 'managedInstances.mi-west.host'],
  ['instance.authentication.password', 'env:OTHER', 'managedInstances.mi-west.authentication.password'],
  ['azure.credential.type', 'managed-identity', 'azure.credential.type'],
])('%s may change', (path, value, field) => {
  const { changed, refused } = specChange(BEFORE, withValue(path, value), STANDS);
  expect(refused).toEqual([]);
  expect(changed).toContain(field);
});

test.each<[string, unknown, string, string]>([
  ['settings.name', 'other', 'name', 'spec-change.identity'],
  ['settings.database', 'Other', 'database', 'spec-change.identity'],
  ['settings.purpose', 'migration', 'purpose', 'spec-change.identity'],
  ['settings.initialPrimary', 'instance', 'initialPrimary', 'spec-change.identity'],
  ['settings.server', 'sql9', 'server', 'spec-change.identity'],
  ['settings.instance', 'mi-east', 'instance', 'spec-change.identity'],
  ['settings.link.name', 'DAG', 'link.name', 'spec-change.identity'],
  ['names.distributedGroup', 'DAG', 'link.name', 'spec-change.identity'],
  ['names.availabilityGroup', 'AG', 'link.availabilityGroup', 'spec-change.identity'],
  ['names.instanceAvailabilityGroup', 'AG', 'link.instanceAvailabilityGroup', 'spec-change.identity'],
  ['instance.resourceId', '/other', 'managedInstances.mi-west.resourceId', 'spec-change.identity'],
  ['azure.endpoint', 'https://other', 'azure.endpoint', 'spec-change.identity'],
  ['replicas', [REPLICA], 'link.replicas', 'spec-change.identity'],
  ['settings.certificate.name', 'C', 'certificate.name', 'spec-change.made-with'],
  ['settings.seeding.deadline', 1, 'seeding.deadline', 'spec-change.made-with'],
  ['server.endpoint.port', 1, 'sqlServers.sql1.endpoint.port', 'spec-change.made-with'],
  ['settings.cutover.schedule', { type: 'at', time: 'T' }, 'cutover.schedule.type', 'spec-change.cutover'],
  ['settings.cutover.afterwards', 'keep-link', 'cutover.afterwards', 'spec-change.cutover'],
  ['version', 2, 'version', 'spec-change.not-known'],
])('%s may not', (path, value, field, ruleId) => {
  const { refused } = specChange(BEFORE, withValue(path, value), STANDS);
  expect(refused).toContainEqual({
    field,
    ruleId,
    reason: expect.stringMatching(/^\S.*[^.]$/),
    nextStep: expect.stringMatching(/\S/),
  });
});

test.each([
  ['link.name', { link: { name: 'DAG' } }],
  ['link.availabilityGroup', { link: { availabilityGroup: 'AG' } }],
  ['database', { database: 'Other' }],
])('of %s each field is told once, as it is written: names that follow from it are not', (field, changed) => {
  const settings = { ...BEFORE.settings, ...changed };
  const after = { ...BEFORE, settings, names: linkNames(settings) };
  expect(specChange(BEFORE, after, STANDS).refused.map((one) => one.field)).toEqual([field]);
});

test('how a replica is reached may change, which replicas there are may not', () => {
  const before = { ...BEFORE, replicas: [REPLICA] };
  const moved = { ...before, replicas: [{ ...REPLICA, server: { ...REPLICA.server, host: 'new' } }] };
  expect(specChange(before, moved, STANDS)).toMatchObject({ changed: ['sqlServers.sql2.host'], refused: [] });
  const renamed = { ...before, replicas: [{ ...REPLICA, name: 'sql3' }] };
  expect(specChange(before, renamed, STANDS).refused).toMatchObject([{ field: 'link.replicas' }]);
});

test('the logins of a fence that is not lifted yet stay as they are', () => {
  const after = withValue('settings.cutover.fence.disableLogins', ['web']);
  expect(specChange(BEFORE, after, { fenceIsLeft: true }).refused).toMatchObject([
    { field: 'cutover.fence.disableLogins', ruleId: 'spec-change.fence-left' },
  ]);
  expect(specChange(BEFORE, after, STANDS).warnings).toEqual([
    expect.stringMatching(/^app are fenced no more/),
  ]);
});

test('the order of fields is no difference, that of a list is', () => {
  const { settings, ...rest } = structuredClone(BEFORE);
  expect(specChange(BEFORE, { settings, ...rest }, STANDS)).toEqual({
    changed: [],
    refused: [],
    warnings: [],
  });
  const turned = withValue('settings.cutover.fence.disableLogins', ['web', 'app']);
  expect(specChange(BEFORE, turned, STANDS).changed).toEqual(['cutover.fence.disableLogins']);
});

import { cutoverPlan, forReplicas, LINK_PROCEDURE, linkProcedure } from '../../../src/model/link/procedure';
import { type FailoverPlan, forwardSteps, withdrawalSteps } from '../../../src/model/run/procedure';
import { siteOf } from '../../../src/model/run/site';
import { linkSpec, linkSpecWith } from '../../support/link-spec';

const SPEC = linkSpec();
const ids = (steps: readonly { readonly id: string }[]): readonly string[] => steps.map(({ id }) => id);
const roles = ({ prepare, fence, revocable, swap, proof, admit, follow }: FailoverPlan) => ({
  prepare: ids(prepare),
  fence: ids(fence),
  revocable: ids(revocable),
  swap: ids(swap),
  proof: ids(proof),
  admit: ids(admit),
  follow: ids(follow),
});

const COPIES = ['logins', 'login-passwords', 'agent-jobs', 'agent-job-changes'].map((id) => `instance.${id}`);

const procedure = linkProcedure('planned-failover', 'remove-link', 'trace-flag-12381');

test('with one server the procedure is what it was', () => {
  expect(forReplicas(procedure, [])).toBe(procedure);
});

test('trust comes first for every replica, server by server; trace flags on all; the rest on whoever leads', () => {
  const steps = forReplicas(procedure, ['sql1', 'sql2']);
  const trust = procedure.filter(({ phase }) => phase === 'trust').map(({ id }) => id);
  expect(steps.filter(({ phase }) => phase === 'trust').map(({ id, server }) => [server, id])).toEqual(
    ['sql1', 'sql2'].flatMap((server) => trust.map((id) => [server, id])),
  );
  expect(steps.filter(({ id }) => id.endsWith('-log')).map(({ id, server }) => `${id} ${server}`)).toEqual([
    'server.keep-log sql1',
    'server.keep-log sql2',
    'server.release-log sql1',
    'server.release-log sql2',
  ]);
  const others = steps.filter(({ phase, id }) => phase !== 'trust' && !id.endsWith('-log'));
  expect(others.filter(({ server }) => server !== undefined)).toEqual([]);
  expect(others.map(({ id }) => id)).toEqual(
    procedure.filter(({ phase, id }) => phase !== 'trust' && !id.endsWith('-log')).map(({ id }) => id),
  );
});

describe('each role of a failover', () => {
  test.each([
    ['planned', 'instance', ['server.fence'], 'server.planned-failover'],
    ['planned', 'server', ['instance.fence'], 'instance.planned-failover'],
    ['forced', 'instance', [], 'instance.forced-failover'],
    ['forced', 'server', [], 'server.forced-failover'],
  ] as const)('%s, to the %s', (type, to, fence, swap) => {
    const plan = LINK_PROCEDURE.failover(SPEC, type, to);
    expect(roles(plan)).toEqual({
      prepare: [],
      fence,
      revocable: [],
      swap: [swap],
      proof: [`${to}.verify-writable`],
      admit: [`${to}.admit-applications`],
      follow: [],
    });
    expect(ids(forwardSteps(plan))).toEqual([swap, `${to}.verify-writable`, `${to}.admit-applications`]);
  });

  test('a cutover that swaps the roles', () => {
    expect(roles(cutoverPlan('planned-failover'))).toEqual({
      prepare: [],
      fence: ['server.fence'],
      revocable: [],
      swap: ['server.planned-failover'],
      proof: ['instance.verify-writable'],
      admit: [],
      follow: [],
    });
  });

  test('a cutover that deletes the link commits synchronously behind the fence, and undoes that first', () => {
    const plan = cutoverPlan('delete-link');
    expect(roles(plan)).toEqual({
      prepare: [],
      fence: ['server.fence'],
      revocable: ['server.synchronous-commit'],
      swap: ['instance.delete-link-to-cut-over'],
      proof: ['instance.verify-writable'],
      admit: [],
      follow: [],
    });
    expect(ids(withdrawalSteps(plan))).toEqual(['server.synchronous-commit', 'server.fence']);
  });

  test.each(['planned-failover', 'delete-link'] as const)('copied logins are admitted last: %s', (route) => {
    expect(roles(cutoverPlan(route, { objects: true }))).toEqual({
      ...roles(cutoverPlan(route)),
      prepare: COPIES,
      admit: ['instance.admit-applications'],
    });
  });

  test.each([
    ['planned', COPIES, ['instance.enable-jobs', 'server.disable-jobs']],
    ['forced', [], ['instance.enable-jobs-after-loss', 'server.disable-jobs']],
  ] as const)('what a spec asks for around a %s failover', (type, prepare, jobs) => {
    const spec = linkSpecWith(`
afterFailover: { repairOrphanedUsers: true }
instanceObjects: { jobs: { include: [totals] } }
`);
    const plan = roles(LINK_PROCEDURE.failover(spec, type, 'instance'));
    expect([plan.prepare, plan.follow]).toEqual([prepare, ['instance.repair-orphaned-users', ...jobs]]);
  });
});

describe('the whole procedure', () => {
  const cutoverAndAfter = (...given: Parameters<typeof linkProcedure>) =>
    ids(linkProcedure(...given).filter(({ phase }) => phase === 'cutover' || phase === 'after'));
  const everything = { repairUsers: true, objects: true, jobs: true };

  test('of a planned failover, in order', () => {
    expect(cutoverAndAfter('planned-failover', 'remove-link', 'none', everything)).toEqual([
      'server.fence',
      'server.planned-failover',
      'instance.verify-writable',
      'instance.admit-applications',
      'instance.repair-orphaned-users',
      'instance.enable-jobs',
      'server.disable-jobs',
      'instance.remove-link',
      'server.drop-distributed-availability-group',
      'server.drop-availability-group',
    ]);
    expect(cutoverAndAfter('planned-failover', 'keep-link')).toEqual([
      'server.fence',
      'server.planned-failover',
      'instance.verify-writable',
    ]);
  });

  test.each(['remove-link', 'keep-link'] as const)('of a deleted link, in order: %s', (afterwards) => {
    expect(cutoverAndAfter('delete-link', afterwards)).toEqual([
      'server.fence',
      'server.synchronous-commit',
      'instance.delete-link-to-cut-over',
      'instance.verify-writable',
      'server.drop-distributed-availability-group',
      'server.drop-availability-group',
    ]);
  });
});

test('a repair fences the loser first, and backs up what only the server has; a removal goes from the link to the groups', () => {
  expect(ids(LINK_PROCEDURE.repair(SPEC, 'server'))).toEqual(['instance.fence', 'instance.become-secondary']);
  expect(ids(LINK_PROCEDURE.repair(SPEC, 'instance'))).toEqual([
    'server.fence',
    'server.log-backup',
    'server.become-secondary',
  ]);
  expect(ids(LINK_PROCEDURE.remove(SPEC))).toEqual([
    'instance.remove-link',
    'server.drop-distributed-availability-group',
    'server.drop-availability-group',
  ]);
});

test('the sites of a link have the names of the inventory', () => {
  const sites = LINK_PROCEDURE.sites(SPEC);
  expect(sites).toEqual([
    { id: 'server', name: 'sql1', label: 'SQL Server', option: 'server' },
    { id: 'instance', name: 'mi-west', label: 'instance', option: 'instance' },
  ]);
  expect(() => siteOf(sites, 'target')).toThrow('there is no site "target"; known are: server, instance');
});

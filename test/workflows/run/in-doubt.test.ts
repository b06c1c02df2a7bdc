/** In virtual time: a failover whose workflow was ended while the swap ran. */
import { isWatch } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeOutcome,
  hang,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DBA = { by: 'dba' };
const SPEC = linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
hooks:
  beforeFailover: [{ name: drain, type: webhook, url: "https://ops.example.com/drain" }]
  afterFailover: [{ name: dns, type: webhook, url: "https://ops.example.com/dns" }]
  whenWithdrawn: [{ name: undrain, type: webhook, url: "https://ops.example.com/undrain" }]
`);

const stepOf = (call: ActivityCall): string => (call.input as { stepId?: string }).stepId ?? '';

/** What the look of the forced failover sees: the old roles until then, the new ones afterwards. */
const rolesSwapAt = (at: number) => (call: ActivityCall) => {
  if (call.type === 'performStep' && stepOf(call) === 'server.planned-failover') return hang;
  if (call.type !== 'readRoles') return undefined;
  return call.at < at
    ? answer({ server: 'PRIMARY', instance: 'SECONDARY' })
    : answer({ server: 'SECONDARY', instance: 'PRIMARY' });
};

/** A planned failover that is ended by force while the roles swap. */
async function endedInTheSwap(world: (call: ActivityCall) => FakeOutcome | undefined): Promise<StandingLink> {
  const begun = await StandingLink.begin(
    { override: (call) => (call.at >= 2 * HOUR ? world(call) : undefined) },
    { spec: SPEC },
  );
  await begun.driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.driver.run(
    () =>
      begun.driver.trace.at(-1)?.call.type === 'performStep' &&
      stepOf(begun.driver.trace.at(-1)?.call as ActivityCall) === 'server.planned-failover',
  );
  begun.driver.children[0]?.terminate();
  return begun;
}

test('the swap completes while the run looks: nobody is let in to the old primary', async () => {
  const begun = await endedInTheSwap(rolesSwapAt(2 * HOUR + 40 * SECOND));
  await begun.goOn(2 * MINUTE);
  expect((await begun.protection()).primary).toBe('instance');
  expect(begun.link.changes).toEqual(['do server.fence', 'do instance.admit-applications']);
  expect(begun.link.hooks).toEqual(['beforeFailover drain', 'afterFailover dns']);
  await begun.end();
});

test('nothing is swapped: after a minute in which both sides agree the applications go on', async () => {
  const begun = await endedInTheSwap(rolesSwapAt(Number.POSITIVE_INFINITY));
  await begun.goOn(30 * SECOND);
  expect(begun.link.changes).toEqual(['do server.fence']);
  await begun.goOn(MINUTE);
  expect((await begun.protection()).primary).toBe('server');
  expect(begun.link.changes).toEqual(['do server.fence', 'do server.admit-applications']);
  expect(begun.link.hooks).toEqual(['beforeFailover drain', 'whenWithdrawn undrain']);
  await begun.end();
});

test('a replica that does not answer when the applications are let in is told, and left to the watch', async () => {
  const pending = { server: 'sql1b', logins: ['app'], statement: 'ALTER LOGIN [app] ENABLE;' };
  const before = rolesSwapAt(Number.POSITIVE_INFINITY);
  const begun = await endedInTheSwap((call) =>
    call.type === 'observeStep' && stepOf(call) === 'server.admit-applications'
      ? answer({ before: {}, settled: 'app may log in', planned: [], unreached: [pending] })
      : before(call),
  );
  await begun.goOn(2 * MINUTE);
  expect(begun.link.effects.filter((effect) => effect === 'notify fence.not-lifted')).toHaveLength(1);
  const watch = begun.driver.calls.findLast((call) => isWatch(call, 'server'));
  expect(watch?.input).toMatchObject({ known: { unliftedFences: [pending] } });
  await begun.end();
});

test('the swap comes through when it was given up: let in and repointed there, and the record says so', async () => {
  const later = 2 * HOUR + 10 * MINUTE;
  const before = rolesSwapAt(later);
  const begun = await endedInTheSwap((call) => {
    if (!isWatch(call, 'server')) return before(call);
    const health = {
      observedAt: '',
      healthy: false,
      summary: 'swapped',
      lagSeconds: null,
      logUsedPercent: 5,
    };
    return answer(
      { kind: 'external-failover', primary: 'instance', reason: 'both agree', platformTime: null, health },
      10 * MINUTE,
    );
  });
  await begun.goOn(20 * MINUTE);
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('instance');
  expect(failovers).toEqual([
    expect.objectContaining({
      type: 'planned',
      by: 'dba',
      outcome: 'done',
      summary: expect.stringContaining('its swap came through afterwards: both agree'),
    }),
  ]);
  expect(begun.link.changes.slice(1)).toEqual([
    'do server.admit-applications',
    'do instance.admit-applications',
  ]);
  expect(begun.link.hooks.slice(1)).toEqual(['whenWithdrawn undrain', 'afterFailover dns']);
  expect(begun.link.effects).toContain('notify failover.late');
  expect(begun.driver.trace.at(-1)?.call).toMatchObject({ type: 'watch', input: { primary: 'instance' } });
  await begun.end();
});

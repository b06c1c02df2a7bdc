/** In virtual time: the new primary is watched while the hooks behind a failover go on. */
import type { Answer } from '../../../src/workflows/run/answers';
import { hookRecord, isWatch, named, watchInput } from '../../support/fake-link';
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

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DBA = { by: 'dba', acknowledgedBy: 'dba' };
const FORCED = { ...DBA, type: 'forced', reason: 'fire', acceptLossSeconds: 1_000_000 };
const SPEC = linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
hooks: { afterFailover: [{ name: dns, type: webhook, url: "https://ops.example.com/dns", timeout: 1h }] }
`);

/** A link whose hooks behind a failover take an hour. */
const standing = (
  world: (call: ActivityCall) => FakeOutcome | undefined = () => undefined,
): Promise<StandingLink> =>
  StandingLink.begin(
    {
      override: (call) => {
        if (call.type === 'runHook') return answer(hookRecord(call, 'passed', 'at last'), HOUR);
        return call.at >= 2 * HOUR ? world(call) : undefined;
      },
    },
    { spec: SPEC },
  );

const failOver = (begun: StandingLink, request: object) =>
  begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', ...request });
const running = (begun: StandingLink) =>
  begun.driver.trace.filter(({ state }) => state === 'running').map(({ call }) => named(call));

test('who leads is watched, its log backed up, and shown, before the hooks are through', async () => {
  const begun = await standing();
  await failOver(begun, { to: 'instance' });
  await begun.goOn(30 * MINUTE);
  expect(running(begun)).toEqual(expect.arrayContaining(['runHook', 'watch instance']));
  const during = await begun.protection();
  expect(during).toMatchObject({ primary: 'instance', pendingRequest: 'failover' });
  expect(during.failovers).toEqual([expect.objectContaining({ outcome: 'done', to: 'instance' })]);
  await begun.goOn(HOUR);
  const after = await begun.protection();
  expect(after).toMatchObject({ primary: 'instance', pendingRequest: null });
  expect(after.failovers).toEqual([
    expect.objectContaining({ outcome: 'done', hooks: [expect.objectContaining({ hook: 'dns' })] }),
  ]);
  await failOver(begun, { to: 'server' });
  const { count } = (await begun.status()).logBackups;
  await begun.goOn(50 * MINUTE);
  expect((await begun.protection()).pendingRequest).toBe('failover');
  expect((await begun.status()).logBackups.count).toBeGreaterThanOrEqual(count + 3);
  await begun.goOn(HOUR);
  expect(running(begun)).toEqual(['watch server']);
  await begun.end();
});

test('two primaries are found meanwhile, and the record keeps what diverged', async () => {
  const begun = await standing((call) => {
    if (!isWatch(call, 'instance')) return undefined;
    if (watchInput(call).standing?.splitBrainKnown === true) return hang;
    const health = { observedAt: '', healthy: true, summary: 'fine', lagSeconds: 0, logUsedPercent: 5 };
    const logEnds = { server: '57', instance: '60' };
    return answer({ kind: 'split-brain', reason: 'two primaries', health, logEnds }, 5 * MINUTE);
  });
  await failOver(begun, { ...FORCED, to: 'instance' });
  await begun.goOn(30 * MINUTE);
  expect(await begun.protection()).toMatchObject({ splitBrain: {}, pendingRequest: 'failover' });
  await begun.goOn(HOUR);
  const { failovers, possible, pendingRequest } = await begun.protection();
  expect(pendingRequest).toBeNull();
  expect(possible).toContain('repair of a split brain');
  expect(failovers).toEqual([
    expect.objectContaining({
      type: 'forced',
      outcome: 'done',
      diverged: expect.objectContaining({ toLsn: '57' }),
    }),
  ]);
  await begun.end();
});

test.each([
  'planned',
  'forced',
])('the new primary of a %s failover dies under the hooks: forced back', async (type) => {
  const begun = await standing();
  await failOver(begun, { ...FORCED, type, to: 'instance' });
  await begun.goOn(5 * MINUTE);
  expect(await failOver(begun, { ...FORCED, to: 'server' })).toMatchObject({ accepted: true });
  await begun.goOn(5 * MINUTE);
  const { primary, failovers } = await begun.protection();
  expect(primary).toBe('server');
  expect(failovers.map((one) => `${one.type} ${one.to} ${one.outcome}`)).toEqual([
    `${type} instance done`,
    'forced server done',
  ]);
  await begun.end();
});

test('ended by force under the hooks: it is done, no roles are looked for, and the hooks are called in its place', async () => {
  const begun = await standing();
  await failOver(begun, { to: 'instance' });
  await begun.goOn(5 * MINUTE);
  begun.driver.children[0]?.terminate();
  await begun.goOn(2 * HOUR);
  const { primary, failovers, pendingRequest } = await begun.protection();
  expect({ primary, pendingRequest }).toEqual({ primary: 'instance', pendingRequest: null });
  expect(failovers).toEqual([
    expect.objectContaining({
      outcome: 'done',
      summary: expect.stringContaining('ended without a result'),
      hooks: [expect.objectContaining({ hook: 'dns' })],
    }),
  ]);
  const looks = begun.driver.calls.map(({ input }) => (input as { stepId?: string }).stepId);
  expect(looks).not.toContain('instance.forced-failover');
  await begun.end();
});

test('ended by force under the hooks of a forced one, which are called in its place: forced back all the same', async () => {
  const begun = await standing();
  await failOver(begun, { ...FORCED, to: 'instance' });
  await begun.goOn(5 * MINUTE);
  begun.driver.children[0]?.terminate();
  await begun.goOn(5 * MINUTE);
  expect(running(begun)).toContain('runHook');
  expect(await failOver(begun, { ...FORCED, to: 'server' })).toMatchObject({ accepted: true });
  await begun.goOn(MINUTE);
  expect((await begun.protection()).primary).toBe('server');
  await begun.end();
});

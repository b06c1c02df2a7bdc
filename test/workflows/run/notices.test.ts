/** Nobody waits for a notifier, and nothing is lost with the workflow that told it. */

import { carriedOver, type Notice } from '../../../src/workflows/run/notices';
import type { RunInput } from '../../../src/workflows/run/state';
import { FakeLink, isWatch } from '../../support/fake-link';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const AT = '2026-11-01T00:00:00.000Z';
const DBA = { by: 'dba' };
const isNotice = ({ type }: ActivityCall): boolean => type === 'notifyPerson';

test('a workflow ends once its last notification is delivered', async () => {
  const begun = await StandingLink.begin({
    override: (call) => (isNotice(call) ? answer(null, MINUTE / 2) : undefined),
  });
  await begun.driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.goOn(5 * MINUTE);
  const [child] = begun.driver.children;
  expect(child?.ended?.kind).toBe('completed');
  const states = begun.driver.trace.filter(({ call }) => isNotice(call)).map(({ state }) => state);
  expect(states.length).toBeGreaterThan(0);
  expect(new Set(states)).toEqual(new Set(['completed']));
  await begun.end();
});

test('a notifier that hangs keeps no run from ending', async () => {
  const begun = await StandingLink.begin({
    override: (call) => (isNotice(call) ? hang : undefined),
  });
  await begun.driver.update('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.goOn(5 * MINUTE);
  expect(await begun.protection()).toMatchObject({ primary: 'instance', pendingRequest: null });
  await begun.driver.update('remove', DBA);
  expect((await begun.driver.run(() => false, begun.driver.elapsed + 10 * MINUTE)).kind).toBe('completed');
  await begun.end();
});

test('a link that ends does not take what it would not do any more', async () => {
  const begun = await StandingLink.begin({ override: (call) => (isNotice(call) ? hang : undefined) });
  await begun.driver.cancel();
  const forced = { ...DBA, type: 'forced', to: 'instance', reason: 'fire', acceptLossSeconds: 999_999 };
  expect(await begun.driver.update('failover', forced)).toMatchObject({ accepted: false, rule: 'run.ends' });
  expect((await begun.driver.run()).kind).toBe('cancelled');
  await begun.driver.dispose();
});

test('what people must know is carried over before what they may know', () => {
  const notice = (severity: Notice['severity'], code: string): Notice => ({
    severity,
    code,
    workflowId: 'w',
    title: '',
    message: '',
    nextStep: '',
  });
  const chatter = Array.from({ length: 60 }, (_, n) => notice('warning', `link.unhealthy ${n}`));
  const carried = carriedOver([notice('critical', 'split-brain.found'), ...chatter]).map(({ code }) => code);
  expect(carried).toHaveLength(20);
  expect([carried[0], carried[1], carried.at(-1)]).toEqual([
    'split-brain.found',
    'link.unhealthy 41',
    'link.unhealthy 59',
  ]);
});

test('what is not delivered when a new history begins, is told by that one', async () => {
  const health = { observedAt: AT, healthy: true, summary: 'fine', lagSeconds: 0, logUsedPercent: 90 };
  let alarms = 0;
  const begun = await StandingLink.begin(
    {
      override: (call) => {
        if (isNotice(call)) return hang;
        if (!isWatch(call, 'server') || call.at < 2 * 60 * MINUTE || alarms > 0) return undefined;
        alarms += 1;
        return answer({ kind: 'log-alarm', reason: 'the log fills up', health });
      },
    },
    { maxHistoryEvents: 200 },
  );
  const ending = await begun.driver.run(() => false, begun.driver.elapsed + 400 * 60 * MINUTE);
  if (ending.kind !== 'continued-as-new') throw new Error(ending.kind);
  const input = ending.input as RunInput;
  expect(input.state?.untold).toEqual([expect.objectContaining({ code: 'log-backup.alarm' })]);
  await begun.end();

  const link = new FakeLink();
  const next = await WorkflowDriver.start(
    'disasterRecoveryLink',
    { ...input, spec: STANDING_SPEC, maxHistoryEvents: 100_000 },
    link.activities,
  );
  await next.run(() => false, MINUTE);
  expect(link.effects).toContain('notify log-backup.alarm');
  await next.dispose();
});

test('a receiver may be away for hours, held up is nobody; whom it never reached, the events say', async () => {
  const health = { observedAt: AT, healthy: true, summary: 'fine', lagSeconds: 0, logUsedPercent: 90 };
  let alarms = 0;
  const begun = await StandingLink.begin({
    override: (call) => {
      if (isNotice(call)) return hang;
      if (!isWatch(call, 'server') || call.at < 2 * 60 * MINUTE || alarms > 0) return undefined;
      alarms += 1;
      return answer({ kind: 'log-alarm', reason: 'the log fills up', health });
    },
  });
  const codes = async () => (await begun.status()).events.map(({ code }) => code);
  await begun.goOn(4 * 60 * MINUTE);
  expect(await codes()).toContain('log-backup.alarm');
  expect(await codes()).not.toContain('notification.failed');
  await begun.goOn(4 * 60 * MINUTE);
  expect(await codes()).toContain('notification.failed');
  await begun.end();
});

/**
 * An undo that does not get through, at each step of a run: within a bound, in virtual time, the run is at its end or a
 * person was told what is wrong; what concerns another server is undone meanwhile.
 */

import { ApplicationFailure } from '@temporalio/common';
import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import { needsPerson } from '../../support/fake-link';
import {
  begunSteps,
  breaches,
  DBA,
  type DisturbedRun,
  HOUR,
  ROUTES,
  resultOf,
  startRun,
  statusOf,
  stepOf,
} from '../../support/link-matrix';
import { linkSpecWith } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  closeWorkflowDrivers,
  type FakeOutcome,
  fail,
  hang,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

/** A bounded attempt, and the telling. */
const TOLD_WITHIN = HOUR;
const NEEDS_APPROVAL = linkSpecWith('cutover: { fence: { disableLogins: [app] } }');

const passing = (code: string): ApplicationFailure =>
  ApplicationFailure.create({
    type: code,
    message: `${code} happened`,
    details: [{ remedy: `mend ${code}` }],
  });

/** Ways in which an undo does not get through; refused for good is another one. */
const SILENT: readonly (readonly [string, string, () => FakeOutcome])[] = [
  ['hangs', 'TimedOut', () => hang],
  ['does not reach the server', 'Unreachable', () => fail(passing('Unreachable'), 5 * 60_000)],
  ['is not let in', 'LoginFailed', () => fail(needsPerson('LoginFailed'))],
  ['has no token', 'Unauthorized', () => fail(needsPerson('Unauthorized'))],
];

const sideOf = (step: string): string => (step.startsWith('instance.') ? 'mi-west' : 'sql1');
const undoneSteps = ({ link }: DisturbedRun): readonly string[] =>
  link.changes.filter((change) => change.startsWith('undo ')).map((change) => change.slice(5));
const isUndoOf = (call: ActivityCall, is: (step: string) => boolean): boolean =>
  call.type === 'undoStep' && is(stepOf(call) ?? '');
const told = (run: DisturbedRun, code: string): number =>
  run.link.effects.filter((effect) => effect === `notify ${code}`).length;

/** A run that replicates and waits for an approval, and is aborted then. */
async function aborted(
  route: (typeof ROUTES)[number],
  override: (call: ActivityCall) => FakeOutcome | undefined,
): Promise<DisturbedRun> {
  const run = await startRun({ route, override }, {}, NEEDS_APPROVAL);
  await run.driver.run(() => false, 3 * HOUR);
  expect(await run.driver.update<Answer>('abort', DBA)).toMatchObject({ accepted: true });
  return run;
}

const later = (run: DisturbedRun, ms: number) => run.driver.run(() => false, run.driver.elapsed + ms);

async function stepsOf(route: (typeof ROUTES)[number]): Promise<readonly string[]> {
  const run = await startRun({ route }, {}, NEEDS_APPROVAL);
  await run.driver.run(() => false, 3 * HOUR);
  const steps = begunSteps(run.link);
  await run.driver.dispose();
  return steps;
}

async function finish(run: DisturbedRun): Promise<void> {
  await run.driver.replay();
  expect(breaches(run)).toEqual([]);
  await run.driver.dispose();
}

describe.each(ROUTES)('route %s', (route) => {
  let steps: readonly string[] = [];
  beforeAll(async () => {
    steps = await stepsOf(route);
    expect(steps.length).toBeGreaterThan(6);
  });

  test.each(
    SILENT,
  )('an undo that %s, at each step: told, and left by name on request', async (_way, code, outcome) => {
    for (const step of steps) {
      const run = await aborted(route, (call) =>
        isUndoOf(call, (one) => one === step) ? outcome() : undefined,
      );
      await later(run, TOLD_WITHIN);
      const { blockedBy, nextSteps, waitingFor } = await statusOf(run);
      expect([step, blockedBy?.code, told(run, code)]).toEqual([step, code, 1]);
      expect(blockedBy?.message).toContain(step);
      expect(waitingFor).toMatch(/it is tried again at 20|mend|time limit|happened/);
      expect(nextSteps).toContain('sqlferry leave sales');
      // What another server has is given back, and on this one what came later.
      const others = steps.filter((one) => sideOf(one) !== sideOf(step));
      expect([step, undoneSteps(run)]).toEqual([step, expect.arrayContaining([...others])]);
      expect(await run.driver.update<Answer>('pause', DBA)).toMatchObject({ accepted: false });
      expect(await run.driver.update<Answer>('leaveBehind', DBA)).toMatchObject({ accepted: true });
      await later(run, TOLD_WITHIN);
      const { outcome: end, leftovers } = resultOf(run);
      expect(end).toBe('aborted');
      expect(leftovers.join('; ')).toContain(`${step} could not be undone`);
      expect(leftovers.join('; ')).toContain('left behind by dba');
      expect(told(run, 'run.aborted')).toBe(1);
      await finish(run);
    }
  });

  test.each(SILENT)('an undo that %s, and gets through later, needs nobody', async (_way, code, outcome) => {
    for (const step of steps) {
      let tries = 0;
      const run = await aborted(route, (call) => {
        if (!isUndoOf(call, (one) => one === step)) return undefined;
        tries += 1;
        return tries <= 3 ? outcome() : undefined;
      });
      await later(run, 6 * TOLD_WITHIN);
      expect([step, resultOf(run).leftovers]).toEqual([step, []]);
      expect(undoneSteps(run).toSorted()).toEqual(steps.toSorted());
      expect([step, told(run, code)]).toEqual([step, 1]);
      await finish(run);
    }
  });

  test('a server that is gone: one attempt for all of it, told once, and tried at growing intervals', async () => {
    const run = await aborted(route, (call) =>
      isUndoOf(call, (step) => sideOf(step) === 'sql1') ? hang : undefined,
    );
    await later(run, 24 * HOUR);
    expect(told(run, 'TimedOut')).toBe(1);
    const tries = run.driver.calls.filter((call) => isUndoOf(call, (step) => sideOf(step) === 'sql1'));
    expect(tries.length).toBeLessThan(40);
    expect(tries.length).toBeGreaterThan(10);
    expect(undoneSteps(run).toSorted()).toEqual(
      steps.filter((step) => sideOf(step) === 'mi-west').toSorted(),
    );
    const { blockedBy } = await statusOf(run);
    for (const step of steps.filter((one) => sideOf(one) === 'sql1'))
      expect(blockedBy?.message).toContain(step);
    // It stands for an attempt that is under way as well.
    expect(await run.driver.update<Answer>('leaveBehind', { ...DBA, reason: 'gone' })).toMatchObject({
      accepted: true,
    });
    await later(run, TOLD_WITHIN);
    expect(resultOf(run).leftovers).toContainEqual(expect.stringContaining('(left behind by dba: gone)'));
    await finish(run);
  });

  test('what is refused for good is left by name at once, and that is told', async () => {
    for (const step of steps) {
      const run = await aborted(route, (call) =>
        isUndoOf(call, (one) => one === step) ? fail(needsPerson('Stuck')) : undefined,
      );
      await later(run, TOLD_WITHIN);
      expect(resultOf(run).leftovers).toEqual([`${step} could not be undone: Stuck happened`]);
      expect(told(run, 'run.aborted')).toBe(1);
      await finish(run);
    }
  });
});

test('resume tries again at once, and a failure that comes again is told again', async () => {
  let isMended = false;
  const run = await aborted('planned-failover', (call) =>
    !isMended && isUndoOf(call, (step) => sideOf(step) === 'sql1') ? fail(passing('Unreachable')) : undefined,
  );
  await later(run, TOLD_WITHIN);
  expect(told(run, 'Unreachable')).toBe(1);
  await run.driver.update<Answer>('resume', DBA);
  await later(run, 1_000);
  expect(told(run, 'Unreachable')).toBe(2);
  isMended = true;
  await run.driver.update<Answer>('resume', DBA);
  await later(run, 1_000);
  expect(resultOf(run).leftovers).toEqual([]);
  await finish(run);
});

test('a run that failed by its deadline: the undo that hangs is told, and the end names the deadline', async () => {
  const run = await startRun({
    override: (call) => {
      if (call.type === 'watchSeeding') return hang;
      return isUndoOf(call, (step) => sideOf(step) === 'sql1') ? hang : undefined;
    },
  });
  await run.driver.run(() => told(run, 'TimedOut') > 0);
  expect((await run.driver.query<LinkStatus>('status')).blockedBy?.code).toBe('TimedOut');
  expect(await run.driver.update<Answer>('abort', DBA)).toMatchObject({ accepted: true });
  await run.driver.update<Answer>('leaveBehind', DBA);
  await later(run, TOLD_WITHIN);
  expect(run.driver.ended).toMatchObject({ kind: 'failed', error: { type: 'SeedingDeadlineExceeded' } });
  expect(told(run, 'run.failed')).toBe(1);
  await finish(run);
});

test('nothing is left behind where nothing is being undone', async () => {
  const run = await startRun({}, {}, NEEDS_APPROVAL);
  await run.driver.run(() => false, 3 * HOUR);
  expect(await run.driver.update<Answer>('leaveBehind', DBA)).toMatchObject({ accepted: false });
  await expect(run.driver.update('leaveBehind', {})).rejects.toThrow('name of whoever asks');
  await run.driver.dispose();
});

test.each(
  SILENT,
)('a fence whose lifting %s: told within a bound, and lifted as soon as it gets through', async (_way, code, outcome) => {
  let isMended = false;
  const run = await startRun({
    override: (call) => {
      if (call.type === 'awaitCatchUp' && call.count === 1) return fail(needsPerson('CatchUpFailed'));
      return !isMended && isUndoOf(call, (step) => step === 'server.fence') ? outcome() : undefined;
    },
  });
  await run.driver.run(() => told(run, code) > 0, 12 * HOUR);
  expect(told(run, code)).toBe(1);
  const { blockedBy, nextSteps } = await statusOf(run);
  expect(blockedBy).toMatchObject({ code, stepId: 'Withdraw on sql1' });
  expect(nextSteps).not.toContain('sqlferry leave sales');
  expect(await run.driver.update<Answer>('leaveBehind', DBA)).toMatchObject({ accepted: false });
  isMended = true;
  await run.driver.run();
  expect(resultOf(run).outcome).toBe('completed');
  await finish(run);
});

test.each([
  'before',
  'after',
])('a failover that is aborted %s its fence cannot be lifted: it waits for that, told', async (when) => {
  let isMended = false;
  const begun = await StandingLink.begin({
    override: (call) => {
      if (call.type === 'awaitCatchUp') return when === 'before' ? hang : fail(needsPerson('CatchUpFailed'));
      const isUndo = isUndoOf(call, (step) => step === 'server.fence');
      return isUndo && !isMended ? fail(needsPerson('LoginLocked')) : undefined;
    },
  });
  await begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.goOn();
  const abort = () => begun.driver.children.at(-1)?.update<Answer>('abort', DBA);
  // Once it is withdrawn there is nothing more that an abort could do.
  expect(await abort()).toMatchObject({ accepted: when === 'before' });
  await begun.goOn(HOUR);
  expect(await abort()).toMatchObject({ accepted: false, reasons: [expect.stringContaining('withdrawn')] });
  expect((await begun.status()).blockedBy).toMatchObject({ code: 'LoginLocked', stepId: 'Withdraw on sql1' });
  expect(begun.link.effects.filter((effect) => effect === 'notify LoginLocked')).toHaveLength(1);
  isMended = true;
  await begun.driver.update<Answer>('resume', DBA);
  await begun.goOn();
  const { failovers, primary } = await begun.protection();
  expect(failovers.map(({ outcome }) => outcome)).toEqual(['withdrawn']);
  expect([primary, begun.link.changes.at(-1)]).toEqual(['server', 'undo server.fence']);
  await begun.end();
});

/** An undo with its pause, and the news of it: so many events of a history. */
const EVENTS_OF_A_ROUND = 19;
/** Temporal ends a workflow whose history is longer. */
const LONGEST_HISTORY = 51_200;

test('a fence that cannot be lifted for weeks does not fill the history of its failover', async () => {
  const tries: number[] = [];
  const begun = await StandingLink.begin({
    override: (call) => {
      if (call.type === 'awaitCatchUp') return fail(needsPerson('CatchUpFailed'));
      if (!isUndoOf(call, (step) => step === 'server.fence')) return undefined;
      tries.push(call.at);
      return fail(needsPerson('LoginLocked'));
    },
  });
  await begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.goOn(HOUR / 2);
  // Applications wait: at first it is tried often.
  expect(tries.length).toBeGreaterThan(25);
  await begun.goOn(14 * 24 * HOUR);
  expect(tries.length * EVENTS_OF_A_ROUND).toBeLessThan(LONGEST_HISTORY);
  const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(HOUR / 6);
  await begun.driver.dispose();
});

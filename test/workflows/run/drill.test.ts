/** Drills in virtual time: each way in which one can end, and that none of them forces anything. */

import type { LinkRunInput } from '../../../src/workflows/link/state';
import type { Answer } from '../../../src/workflows/run/answers';
import type { DrillRequest } from '../../../src/workflows/run/drill-messages';
import type { FailoverRequest } from '../../../src/workflows/run/standing-messages';
import { isWatch, named, needsPerson, watchInput } from '../../support/fake-link';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
import { answer, closeWorkflowDrivers, fail, hang, WorkflowDriver } from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DBA = { by: 'dba' };
const ACCEPTED = expect.objectContaining({ accepted: true });
const refusedWith = (reason: string) =>
  expect.objectContaining({ accepted: false, reasons: [expect.stringContaining(reason)] });

const drill = ({ driver }: StandingLink, request: Partial<DrillRequest> = {}) =>
  driver.update<Answer>('drill', { ...DBA, holdMs: HOUR, ...request });
const failOver = ({ driver }: StandingLink, request: Partial<FailoverRequest> = {}) =>
  driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'server', ...request });

const THERE = [
  'do server.fence',
  'do server.planned-failover',
  'do instance.verify-writable',
  'do instance.admit-applications',
];
const BACK = [
  'do instance.fence',
  'do instance.planned-failover',
  'do server.verify-writable',
  'do server.admit-applications',
];

async function holding(options: Parameters<typeof StandingLink.begin>[0] = {}): Promise<StandingLink> {
  const begun = await StandingLink.begin(options);
  expect(await drill(begun)).toEqual(ACCEPTED);
  await begun.goOn();
  expect(await begun.protection()).toMatchObject({
    primary: 'instance',
    drill: { from: 'server', holdUntil: expect.any(String) },
    pendingRequest: null,
  });
  return begun;
}

test('there, held, and back: one record, both ways with their evidence, and the log guarded again', async () => {
  const begun = await holding({});
  await begun.goOn(HOUR - 3 * MINUTE);
  expect((await begun.protection()).primary).toBe('instance');
  expect(begun.link.changes).toEqual(THERE);
  await begun.goOn(5 * MINUTE);
  const { primary, lastDrill, drill: underWay, failovers } = await begun.protection();
  expect([primary, underWay]).toEqual(['server', undefined]);
  expect(lastDrill).toMatchObject({
    outcome: 'done',
    from: 'server',
    to: 'instance',
    by: 'dba',
    there: { rtoMs: expect.any(Number), evidence: { secondaryHardenedLsn: '42' } },
    back: { rtoMs: expect.any(Number), evidence: { secondaryHardenedLsn: '42' } },
  });
  expect(lastDrill?.heldMs).toBeGreaterThanOrEqual(HOUR);
  expect(lastDrill?.summary).toMatch(/^there and back: out of service .* and .*, held for 1h/);
  expect(failovers.map((one) => one.drill)).toEqual(['there', 'back']);
  expect(begun.link.changes).toEqual([...THERE, ...BACK]);
  expect(begun.link.effects).toContain('notify drill.done');
  const running = begun.driver.trace.filter(({ state }) => state === 'running');
  expect(running.map(({ call }) => named(call))).toEqual(['watch server']);
  await begun.end();
});

test('a way there that is withdrawn is the end of it', async () => {
  const begun = await StandingLink.begin({
    override: (call) =>
      call.type === 'confirmPointOfNoReturn' ? fail(needsPerson('LogMovedBehindFence')) : undefined,
  });
  await drill(begun);
  await begun.goOn();
  const { primary, lastDrill } = await begun.protection();
  expect(primary).toBe('server');
  expect(lastDrill).toMatchObject({ outcome: 'withdrawn', heldMs: null, back: null });
  expect(lastDrill?.summary).toMatch(/LogMovedBehindFence.*; the SQL Server is the primary$/);
  await begun.end();
});

test('a way back that is withdrawn leaves the primary where it is, says so, and needs no name to be tried again', async () => {
  let failing = true;
  const begun = await holding({
    override: (call) =>
      failing && call.type === 'confirmPointOfNoReturn' && call.count > 1
        ? fail(needsPerson('LogMovedBehindFence'))
        : undefined,
  });
  await begun.goOn(HOUR);
  const { primary, lastDrill } = await begun.protection();
  expect(primary).toBe('instance');
  expect(lastDrill).toMatchObject({ outcome: 'not-back', back: { outcome: 'withdrawn' } });
  expect(lastDrill?.summary).toMatch(/; the instance is the primary$/);
  expect(begun.link.effects).toContain('notify drill.not-back');
  expect((await begun.status()).nextSteps[0]).toBe('sqlferry failover sales --to server');
  failing = false;
  expect(await failOver(begun)).toEqual(ACCEPTED);
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('server');
  await begun.end();
});

describe('while it holds', () => {
  test('the way back can be asked for: it is the way back of the drill, and flaps nothing', async () => {
    const begun = await holding();
    expect(await failOver(begun, { to: 'instance' })).toEqual(refusedWith('is the primary already'));
    expect(await failOver(begun)).toEqual(ACCEPTED);
    await begun.goOn();
    const { lastDrill, failovers } = await begun.protection();
    expect(lastDrill).toMatchObject({ outcome: 'done', back: { drill: 'back' } });
    expect(failovers).toHaveLength(2);
    // Two swaps were made: a third one soon after them is asked for by name.
    expect(await failOver(begun, { to: 'instance' })).toEqual(refusedWith('needs an acknowledgement'));
    await begun.end();
  });

  test('removal, repair and another drill wait', async () => {
    const begun = await holding();
    const reason = 'a drill is under way';
    expect(await begun.driver.update('remove', DBA)).toEqual(refusedWith(reason));
    expect(await drill(begun)).toEqual(refusedWith(reason));
    const { possible } = await begun.protection();
    expect(possible).toEqual(['planned failover to the SQL Server', 'forced failover to the SQL Server']);
    await begun.end();
  });

  test('a pause stops it; nothing is swapped any more', async () => {
    const begun = await holding();
    await begun.driver.update('pause', DBA);
    await begun.goOn(2 * HOUR);
    expect(await begun.protection()).toMatchObject({
      primary: 'instance',
      lastDrill: { outcome: 'stopped', summary: 'the run was paused; the instance is the primary' },
    });
    expect(begun.link.changes).toEqual(THERE);
    await begun.end();
  });

  test('a forced failover is one of its own: the drill ends, and forces nothing by itself', async () => {
    const begun = await holding();
    const forced = {
      type: 'forced',
      to: 'server',
      reason: 'the instance is gone',
      acceptLossSeconds: 9e6,
    } as const;
    expect(await failOver(begun, forced)).toEqual(ACCEPTED);
    await begun.goOn();
    const { lastDrill, failovers, primary } = await begun.protection();
    expect(primary).toBe('server');
    expect(lastDrill).toMatchObject({ outcome: 'stopped', back: null });
    expect(failovers.at(-1)).toMatchObject({ type: 'forced', outcome: 'done' });
    expect(failovers.at(-1)).not.toHaveProperty('drill');
    await begun.end();
  });

  test('two primaries stop it', async () => {
    const begun = await holding({
      override: (call) => {
        if (!isWatch(call, 'instance')) return undefined;
        if (watchInput(call).standing?.splitBrainKnown === true) return hang;
        const health = {
          observedAt: '2026-11-01T03:00:00.000Z',
          healthy: true,
          summary: 'fine',
          lagSeconds: 0,
          logUsedPercent: 5,
        };
        return answer(
          { kind: 'split-brain', reason: 'two primaries', health, logEnds: { server: '9', instance: '9' } },
          10 * MINUTE,
        );
      },
    });
    await begun.goOn(2 * HOUR);
    expect(await begun.protection()).toMatchObject({ lastDrill: { outcome: 'stopped' }, splitBrain: {} });
    expect(begun.link.changes).toEqual(THERE);
    await begun.end();
  });
});

test('a hold that is left over is what a new history waits for', async () => {
  const begun = await holding();
  const input = await stateOf(begun);
  const next = await WorkflowDriver.start('disasterRecoveryLink', input, begun.link.activities);
  begun.link.effects.length = 0;
  await next.run(() => false, 4 * HOUR);
  expect(begun.link.changes).toEqual(BACK);
  await next.replay();
  await next.dispose();
  await begun.driver.dispose();
});

/** What a new history would begin with: the state of a run that is asked for one while it holds. */
async function stateOf(begun: StandingLink): Promise<LinkRunInput> {
  const { protection, ...status } = await begun.status();
  const { initialState } = await import('../../../src/workflows/run/state');
  const { initialLinkOwn } = await import('../../../src/workflows/link/state');
  const there = protection?.failovers[0];
  if (there === undefined || protection?.drill?.holdUntil == null) throw new Error('the drill does not hold');
  return {
    spec: STANDING_SPEC,
    visibility: false,
    state: {
      ...initialState(STANDING_SPEC, initialLinkOwn(STANDING_SPEC)),
      phase: 'replicating',
      route: status.route,
      forwardOnly: 'the link stands',
      protection: {
        primary: 'instance',
        failovers: [there],
        request: null,
        splitBrain: null,
        drill: {
          request: { ...DBA, holdMs: HOUR },
          startedAt: protection.drill.startedAt,
          from: 'server',
          there,
          holdUntil: protection.drill.holdUntil,
        },
      },
    },
  };
}

test.each([
  ['no time', Number.NaN],
  ['less than none', -1],
])('a hold of %s is rejected', async (_title, holdMs) => {
  const begun = await StandingLink.begin();
  await expect(drill(begun, { holdMs })).rejects.toThrow('holdMs must be a number');
  await begun.end();
});

test('a hold of longer than a week is refused', async () => {
  const begun = await StandingLink.begin();
  expect(await drill(begun, { holdMs: 8 * 24 * HOUR })).toEqual(refusedWith('at most 7d'));
  await begun.end();
});

describe('acknowledgement', () => {
  test('who, when and what stand in the record; an empty name is none', async () => {
    const begun = await StandingLink.begin();
    expect(await failOver(begun, { to: 'instance' })).toEqual(ACCEPTED);
    await begun.goOn();
    await expect(failOver(begun, { acknowledgedBy: '  ' })).rejects.toThrow('must be the name of a person');
    expect(await failOver(begun, { acknowledgedBy: 'ann' })).toEqual(ACCEPTED);
    await begun.goOn();
    const { failovers } = await begun.protection();
    expect(failovers[0]).not.toHaveProperty('acknowledged');
    expect(failovers[1]?.acknowledged).toEqual({
      by: 'ann',
      at: expect.stringMatching(/^2026-/),
      what: expect.stringContaining('the last failover was'),
    });
    await begun.end();
  });

  test("a way back before Azure's first full backup is told, or asked for by name where the spec says so", async () => {
    for (const firstFullBackup of ['tell', 'acknowledge'] as const) {
      const settings = { ...STANDING_SPEC.settings, failover: { atOnce: 8, coolDown: 0, firstFullBackup } };
      const begun = await StandingLink.begin({}, { spec: { ...STANDING_SPEC, settings } });
      await failOver(begun, { to: 'instance' });
      await begun.goOn(HOUR);
      expect((await begun.protection()).fullBackupAt).toBeNull();
      const answered = await failOver(begun);
      if (firstFullBackup === 'acknowledge') {
        expect(answered).toEqual(refusedWith("Azure's first full backup"));
        expect(await failOver(begun, { acknowledgedBy: 'ann' })).toEqual(ACCEPTED);
      } else {
        expect(answered).toMatchObject({
          accepted: true,
          note: expect.stringContaining("Azure's first full backup"),
        });
      }
      await begun.end();
    }
  });

  test('once it is seen, the way back needs nothing', async () => {
    const settings = {
      ...STANDING_SPEC.settings,
      failover: { atOnce: 8, coolDown: 0, firstFullBackup: 'acknowledge' as const },
    };
    const health = {
      observedAt: '2026-11-01T03:00:00.000Z',
      healthy: true,
      summary: 'fine',
      lagSeconds: 0,
      logUsedPercent: 5,
    };
    const begun = await StandingLink.begin(
      {
        override: (call) => {
          if (!isWatch(call, 'instance')) return undefined;
          const { fullBackupSince } = watchInput(call).known;
          return fullBackupSince === undefined
            ? hang
            : answer({ kind: 'full-backup', at: '2026-11-01T04:00:00.000Z', health }, MINUTE);
        },
      },
      { spec: { ...STANDING_SPEC, settings } },
    );
    await failOver(begun, { to: 'instance' });
    await begun.goOn(HOUR);
    expect((await begun.protection()).fullBackupAt).toBe('2026-11-01T04:00:00.000Z');
    expect(await failOver(begun)).toEqual(ACCEPTED);
    await begun.end();
  });
});

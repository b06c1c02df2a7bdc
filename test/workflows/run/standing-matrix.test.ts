/**
 * A DR link, disturbed at every position of its coming to stand and of its failovers, in virtual time: what was
 * accepted is carried out, or the answer said otherwise.
 */
import type { Answer } from '../../../src/workflows/run/answers';
import { type FakeLinkOptions, needsPerson } from '../../support/fake-link';
import { DBA, type DisturbedRun, differsInReplay } from '../../support/link-matrix';
import {
  BEGINNINGS,
  type Beginning,
  beginFailover,
  callsOfFailover,
  callsUntilItStands,
  type DisturbedFailover,
  FAILOVERS,
  failoverIn,
  hasActed,
  isAct,
  LONG,
  leftBehind,
  outcomeOf,
  stands,
  startLink,
  wholeOrNothing,
} from '../../support/standing-matrix';
import { closeWorkflowDrivers, type DriverOptions, fail } from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

interface Way extends DriverOptions {
  /** The answer to the call comes in one activation with the message. */
  readonly isAnsweredWithIt?: true;
}

const WAYS: Readonly<Record<string, Way>> = {
  'activities stop at once': {},
  'activities stop late': { cancellationTakesMs: 20_000 },
  'activities hear of it too late and complete': { cancellationIsLate: true },
  'the answer comes in one activation with the message': { isAnsweredWithIt: true },
};
const ways = Object.entries(WAYS);

const outcomeOfLink = ({ driver }: DisturbedRun): unknown =>
  driver.ended?.kind === 'completed'
    ? (driver.ended.result as { outcome: string }).outcome
    : driver.ended?.kind;

describe.each(Object.keys(BEGINNINGS) as Beginning[])('a link that %s leads comes to stand', (beginning) => {
  let calls = 0;
  beforeAll(async () => {
    calls = await callsUntilItStands(beginning);
  });

  async function atEvery(
    options: Way,
    disturb: (run: DisturbedRun) => Promise<readonly string[]>,
  ): Promise<void> {
    const { isAnsweredWithIt, ...driverOptions } = options;
    expect(calls).toBeGreaterThan(20);
    const found: string[] = [];
    for (let number = 1; number <= calls; number += 1) {
      const run = await startLink(beginning, driverOptions);
      await run.driver.run(() => run.driver.calls.length >= number);
      const { type } = run.driver.calls[number - 1] ?? {};
      if (isAnsweredWithIt) await run.driver.holdAnswerTo(number);
      const wrong = [...(await disturb(run)), ...run.overlaps, ...(await differsInReplay(run))];
      found.push(...wrong.map((breach) => `${number} ${type}: ${breach}`));
      await run.driver.dispose();
    }
    expect(found).toEqual([]);
  }

  test.each(ways)('abort at any call, %s: undone where it was accepted', (_name, way) =>
    atEvery(way, async (run) => {
      const stood = stands(run);
      const { accepted } = await run.driver.update<Answer>('abort', DBA);
      await run.driver.run(() => false, run.driver.elapsed + LONG);
      if (accepted === stood) return [`accepted: ${accepted}, stands: ${stood}`];
      if (!accepted) return run.driver.ended === undefined ? [] : [`ended ${run.driver.ended.kind}`];
      const outcome = outcomeOfLink(run);
      return [...leftBehind(run), ...(outcome === 'aborted' ? [] : [`ended ${outcome}`])];
    }));

  test.each(ways)('cancelled at any call, %s: undone unless it stands', (_name, way) =>
    atEvery(way, async (run) => {
      const stood = stands(run);
      await run.driver.cancel();
      await run.driver.run(() => false, run.driver.elapsed + LONG);
      const outcome = outcomeOfLink(run);
      const wrong = outcome === 'cancelled' ? [] : [`ended ${outcome}`];
      if (!stood) return [...wrong, ...leftBehind(run)];
      return run.link.changes.some((change) => change.startsWith('undo ')) ? [...wrong, 'undone'] : wrong;
    }));

  test('paused at any call: nothing but what was under way is done, and resume brings it to stand', () =>
    atEvery({}, async (run) => {
      const { accepted } = await run.driver.update<Answer>('pause', DBA);
      const stood = stands(run);
      await run.driver.run(() => false, run.driver.elapsed + LONG);
      // Only the last steps, which guard the log of a complete copy, are not held by a pause.
      await run.driver.update<Answer>('resume', DBA);
      await run.driver.run(() => stands(run));
      if (!stands(run)) return ['never stood'];
      // Refused only while a pause makes no sense, which is never said of a link that stands.
      return accepted || !stood ? [] : ['pause was refused'];
    }));
});

describe.each(Object.entries(FAILOVERS))('a failover, %s', (_name, request) => {
  let calls = 0;
  beforeAll(async () => {
    calls = await callsOfFailover(request);
  });

  async function atEvery(
    options: Way,
    disturb: (failover: DisturbedFailover) => Promise<readonly string[]>,
    override?: FakeLinkOptions['override'],
  ): Promise<void> {
    expect(calls).toBeGreaterThan(8);
    const found: string[] = [];
    for (let number = 1; number <= calls; number += 1) {
      const { isAnsweredWithIt, ...driverOptions } = options;
      const disturbed = await beginFailover(request, driverOptions, override);
      const { driver } = disturbed.begun;
      const position = disturbed.before + number;
      await driver.run(() => driver.calls.length >= position);
      const { type, input } = driver.calls[position - 1] ?? {};
      const name = `${number} ${type} ${(input as { stepId?: string } | undefined)?.stepId ?? ''}`;
      if (isAnsweredWithIt) await driver.holdAnswerTo(position);
      const wrong = [...(await disturb(disturbed)), ...(await differsInReplay(disturbed.begun))];
      found.push(...wrong.map((breach) => `${name}: ${breach}`));
      await driver.dispose();
    }
    expect(found).toEqual([]);
  }

  test.each(ways)('an abort of it at any call, %s: withdrawn where it was accepted', (_way, way) =>
    atEvery(way, async (disturbed) => {
      const failover = failoverIn(disturbed);
      if (failover === undefined || failover.ended !== undefined) return [];
      const { accepted } = await failover.update<Answer>('abort', DBA);
      await disturbed.begun.goOn(LONG);
      const outcome = outcomeOf(failover);
      const expected = accepted ? 'withdrawn' : 'done';
      return [
        ...wholeOrNothing(disturbed),
        ...(outcome === expected ? [] : [`accepted: ${accepted}, but it is ${outcome}`]),
        ...(accepted && hasActed(disturbed) ? ['it acted after its abort'] : []),
      ];
    }));

  test('an abort of it at any call, where the fence is lifted only when somebody has it tried again', () => {
    let isMended = false;
    return atEvery(
      {},
      async (disturbed) => {
        isMended = false;
        const { driver } = disturbed.begun;
        const failover = failoverIn(disturbed);
        if (failover === undefined || failover.ended !== undefined) return [];
        const { accepted } = await failover.update<Answer>('abort', DBA);
        await disturbed.begun.goOn(LONG);
        isMended = true;
        if ((await disturbed.begun.status()).blockedBy !== null) await driver.update<Answer>('resume', DBA);
        await disturbed.begun.goOn(LONG);
        const outcome = outcomeOf(failover);
        const expected = accepted ? 'withdrawn' : 'done';
        return [
          ...wholeOrNothing(disturbed),
          ...(outcome === expected ? [] : [`accepted: ${accepted}, but it is ${outcome}`]),
        ];
      },
      (call) => (call.type === 'undoStep' && !isMended ? fail(needsPerson('LoginLocked')) : undefined),
    );
  });

  test.each(ways)('its link is cancelled at any call, %s: whole or nothing', (_way, way) =>
    atEvery(way, async (disturbed) => {
      const { driver } = disturbed.begun;
      const acted = hasActed(disturbed);
      const made = driver.calls.length;
      await driver.cancel();
      await disturbed.begun.goOn(LONG);
      return [
        ...wholeOrNothing(disturbed),
        ...(driver.ended?.kind === 'cancelled' ? [] : [`the link ended ${driver.ended?.kind}`]),
        // The message may meet the answer of the last look on its way; then the act is the very next call.
        ...(!acted && hasActed(disturbed) && !isAct(driver.calls[made])
          ? ['it acted after the cancellation']
          : []),
      ];
    }));

  test.each(ways)('its link is paused at any call, %s: withdrawn or whole, as the answer says', (_way, way) =>
    atEvery(way, async (disturbed) => {
      const failover = failoverIn(disturbed);
      const { driver, link } = disturbed.begun;
      const isUnderWay = (await disturbed.begun.protection()).pendingRequest !== null;
      const answered = await driver.update<Answer>('pause', DBA);
      await disturbed.begun.goOn(LONG);
      const outcome = outcomeOf(failover);
      const note = answered.accepted ? answered.note : 'refused';
      const isForced = request.type === 'forced';
      return [
        ...wholeOrNothing(disturbed),
        ...(outcome === 'done' || (outcome === 'withdrawn' && !isForced) ? [] : [`it is ${outcome}`]),
        ...(!isUnderWay || /goes on to its end/.test(note)
          ? []
          : [`the answer does not say that it may go on: ${note}`]),
        ...(link.changes.length > 0 || outcome === 'withdrawn' ? [] : ['nothing was done']),
      ];
    }));
});

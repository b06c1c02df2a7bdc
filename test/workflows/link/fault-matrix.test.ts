/**
 * The workflow disturbed at every position of a clean run, on both routes, in virtual time: some 800 runs, each
 * of them replayed at its end.
 */
import { TimeoutFailure, TimeoutType } from '@temporalio/common';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink, needsPerson } from '../../support/fake-link';
import {
  at,
  begunSteps,
  breaches,
  DBA,
  type DisturbedRun,
  differsInReplay,
  HOUR,
  hasPassed,
  isUndone,
  type Position,
  ROUTES,
  resultOf,
  runUpTo,
  startRun,
  statusOf,
  undisturbed,
} from '../../support/link-matrix';
import { linkSpec } from '../../support/link-spec';
import {
  closeWorkflowDrivers,
  type DriverOptions,
  fail,
  giveUp,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const OUT_OF_TIME = new TimeoutFailure('activity timed out', undefined, TimeoutType.START_TO_CLOSE);

/** A matrix that lost its positions would pass without having looked. */
const FEWEST_POSITIONS = 35;

describe.each(ROUTES)('route %s', (route) => {
  let positions: readonly Position[] = [];
  let cleanChanges: readonly string[] = [];

  beforeAll(async () => {
    ({ positions, changes: cleanChanges } = await undisturbed(route));
  });

  /** One run for each position; all breaches of all runs at once, so that a failure shows its whole extent. */
  async function atEvery(
    disturb: (position: Position) => Promise<DisturbedRun>,
    judge: (run: DisturbedRun, position: Position) => Promise<readonly string[]>,
    where: (position: Position) => boolean = () => true,
  ): Promise<void> {
    const chosen = positions.filter(where);
    expect(positions.length).toBeGreaterThanOrEqual(FEWEST_POSITIONS);
    const found: string[] = [];
    for (const position of chosen) {
      const run = await disturb(position);
      const wrong = [...(await judge(run, position)), ...breaches(run), ...(await differsInReplay(run))];
      found.push(...wrong.map((breach) => `${position.name}: ${breach}`));
      await run.driver.dispose();
    }
    expect(found).toEqual([]);
  }

  test('the matrix knows both sides of the point of no return', () => {
    expect(positions.some((position) => position.isPastPointOfNoReturn)).toBe(true);
    expect(positions.filter((position) => !position.isPastPointOfNoReturn).length).toBeGreaterThan(25);
  });

  test.each([
    ['a failure for a person', 'TestFailure', fail(needsPerson('TestFailure'))],
    ['a time-out that is not tried again', 'TimedOut', giveUp(OUT_OF_TIME)],
  ])('%s at any call: the run waits and completes after resume, or tries again by itself', (_name, code, failure) =>
    atEvery(
      async (position) => {
        const run = await startRun({ route, override: at(position, failure) });
        await run.driver.run(() => run.link.effects.includes(`notify ${code}`));
        return run;
      },
      async (run, position) => {
        if (position.type === 'preflight') return failedBeforeAnyChange(run);
        const waits = run.driver.ended === undefined && (await statusOf(run)).blockedBy !== null;
        if (waits) await run.driver.update<Answer>('resume', DBA);
        await run.driver.run();
        return [...completes(run), ...sameSteps(run, cleanChanges)];
      },
    ));

  test('a failure that comes again after resume is waited for again', () =>
    atEvery(
      async (position) => {
        const failures = [0, 1].map((later) =>
          at({ ...position, count: position.count + later }, fail(needsPerson('TestFailure'))),
        );
        return startRun({
          route,
          override: (call) =>
            failures.map((failure) => failure(call)).find((outcome) => outcome !== undefined),
        });
      },
      async (run) => {
        for (let answers = 0; answers < 4 && run.driver.ended === undefined; answers += 1) {
          const told = run.link.effects.length;
          await run.driver.run(() => run.link.effects.lastIndexOf('notify TestFailure') >= told);
          if (run.driver.ended !== undefined || (await statusOf(run)).blockedBy === null) continue;
          await run.driver.update<Answer>('resume', DBA);
        }
        await run.driver.run();
        return [...completes(run), ...sameSteps(run, cleanChanges)];
      },
      (position) => position.type !== 'preflight',
    ));

  const ways: readonly (readonly [string, DriverOptions & { readonly isAnsweredWithIt?: true }])[] = [
    ['activities stop at once', {}],
    ['activities stop late', { cancellationTakesMs: 20_000 }],
    ['activities hear of it too late and complete', { cancellationIsLate: true }],
    ['the answer comes in one activation with the message', { isAnsweredWithIt: true }],
  ];
  describe.each(ways)('%s', (_name, { isAnsweredWithIt, ...driverOptions }) => {
    const runUpToMessage = async (run: DisturbedRun, position: Position): Promise<void> => {
      await runUpTo(run, position);
      if (isAnsweredWithIt) await run.driver.holdAnswerTo(position.number);
    };

    test('abort at any call: what was begun is undone, latest first; after the point of no return it is refused', () =>
      atEvery(
        async (position) => {
          const run = await startRun({ route }, driverOptions);
          await runUpToMessage(run, position);
          return run;
        },
        async (run) => {
          const isPast = hasPassed(run);
          const answer = await run.driver.update<Answer>('abort', DBA);
          await run.driver.run();
          if (!isPast) {
            return [...(answer.accepted ? [] : ['abort was refused']), ...isUndone(run), ...aborted(run)];
          }
          return [...(answer.accepted ? ['abort was accepted'] : []), ...completesLike(run, cleanChanges)];
        },
      ));

    test('the workflow cancelled at any call: undone before the point of no return, completed after it', () =>
      atEvery(
        async (position) => {
          const run = await startRun({ route }, driverOptions);
          await runUpToMessage(run, position);
          await run.driver.cancel();
          // In one activation with the last look, whatever the history has first counts.
          const isPast = hasPassed(run);
          await run.driver.run();
          return { ...run, isPast };
        },
        async (run) => {
          if ('isPast' in run && run.isPast === true) return completesLike(run, cleanChanges);
          const ending = run.driver.ended?.kind;
          return [...(ending === 'cancelled' ? [] : [`ended ${ending}`]), ...isUndone(run)];
        },
      ));
  });

  test('paused at any call: nothing new begins, the SQL Server is not fenced, and resume completes the run', () =>
    atEvery(
      async (position) => {
        const run = await startRun({ route });
        await runUpTo(run, position);
        return run;
      },
      async (run, position) => {
        const answer = await run.driver.update<Answer>('pause', DBA);
        if (position.isPastPointOfNoReturn) {
          await run.driver.run();
          return [...(answer.accepted ? ['pause was accepted'] : []), ...completesLike(run, cleanChanges)];
        }
        const begun = underWay(run, position);
        await run.driver.run(() => false, run.driver.elapsed + 12 * HOUR);
        const later = begunSteps(run.link).filter((step) => !begun.includes(step));
        const wrong = [
          ...(answer.accepted ? [] : ['pause was refused']),
          ...later.map((step) => `${step} began while paused`),
          ...breaches(run),
        ];
        await run.driver.update<Answer>('resume', DBA);
        await run.driver.run();
        return [...wrong, ...completes(run), ...sameSteps(run, cleanChanges)];
      },
    ));

  test('a fence that cannot be lifted at once is lifted in the end', async () => {
    const run = await startRun({
      route,
      override: (call) => {
        if (call.type === 'awaitCatchUp' && call.count === 1) return fail(needsPerson('CatchUpFailed'));
        if (call.type === 'undoStep' && call.count <= 3) return fail(needsPerson('LoginLocked'));
        return undefined;
      },
    });
    for (let answers = 0; answers < 3; answers += 1) {
      const told = run.link.effects.length;
      await run.driver.run(() => run.link.effects.lastIndexOf('notify LoginLocked') >= told);
      if ((await statusOf(run)).blockedBy === null) break;
      expect(run.link.effects).not.toContain('notify cutover.withdrawn');
      await run.driver.update<Answer>('resume', DBA);
    }
    await run.driver.run();
    expect([...completes(run), ...breaches(run)]).toEqual([]);
    expect(run.link.changes.filter((change) => change === 'do server.fence')).toHaveLength(2);
    await run.driver.dispose();
  });

  test('the worker lost at any call: the run rebuilt from its history goes on as if nothing had been', () =>
    atEvery(
      async (position) => {
        const run = await startRun({ route });
        await runUpTo(run, position);
        await run.driver.replay();
        await run.driver.run();
        return run;
      },
      async (run) => completesLike(run, cleanChanges),
    ));
});

const completes = ({ driver }: DisturbedRun): readonly string[] =>
  driver.ended?.kind === 'completed' ? [] : [`ended ${JSON.stringify(driver.ended)}`];

function completesLike(run: DisturbedRun, clean: readonly string[]): readonly string[] {
  const same = JSON.stringify(run.link.changes) === JSON.stringify(clean);
  return [...completes(run), ...(same ? [] : [`changed ${run.link.changes.join(', ')}`])];
}

/** Steps may be repeated or withdrawn in between; none may be left out. */
function sameSteps({ link }: DisturbedRun, clean: readonly string[]): readonly string[] {
  return clean.filter((change) => !link.changes.includes(change)).map((change) => `never: ${change}`);
}

const failedBeforeAnyChange = ({ link, driver }: DisturbedRun): readonly string[] => [
  ...(driver.ended?.kind === 'failed' ? [] : [`ended ${driver.ended?.kind}`]),
  ...(link.changes.length === 0 ? [] : ['something was changed']),
];

const aborted = (run: DisturbedRun): readonly string[] =>
  run.driver.ended?.kind === 'completed' && resultOf(run).outcome === 'aborted' ? [] : ['was not aborted'];

/** What has begun already, and what is being looked at or followed: a pause does not break a step in two. */
function underWay(run: DisturbedRun, position: Position): readonly string[] {
  const looking = position.type === 'observeStep' && position.stepId !== 'server.fence';
  const connecting = position.type === 'awaitLinkConnected' ? ['instance.link'] : [];
  return [...begunSteps(run.link), ...(looking ? [position.stepId ?? ''] : []), ...connecting];
}

test('a gate that stays shut does not hold the history: log backups go on, and a new history begins', async () => {
  const link = new FakeLink({
    override: (call) => (call.type === 'awaitReadiness' ? hang : undefined),
  });
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: linkSpec(), visibility: false, maxHistoryEvents: 600 },
    link.activities,
  );
  const ending = await driver.run(() => false, 40 * 24 * HOUR);
  expect(ending).toMatchObject({
    kind: 'continued-as-new',
    input: { state: { phase: 'replicating', blockedBy: null } },
  });
  expect(link.changes).not.toContain('do server.fence');
  await driver.replay();
  await driver.dispose();
});

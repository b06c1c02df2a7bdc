/**
 * Sets up a link that the managed instance leads. Azure waits five minutes for the SQL Server to join (error 41962), so
 * between the request and the JOIN nobody is waited for: what cannot be joined in time is given back whole, a person is
 * told, and `resume` begins again with the groups.
 */

import { type ActivityInterfaceFor, CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { BrokenLink, LinkSteps } from '../../activities/link/api';
import type { ObservedStep } from '../../activities/run/api';
import { instanceIsFirst } from '../../model/link/initial-primary';
import { LINK_FROM_INSTANCE } from '../../model/link/procedure';
import type { StepRef } from '../../model/run/procedure';
import { CarriedOver } from '../run/carried';
import { personProblem } from '../run/run-control';
import { leftSentence, Undo } from '../run/undo-items';
import { AZURE_GAVE_UP, untilAzureGivesUp } from './azure-gave-up';
import { linkActivities } from './link-activities';
import { establishLink, preflight } from './link-migration';
import { performPhase, phaseSteps } from './phases';
import { besideCreation, type CreationState, connect, seed, withDeadline } from './seeding';
import type { LinkRun } from './state';

/** The one place that knows from which side a link begins. */
export const establish = (run: LinkRun): Promise<void> =>
  instanceIsFirst(run.spec) ? establishFromInstance(run) : establishLink(run);

async function establishFromInstance(run: LinkRun): Promise<void> {
  await preflight(run);
  await performPhase(run, 'trust');
  for (;;) {
    await performPhase(run, 'groups');
    await run.control.quietPoint();
    run.enter('link');
    run.state.linkRequestedAt = run.now();
    const broken = await withDeadline(run, () => createJoinAndSeed(run));
    if (broken === undefined) return;
    const left = await giveBack(run);
    await run.control.waitForPerson(withLeftovers(broken, left), 'Link from the instance');
  }
}

/** Nobody is waited for here: what cannot go on is a problem, and what was made is given back. */
async function createJoinAndSeed(run: LinkRun): Promise<BrokenLink | undefined> {
  const { create, join } = LINK_FROM_INSTANCE;
  // Noted before the request, so that an undo goes the documented way: Azure's side first, then the SQL Server's.
  const before = await look(run, join);
  try {
    return await besideCreation(
      () => requestLink(run, create),
      (creation) => follow(run, join, before, creation),
    );
  } catch (error) {
    run.control.throwIfAborted();
    const problem = error instanceof LinkGivenUp ? error.problem : joinProblem(error);
    if (problem === undefined) throw error;
    return problem;
  }
}

async function look(run: LinkRun, join: StepRef): Promise<ObservedStep> {
  return run.control.untilDone(join.title, async () => {
    const seen = await run.untilItSucceeds.observeStep({ spec: run.spec, stepId: join.id });
    if (seen.settled === undefined) run.begin(join.id, seen.before, undefined, seen.planned);
    return seen;
  });
}

/** Azure ended the creation for want of the SQL Server. */
class LinkGivenUp extends Error {
  override readonly name = 'LinkGivenUp';
  constructor(readonly problem: BrokenLink) {
    super(problem.message);
  }
}

/** As `perform`, but a creation that Azure gave up is not simply sent again: its other half stands on the SQL Server. */
async function requestLink(run: LinkRun, create: StepRef): Promise<void> {
  const patient: ActivityInterfaceFor<Pick<LinkSteps, 'performStep'>> = proxyActivities(
    untilAzureGivesUp(run.spec.settings.polling),
  );
  const over = new CarriedOver();
  await run.control.untilDone(create.title, async () => {
    try {
      await run.attempt(create, () =>
        over.into((carried) =>
          patient.performStep.executeWithOptions({ summary: create.title }, [
            { spec: run.spec, stepId: create.id, ...carried },
          ]),
        ),
      );
    } catch (error) {
      const problem = personProblem(error);
      if (problem === undefined || !AZURE_GAVE_UP.includes(problem.code)) throw error;
      throw new LinkGivenUp({
        kind: 'broken',
        code: 'LinkNotJoined',
        message: `Azure gave the link up: ${problem.message}`,
        remedy: 'check that TCP 5022 and 11000-11999 are open both ways and both certificates are trusted',
      });
    }
  });
}

/** What the JOIN is refused with at once: nobody can be waited for while Azure's five minutes run. */
function joinProblem(error: unknown): BrokenLink | undefined {
  const problem = personProblem(error);
  return problem === undefined ? undefined : { kind: 'broken', ...problem };
}

async function follow(
  run: LinkRun,
  join: StepRef,
  before: ObservedStep,
  creation: CreationState,
): Promise<BrokenLink | undefined> {
  run.waitingFor = 'the SQL Server to join the link; Azure gives up after five minutes';
  const joined = await linkActivities(run).longPoll.joinFromInstance.executeWithOptions(
    { summary: join.title },
    [{ spec: run.spec }],
  );
  if (joined.kind === 'broken') return joined;
  const { outcome } = joined;
  const did = before.settled === undefined ? 'done' : 'already-done';
  run.journal(join, did, before.planned, outcome.evidence, outcome.durationMs);
  // A creation that failed is not mended by itself: what broke is broken.
  const once = { isDone: true, done: creation.done };
  const unconnected = await connect(run, once);
  if (unconnected !== undefined) return unconnected;
  run.enter('seeding');
  const broken = await seed(run, once);
  if (broken !== undefined) return broken;
  run.waitingFor = 'Azure to end the creation of the link';
  await creation.done;
  run.waitingFor = '';
  return undefined;
}

/** Groups, link, and the half-made copy with them, latest first. @returns what had to be left, one sentence each */
function giveBack(run: LinkRun): Promise<readonly string[]> {
  const ours: ReadonlySet<string> = new Set(
    [...phaseSteps(run, 'groups'), ...phaseSteps(run, 'link')].map(({ id }) => id),
  );
  return CancellationScope.nonCancellable(async () => {
    const items = run.state.startedSteps
      .filter(({ stepId }) => ours.has(stepId))
      .toReversed()
      .map((begun) => run.undoItem(begun));
    // A person is asked right afterwards, and hears of it.
    const undoing = new Undo(run.control, items, {
      refused: 'leave',
      firstPauseMs: 0,
      longestPauseMs: () => 0,
      leaveCommand: null,
      title: ({ where }) => `Undo on ${where}`,
      onLeft: () => undefined,
    });
    const left = await undoing.once();
    for (const one of left) run.noteLeft(one);
    run.step = null;
    return left.map(leftSentence);
  });
}

function withLeftovers(broken: BrokenLink, left: readonly string[]): BrokenLink {
  const undone =
    left.length === 0
      ? 'groups and link were given back, the database stays on the instance as it was'
      : `not all could be given back: ${left.join('; ')}`;
  return { ...broken, message: `${broken.message}; ${undone}` };
}

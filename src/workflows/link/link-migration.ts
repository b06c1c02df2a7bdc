/** One database crosses from a SQL Server to a managed instance through the link. Reads like the how-to it replaces. */
import {
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { byWord } from '../../model/by-word';
import type { CutoverRoute } from '../../model/link/facts';
import {
  askedFor,
  cutoverPlan,
  FIRST_LOG_BACKUP,
  type TakeDown,
  takeDownPlan,
} from '../../model/link/procedure';
import { asOf } from '../run/as-of';
import { type Cutover, replicateUntilCutOver } from '../run/cutover';
import { handleCutoverMessages } from '../run/cutover-requests';
import { checkInput } from '../run/incoming';
import { journalQuery, preflightQuery, type RunOutcome, specQuery, statusQuery } from '../run/messages';
import { passPreflight } from '../run/preflight';
import { ofThisRun } from '../run/removal';
import { Run } from '../run/run';
import { AbortRequested } from '../run/run-control';
import { runInputShape } from '../run/run-input-shape';
import { withKnownSpec } from '../run/spec-version';
import { attemptsMade } from '../run/state-entries';
import { boundState } from '../run/state-size';
import { stateOf } from '../run/state-version';
import { failWith, tellLeftovers, undoRun } from '../run/undo';
import { equalLsnOf } from './equal-lsn';
import { awaitFullBackup } from './full-backup';
import { lookForLeftOut } from './left-out';
import { linkActivities } from './link-activities';
import { withLogSpaceWatch } from './log-space-watch';
import type { MigrationResult } from './migration-result';
import { performPhase, phaseSteps } from './phases';
import { createLinkAndSeed } from './seeding';
import type { LinkRun, LinkRunInput } from './state';
import { linkStatusOf } from './status';
import { LINK_WORKFLOWS } from './topology';

export async function linkMigration(given: LinkRunInput): Promise<MigrationResult> {
  const input = withKnownSpec(given);
  checkInput('linkMigration', runInputShape(LINK_WORKFLOWS), input);
  const state = stateOf(LINK_WORKFLOWS, input);
  const run = new Run(LINK_WORKFLOWS, input, state, workflowInfo().workflowId);
  let outcome: RunOutcome = 'running';
  setHandler(statusQuery, (asked) => asOf(asked, (now) => linkStatusOf(run, outcome, now)));
  setHandler(journalQuery, () => state.journal);
  setHandler(preflightQuery, () => state.preflight);
  setHandler(specQuery, () => run.spec);
  handleCutoverMessages(run);

  try {
    const next = await run.control.abortable(() => cross(run));
    // The one place that continues as new (promise 14): the link replicates, no step is under way, no message pending.
    if (next === 'new-history') return await beginNewHistory(run);
    outcome = 'completed';
    // Also when the workflow was cancelled behind the point of no return: what is done is done, and has a result.
    return await CancellationScope.nonCancellable(() => finish(run, 'completed', []));
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    if (error instanceof AbortRequested) {
      const left = await undoRun(run);
      outcome = 'aborted';
      await tellLeftovers(run, left);
      return await CancellationScope.nonCancellable(() => finish(run, 'aborted', left));
    }
    outcome = isCancellation(error) ? 'aborted' : 'failed';
    const left = state.pointOfNoReturn === null ? await undoRun(run) : [];
    throw await failWith(run, error, left);
  }
}

/** The nine phases, top to bottom. A history that follows another one enters where that one left. */
async function cross(run: LinkRun): Promise<'done' | 'new-history'> {
  if (run.state.phase !== 'replicating') await establishLink(run);
  const next = await replicateUntilCutOver(run, cutoverOf(run));
  if (next === 'new-history') return 'new-history';
  await CancellationScope.nonCancellable(() => takeDown(run));
  return 'done';
}

/** Deleting the link to cut over leaves nothing that could replicate back. */
function cutoverOf(run: LinkRun): Cutover {
  const route = routeOf(run);
  const cutover = { plan: cutoverPlan(route, askedFor(run.spec.settings)), from: 'server', to: 'instance' };
  return byWord<CutoverRoute, Cutover>('route of a cutover', route, {
    'planned-failover': { ...cutover, replicates: true },
    'delete-link': { ...cutover, replicates: false, lookBeside: () => lookForLeftOut(run) },
  });
}

/** Preflight to first log backup: what a migration and a link that stays have in common. */
export async function establishLink(run: LinkRun): Promise<void> {
  await preflight(run);
  await performPhase(run, 'trust');
  await performPhase(run, 'groups');
  await run.control.quietPoint();
  await withLogSpaceWatch(run, async () => {
    await createLinkAndSeed(run);
    await takeFirstLogBackup(run);
  });
}

export const preflight = (run: LinkRun): Promise<void> =>
  passPreflight(
    run,
    () => linkActivities(run).fewAttempts.preflight({ spec: run.spec }),
    ({ route, serverName }) => {
      run.state.route = route;
      run.state.serverName = serverName;
    },
  );

/** The log can be backed up safely only now: during seeding a backup may truncate what the copy still needs. */
async function takeFirstLogBackup(run: LinkRun): Promise<void> {
  run.enter('first-log-backup');
  const { spec, state } = run;
  const step = FIRST_LOG_BACKUP;
  // No quiet point before it: a paused run lets no log fill up.
  run.control.throwIfAborted();
  for (const before of phaseSteps(run, 'first-log-backup')) {
    if (before.id !== step.id) await run.perform(before);
  }
  const backup = await run.control.untilDone(step.title, () =>
    linkActivities(run).longPoll.takeFirstLogBackup({
      spec,
      seedingCompletedAt: state.seedingCompletedAt ?? run.now(),
    }),
  );
  state.logBackups = { count: state.logBackups.count + 1, lastAt: backup.at };
  run.journal(step, 'done', backup.effects, backup.reason, backup.durationMs);
}

/** Azure's first full backup of the new primary comes before any teardown. */
async function takeDown(run: LinkRun): Promise<void> {
  run.enter('after');
  const plan = takingDown(run);
  const since = run.state.pointOfNoReturn?.platformTime ?? run.now();
  if (plan.removeLink.length > 0) {
    await awaitFullBackup(run, since);
    run.waitingFor = '';
  }
  for (const step of ofThisRun(run, [...plan.removeLink, ...plan.dropGroups])) await run.perform(step);
}

const takingDown = (run: LinkRun): TakeDown =>
  takeDownPlan(routeOf(run), run.spec.settings.cutover.afterwards);

/** How this version leaves its SQL Server: found by preflight, which comes first. */
function routeOf({ state }: LinkRun): CutoverRoute {
  if (state.route === null) throw new Error('the route of the cutover is not known before preflight');
  return state.route;
}

async function beginNewHistory(run: LinkRun): Promise<never> {
  await run.notices.delivered();
  await condition(allHandlersFinished);
  // An abort that was accepted in this very moment would be lost with this history.
  run.control.throwIfAborted();
  run.carryNoticesOver();
  return continueAsNew<typeof linkMigration>({ ...run.input, state: boundState(run.state) });
}

async function finish(
  run: LinkRun,
  outcome: 'completed' | 'aborted',
  leftovers: readonly string[],
): Promise<MigrationResult> {
  const { state, spec } = run;
  const { database, server, instance } = spec.settings;
  run.leavePhase();
  await run.notices.delivered();
  await condition(allHandlersFinished);
  return {
    outcome,
    summary:
      outcome === 'completed'
        ? `${database} crossed from ${server} to ${instance}; ${proofOf(run)}`
        : `the run was aborted; what it made was undone${leftovers.length === 0 ? '' : ', except for what is left over'}`,
    route: state.route ?? 'delete-link',
    phases: state.phases,
    logBackups: state.logBackups.count,
    seedingRestarts: state.seedingRestarts,
    cutoverAttempts: attemptsMade(state),
    rtoMs: state.rtoMs,
    pointOfNoReturn: equalLsnOf(state.pointOfNoReturn),
    ...(state.hookCalls === undefined ? {} : { hooks: state.hookCalls }),
    ...(state.checks === undefined ? {} : { checks: state.checks }),
    leftovers: outcome === 'completed' ? [...leftovers, ...leftBehind(run)] : leftovers,
  };
}

const proofOf = ({ state }: LinkRun): string =>
  state.unreplicatedTail === undefined
    ? 'no committed transaction was lost (equal LSNs behind the fence)'
    : `equal LSNs behind the fence, but ${state.unreplicatedTail}`;

/** The documented end state, as far as a person should know it. */
function leftBehind(run: LinkRun): readonly string[] {
  const { server, database, cutover, instanceObjects } = run.spec.settings;
  const jobs = instanceObjects?.jobs.include ?? [];
  const fenced = cutover.fence.disableLogins;
  const copy =
    takingDown(run).removeLink.length > 0
      ? `on ${server} the former copy of ${database} is left restoring; drop it once nobody needs it`
      : run.state.route === 'delete-link'
        ? `on ${server} the former copy of ${database} stays online and apart; drop it once nobody needs it`
        : `on ${server} the copy of ${database} is the secondary of the link`;
  return [
    copy,
    ...(run.state.unreplicatedTail === undefined ? [] : [run.state.unreplicatedTail]),
    ...(fenced.length > 0
      ? [
          `on ${server} the logins ${fenced.join(', ')} stay disabled: the former primary must not take writes`,
        ]
      : []),
    ...(jobs.length > 0
      ? [`on ${server} the jobs ${jobs.join(', ')} stay disabled: they run on the instance`]
      : []),
    `on ${server} the mirroring endpoint and the certificates stay, for other links`,
  ];
}

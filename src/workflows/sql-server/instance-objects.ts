/**
 * Objects outside of the database around a run: copied to the side that is not the primary, compared before each planned
 * failover, and switched after it. Nothing here makes a command unless the spec has `instanceObjects`.
 */
import {
  type ActivityInterfaceFor,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import type { ObjectSteps, ObjectWatches } from '../../activities/sql-server/instance-object-api';
import { pacingOf } from '../../model/run/pacing';
import type { FailoverType } from '../../model/run/procedure';
import type { RunSpec } from '../../model/run/run-spec';
import type { SiteId } from '../../model/run/site';
import { copySteps, jobSwitch } from '../../model/sql-server/instance-object-steps';
import { driftFingerprint, driftOf, type ObjectsReport } from '../../model/sql-server/instance-objects';
import type { SqlServerSpec } from '../../model/sql-server/spec';
import { gateText, objectsGate } from '../../rules/sql-server/objects-gate';
import { fewAttempts, longPoll, watch } from '../run/activity-policies';
import { unlessForced } from '../run/preemption';
import type { Run as AnyRun } from '../run/run';
import { activityProblem, type Problem, personProblem } from '../run/run-control';
import type { ObjectsGateOptions, UnreplicatedObjects } from '../run/topology';
import { throwIfLeftBadly, until } from '../run/until';
import { tryStep } from './copy-step';
import type { WithObjects } from './objects-state';

type ObjectsSpec = RunSpec & Omit<SqlServerSpec, 'sites'>;
type Run = AnyRun<ObjectsSpec, WithObjects>;

/** Looks at a quiet primary within one activity: an idle day leaves nothing in the history. */
const LOOKS_IN_ONE = 7;
/** Differences kept in the state, for people. */
const DRIFT_KEPT = 20;
const LONGEST_DETAIL = 300;
const LOOK_CLOSER = 'sqlferry objects with the migration file names each one with its remedy';

interface Activities {
  /** Somebody waits: a few attempts. */
  readonly first: ActivityInterfaceFor<ObjectSteps>;
  /** Nobody does: as long as it takes. */
  readonly long: ActivityInterfaceFor<ObjectSteps>;
  readonly watches: ActivityInterfaceFor<ObjectWatches>;
}

function activitiesOf(run: Run): Activities {
  const { polling } = run.spec.settings;
  return {
    first: proxyActivities<ObjectSteps>(fewAttempts(polling)),
    long: proxyActivities<ObjectSteps>(longPoll(polling)),
    watches: proxyActivities<ObjectWatches>(watch(polling)),
  };
}

/** Whether something is being changed just now: that is not left half done. */
interface CopyInProgress {
  changing: boolean;
}

async function keepBeside<T>(run: Run, primary: SiteId, work: Promise<T>): Promise<T> {
  const scope = new CancellationScope();
  const lane: CopyInProgress = { changing: false };
  const keeping = scope.run(() => keepObjects(run, primary, lane));
  keeping.catch(() => undefined);
  try {
    // Its failures are told where they happen; one that is none ends the run, as any other does.
    return await Promise.race([work, keeping.then(() => work)]);
  } finally {
    scope.cancel();
    // A look that ends with the next heartbeat is not waited for: somebody may have asked for a failover.
    if (lane.changing)
      await CancellationScope.nonCancellable(() => unlessForced(run, () => keeping.catch(() => undefined)));
  }
}

async function keepObjects(run: Run, primary: SiteId, lane: CopyInProgress): Promise<void> {
  const told = new Set<string>();
  for (;;) {
    try {
      return await copyAndWatch(run, primary, lane);
    } catch (error) {
      const problem = personProblem(error) ?? activityProblem(error);
      if (problem === undefined) throw error;
      if (!told.has(problem.message)) await tellProblems(run, [problem]);
      told.add(problem.message);
      await sleep(pacingOf(run.spec.settings.polling).objectsAfterProblemMs);
    }
  }
}

/** Ends only where nothing is to be watched. */
async function copyAndWatch(run: Run, primary: SiteId, lane: CopyInProgress): Promise<void> {
  const { instanceObjects } = run.spec.settings;
  if (instanceObjects?.drift === 'ignore') {
    await condition(() => !run.state.paused);
    if (run.state.instanceObjects?.primary === primary) return;
    await tellProblems(run, await copyUninterrupted(run, primary, lane));
    note(run, { observedAt: run.now(), primary, findings: [] });
    return;
  }
  const { watches } = activitiesOf(run);
  const { spec } = run;
  const everyMs = pacingOf(run.spec.settings.polling).objectsMs;
  let retriesCopy = false;
  for (;;) {
    const known = run.state.instanceObjects;
    const isKnown = known?.primary === primary;
    const seen = await watches.watchInstanceObjects({
      spec,
      primary,
      known: isKnown ? known.mark : '',
      everyMs,
      waitsFirst: isKnown,
      checkpointAfterMs: (retriesCopy ? 1 : LOOKS_IN_ONE) * everyMs,
    });
    await condition(() => !run.state.paused);
    retriesCopy = await reconcileObjects(run, seen, isKnown ? known.mark : '', lane);
  }
}

/** @returns true when copying is to be tried again soon */
async function reconcileObjects(
  run: Run,
  seen: ObjectsReport,
  known: string,
  lane: CopyInProgress,
): Promise<boolean> {
  const { primary } = seen;
  if (!driftOf(seen).some(({ copyable }) => copyable)) {
    note(run, seen);
    if (driftFingerprint(seen) !== known) await tellDrift(run, seen);
    return false;
  }
  const problems = await copyUninterrupted(run, primary, lane);
  await tellProblems(run, problems);
  const after = await activitiesOf(run).long.compareInstanceObjects({ spec: run.spec, primary });
  note(run, after);
  if (driftFingerprint(after) !== known) await tellDrift(run, after);
  return problems.length > 0;
}

async function copyUninterrupted(
  run: Run,
  primary: SiteId,
  lane: CopyInProgress,
): Promise<readonly Problem[]> {
  lane.changing = true;
  try {
    return await copyObjects(run, primary);
  } finally {
    lane.changing = false;
  }
}

function note(run: Run, report: ObjectsReport): void {
  const drift = driftOf(report);
  run.state.instanceObjects = {
    primary: report.primary,
    observedAt: report.observedAt,
    mark: driftFingerprint(report),
    count: drift.length,
    drift: drift.slice(0, DRIFT_KEPT).map((finding) => ({ ...finding, detail: cut(finding.detail) })),
  };
}

const cut = (text: string): string =>
  text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}…` : text;

async function tellDrift(run: Run, report: ObjectsReport): Promise<void> {
  const drift = driftOf(report);
  if (drift.length === 0) {
    run.logEvent('info', 'objects.same', 'logins and jobs that the spec names are the same on both sides');
    return;
  }
  const { told } = objectsGate(report, 'warn', null);
  await run.notify('warning', 'objects.drift', gateText(told), LOOK_CLOSER);
}

async function tellProblems(run: Run, problems: readonly Problem[]): Promise<void> {
  for (const problem of problems) {
    await run.notify('warning', problem.code, `copying logins and jobs: ${problem.message}`, problem.remedy);
  }
}

/** From the primary to the other side. @returns what failed; the steps after it are tried all the same */
async function copyObjects(run: Run, primary: SiteId): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const step of copySteps(run.otherSite(primary))) {
    const problem = await tryStep(run, step);
    if (problem !== undefined && !problems.some(({ message }) => message === problem.message)) {
      problems.push(problem);
    }
    if (problem?.code === 'Unreachable') break;
  }
  return problems;
}

/**
 * Copies once more and compares, before anybody is fenced out. By the spec's `drift` a difference holds the failover
 * until it is gone, is told, or is not looked for.
 */
async function passObjectsGate(run: Run, primary: SiteId, options: ObjectsGateOptions): Promise<void> {
  const { instanceObjects } = run.spec.settings;
  if (instanceObjects === undefined) return;
  while (!options.mustLeave()) {
    run.waitingFor = 'logins and jobs to be the same on both sides';
    const problems = await copyObjects(run, primary);
    if (instanceObjects.drift === 'ignore') return tellProblems(run, problems);
    const report = await compare(run, primary, instanceObjects.drift, options.mustLeave);
    if (report === undefined) return;
    note(run, report);
    const acceptedBy = options.acceptedBy();
    const verdict = objectsGate(report, instanceObjects.drift, acceptedBy);
    if (verdict.mayBegin) {
      await tellProblems(run, problems);
      if (verdict.told.length > 0) await tellAccepted(run, gateText(verdict.told), acceptedBy);
      return;
    }
    await hold(run, report, problems, options);
  }
}

/** Where a difference would only be told, one that cannot be found is told as well. @returns undefined then */
async function compare(
  run: Run,
  primary: SiteId,
  drift: 'block' | 'warn',
  mustLeave: () => boolean,
): Promise<ObjectsReport | undefined> {
  const look = () => activitiesOf(run).first.compareInstanceObjects({ spec: run.spec, primary });
  if (drift === 'block') {
    return unlessLeft(mustLeave, () => run.control.untilDone('Objects outside of the database', look));
  }
  try {
    return await look();
  } catch (error) {
    const problem = personProblem(error) ?? activityProblem(error);
    if (problem === undefined) throw error;
    await tellProblems(run, [problem]);
    return undefined;
  }
}

/** A look that fails waits for a person, but not when something else is asked meanwhile. @returns undefined then */
async function unlessLeft<T>(mustLeave: () => boolean, work: () => Promise<T>): Promise<T | undefined> {
  const done = await until(work, mustLeave);
  throwIfLeftBadly(done);
  return done.left ? undefined : done.value;
}

async function tellAccepted(run: Run, text: string, acceptedBy: string | null): Promise<void> {
  const who = acceptedBy === null ? '' : ` (accepted by ${acceptedBy})`;
  if (acceptedBy !== null) run.state.acceptedDrift = { by: acceptedBy, what: cut(text) };
  await run.notify('warning', 'objects.drift', `${text}${who}; the failover goes on`, LOOK_CLOSER);
}

/** Until the differences change, somebody says that they are mended, or accepts them. */
async function hold(
  run: Run,
  report: ObjectsReport,
  problems: readonly Problem[],
  { acceptedBy, mustLeave }: ObjectsGateOptions,
): Promise<void> {
  const { reasons } = objectsGate(report, 'block', null);
  const why = [...problems.map(({ message }) => message), gateText(reasons)].join('; ');
  const mended = () => mendedOrResumed(run, report, why);
  throwIfLeftBadly(await until(mended, () => mustLeave() || acceptedBy() !== null));
  run.control.throwIfAborted();
}

/** A person says so, or the watch sees other differences. */
async function mendedOrResumed(run: Run, report: ObjectsReport, why: string): Promise<void> {
  const scope = new CancellationScope();
  const person = scope.run(() =>
    run.control.waitForPerson(
      { code: 'InstanceObjectsDiffer', message: why, remedy: LOOK_CLOSER },
      'Objects outside of the database',
    ),
  );
  const mended = scope.run(() =>
    activitiesOf(run).watches.watchInstanceObjects({
      spec: run.spec,
      primary: report.primary,
      known: driftFingerprint(report),
      everyMs: run.spec.settings.polling.active,
      waitsFirst: true,
      checkpointAfterMs: LOOKS_IN_ONE * pacingOf(run.spec.settings.polling).objectsMs,
    }),
  );
  // A watch that fails for good leaves the person, who is told already.
  const watched = mended.catch((error) => (isCancellation(error) ? undefined : person));
  try {
    await Promise.race([person, watched]);
  } finally {
    scope.cancel();
    await CancellationScope.nonCancellable(() => Promise.allSettled([person, watched]));
  }
}

/**
 * Jobs run where the primary is: on there, then off on the other side. The roles are swapped and the applications are in
 * by now, so a failure is told, and holds nothing up.
 * @param by how the roles were swapped
 */
async function switchJobs(run: Run, primary: SiteId, by: FailoverType): Promise<void> {
  const { instanceObjects } = run.spec.settings;
  if (instanceObjects === undefined || instanceObjects.jobs.include.length === 0) return;
  const { on, off } = jobSwitch(run.site(primary), run.otherSite(primary), by);
  for (const step of [on, off]) {
    const problem = await tryStep(run, step);
    if (problem === undefined) continue;
    const remedy = `do it by hand (msdb.dbo.sp_update_job @enabled); ${problem.remedy}`;
    await run.notify('critical', 'jobs.not-switched', `${step.title}: ${problem.message}`, remedy);
  }
}

/** A forced failover waits for nothing: what was known to differ is told. */
async function tellKnownDrift(run: Run): Promise<void> {
  const { instanceObjects } = run.state;
  if (instanceObjects === undefined || instanceObjects.count === 0) return;
  const text = gateText(
    instanceObjects.drift.map(({ kind, name, detail }) => ({ reason: `${kind} ${name}: ${detail}` })),
  );
  await run.notify(
    'warning',
    'objects.drift',
    `${text} (as of ${instanceObjects.observedAt}); the forced failover goes on`,
    LOOK_CLOSER,
  );
}

/** Logins and agent jobs, as the specs of a topology with SQL Servers may name them. */
export const INSTANCE_OBJECTS: UnreplicatedObjects<ObjectsSpec, WithObjects> = {
  areKept: ({ spec }) => spec.settings.instanceObjects !== undefined,
  keepWhile: (run: Run, primary, work) => keepBeside(run, primary, work),
  passGate: (run: Run, primary, options) => passObjectsGate(run, primary, options),
  switchTo: (run: Run, primary, by) => switchJobs(run, primary, by),
  tellKnownDrift: (run: Run) => tellKnownDrift(run),
};

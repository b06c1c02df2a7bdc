/** After a failover that did not say how it ended, or left its fence: nothing here is waited for without end. */

import { condition, isCancellation } from '@temporalio/workflow';
import { pacingOf } from '../../model/run/pacing';
import type { StepRef } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { isPreempted, msLeftToStop } from './preemption';
import type { Run } from './run';
import { activityProblem, personProblem } from './run-control';
import type { Protection } from './state';
import { until } from './until';

/** A swap that was begun goes on without its workflow; it shows within seconds (15 s on General Purpose). */
const LOOKS_UNSWAPPED = 6;
const LOOKS_SWAPPED = 2;
/** A side that does not answer is not waited for any longer; `followRoles` hears what comes later. */
const LOOKS_AT_MOST = 12;

/**
 * Whether the roles are swapped: `ALTER ... FAILOVER` and Azure's operation go on when the workflow that asked for them
 * is ended, so that one look tells nothing. All sites must agree for a minute that nothing is swapped. A platform need not
 * show an operation to others than its starter, so it is the roles that are looked at.
 * @returns as far as is known when a side stays silent, or when a forced failover preempts the question
 */
export async function resolveInDoubt(run: Run, to: SiteId): Promise<boolean> {
  let agreed = 0;
  let before: boolean | undefined;
  let isSwapped = false;
  run.waitingFor = 'the roles after a failover that did not tell how it ended';
  for (let look = 1; !isPreempted(run); look += 1) {
    const looking = () => lookAtRoles(run, to);
    const done = await until(looking, () => isPreempted(run), { graceMs: () => msLeftToStop(run) });
    if (done.left) break;
    const seen = done.value;
    isSwapped = seen.isSwapped;
    agreed = !seen.agree ? 0 : isSwapped === before ? agreed + 1 : 1;
    before = seen.agree ? isSwapped : undefined;
    if (agreed >= (isSwapped ? LOOKS_SWAPPED : LOOKS_UNSWAPPED) || look === LOOKS_AT_MOST) break;
    await condition(() => isPreempted(run), pacingOf(run.spec.settings.polling).rolesInDoubtMs);
  }
  run.waitingFor = '';
  return isSwapped;
}

interface RolesSeen {
  readonly isSwapped: boolean;
  /** Both sides say the same, or the new primary leads: it need not be confirmed by the old one, which may be dead. */
  readonly agree: boolean;
}

const NOTHING_SEEN: RolesSeen = { isSwapped: false, agree: false };

/** The site that led may be dead: it is not waited for. */
export async function lookAtRoles(run: Run, to: SiteId): Promise<RolesSeen> {
  try {
    const seen = await run.fewAttempts.readRoles({ spec: run.spec, lost: run.otherSite(to).id });
    const isSwapped = seen[to] === 'PRIMARY';
    const roles = run.sites.map(({ id }) => seen[id]);
    return { isSwapped, agree: isSwapped || (roles.includes('PRIMARY') && roles.includes('SECONDARY')) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return NOTHING_SEEN;
  }
}

/**
 * Lets the applications in where the primary is (promise 8), as far as it answers: a dead one must not keep a forced
 * failover from being asked for.
 */
export async function admitApplicationsOrTell(run: Run, primary: SiteId): Promise<void> {
  const { admit } = run.procedure.failover(run.spec, 'planned', primary);
  run.waitingFor = `the applications to be admitted to the ${run.site(primary).label}`;
  try {
    for (const step of admit) await admitOnce(run, step);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const problem = personProblem(error) ?? activityProblem(error);
    if (problem === undefined) throw error;
    await tellNotAdmitted(run, primary, problem.message);
  } finally {
    run.waitingFor = '';
    await run.fences.tell();
  }
}

async function admitOnce(run: Run, step: StepRef): Promise<void> {
  const { settled, planned, unreached } = await run.looking(step, run.fewAttempts)();
  if (settled !== undefined) {
    run.fences.note(unreached);
    run.journal(step, 'already-done', [], settled, 0);
    return;
  }
  const done = await run.fewAttempts.performStep.executeWithOptions({ summary: step.title }, [
    run.inputOf(step),
  ]);
  run.fences.note(done.unreached);
  run.journal(step, 'done', planned, done.evidence, done.durationMs);
}

async function tellNotAdmitted(run: Run, primary: SiteId, why: string): Promise<void> {
  const { name } = run.spec.settings;
  const here = run.site(primary);
  const other = run.otherSite(primary).option;
  await run.notify(
    'critical',
    'applications.not-admitted',
    `the applications could not be let in to the ${here.label}, which leads as far as is known: ${why}`,
    `once ${here.name} answers, ${run.procedure.fence(run.spec).byHand}; if it is gone: sqlferry failover ${name} --to ${other} --force`,
  );
}

/** The fence that a failover left when it was preempted: the forced one that followed did not get through either. */
export const hasFenceLeft = ({ failovers, primary }: Protection): boolean =>
  failovers.at(-2)?.preempted?.fenceOn === primary;

/** After a failover that did not say how it ended, or left its fence: nothing here is waited for without end. */
import { isCancellation, patched } from '@temporalio/workflow';
import { failoverProcedure, type LinkSide } from '../../model/link/procedure';
import { activityProblem, personProblem } from '../run-control';
import { sideName } from './protection';
import type { LinkRun } from './run';
import type { Protection } from './state';

/** Runs in which a failover failed before wait for its sides without end; their histories are replayed as they were. */
export const endsWithoutWaiting = (): boolean => patched('after-failed-bounded');

/**
 * Lets the applications in where the primary is (promise 7), as far as it answers: a dead one must not keep a forced
 * failover from being asked for.
 */
export async function admitOrTell(run: LinkRun, primary: LinkSide): Promise<void> {
  const step = failoverProcedure('planned', primary).forward.at(-1);
  if (step === undefined) return;
  const { spec } = run;
  run.waitingFor = `the applications to be admitted to the ${sideName(primary)}`;
  try {
    const { settled, planned } = await run.first.observeLinkStep.executeWithOptions(
      { summary: `Look: ${step.title}` },
      [{ spec, stepId: step.id }],
    );
    if (settled !== undefined) {
      run.record(step, 'already-done', [], settled, 0);
      return;
    }
    const { evidence, durationMs } = await run.first.performLinkStep.executeWithOptions(
      { summary: step.title },
      [{ spec, stepId: step.id }],
    );
    run.record(step, 'done', planned, evidence, durationMs);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const problem = personProblem(error) ?? activityProblem(error);
    if (problem === undefined) throw error;
    await tellNotAdmitted(run, primary, problem.message);
  } finally {
    run.waitingFor = '';
  }
}

async function tellNotAdmitted(run: LinkRun, primary: LinkSide, why: string): Promise<void> {
  const { cutover, name, source, target } = run.spec.migration;
  const logins = cutover.fence.disableLogins.join(', ');
  const other = primary === 'source' ? 'instance' : 'server';
  await run.tell(
    'critical',
    'applications.not-admitted',
    `the applications could not be let in to the ${sideName(primary)}, which leads as far as is known: ${why}`,
    `once ${primary === 'source' ? source : target} answers, enable its logins by hand where they are disabled${logins === '' ? '' : ` (${logins})`}; if it is gone: sqlferry failover ${name} --to ${other} --force`,
  );
}

/** The fence that a failover left when it gave way: the forced one that followed did not get through either. */
export const hasFenceLeft = ({ failovers, primary }: Protection): boolean =>
  failovers.at(-2)?.gaveWay?.fenceOn === primary;

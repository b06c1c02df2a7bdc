/** A failover of what stands, on the side of its run: it begins the child, hears of it, and goes on from what it left. */
import { CancellationScope } from '@temporalio/workflow';
import type { SiteId } from '../../model/run/site';
import { runFailoverChild } from './failover-child';
import { FailoverHooks } from './failover-hooks';
import type { FailoverRecord } from './failover-record';
import { admitApplicationsOrTell, hasFenceLeft, resolveInDoubt } from './in-doubt';
import { occasionOf, runPostFailover, withPostFailover } from './post-failover';
import { isPreempted, unlessPreempted } from './preemption';
import { ReplicationWatch, type Watch } from './replication-watch';
import type { Run } from './run';
import type { FailoverRequest } from './standing-messages';
import type { Protection } from './state';
import { addFailover } from './state-entries';
import { switchObjects, tellKnownDrift } from './unreplicated-objects';

/** One failover, as a child workflow, with what becomes of the run that began it. */
export async function failOver(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  { acknowledged, drill }: Pick<FailoverRecord, 'acknowledged' | 'drill'>,
  watch: Watch,
): Promise<FailoverRecord> {
  run.enter('cutover');
  run.waitingFor = `the ${request.type} failover to the ${run.site(request.to).label}`;
  if (request.type === 'forced') await tellKnownDrift(run);
  // Applications do not wait for the watch to hear that it is over.
  const stopWatch = () => {
    CancellationScope.nonCancellable(() => watch.stop()).catch(() => undefined);
  };
  const more = {
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(drill === undefined ? {} : { drill }),
  };
  const noteProven = (record: FailoverRecord): void => {
    if (protection.proven === true) return;
    stopWatch();
    addFailover(protection, { ...record, ...more });
    run.fences.adopt(record);
    noteSwapped(run, protection, record);
    protection.proven = true;
    run.revision += 1;
    watch.next = new ReplicationWatch(run, protection.primary);
  };
  const result = await runFailoverChild(run, request, stopWatch, noteProven).catch(async (error) => {
    // The run itself ends: so does the watch that was to go on.
    await CancellationScope.nonCancellable(async () => watch.next?.stop());
    throw error;
  });
  const done = { ...result, ...more };
  if (protection.proven === true) return endProven(run, protection, request, done);
  addFailover(protection, done);
  run.fences.adopt(done);
  run.waitingFor = '';
  // The forced failover that overtook it goes on from whatever it left.
  const isUnknown = done.outcome === 'failed' && !isPreempted(run);
  const swapped = isUnknown ? await resolveInDoubt(run, done.to) : done.outcome === 'done';
  if (swapped) noteSwapped(run, protection, done);
  if (done.outcome === 'withdrawn' && hasFenceLeft(protection))
    await admitApplicationsOrTell(run, protection.primary);
  if (isUnknown) {
    await unlessPreempted(run, async () => {
      await admitApplicationsOrTell(run, protection.primary);
      await postFailoverAfterLostChild(run, protection, request, done);
      await switchObjects(run, protection.primary, request.type);
    });
  }
  await tellEnd(run, done);
  return done;
}

function noteSwapped(run: Run, protection: Protection, done: FailoverRecord): void {
  protection.primary = done.to;
  forgetFencesOfOthers(run, done.to);
  run.state.health = null;
  run.state.lastLag = null;
  // What the platform does for a new primary counts from then.
  run.state.failedOverAt = done.evidence?.platformTime ?? done.loss?.newPrimaryTime ?? done.startedAt;
}

/** What the watch found meanwhile stays in the record. One that was ended by force still has its hooks before it. */
async function endProven(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  result: FailoverRecord,
): Promise<FailoverRecord> {
  delete protection.proven;
  run.waitingFor = '';
  const noted = protection.failovers.at(-1) ?? result;
  const isCut = result.outcome !== 'done';
  const done: FailoverRecord = {
    ...(isCut ? { ...noted, summary: `${noted.summary}; ${result.summary}` } : result),
    ...(noted.diverged === undefined ? {} : { diverged: noted.diverged }),
  };
  protection.failovers = [...protection.failovers.slice(0, -1), done];
  if (isCut) {
    await unlessPreempted(run, async () => {
      await postFailoverAfterLostChild(run, protection, request, done);
      await switchObjects(run, protection.primary);
    });
  }
  await tellEnd(run, done);
  return done;
}

async function tellEnd(run: Run, done: FailoverRecord): Promise<void> {
  const severity = SEVERITY[done.outcome];
  await run.notify(
    done.type === 'forced' && severity === 'info' ? 'warning' : severity,
    `failover.${done.outcome}`,
    done.summary,
    'look at status',
  );
}

/** A failover that was ended by force called its first hooks, perhaps: the others are called in its place. */
async function postFailoverAfterLostChild(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  done: FailoverRecord,
): Promise<void> {
  const hooks = new FailoverHooks(run, occasionOf(done.workflowId, request));
  const swapped = protection.primary === done.to;
  if (swapped) await runPostFailover(run, hooks, { site: done.to, before: null, replicates: true });
  else await hooks.withdrawnForOther(done.summary);
  protection.failovers = [...protection.failovers.slice(0, -1), withPostFailover(done, run, hooks)];
}

const SEVERITY = { done: 'info', withdrawn: 'warning', failed: 'critical' } as const;

/** A site that does not lead is meant to be closed. */
export function forgetFencesOfOthers(run: Run, primary: SiteId): void {
  if (!run.procedure.hasReplicas(primary)) run.fences.forget();
}

/** A failover of what stands, on the side of its run: it begins the child, hears of it, and goes on from what it left. */
import { CancellationScope } from '@temporalio/workflow';
import { unknownWord } from '../../model/by-word';
import type { SiteId } from '../../model/run/site';
import { runFailoverChild } from './failover-child';
import { FailoverHooks } from './failover-hooks';
import type { FailoverRecord } from './failover-record';
import { admitApplicationsOrTell, hasFenceLeft, resolveInDoubt } from './in-doubt';
import { lostFailover, noteLateFailover, tellLate } from './late-failover';
import { occasionOfRecord, withHooks } from './post-failover';
import { isPreempted, unlessPreempted } from './preemption';
import { ReplicationWatch, type Watch } from './replication-watch';
import type { Run } from './run';
import type { FailoverRequest } from './standing-messages';
import type { Protection } from './state';
import { addFailover, failoverOf, replaceFailover } from './state-entries';
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
  const noteGivenUp = (): void => {
    protection.givenUp = true;
    run.revision += 1;
  };
  const listener = { closingIn: stopWatch, crossed: noteProven, givenUp: noteGivenUp };
  const result = await runFailoverChild(run, request, listener).catch(async (error) => {
    // The run itself ends: so does the watch that was to go on.
    await CancellationScope.nonCancellable(async () => watch.next?.stop());
    throw error;
  });
  const done = { ...result, ...more };
  if (protection.proven === true) return endProven(run, protection, done);
  addFailover(protection, done);
  run.fences.adopt(done);
  run.waitingFor = '';
  await goOnFrom(run, protection, request, done);
  delete protection.givenUp;
  return tellEnd(run, protection, done);
}

/** What a failover without a proof leaves is dealt with, unless a forced one overtakes it: that goes on from there. */
async function goOnFrom(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  done: FailoverRecord,
): Promise<void> {
  switch (done.outcome) {
    case 'done':
      noteSwapped(run, protection, done);
      noteFollowed(run, protection);
      return;
    case 'withdrawn':
      await goOnFromOvertaken(run, protection, done);
      return;
    case 'failed':
      protection.givenUp = true;
      // What preempts it finds the roles out for itself, and proves the new primary.
      if (!isPreempted(run) && (await resolveInDoubt(run, done.to)) && !isPreempted(run)) {
        noteSwapped(run, protection, done);
        return;
      }
      if (!(await openUnlessPreempted(run, protection))) return;
      await giveBackUnlessPreempted(run, protection, done);
      await unlessPreempted(run, () => switchObjects(run, protection.primary, request.type));
      return;
    default:
      unknownWord('outcome', done.outcome);
  }
}

/** One that was withdrawn, over another one that had given way: what that one shut and drained is given back now. */
async function goOnFromOvertaken(run: Run, protection: Protection, done: FailoverRecord): Promise<void> {
  const overtaken = protection.failovers.at(-2);
  if (overtaken?.preempted === undefined) return;
  protection.givenUp = true;
  const lost = lostFailover(protection);
  if (lost !== undefined && (await resolveInDoubt(run, lost.to)) && !isPreempted(run)) {
    const reason = `the ${run.site(lost.to).label} says so`;
    noteLateFailover(protection, lost, reason);
    noteSwapped(run, protection, lost);
    await tellLate(run, lost.to, reason);
    return;
  }
  // It got through, and what follows its swap is owed still.
  if (overtaken.to === protection.primary) return;
  if (hasFenceLeft(protection) && !(await openUnlessPreempted(run, protection))) return;
  if (done.hooks?.some(({ phase }) => phase === 'whenWithdrawn') === true) return;
  await giveBackUnlessPreempted(run, protection, overtaken);
}

/** @returns false when a forced failover overtook it: its record says that a fence may be left, and where */
async function openUnlessPreempted(run: Run, protection: Protection): Promise<boolean> {
  const isOpen = await unlessPreempted(run, () => admitApplicationsOrTell(run, protection.primary));
  if (!isOpen) noteFenceMayStay(run, protection);
  return isOpen;
}

function noteFenceMayStay(run: Run, protection: Protection): void {
  const last = protection.failovers.at(-1);
  const { shut } = run.procedure.fence(run.spec);
  const { primary } = protection;
  if (last === undefined || last.preempted?.fenceOn === primary) return;
  const stays = shut === null ? '' : `; a fence may stay on ${run.site(primary).name} (${shut})`;
  const preempted = { fenceOn: shut === null ? null : primary };
  replaceFailover(protection, { ...last, summary: `${last.summary}${stays}`, preempted });
}

/**
 * Hooks that one called which did not give them back: it was ended by force, or left them to the one that followed, which
 * may have called none.
 * @param by that one; the calls stand in the record of the last one
 */
async function giveBackUnlessPreempted(run: Run, protection: Protection, by: FailoverRecord): Promise<void> {
  const last = protection.failovers.at(-1);
  const occasion = occasionOfRecord(by);
  if (last === undefined || occasion === null) return;
  const hooks = new FailoverHooks(run, occasion);
  const isGivenBack = await unlessPreempted(run, () => hooks.withdrawnForOther(last.summary));
  const now = failoverOf(protection, last.workflowId) ?? last;
  const left = isGivenBack || now.preempted !== undefined ? {} : { preempted: { fenceOn: null } };
  replaceFailover(protection, withHooks({ ...now, ...left }, hooks));
}

/** Its own workflow did what follows a swap, unless it was to give way. */
function noteFollowed(run: Run, protection: Protection): void {
  if (!isPreempted(run)) delete protection.followUpOf;
}

function noteSwapped(run: Run, protection: Protection, done: FailoverRecord): void {
  protection.primary = done.to;
  protection.followUpOf = done.workflowId;
  forgetFencesOfOthers(run, done.to);
  run.state.health = null;
  run.state.lastLag = null;
  // What the platform does for a new primary counts from then.
  run.state.failedOverAt = done.evidence?.platformTime ?? done.loss?.newPrimaryTime ?? done.startedAt;
}

/** What the watch found meanwhile stays in the record. Of one that was ended by force the run does what follows. */
async function endProven(run: Run, protection: Protection, result: FailoverRecord): Promise<FailoverRecord> {
  run.waitingFor = '';
  const noted = protection.failovers.at(-1) ?? result;
  const isCut = result.outcome !== 'done';
  const done: FailoverRecord = {
    ...(isCut ? { ...noted, summary: `${noted.summary}; ${result.summary}` } : result),
    ...(noted.diverged === undefined ? {} : { diverged: noted.diverged }),
  };
  replaceFailover(protection, done);
  if (!isCut) noteFollowed(run, protection);
  delete protection.proven;
  return tellEnd(run, protection, done);
}

/** @returns its record, with what became known of it since it ended */
async function tellEnd(run: Run, protection: Protection, ended: FailoverRecord): Promise<FailoverRecord> {
  const done = failoverOf(protection, ended.workflowId) ?? ended;
  const severity = SEVERITY[done.outcome];
  await run.notify(
    done.type === 'forced' && severity === 'info' ? 'warning' : severity,
    `failover.${done.outcome}`,
    done.summary,
    'look at status',
  );
  return done;
}

const SEVERITY = { done: 'info', withdrawn: 'warning', failed: 'critical' } as const;

/** A site that does not lead is meant to be closed. */
export function forgetFencesOfOthers(run: Run, primary: SiteId): void {
  if (!run.procedure.hasReplicas(primary)) run.fences.forget();
}

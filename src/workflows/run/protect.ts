/** The loop of everything that stands: it is watched, changed on request, and goes on in a new history. */
import { CancellationScope, condition } from '@temporalio/workflow';
import { unknownWord } from '../../model/by-word';
import type { SiteId } from '../../model/run/site';
import { waitsAtGate } from './change-requests';
import type { RunFailover } from './drill';
import { beginDrill, goOnWithDrill, whileHolding } from './drill';
import { historyIsLong } from './history';
import { followSwap, owesFollowUp } from './late-failover';
import { isForced, isPreempted, unlessForced } from './preemption';
import { remove } from './removal';
import { repair } from './repair';
import { ReplicationWatch, type Watch } from './replication-watch';
import type { Run } from './run';
import { applySpecChange } from './spec-change';
import { failOver, forgetFencesOfOthers } from './standing-failover';
import type { FailoverRequest, StandingRequest } from './standing-messages';
import type { Protection } from './state';
import { keepObjectsWhile } from './unreplicated-objects';

/**
 * Watches what stands, and does what is asked of it.
 * @returns when it is taken down, or when the history is long and this is a quiet point
 */
export async function protect(run: Run): Promise<'removed' | 'new-history'> {
  const { protection } = run.state;
  if (protection === null) throw new RangeError('nothing stands that could be watched');
  let begun: Watch | undefined;
  for (;;) {
    run.enter('replicating');
    const isUrgent = isForced(protection.request) || isPreempted(run);
    run.forcedAt = isUrgent ? (run.forcedAt ?? Date.now()) : null;
    const ledBy = protection.primary;
    forgetFencesOfOthers(run, ledBy);
    const watch = begun ?? new ReplicationWatch(run, protection.primary);
    try {
      run.waitingFor = `a request; the ${run.site(protection.primary).label} is the primary`;
      await watch.beside(keepObjectsWhile(run, ledBy, untilNextChange(run, protection, ledBy)));
      const isSwapped = protection.primary !== ledBy;
      const isFollowed = isSwapped || owesFollowUp(protection);
      if (isSwapped) await CancellationScope.nonCancellable(() => watch.stop());
      const follow = (): Promise<void> => followSwap(run, protection);
      if (isFollowed) await unlessForced(run, () => (isSwapped ? follow() : watch.beside(follow())));
      const { request, drill } = protection;
      if (drill !== undefined) {
        const isOver = await goOnWithDrill(run, protection, drill, swapWith(run, protection, watch));
        if (!isOver && !isFollowed) return 'new-history';
        if (!isOver) continue;
        // What overtook its way back is next; what ended its hold is the request already.
        protection.request ??= await preemptingRequest(run, protection);
        continue;
      }
      if (isFollowed) continue;
      // The one place that continues as new (promise 14); a request that comes now goes along in the state.
      if (request === null) return 'new-history';
      if (await carryOut(run, protection, request, watch)) return 'removed';
    } finally {
      begun = watch.next;
      await CancellationScope.nonCancellable(() => watch.stop());
    }
    protection.request = await preemptingRequest(run, protection);
    run.revision += 1;
  }
}

/** A request, roles that were swapped, the end of a drill's hold, or a history that is long. */
function untilNextChange(run: Run, protection: Protection, ledBy: SiteId): Promise<unknown> {
  const isDue = (): boolean =>
    protection.request !== null ||
    protection.primary !== ledBy ||
    owesFollowUp(protection) ||
    historyIsLong(run);
  const { drill } = protection;
  if (drill === undefined) return condition(isDue);
  run.waitingFor = `the end of the drill; the ${run.site(ledBy).label} leads until ${drill.holdUntil}`;
  return whileHolding(run, protection, drill, isDue);
}

/** @returns true when it is taken down */
async function carryOut(
  run: Run,
  protection: Protection,
  asked: StandingRequest,
  watch: Watch,
): Promise<boolean> {
  // A planned failover may wait long at its gate: the log is guarded meanwhile, until it closes in.
  const isPlanned = waitsAtGate(asked);
  if (!isPlanned) await CancellationScope.nonCancellable(() => watch.stop());
  // What is asked first may be how the other side is reached.
  if (isPreempted(run) && asked.kind !== 'change-spec') return false;
  switch (asked.kind) {
    case 'failover':
      if (asked.request.to === protection.primary) await tellLeadsAlready(run, asked.request);
      else await swapWith(run, protection, watch)(asked.request, asked);
      return false;
    case 'drill':
      await beginDrill(run, protection, asked, swapWith(run, protection, watch));
      return false;
    case 'repair':
      protection.request = { ...asked, begun: true };
      await repair(run, protection, asked);
      return false;
    case 'change-spec':
      applySpecChange(run, asked.request);
      return false;
    case 'remove':
      return remove(run, protection, asked);
    default:
      return unknownWord('request', asked);
  }
}

/** The forced failover for which the last one was ended. @returns null also where that one got through all the same */
async function preemptingRequest(run: Run, protection: Protection): Promise<StandingRequest | null> {
  const { preemptedBy, primary } = protection;
  delete protection.preemptedBy;
  if (preemptedBy?.request.to !== primary) return preemptedBy ?? null;
  await tellLeadsAlready(run, preemptedBy.request);
  return null;
}

/** The failover under way got through before it could be ended. */
function tellLeadsAlready(run: Run, { to, by }: FailoverRequest): Promise<void> {
  const message = `the ${run.site(to).label} leads already, since the failover under way got through: the forced one that ${by} asked for was not needed`;
  return run.notify('warning', 'failover.not-needed', message, 'look at status');
}

const swapWith =
  (run: Run, protection: Protection, watch: Watch): RunFailover =>
  (request, more) =>
    failOver(run, protection, request, more, watch);

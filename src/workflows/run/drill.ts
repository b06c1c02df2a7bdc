/** A drill of what stands: a planned failover, held for a time, and one back, as one request with one record. */
import { condition } from '@temporalio/workflow';
import { formatDuration } from '../../model/duration';
import type { DrillRecord, DrillRequest, DrillUnderWay } from './drill-messages';
import type { FailoverRecord } from './failover-record';
import { isPreempted } from './preemption';
import type { Run } from './run';
import type { FailoverRequest, StandingRequest } from './standing-messages';
import type { Protection } from './state';

/** Carries one planned failover out, with its record among the failovers of the run. */
export type RunFailover = (
  request: FailoverRequest,
  more: Pick<FailoverRecord, 'drill' | 'acknowledged'>,
) => Promise<FailoverRecord>;

/** The way there. Afterwards the other site leads, and `protection.drill` holds. */
export async function beginDrill(
  run: Run,
  protection: Protection,
  { request, acknowledged }: Extract<StandingRequest, { kind: 'drill' }>,
  swap: RunFailover,
): Promise<void> {
  const startedAt = run.now();
  const from = protection.primary;
  const there = await swap(wayOf(request, run.otherSite(from).id), {
    drill: 'there',
    ...(acknowledged === undefined ? {} : { acknowledged }),
  });
  const holdUntil = new Date(Date.now() + request.holdMs).toISOString();
  const drill: DrillUnderWay = { request, startedAt, from, there, holdUntil };
  if (there.outcome === 'done' && !isPreempted(run)) {
    protection.drill = drill;
    run.logEvent(
      'info',
      'drill.holding',
      `the ${run.site(there.to).label} leads until ${holdUntil}; then the way back begins`,
    );
    return;
  }
  const isThere = protection.primary === there.to;
  const why = isPreempted(run) ? `a forced failover was asked for; ${there.summary}` : there.summary;
  await finishDrill(run, protection, drill, isThere ? 'stopped' : 'withdrawn', why, null);
}

/** Waits beside the watch, as long as the drill holds; `isDue` are the other reasons to go on. */
export function whileHolding(
  run: Run,
  protection: Protection,
  { holdUntil }: DrillUnderWay,
  isDue: () => boolean,
): Promise<boolean> {
  const leftMs = Math.max(Date.parse(holdUntil) - Date.now(), 1);
  return condition(() => isDue() || holdIsOver(run, protection), leftMs);
}

/** The way back, or the end of a drill that cannot or shall not go back. @returns false while the hold lasts */
export async function goOnWithDrill(
  run: Run,
  protection: Protection,
  drill: DrillUnderWay,
  swap: RunFailover,
): Promise<boolean> {
  const stop = reasonToStop(run, protection, drill);
  if (stop !== null) {
    await finishDrill(run, protection, drill, 'stopped', stop, null);
    return true;
  }
  if (!holdIsOver(run, protection) && Date.parse(drill.holdUntil) > Date.now()) return false;
  protection.request = { kind: 'drill', request: drill.request };
  const heldMs = Date.now() - Date.parse(drill.there.endedAt);
  const back = await swap(wayBack(drill), { drill: 'back' });
  protection.request = null;
  const isBack = protection.primary === drill.from;
  const outcome = back.outcome === 'done' ? 'done' : isBack ? 'stopped' : 'not-back';
  await finishDrill(run, protection, drill, outcome, back.summary, { back, heldMs });
  return true;
}

const wayOf = ({ by, reason }: DrillRequest, to: FailoverRequest['to']): FailoverRequest => ({
  by,
  reason: reason === undefined ? 'a drill' : `a drill: ${reason}`,
  type: 'planned',
  to,
});

/** Whoever ended the hold asked for the way back, and may have accepted that logins or jobs differ. */
function wayBack({ request, from, endedEarlyBy, acceptsDrift }: DrillUnderWay): FailoverRequest {
  const way = wayOf(request, from);
  if (endedEarlyBy === undefined) return way;
  return { ...way, by: endedEarlyBy, ...(acceptsDrift === true ? { acceptDrift: true as const } : {}) };
}

function holdIsOver(run: Run, protection: Protection): boolean {
  const { drill } = protection;
  return (
    drill?.endedEarlyBy !== undefined ||
    (drill !== undefined && reasonToStop(run, protection, drill) !== null)
  );
}

/** Nothing is forced: whatever keeps the way back from being a planned failover ends the drill where it is. */
function reasonToStop(
  run: Run,
  { primary, splitBrain, deletedExternally, request }: Protection,
  drill: DrillUnderWay,
) {
  if (primary === drill.from) return 'others swapped the roles back';
  if (splitBrain !== null) return splitBrain.reason;
  if (deletedExternally !== undefined) return deletedExternally.reason;
  if (run.state.paused) return 'the run was paused';
  return request === null ? null : `a ${request.kind} was requested by ${request.request.by}`;
}

async function finishDrill(
  run: Run,
  protection: Protection,
  { request, startedAt, from, there, endedEarlyBy }: DrillUnderWay,
  outcome: DrillRecord['outcome'],
  why: string,
  ways: { readonly back: FailoverRecord; readonly heldMs: number } | null,
): Promise<void> {
  const { primary } = protection;
  const leads = `the ${run.site(primary).label} is the primary`;
  const record: DrillRecord = {
    by: request.by,
    reason: request.reason ?? null,
    startedAt,
    endedAt: run.now(),
    ...(endedEarlyBy === undefined ? {} : { endedEarlyBy }),
    from,
    to: there.to,
    outcome,
    summary: outcome === 'done' ? doneSummary(there, ways) : `${why}; ${leads}`,
    heldMs: ways?.heldMs ?? null,
    there,
    back: ways?.back ?? null,
  };
  delete protection.drill;
  protection.lastDrill = record;
  run.revision += 1;
  const { name } = run.spec.settings;
  await run.notify(
    outcome === 'done' ? 'info' : 'warning',
    `drill.${outcome}`,
    record.summary,
    primary === from
      ? 'look at status'
      : `bring it back once the cause is gone: sqlferry failover ${name} --to ${run.site(from).option}`,
  );
}

function doneSummary(
  there: FailoverRecord,
  ways: { readonly back: FailoverRecord; readonly heldMs: number } | null,
): string {
  const rto = (record: FailoverRecord | undefined): string =>
    record?.rtoMs == null ? 'not measured' : formatDuration(record.rtoMs);
  return `there and back: out of service ${rto(there)} and ${rto(ways?.back)}, held for ${formatDuration(ways?.heldMs ?? 0)}; nothing was lost`;
}

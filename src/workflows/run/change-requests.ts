/** Answers about a link that stays: what may be asked of it now, decided from the run's state alone. */
import { byWord, unknownWord } from '../../model/by-word';
import { formatDuration } from '../../model/duration';
import type { LinkSite } from '../../model/link/procedure';
import { bySite, otherSite, siteName, siteOption } from '../../model/side';
import { type LagSeen, rpoEstimate } from '../../rules/run/rpo';
import { type Answer, accept, type Request, refuse } from './answers';
import { acknowledgement, disclosure, toAcknowledge } from './cool-down';
import type { DrillRequest, DrillUnderWay, DrillView } from './drill-messages';
import type { Run } from './run';
import type { FailoverRequest, RepairRequest, StandingRequest, StandingStatus } from './standing-messages';
import type { Protection } from './state';

export function standingStatus(run: Run): StandingStatus | null {
  const { protection } = run.state;
  if (protection === null) return null;
  const to = otherSite(protection.primary);
  const asked = {
    planned: failoverRefusal(run, probe(to, 'planned')),
    forced: failoverRefusal(run, probe(to, 'forced')),
  };
  const repair =
    protection.splitBrain === null
      ? 'there is no split brain'
      : (withoutLink(protection) ?? busy(protection));
  const answers: readonly (readonly [string, string | null])[] = [
    [`planned failover to the ${siteName(to)}`, asked.planned],
    [`forced failover to the ${siteName(to)}`, asked.forced],
    ['drill', drillRefusal(run, undefined)],
    ['repair of a split brain', repair],
    ['removal', busy(protection)],
  ];
  const { deletedExternally, drill, lastDrill } = protection;
  return {
    primary: protection.primary,
    splitBrain: protection.splitBrain,
    pendingRequest: protection.request?.kind ?? null,
    failovers: protection.failovers,
    ...(deletedExternally === undefined ? {} : { deletedExternally }),
    ...(drill === undefined ? {} : { drill: drillView(protection, drill) }),
    ...(lastDrill === undefined ? {} : { lastDrill }),
    ...(protection.primary === 'server' || run.state.failedOverAt === null
      ? {}
      : { fullBackupAt: protection.fullBackupAt ?? null }),
    lastLag: lastLagOf(run),
    possible: answers.filter(([, reason]) => reason === null).map(([what]) => what),
    notPossible: answers.flatMap(([what, reason]) => (reason === null ? [] : [{ what, reason }])),
  };
}

const drillView = (
  protection: Protection,
  { request, startedAt, from, holdUntil }: DrillUnderWay,
): DrillView => ({
  by: request.by,
  startedAt,
  from,
  holdUntil: protection.request === null ? holdUntil : null,
});

export function standingNextSteps(run: Run): readonly string[] {
  const { protection } = run.state;
  const { name } = run.spec.settings;
  if (protection === null) return [];
  if (protection.deletedExternally !== undefined) return [`sqlferry remove ${name}`];
  if (protection.splitBrain !== null) return [repairCommand(run, protection)];
  const to = siteOption(otherSite(protection.primary));
  if (protection.drill !== undefined) return [`sqlferry failover ${name} --to ${to}`];
  return [`sqlferry failover ${name} --to ${to}`, `sqlferry remove ${name}`];
}

export function answerFailover(run: Run, request: FailoverRequest): Answer {
  const refusal = failoverRefusal(run, request);
  if (refusal !== null) return refuse(refusal, 'look at status: it says what is possible and what is not');
  if (request.type === 'forced') {
    const doubt = forcedRefusal(run, request);
    if (doubt !== undefined) return doubt;
  }
  const { protection } = run.state;
  if (protection !== null && isWayBack(protection, request)) return endHold(run, protection, request);
  if (protection !== null && protection.request !== null) return preempt(run, protection, request);
  if (request.type === 'forced') run.forcedAt = Date.now();
  return take(
    run,
    { kind: 'failover', request, ...acknowledgedBy(run, request) },
    `the ${request.type} failover to the ${siteName(request.to)} begins${told(run, request)}`,
  );
}

/** A primary that dies under a planned failover keeps it from ending: a forced one is what is left. */
const mayOvertake = (
  { request, preemptedBy, proven }: Protection,
  { type }: Pick<FailoverRequest, 'type'>,
): boolean =>
  type === 'forced' &&
  preemptedBy === undefined &&
  (request?.kind === 'drill' ||
    (request?.kind === 'failover' && (request.request.type === 'planned' || proven === true)));

function preempt(run: Run, protection: Protection, request: FailoverRequest): Answer {
  const { request: pending } = protection;
  const asked = pending?.kind === 'failover' ? `${pending.request.type} failover` : 'drill';
  protection.preemptedBy = { kind: 'failover', request, ...acknowledgedBy(run, request) };
  run.forcedAt = Date.now();
  run.revision += 1;
  run.logEvent(
    'warning',
    'request.failover',
    `forced failover requested by ${request.by}; the ${asked} gives way`,
  );
  return accept(
    `the ${asked} under way ends where it is, and the forced failover to the ${siteName(request.to)} begins`,
  );
}

export function answerDrill(run: Run, request: DrillRequest): Answer {
  const { protection } = run.state;
  const refusal = drillRefusal(run, request.acknowledgedBy);
  if (protection === null || refusal !== null) {
    return refuse(refusal ?? '', 'look at status: it says what is possible and what is not');
  }
  if (request.holdMs > LONGEST_HOLD_MS) {
    return refuse(
      `a drill may be held for at most ${formatDuration(LONGEST_HOLD_MS)}`,
      'say how long, for example: --hold 10m',
    );
  }
  const to = otherSite(protection.primary);
  const ways = acknowledgedBy(run, { ...request, type: 'planned', to });
  return take(
    run,
    { kind: 'drill', request, ...ways },
    `the drill begins: the ${siteName(to)} leads for ${formatDuration(request.holdMs)}, then the ${siteName(protection.primary)} again`,
  );
}

/** Longer than that is no drill: somebody has forgotten it. */
const LONGEST_HOLD_MS = 7 * 24 * 3_600_000;

function drillRefusal(run: Run, acknowledgedBy: string | undefined): string | null {
  const { protection } = run.state;
  if (protection === null) return 'the link does not stand yet';
  if (protection.drill !== undefined) return busy(protection);
  const to = otherSite(protection.primary);
  return failoverRefusal(run, {
    by: 'drill',
    type: 'planned',
    to,
    ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
  });
}

/** The way back of a drill that holds, asked for before its time. */
const isWayBack = (
  { drill, request }: Protection,
  { type, to }: Pick<FailoverRequest, 'type' | 'to'>,
): boolean => drill !== undefined && request === null && type === 'planned' && to === drill.from;

function endHold(run: Run, protection: Protection, { by, acceptDrift }: FailoverRequest): Answer {
  const { drill } = protection;
  if (drill !== undefined) {
    protection.drill = {
      ...drill,
      endedEarlyBy: by,
      ...(acceptDrift === true ? { acceptsDrift: true as const } : {}),
    };
  }
  run.revision += 1;
  run.logEvent('info', 'drill.ended-early', `the hold of the drill was ended by ${by}`);
  return accept('the hold of the drill ends: the way back begins');
}

/** A person who puts a name to what would be refused otherwise stands in the record. */
function acknowledgedBy(run: Run, request: FailoverRequest) {
  const { protection } = run.state;
  return protection === null
    ? {}
    : acknowledgement(run, toAcknowledge(run, protection, request), request.acknowledgedBy);
}

/** What nobody has to acknowledge, and everybody should know: in the answer, and among the events. */
function told(run: Run, request: FailoverRequest): string {
  const { protection } = run.state;
  const what = protection === null ? null : disclosure(run, protection, request);
  if (what === null) return '';
  run.logEvent('warning', 'failover.without-full-backup', what);
  return `; ${what}`;
}

/** Neither a failover nor a repair can succeed on a link that is gone. */
const withoutLink = ({ deletedExternally }: Protection): string | null =>
  deletedExternally === undefined ? null : `${deletedExternally.reason}; removal cleans up what is left`;

/** Why nothing else can be asked just now. */
function busy({ request, drill }: Protection): string | null {
  if (request !== null) return 'another request is under way';
  return drill === undefined
    ? null
    : `a drill is under way; it goes back at ${drill.holdUntil}, or now with a planned failover to the ${siteName(drill.from)}; a pause stops it where it is`;
}

/**
 * Which side can survive. After a forced failover the documented repair sets the role on the original primary only
 * (troubleshooting page); who forced it by other means is not known here.
 */
function onlySurvivor({ failovers }: Protection): LinkSite | null {
  const last = failovers.findLast(({ outcome }) => outcome === 'done');
  if (last === undefined) return null;
  return byWord('type of a failover', last.type, { planned: null, forced: last.to, outside: null });
}

/** What a person types to end a split brain. */
export function repairCommand(run: Run, protection: Protection): string {
  const only = onlySurvivor(protection);
  const survivor = only === null ? 'instance|server' : siteOption(only);
  return `sqlferry repair ${run.spec.settings.name} --survivor ${survivor}`;
}

export function answerRepair(run: Run, request: RepairRequest): Answer {
  const { protection } = run.state;
  if (protection === null) return refuse('the link does not stand yet', 'wait until it replicates');
  if (protection.splitBrain === null) return refuse('there is no split brain', 'nothing is to be repaired');
  const gone = withoutLink(protection);
  if (gone !== null) return refuse(gone, `sqlferry remove ${run.spec.settings.name}`);
  const only = onlySurvivor(protection);
  if (only !== null && only !== request.survivor) {
    return refuse(
      `the ${siteName(only)} was forced to lead: of the two sides only the ${siteName(otherSite(only))}, which led before, can be made to follow`,
      `sqlferry repair ${run.spec.settings.name} --survivor ${siteOption(only)}; to keep the other data instead: save what the ${siteName(only)} has alone, sqlferry remove, drop the copy there, and start the link again`,
    );
  }
  const hold = busy(protection);
  if (hold !== null) return refuse(hold, 'wait until it is done');
  return take(run, { kind: 'repair', request }, `the ${siteName(request.survivor)} stays the primary`);
}

export function answerRemoval(run: Run, request: Request): Answer {
  const { protection } = run.state;
  if (protection === null) return refuse('the link does not stand yet', 'abort undoes what was made so far');
  const hold = busy(protection);
  if (hold !== null) return refuse(hold, 'wait until it is done');
  const copies = bySite(protection.primary, {
    server: 'both copies become independent',
    instance: 'the copy on the SQL Server is left restoring',
  });
  return take(run, { kind: 'remove', request }, `the link is taken down; ${copies}`);
}

function take(run: Run, request: StandingRequest, note: string): Answer {
  const { protection } = run.state;
  if (protection !== null) protection.request = request;
  run.revision += 1;
  run.logEvent('info', `request.${request.kind}`, `${request.kind} requested by ${request.request.by}`);
  return accept(note);
}

function failoverRefusal(run: Run, request: FailoverRequest): string | null {
  const { protection } = run.state;
  if (protection === null) return 'the link does not stand yet';
  if (protection.request !== null && !mayOvertake(protection, request)) return 'another request is under way';
  const gone = withoutLink(protection);
  if (gone !== null) return gone;
  if (protection.splitBrain !== null)
    return `two primaries: ${protection.splitBrain.reason}; repair comes first`;
  if (request.to === protection.primary) return `the ${siteName(request.to)} is the primary already`;
  if (run.state.paused) return 'the run is paused';
  if (run.state.route === 'delete-link')
    return 'these versions cannot swap the roles of a link; remove it to cut over';
  if (isWayBack(protection, request)) return null;
  return request.acknowledgedBy === undefined ? toAcknowledge(run, protection, request) : null;
}

function forcedRefusal(run: Run, request: FailoverRequest): Answer | undefined {
  if (request.reason === undefined || request.reason.trim() === '') {
    return refuse('a forced failover needs a reason', 'say why: --reason "..."');
  }
  const health = run.state.lastLag ?? run.state.health;
  const estimate = estimatedLossSeconds(run);
  const accepted = request.acceptLossSeconds;
  if (accepted === undefined || (estimate !== null && accepted < estimate)) {
    const known =
      estimate === null || health === null
        ? 'how much would be lost is not known'
        : `estimate: up to ${estimate} s of committed transactions (lag ${health.lagSeconds ?? '?'} s, seen at ${health.observedAt})`;
    return refuse(
      `a forced failover may lose data; ${known}`,
      `accept it by name: --accept-loss-seconds ${estimate ?? 'N'}`,
    );
  }
  return undefined;
}

/** Lag that was seen last plus its age: everything since then may be lost as well. */
function estimatedLossSeconds(run: Run): number | null {
  return rpoEstimate(lastLagOf(run), Date.now()).seconds;
}

function lastLagOf(run: Run): LagSeen | null {
  const health = run.state.lastLag ?? run.state.health;
  if (health?.lagSeconds == null) return null;
  return { lagSeconds: health.lagSeconds, observedAt: health.observedAt };
}

/** A planned failover, and a drill, wait until the link is ready; the log is guarded meanwhile. */
export function waitsAtGate(asked: StandingRequest): boolean {
  switch (asked.kind) {
    case 'drill':
      return true;
    case 'failover':
      return byWord('type of a failover', asked.request.type, { planned: true, forced: false });
    case 'repair':
    case 'remove':
      return false;
    default:
      return unknownWord('request', asked);
  }
}

const probe = (to: LinkSite, type: 'planned' | 'forced'): FailoverRequest => ({ by: 'status', to, type });

export { otherSite };

export { siteName };

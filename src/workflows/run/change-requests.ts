/** Answers about what stands: the table of requests decides them, from the run's state alone. */
import { CancellationScope } from '@temporalio/workflow';
import { byWord, unknownWord } from '../../model/by-word';
import type { StandingRequestFacts, StandingVerdict } from '../../model/run/standing';
import { decideRequest } from '../../rules/run/standing-table';
import { accept, type Decision, info, type Request, refuse } from './answers';
import { acknowledgement, disclosure, type Known, toAcknowledge } from './cool-down';
import type { DrillRequest, DrillUnderWay, DrillView } from './drill-messages';
import type { Run } from './run';
import { forcedTo, lastLagOf, standingFacts } from './standing-facts';
import type {
  FailoverRequest,
  NotPossible,
  RepairRequest,
  StandingRequest,
  StandingStatus,
} from './standing-messages';
import type { Protection } from './state';

type Verdict<Is extends boolean> = Extract<StandingVerdict, { readonly allowed: Is }>;

const knownOf = ({ topology, spec, state }: Run, now = Date.now()): Known => ({ topology, spec, state, now });

/** @param now when it is looked at, milliseconds since 1970-01-01 UTC: a cool-down may be over since the last task */
export function standingStatus(run: Run, now: number): StandingStatus | null {
  const { protection } = run.state;
  if (protection === null) return null;
  const asked = askable(run, protection).map(([what, request]) => ({
    what,
    verdict: decideRequest(standingFacts(knownOf(run, now)), request),
  }));
  const { deletedExternally, drill, lastDrill } = protection;
  return {
    primary: protection.primary,
    splitBrain: protection.splitBrain,
    pendingRequest: protection.request?.kind ?? null,
    failovers: protection.failovers,
    ...(deletedExternally === undefined ? {} : { deletedExternally }),
    ...(drill === undefined ? {} : { drill: drillView(protection, drill) }),
    ...(lastDrill === undefined ? {} : { lastDrill }),
    lastLag: lastLagOf(run.state),
    possible: asked.filter(({ verdict }) => verdict.allowed).map(({ what }) => what),
    notPossible: asked.flatMap(({ what, verdict }): NotPossible[] =>
      verdict.allowed ? [] : [{ what, rule: verdict.rule, reason: verdict.reason }],
    ),
  };
}

/** What `status` tells about: whether it is possible, not whether a request for it is complete. */
function askable(
  run: Run,
  protection: Protection,
): readonly (readonly [what: string, request: StandingRequestFacts])[] {
  const { id: to, label } = run.otherSite(protection.primary);
  const failover = { kind: 'failover', to, isAcknowledged: false, forced: null } as const;
  return [
    [`planned failover to the ${label}`, { ...failover, type: 'planned' }],
    [`forced failover to the ${label}`, { ...failover, type: 'forced' }],
    ['drill', { kind: 'drill', holdMs: 0, isAcknowledged: false }],
    ['repair of a split brain', { kind: 'repair', survivor: forcedTo(protection) ?? protection.primary }],
    ['removal', { kind: 'removal' }],
  ];
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
  const to = run.otherSite(protection.primary).option;
  if (protection.drill !== undefined) return [`sqlferry failover ${name} --to ${to}`];
  return [`sqlferry failover ${name} --to ${to}`, `sqlferry remove ${name}`];
}

export function answerFailover(run: Run, request: FailoverRequest): Decision {
  const { type, to, reason, acceptLossSeconds } = request;
  const asked: StandingRequestFacts = {
    kind: 'failover',
    type,
    to,
    isAcknowledged: request.acknowledgedBy !== undefined,
    forced: { reason: reason ?? '', acceptLossSeconds: acceptLossSeconds ?? null },
  };
  return answer(run, asked, (verdict, protection) => {
    switch (verdict.act) {
      case 'end-hold':
        return endHold(run, protection, request, verdict);
      case 'preempt':
        return preempt(run, protection, request, verdict);
      case 'begin':
        return begin(run, protection, request, verdict);
      default:
        return unknownWord('act', verdict.act);
    }
  });
}

function begin(run: Run, protection: Protection, request: FailoverRequest, verdict: Verdict<true>): Decision {
  if (request.type === 'forced') run.forcedAt = Date.now();
  const asked: StandingRequest = { kind: 'failover', request, ...acknowledgedBy(run, protection, request) };
  const sentence = `${verdict.sentence}${told(run, request)}`;
  return take(run, protection, asked, { ...verdict, sentence });
}

const ENDED = 'what was set up stands without it: look at status, and start the run again';

/** The table decides. */
export function answer(
  run: Run,
  asked: StandingRequestFacts,
  act: (verdict: Verdict<true>, protection: Protection) => Decision,
): Decision {
  if (run.isEnding || CancellationScope.current().consideredCancelled)
    return refuse('run.ends', 'the run is ending, and does nothing any more', ENDED);
  const verdict = decideRequest(standingFacts(knownOf(run)), asked);
  const { protection } = run.state;
  if (verdict.allowed && protection !== null) return act(verdict, protection);
  if (verdict.allowed) throw new RangeError(`${verdict.rule} allows a ${asked.kind} where nothing stands`);
  return refuse(verdict.rule, verdict.reason, verdict.nextStep);
}

/** A primary that dies under a planned failover keeps it from ending: a forced one is what is left. */
function preempt(
  run: Run,
  protection: Protection,
  request: FailoverRequest,
  { rule, sentence }: Verdict<true>,
): Decision {
  const { request: pending } = protection;
  const asked = pending === null ? 'request' : inWords(pending);
  protection.preemptedBy = { kind: 'failover', request, ...acknowledgedBy(run, protection, request) };
  run.forcedAt = Date.now();
  run.revision += 1;
  return accept(rule, sentence, {
    severity: 'warning',
    code: 'request.failover',
    message: `forced failover requested by ${request.by}; the ${asked} gives way`,
  });
}

function inWords(asked: StandingRequest): string {
  if (asked.kind === 'failover') return `${asked.request.type} failover`;
  return byWord('request', asked.kind, {
    drill: 'drill',
    repair: 'repair',
    remove: 'removal',
    'change-spec': 'change of the spec',
  });
}

export function answerDrill(run: Run, request: DrillRequest): Decision {
  const asked: StandingRequestFacts = {
    kind: 'drill',
    holdMs: request.holdMs,
    isAcknowledged: request.acknowledgedBy !== undefined,
  };
  return answer(run, asked, (verdict, protection) => {
    const to = run.otherSite(protection.primary).id;
    const ways = acknowledgedBy(run, protection, { ...request, type: 'planned', to });
    return take(run, protection, { kind: 'drill', request, ...ways }, verdict);
  });
}

function endHold(
  run: Run,
  protection: Protection,
  { by, acceptDrift }: FailoverRequest,
  { rule, sentence }: Verdict<true>,
): Decision {
  const { drill } = protection;
  if (drill !== undefined) {
    protection.drill = {
      ...drill,
      endedEarlyBy: by,
      ...(acceptDrift === true ? { acceptsDrift: true as const } : {}),
    };
  }
  run.revision += 1;
  return accept(rule, sentence, info('drill.ended-early', `the hold of the drill was ended by ${by}`));
}

/** A person who puts a name to what would be refused otherwise stands in the record. */
function acknowledgedBy(run: Run, protection: Protection, request: FailoverRequest) {
  const known = knownOf(run);
  return acknowledgement(known, toAcknowledge(known, protection, request), request.acknowledgedBy);
}

/** What nobody has to acknowledge, and everybody should know: in the answer, and among the events. */
function told(run: Run, request: FailoverRequest): string {
  const what = disclosure(knownOf(run), request);
  if (what === null) return '';
  run.logEvent('warning', 'failover.without-full-backup', what);
  return `; ${what}`;
}

/** What a person types to end a split brain. */
export function repairCommand(run: Run, protection: Protection): string {
  const only = forcedTo(protection);
  const survivor = only === null ? run.sites.map(({ option }) => option).join('|') : run.site(only).option;
  return `sqlferry repair ${run.spec.settings.name} --survivor ${survivor}`;
}

export function answerRepair(run: Run, request: RepairRequest): Decision {
  const asked: StandingRequestFacts = { kind: 'repair', survivor: request.survivor };
  return answer(run, asked, (verdict, protection) =>
    take(run, protection, { kind: 'repair', request }, verdict),
  );
}

export function answerRemoval(run: Run, request: Request): Decision {
  return answer(run, { kind: 'removal' }, (verdict, protection) => {
    const copies = run.procedure.afterRemoval(protection.primary);
    const sentence = `${verdict.sentence}; ${copies}`;
    return take(run, protection, { kind: 'remove', request }, { ...verdict, sentence });
  });
}

export function take(
  run: Run,
  protection: Protection,
  request: StandingRequest,
  { rule, sentence }: Verdict<true>,
): Decision {
  protection.request = request;
  run.revision += 1;
  const { by } = request.request;
  return accept(rule, sentence, info(`request.${request.kind}`, `${request.kind} requested by ${by}`));
}

/** A planned failover, and a drill, wait until the replication is ready, which is watched meanwhile. */
export function waitsAtGate(asked: StandingRequest): boolean {
  switch (asked.kind) {
    case 'drill':
      return true;
    case 'failover':
      return byWord('type of a failover', asked.request.type, { planned: true, forced: false });
    case 'repair':
    case 'remove':
    case 'change-spec':
      return false;
    default:
      return unknownWord('request', asked);
  }
}

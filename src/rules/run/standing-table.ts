/**
 * What may be asked of a run that stands, as one table: (facts, request) → rule, sentence, act. The run decides by it,
 * `status` shows by it what is possible, and `plan` names by it why a run would be refused. The first row that applies
 * decides. docs/requests.md is made of it.
 */
import { byWord, unknownWord } from '../../model/by-word';
import { formatDuration } from '../../model/duration';
import { otherSiteOf, type SiteId, siteOf } from '../../model/run/site';
import type {
  StandingAct,
  StandingFacts,
  StandingRequestFacts,
  StandingRequestKind,
  StandingVerdict,
} from '../../model/run/standing';
import { lossToAccept } from './accepted-loss';

type Of<Kind extends StandingRequestKind> = Extract<StandingRequestFacts, { readonly kind: Kind }>;
type Swap = Of<'failover' | 'drill'>;

interface Refusal {
  readonly reason: string;
  readonly nextStep: string;
}

interface Allowed {
  readonly act: StandingAct;
  readonly sentence: string;
}

export interface StandingRow {
  readonly rule: string;
  readonly kinds: readonly StandingRequestKind[];
  /** For people who read the table. */
  readonly when: string;
  /** Null: the row does not apply. */
  readonly decide: (facts: StandingFacts, request: StandingRequestFacts) => Refusal | Allowed | null;
}

/** Longer than that is no drill: somebody has forgotten it. */
const LONGEST_HOLD_MS = 7 * 24 * 3_600_000;

export const ALL_KINDS = ['failover', 'drill', 'repair', 'removal', 'change'] as const;
const SWAPS = ['failover', 'drill'] as const;
const LOOK = 'look at status: it says what is possible and what is not';
const WAIT = 'wait until it is done';

/** A row that sees only the requests that it is about. */
function row<Kind extends StandingRequestKind>(
  rule: string,
  kinds: readonly Kind[],
  when: string,
  decide: (facts: StandingFacts, request: Of<Kind>) => Refusal | Allowed | null,
): StandingRow {
  const isOf = (request: StandingRequestFacts): request is Of<Kind> =>
    kinds.some((kind) => kind === request.kind);
  return {
    rule,
    kinds,
    when,
    decide: (facts, request) => (isOf(request) ? decide(facts, request) : null),
  };
}

const refuse = (reason: string | null, nextStep: string): Refusal | null =>
  reason === null ? null : { reason, nextStep };

const label = ({ sites }: StandingFacts, id: SiteId): string => siteOf(sites, id).label;
const option = ({ sites }: StandingFacts, id: SiteId): string => siteOf(sites, id).option;

/** Site that shall lead after a failover or a drill; null where nobody can tell. */
function goalOf(facts: StandingFacts, request: Swap): SiteId | null {
  if (request.kind === 'failover') return request.to;
  return facts.primary === null ? null : otherSiteOf(facts.sites, facts.primary).id;
}

/** Sites without which it cannot be: of a forced failover the one that shall lead, else all. */
function neededSites(facts: StandingFacts, request: Swap): readonly SiteId[] {
  if (request.kind === 'failover' && request.type === 'forced') return [request.to];
  return facts.sites.map(({ id }) => id);
}

/** Needed sites that said such a thing of themselves just now, in a sentence; null where there are none. */
function whoSays(facts: StandingFacts, request: Swap, role: string | null): Named | null {
  const { roles } = facts;
  if (roles === null) return null;
  const found = neededSites(facts, request).filter((id) => roles[id] === role);
  return found.length === 0
    ? null
    : { names: found.map((id) => `the ${label(facts, id)}`).join(' and '), isOne: found.length === 1 };
}

interface Named {
  readonly names: string;
  readonly isOne: boolean;
}

/** The way back of a drill that holds, asked for before its time. */
const isWayBack = (facts: StandingFacts, request: Swap): boolean =>
  facts.activity === 'drill-hold' &&
  request.kind === 'failover' &&
  request.type === 'planned' &&
  request.to === facts.drill?.from;

/** A primary that dies under a planned failover keeps it from ending: a forced one is what is left. */
function mayPreempt({ activity, preempted }: StandingFacts, request: StandingRequestFacts): boolean {
  if (request.kind !== 'failover' || request.type !== 'forced' || preempted) return false;
  return byWord('activity', activity, {
    'planned-failover': true,
    'failover-proven': true,
    'failover-given-up': true,
    'drill-failover': true,
    'drill-failback': true,
    'request-pending': true,
    establishing: false,
    idle: false,
    'forced-failover': false,
    'drill-hold': false,
    repair: false,
    removal: false,
  });
}

/** A drill that holds takes a forced failover, and the way back; everything else finds the run busy. */
const takesWhileHolding = ({ activity }: StandingFacts, request: StandingRequestFacts): boolean =>
  activity === 'drill-hold' && request.kind === 'failover';

/** Why nothing else can be asked just now; null when something can. */
function busy(facts: StandingFacts): string | null {
  const { activity, drill } = facts;
  if (activity === 'establishing' || activity === 'idle') return null;
  if (activity !== 'drill-hold') return 'another request is under way';
  if (drill === null) return 'a drill is under way';
  return `a drill is under way; it goes back at ${drill.holdUntil}, or now with a planned failover to the ${label(facts, drill.from)}; a pause stops it where it is`;
}

/** A forced failover whose tasks fail can neither be preempted nor withdrawn: only a person can end it. */
function whenBusy({ activity, failoverWorkflow }: StandingFacts, request: StandingRequestFacts): string {
  if (request.kind !== 'failover' && request.kind !== 'drill') return WAIT;
  if (activity !== 'forced-failover' || failoverWorkflow === null) return LOOK;
  return `${LOOK}; if the tasks of the forced failover under way fail in Temporal, end it, and ask again: temporal workflow terminate -w '${failoverWorkflow}'`;
}

const gone = ({ deletedExternally }: StandingFacts): string | null =>
  deletedExternally === null ? null : `${deletedExternally}; removal cleans up what is left`;

function rolesInWords({ sites, roles }: StandingFacts): string {
  if (roles === null) return '';
  return ` (${sites.map(({ id, label }) => `${label}: ${roles[id] ?? 'no answer'}`).join(', ')})`;
}

function onlyTheFormerFollows(facts: StandingFacts, forcedTo: SiteId): Refusal {
  const { name, sites, thing } = facts;
  const survivor = label(facts, forcedTo);
  return {
    reason: `the ${survivor} was forced to lead: of the two sides only the ${otherSiteOf(sites, forcedTo).label}, which led before, can be made to follow`,
    nextStep: `sqlferry repair ${name} --survivor ${option(facts, forcedTo)}; to keep the other data instead: save what the ${survivor} has alone, sqlferry remove, drop the copy there, and start the ${thing} again`,
  };
}

function lossRefusal({ loss }: StandingFacts, request: Of<'failover'>): Refusal | null {
  if (request.type !== 'forced' || request.forced === null) return null;
  const accepted = request.forced.acceptLossSeconds;
  if (accepted !== null && (loss === null || accepted >= loss.seconds)) return null;
  return {
    reason: `a forced failover may lose data; ${loss === null ? 'how much would be lost is not known' : loss.evidence}`,
    nextStep: `accept it by name: --accept-loss-seconds ${loss === null ? 'N' : lossToAccept(loss.seconds)}`,
  };
}

/** Rows about any request, and about a repair. */
const BEFORE_ALL: readonly StandingRow[] = [
  row('request.not-standing', ALL_KINDS, 'it is still being set up', ({ activity, thing }, { kind }) =>
    activity === 'establishing'
      ? {
          reason: `the ${thing} does not stand yet`,
          nextStep: kind === 'removal' ? 'abort undoes what was made so far' : 'wait until it replicates',
        }
      : null,
  ),
  row('repair.no-split-brain', ['repair'], 'there is one primary', (facts) =>
    facts.splitBrain === null
      ? { reason: `there is no split brain${rolesInWords(facts)}`, nextStep: 'nothing is to be repaired' }
      : null,
  ),
  row('repair.deleted-externally', ['repair'], 'others deleted it', (facts) =>
    refuse(gone(facts), `sqlferry remove ${facts.name}`),
  ),
  row(
    'repair.only-the-former-primary-follows',
    ['repair'],
    'the last failover was forced, and the site that it forced to lead shall not survive',
    (facts, { survivor }) =>
      facts.forcedTo === null || facts.forcedTo === survivor
        ? null
        : onlyTheFormerFollows(facts, facts.forcedTo),
  ),
  row(
    'request.busy',
    ALL_KINDS,
    'something else is under way; a forced failover preempts a planned one, a drill, what follows a proof, one that was given up, and what has not begun',
    (facts, request) =>
      mayPreempt(facts, request) || takesWhileHolding(facts, request)
        ? null
        : refuse(busy(facts), whenBusy(facts, request)),
  ),
];

/** Rows about failovers and drills. */
const BEFORE_SWAPS: readonly StandingRow[] = [
  row('failover.deleted-externally', SWAPS, 'others deleted it', (facts) => refuse(gone(facts), LOOK)),
  row('failover.split-brain', SWAPS, 'there are two primaries', ({ splitBrain }) =>
    refuse(splitBrain === null ? null : `two primaries: ${splitBrain}; repair comes first`, LOOK),
  ),
  row('failover.leads-already', ['failover'], 'the site leads already', (facts, { to }) =>
    to === facts.primary
      ? { reason: `the ${label(facts, to)} is the primary already`, nextStep: LOOK }
      : null,
  ),
  row(
    'failover.absent',
    SWAPS,
    'a site has no part in it: of a forced failover the one that shall lead, else any',
    (facts, request) => {
      const absent = whoSays(facts, request, 'none');
      if (absent === null) return null;
      return refuse(`${absent.names} ${absent.isOne ? 'has' : 'have'} no such ${facts.thing}`, LOOK);
    },
  ),
  row('failover.paused', SWAPS, 'the run is paused', ({ paused, name }) =>
    paused ? { reason: 'the run is paused', nextStep: `sqlferry resume ${name}` } : null,
  ),
  row('failover.impossible', SWAPS, 'versions or settings allow no failover', ({ cannotFailOver }) =>
    refuse(cannotFailOver, LOOK),
  ),
  row(
    'failover.silent-site',
    SWAPS,
    'a site does not answer: of a forced failover the one that shall lead, else any',
    (facts, request) => {
      const silent = whoSays(facts, request, null);
      if (silent === null) return null;
      return refuse(`${silent.names} ${silent.isOne ? 'does' : 'do'} not answer`, LOOK);
    },
  ),
  row(
    'failover.to-acknowledge',
    SWAPS,
    'it is soon after the last one, or the first full backup is missing, and no person put a name to it; the way back of a drill needs none',
    (facts, request) => {
      const to = goalOf(facts, request);
      if (to === null || request.isAcknowledged || isWayBack(facts, request)) return null;
      const caveat = facts.toAcknowledge(request.kind === 'failover' ? request.type : 'planned', to);
      return refuse(caveat, 'put a name to it, if it is meant: --acknowledge-by NAME');
    },
  ),
  row('failover.no-reason', ['failover'], 'it is forced, and nobody says why', (_facts, { type, forced }) =>
    type === 'forced' && forced !== null && forced.reason.trim() === ''
      ? { reason: 'a forced failover needs a reason', nextStep: 'say why: --reason "..."' }
      : null,
  ),
  row(
    'failover.loss-not-accepted',
    ['failover'],
    'it is forced, and nobody accepts what it may lose',
    lossRefusal,
  ),
  row(
    'drill.hold',
    ['drill'],
    'it would be held for longer than a week, or for no known time',
    (_facts, { holdMs }) =>
      Number.isFinite(holdMs) && holdMs >= 0 && holdMs <= LONGEST_HOLD_MS
        ? null
        : {
            reason: `a drill may be held for at most ${formatDuration(LONGEST_HOLD_MS)}`,
            nextStep: 'say how long, for example: --hold 10m',
          },
  ),
];

/** What is done where no row before refuses. */
const ALLOWED: readonly StandingRow[] = [
  row('failover.ends-hold', ['failover'], 'it is the way back of a drill that holds', (facts, request) =>
    isWayBack(facts, request)
      ? { act: 'end-hold', sentence: 'the hold of the drill ends: the way back begins' }
      : null,
  ),
  row(
    'failover.preempts',
    ['failover'],
    'it is forced, and a planned failover or a drill is under way, one was given up, or what is asked has not begun its first step',
    (facts, request) =>
      mayPreempt(facts, request)
        ? {
            act: 'preempt',
            sentence: `the ${underWay(facts)} under way ends where it is, and the forced failover to the ${label(facts, request.to)} begins`,
          }
        : null,
  ),
  row('request.begins', ALL_KINDS, 'nothing speaks against it', (facts, request) => ({
    act: 'begin',
    sentence: beginning(facts, request),
  })),
];

export const STANDING_ROWS: readonly StandingRow[] = [
  ...BEFORE_ALL,
  ...BEFORE_SWAPS,
  row('removal.gone', ['removal'], 'no site has any part in it', ({ roles, thing }) =>
    roles !== null && Object.values(roles).every((role) => role === 'none')
      ? { reason: `neither side has the ${thing} any more`, nextStep: 'nothing is to be removed' }
      : null,
  ),
  ...ALLOWED,
];

function underWay({ activity }: StandingFacts): string {
  const isDrill = activity === 'drill-failover' || activity === 'drill-hold' || activity === 'drill-failback';
  if (isDrill) return 'drill';
  if (activity === 'request-pending') return 'request';
  return activity === 'planned-failover' ? 'planned failover' : 'failover';
}

function beginning(facts: StandingFacts, request: StandingRequestFacts): string {
  switch (request.kind) {
    case 'failover':
      return `the ${request.type} failover to the ${label(facts, request.to)} begins`;
    case 'drill': {
      if (facts.primary === null) return 'the drill begins';
      const to = otherSiteOf(facts.sites, facts.primary).label;
      return `the drill begins: the ${to} leads for ${formatDuration(request.holdMs)}, then the ${label(facts, facts.primary)} again`;
    }
    case 'repair':
      return `the ${label(facts, request.survivor)} stays the primary`;
    case 'removal':
      return `the ${facts.thing} is taken down`;
    case 'change':
      return 'it is in force as soon as the watch is begun anew';
    default:
      return unknownWord('request', request);
  }
}

/** @throws RangeError for a site that is not among those of the facts */
export function decideRequest(facts: StandingFacts, request: StandingRequestFacts): StandingVerdict {
  for (const { rule, decide } of STANDING_ROWS) {
    const found = decide(facts, request);
    if (found === null) continue;
    return 'act' in found ? { allowed: true, rule, ...found } : { allowed: false, rule, ...found };
  }
  throw new RangeError(`no row decides a ${request.kind}`);
}

/** Every reason that speaks against it, not only the first: for a plan. */
export function refusalsOf(facts: StandingFacts, request: StandingRequestFacts): readonly string[] {
  return STANDING_ROWS.flatMap(({ decide }) => {
    const found = decide(facts, request);
    return found !== null && 'reason' in found ? [found.reason] : [];
  });
}

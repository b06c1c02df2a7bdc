/** Answers about a link that stays: what may be asked of it now, decided from the run's state alone. */
import { formatDuration } from '../../model/duration';
import type { LinkSide } from '../../model/link/procedure';
import { type Answer, accept, type Request, refuse } from '../messages';
import type {
  FailoverRequest,
  LinkRequest,
  ProtectionStatus,
  RepairRequest,
} from './disaster-recovery-messages';
import type { LinkRun } from './run';
import type { Protection } from './state';

export function protectionStatus(run: LinkRun): ProtectionStatus | null {
  const { protection } = run.state;
  if (protection === null) return null;
  const to = otherSide(protection.primary);
  const asked = {
    planned: failoverRefusal(run, probe(to, 'planned')),
    forced: failoverRefusal(run, probe(to, 'forced')),
  };
  const repair = protection.splitBrain === null ? 'there is no split brain' : null;
  const answers: readonly (readonly [string, string | null])[] = [
    [`planned failover to the ${sideName(to)}`, asked.planned],
    [`forced failover to the ${sideName(to)}`, asked.forced],
    ['repair of a split brain', repair],
    ['removal', protection.request === null ? null : 'another request is under way'],
  ];
  return {
    primary: protection.primary,
    splitBrain: protection.splitBrain,
    pendingRequest: protection.request?.kind ?? null,
    failovers: protection.failovers,
    possible: answers.filter(([, reason]) => reason === null).map(([what]) => what),
    notPossible: answers.flatMap(([what, reason]) => (reason === null ? [] : [{ what, reason }])),
  };
}

export function protectionSteps(run: LinkRun): readonly string[] {
  const { protection } = run.state;
  const { name } = run.spec.migration;
  if (protection === null) return [];
  if (protection.splitBrain !== null) return [`sqlferry repair ${name} --survivor instance|server`];
  const to = protection.primary === 'source' ? 'instance' : 'server';
  return [`sqlferry failover ${name} --to ${to}`, `sqlferry remove ${name}`];
}

export function answerFailover(run: LinkRun, request: FailoverRequest): Answer {
  const refusal = failoverRefusal(run, request);
  if (refusal !== null) return refuse(refusal, 'look at status: it says what is possible and what is not');
  if (request.type === 'forced') {
    const doubt = forcedRefusal(run, request);
    if (doubt !== undefined) return doubt;
  }
  return take(
    run,
    { kind: 'failover', request },
    `the ${request.type} failover to the ${sideName(request.to)} begins`,
  );
}

export function answerRepair(run: LinkRun, request: RepairRequest): Answer {
  const { protection } = run.state;
  if (protection === null) return refuse('the link does not stand yet', 'wait until it replicates');
  if (protection.splitBrain === null) return refuse('there is no split brain', 'nothing is to be repaired');
  if (protection.request !== null) return refuse('another request is under way', 'wait until it is done');
  return take(run, { kind: 'repair', request }, `the ${sideName(request.survivor)} stays the primary`);
}

export function answerRemoval(run: LinkRun, request: Request): Answer {
  const { protection } = run.state;
  if (protection === null) return refuse('the link does not stand yet', 'abort undoes what was made so far');
  if (protection.request !== null) return refuse('another request is under way', 'wait until it is done');
  const copies =
    protection.primary === 'target'
      ? 'the copy on the SQL Server is left restoring'
      : 'both copies become independent';
  return take(run, { kind: 'remove', request }, `the link is taken down; ${copies}`);
}

function take(run: LinkRun, request: LinkRequest, note: string): Answer {
  const { protection } = run.state;
  if (protection !== null) protection.request = request;
  run.changes += 1;
  run.event('info', `request.${request.kind}`, `${request.kind} requested by ${request.request.by}`);
  return accept(note);
}

function failoverRefusal(run: LinkRun, request: FailoverRequest): string | null {
  const { protection } = run.state;
  if (protection === null) return 'the link does not stand yet';
  if (protection.request !== null) return 'another request is under way';
  if (protection.splitBrain !== null)
    return `two primaries: ${protection.splitBrain.reason}; repair comes first`;
  if (request.to === protection.primary) return `the ${sideName(request.to)} is the primary already`;
  if (run.state.paused) return 'the run is paused';
  if (run.state.route === 'delete-link')
    return 'these versions cannot swap the roles of a link; remove it to cut over';
  return coolDown(run, protection, request);
}

/** Anti-flapping: a second failover soon after the first needs a person who says that it is meant. */
function coolDown(run: LinkRun, protection: Protection, request: FailoverRequest): string | null {
  const last = protection.failovers.filter(({ outcome }) => outcome === 'done').at(-1);
  if (last === undefined || request.acknowledgedBy !== undefined) return null;
  const until = Date.parse(last.endedAt) + run.spec.migration.failover.coolDown;
  if (until <= Date.now()) return null;
  const ago = formatDuration(Math.max(Date.now() - Date.parse(last.endedAt), 1_000));
  return `the last failover was ${ago} ago; until ${new Date(until).toISOString()} another one needs an acknowledgement (--acknowledge-by)`;
}

function forcedRefusal(run: LinkRun, request: FailoverRequest): Answer | undefined {
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
function estimatedLossSeconds(run: LinkRun): number | null {
  const health = run.state.lastLag ?? run.state.health;
  if (health?.lagSeconds == null) return null;
  // secondary_lag_seconds is rounded to whole seconds.
  return Math.ceil(health.lagSeconds + 1 + Math.max(0, Date.now() - Date.parse(health.observedAt)) / 1_000);
}

const probe = (to: LinkSide, type: 'planned' | 'forced'): FailoverRequest => ({ by: 'status', to, type });

export const otherSide = (side: LinkSide): LinkSide => (side === 'source' ? 'target' : 'source');

export const sideName = (side: LinkSide): string => (side === 'source' ? 'SQL Server' : 'instance');

/** What the table of requests asks of what stands, from the state of its run alone. */
import { byWord, unknownWord } from '../../model/by-word';
import type { SiteId } from '../../model/run/site';
import type { StandingActivity, StandingFacts } from '../../model/run/standing';
import { type LagSeen, rpoEstimate } from '../../rules/run/rpo';
import { type Known, toAcknowledge } from './cool-down';
import type { Protection, RunState } from './state';

export function standingFacts(known: Known): StandingFacts {
  const { topology, spec, state } = known;
  const { procedure } = topology;
  const { protection } = state;
  const isSplit = protection?.splitBrain != null;
  return {
    name: spec.settings.name,
    thing: procedure.thing,
    sites: procedure.sites(spec),
    activity: protection === null ? 'establishing' : activityOf(protection),
    primary: protection === null || isSplit ? null : protection.primary,
    paused: state.paused,
    splitBrain: protection?.splitBrain?.reason ?? null,
    deletedExternally: protection?.deletedExternally?.reason ?? null,
    cannotFailOver: topology.cannotFailOver(state),
    preempted: protection?.preemptedBy !== undefined,
    failoverWorkflow: protection?.failoverWorkflow ?? null,
    drill: protection?.drill ?? null,
    forcedTo: protection === null ? null : forcedTo(protection),
    roles: null,
    toAcknowledge: (type, to) =>
      protection === null ? null : toAcknowledge(known, protection, { type, to }),
    loss: lossOf(known),
  };
}

function activityOf({ request, drill, proven, givenUp }: Protection): StandingActivity {
  if (request === null) return drill === undefined ? 'idle' : 'drill-hold';
  switch (request.kind) {
    case 'failover':
      if (proven === true) return 'failover-proven';
      if (givenUp === true) return 'failover-given-up';
      return byWord('type of a failover', request.request.type, {
        planned: 'planned-failover',
        forced: 'forced-failover',
      });
    case 'drill':
      return drill === undefined ? 'drill-failover' : 'drill-failback';
    case 'repair':
      return request.begun === true ? 'repair' : 'request-pending';
    case 'remove':
      return request.begun === true ? 'removal' : 'request-pending';
    case 'change-spec':
      return 'request-pending';
    default:
      return unknownWord('request', request);
  }
}

/**
 * Which site alone can survive a split brain. After a forced failover the documented repair sets the role on the original
 * primary only (troubleshooting page of the link); who forced it by other means is not known here.
 */
export function forcedTo({ failovers }: Protection): SiteId | null {
  const last = failovers.findLast(({ outcome }) => outcome === 'done');
  if (last === undefined) return null;
  return byWord('type of a failover', last.type, { planned: null, forced: last.to, outside: null });
}

export function lastLagOf(state: RunState): LagSeen | null {
  const health = state.lastLag ?? state.health;
  if (health?.lagSeconds == null) return null;
  return { lagSeconds: health.lagSeconds, observedAt: health.observedAt };
}

/** Lag that was seen last plus its age: everything since then may be lost as well. */
function lossOf({ state, now }: Known): StandingFacts['loss'] {
  const { seconds, lagSeconds, observedAt } = rpoEstimate(lastLagOf(state), now);
  if (seconds === null) return null;
  const evidence = `estimate: up to ${seconds} s of committed transactions (lag ${lagSeconds ?? '?'} s, seen at ${observedAt})`;
  return { seconds, evidence };
}

/** What a failover of what stands needs a person's name for, and what is only told. */
import { formatDuration } from '../../model/duration';
import type { RunSpec } from '../../model/run/run-spec';
import type { Acknowledgement } from './failover-record';
import type { FailoverRequest } from './standing-messages';
import type { Protection, RunState } from './state';
import type { WorkflowTopology } from './topology';

type Asked = Pick<FailoverRequest, 'type' | 'to'>;

/** What is known when something is asked. */
export interface Known<Spec extends RunSpec = RunSpec, Own extends object = object> {
  readonly topology: WorkflowTopology<Spec, Own>;
  readonly spec: Spec;
  readonly state: RunState & Own;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
}

/** @returns what a person must acknowledge by name before such a failover begins, one sentence; null when nothing */
export function toAcknowledge(known: Known, protection: Protection, asked: Asked): string | null {
  const flapping = coolDown(known, protection, asked);
  if (flapping !== null) return flapping;
  if (known.spec.settings.failover.firstFullBackup !== 'acknowledge') return null;
  return caveat(known, asked);
}

/** What is told when such a failover begins, since nobody has to acknowledge it; null when there is nothing to tell. */
export const disclosure = (known: Known, asked: Asked): string | null =>
  known.spec.settings.failover.firstFullBackup === 'acknowledge' ? null : caveat(known, asked);

const caveat = ({ topology, state }: Known, { type, to }: Asked): string | null =>
  topology.caveat(state, type, to);

/** @param what the answer of `toAcknowledge` */
export const acknowledgement = (
  { now }: Known,
  what: string | null,
  by: string | undefined,
): { readonly acknowledged?: Acknowledgement } =>
  what === null || by === undefined ? {} : { acknowledged: { by, at: new Date(now).toISOString(), what } };

/** Anti-flapping: a second failover soon after the first. The way back of a drill is no flapping. */
function coolDown({ spec, now }: Known, protection: Protection, { to }: Asked): string | null {
  const last = protection.failovers.findLast(({ outcome }) => outcome === 'done');
  if (last === undefined) return null;
  if (last.drill === 'there' && to !== last.to) return null;
  const until = Date.parse(last.endedAt) + spec.settings.failover.coolDown;
  if (until <= now) return null;
  const ago = formatDuration(Math.max(now - Date.parse(last.endedAt), 1_000));
  return `the last failover was ${ago} ago; until ${new Date(until).toISOString()} another one needs an acknowledgement (--acknowledge-by)`;
}

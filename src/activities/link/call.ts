/** What an activity of a link gets: its ports, its context, and its edge to Temporal. */
import type { ResolvedLink } from '../../model/link/spec';
import type { Clock } from '../../ports/clock';
import type { OpenLinkPorts } from '../../ports/link-ports';
import type { NotifierPort } from '../../ports/notifier';
import type { SecretsPort } from '../../ports/secrets';
import { type ActivityReporter, asActivity } from '../run/activity-boundary';
import type { ApplyContext } from '../run/apply-effect';
import type { Carried } from '../run/carried';
import type { Snapshots } from '../run/snapshots';
import type { SqlServerContext } from '../sql-server/context';
import { atSites, type LinkContext } from './context';
import type { Observing } from './link-facts';

export interface LinkActivityDependencies {
  readonly openPorts: OpenLinkPorts;
  readonly secrets: (spec: ResolvedLink) => Promise<SecretsPort>;
  readonly clock: Clock;
  readonly snapshots: Snapshots;
  readonly notifier: NotifierPort;
}

export interface LinkCall {
  readonly observing: Observing;
  readonly context: LinkContext;
  readonly apply: ApplyContext;
  readonly reporter: ActivityReporter;
}

/** @param carried what an activity that gave up left to this one */
export type CallLink = <T>(
  spec: ResolvedLink,
  work: (call: LinkCall) => Promise<T>,
  carried?: Carried,
) => Promise<T>;

/** Opens the ports of a spec for one activity, and runs it at the edge. */
export function linkCalls(dependencies: LinkActivityDependencies): CallLink {
  const { clock, snapshots } = dependencies;
  return (spec, work, carried) =>
    asActivity(async (reporter) => {
      const ports = await dependencies.openPorts(spec);
      const { signal } = reporter;
      return work({
        reporter,
        observing: { ports, spec, clock, snapshots },
        context: {
          ports,
          spec,
          clock,
          signal,
          secret: async (reference) => (await dependencies.secrets(spec)).read(reference),
        },
        apply: { ports, clock, signal, reporter, pollMs: Math.min(spec.settings.polling.active, 1_000) },
      });
    }, carried);
}

/** The same for what knows sites alone. */
export const callSites = (dependencies: LinkActivityDependencies) => {
  const call = linkCalls(dependencies);
  return <T>(spec: ResolvedLink, work: (context: SqlServerContext) => Promise<T>): Promise<T> =>
    call(spec, ({ context }) => work(atSites(context)));
};

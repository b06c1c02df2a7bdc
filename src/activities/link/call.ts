/** What an activity of a link gets. */
import type { ResolvedLink } from '../../model/link/spec';
import type { LinkPorts } from '../../ports/link-ports';
import { callsOf, type LookCall, type Opening, type Shared } from '../run/call';
import type { SqlServerContext } from '../sql-server/context';
import { atSites } from './context';
import type { Observing } from './link-facts';

export type LinkActivityDependencies = Opening<ResolvedLink, LinkPorts> & Shared;

/** What looks at a link use. */
export const observingOf = ({
  context: { ports, spec, clock },
  snapshots,
}: LookCall<ResolvedLink, LinkPorts>): Observing => ({
  ports,
  spec,
  clock,
  snapshots,
});

/** The same for what knows sites alone. */
export const callSites = (dependencies: LinkActivityDependencies) => {
  const call = callsOf(dependencies);
  return <T>(spec: ResolvedLink, work: (context: SqlServerContext) => Promise<T>): Promise<T> =>
    call(spec, ({ context }) => work(atSites(context)));
};

import { onServer } from '../../model/link/replicas';
import { bySite, type LinkSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import { sqlServerSites } from '../../model/link/sql-server-sites';
import type { SqlServerSpec } from '../../model/sql-server/spec';
import type { Query } from '../../model/statement';
import type { LinkPorts } from '../../ports/link-ports';
import { requireMember } from '../../ports/sql-server-ports';
import { mirroringUrl } from '../../tsql/link/availability-groups';
import { type AnyStep, defineStep, type Step, type StepContext } from '../run/step';
import type { WatchRequest } from '../run/topology';
import type { SqlServerStep } from '../sql-server/context';
import type { TrustContext, TrustStep } from '../sql-server/steps/endpoint-context';
import type { LinkKnown } from './api';

export type LinkContext = StepContext<LinkPorts, ResolvedLink>;
export type LinkStep = AnyStep<LinkPorts, ResolvedLink>;
export type LinkWatchRequest = WatchRequest<LinkKnown>;

export const defineLinkStep = <Facts>(step: Step<LinkPorts, ResolvedLink, Facts>): LinkStep =>
  defineStep(step);

/** One read on the SQL Server, with the activity's cancellation. */
export const queryServer = <Row>(context: LinkContext, query: Query<Row>): Promise<readonly Row[]> =>
  context.ports.server.query(query, { signal: context.signal });

/** One read on the side that is named. */
export const readOn = <Row>(context: LinkContext, on: LinkSite, query: Query<Row>): Promise<readonly Row[]> =>
  bySite(on, context.ports).query(query, { signal: context.signal });

/** The same context, for what knows sites alone. */
export const atSites = <Context extends Omit<LinkContext, 'secret'>>(
  context: Context,
): Omit<Context, 'spec'> & { readonly spec: SqlServerSpec } => ({
  ...context,
  spec: { ...context.spec, sites: sqlServerSites(context.spec) },
});

/** A step of any SQL Server, as one of a link. */
export const ofSqlServer = (step: SqlServerStep): LinkStep => within(step, atSites);

/** A step that sets trust up, as one of a link. */
export const ofTrust = (step: TrustStep): LinkStep => within(step, withReplicas);

/** Also seen from one replica alone, where the spec holds the other ones no more. */
const withReplicas = (context: LinkContext): TrustContext => ({
  ...context,
  spec: { ...context.spec, servesReplicas: context.spec.settings.link.replicas !== undefined },
});

/** @param of the context of a link, as that of the step */
const within = <Ports, Spec>(
  step: AnyStep<Ports, Spec>,
  of: (context: LinkContext) => StepContext<Ports, Spec>,
): LinkStep => ({
  ...step,
  look: (context) => step.look(of(context)),
  undoTo: (before, context, found) => step.undoTo(before, of(context), found),
  plan: (context, before) => step.plan(of(context), before),
});

/**
 * The context of a step that is about one replica of an availability group: its server is the SQL Server there, and what
 * is done there is done to it alone.
 * @param replica name in the inventory
 */
export function contextOn(context: LinkContext, replica: string): LinkContext {
  const { ports, spec } = context;
  const server = requireMember(ports.group, replica);
  return {
    ...context,
    ports: { ...ports, server, sites: { ...ports.sites, server } },
    spec: onServer(spec, replica),
  };
}

/** `TCP://host:port` of the SQL Server's own mirroring endpoint. */
export const ownEndpointUrl = ({ server }: ResolvedLink): string =>
  mirroringUrl(server.endpoint.address, server.endpoint.port);

/**
 * `TCP://host:port` at which the instance reaches the group: the listener's address where there is one, with the port
 * of the mirroring endpoint (link-with-scripts, "link to an availability group that already exists").
 */
export function serverEndpointUrl(spec: ResolvedLink): string {
  const { listener } = spec.settings.link;
  if (listener === undefined) return ownEndpointUrl(spec);
  return mirroringUrl(listener.address, listener.port ?? spec.server.endpoint.port);
}

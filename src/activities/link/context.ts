import { onServer } from '../../model/link/replicas';
import type { ResolvedLinkMigration } from '../../model/link/spec';
import { bySide } from '../../model/side';
import type { Query, Side } from '../../model/statement';
import type { LinkPorts } from '../../ports/link-ports';
import { mirroringUrl } from '../../tsql/link/availability-groups';
import { requireMember } from '../steps/apply-effect';
import { type AnyStep, defineStep, type Step, type StepContext } from '../steps/step';

export type LinkContext = StepContext<LinkPorts, ResolvedLinkMigration>;
export type LinkStep = AnyStep<LinkPorts, ResolvedLinkMigration>;

export const defineLinkStep = <Facts>(step: Step<LinkPorts, ResolvedLinkMigration, Facts>): LinkStep =>
  defineStep(step);

/** One read on the source, with the activity's cancellation. */
export const readSource = <Row>(context: LinkContext, query: Query<Row>): Promise<readonly Row[]> =>
  context.ports.source.query(query, { signal: context.signal });

/** One read on the managed instance. */
export const readTarget = <Row>(context: LinkContext, query: Query<Row>): Promise<readonly Row[]> =>
  context.ports.target.query(query, { signal: context.signal });

/** One read on the side that is named. */
export const readOn = <Row>(context: LinkContext, on: Side, query: Query<Row>): Promise<readonly Row[]> =>
  bySide(on, { source: readSource<Row>, target: readTarget<Row> })(context, query);

/**
 * The context of a step that is about one replica of an availability group: its server is the source there, and what
 * is done there is done to it alone.
 * @param server name in the inventory; undefined gives the context back as it is
 */
export function contextOn<Context extends Omit<LinkContext, 'secret'>>(
  context: Context,
  server: string | undefined,
): Context {
  if (server === undefined) return context;
  const { ports, spec } = context;
  const source = requireMember(ports.group, server);
  return { ...context, ports: { ...ports, source }, spec: onServer(spec, server) };
}

/** `TCP://host:port` of the source's own mirroring endpoint. */
export const ownEndpointUrl = ({ source }: ResolvedLinkMigration): string =>
  mirroringUrl(source.endpoint.address, source.endpoint.port);

/**
 * `TCP://host:port` at which the instance reaches the group: the listener's address where there is one, with the port
 * of the mirroring endpoint (link-with-scripts, "link to an availability group that already exists").
 */
export function sourceEndpointUrl(spec: ResolvedLinkMigration): string {
  const { listener } = spec.migration.link;
  if (listener === undefined) return ownEndpointUrl(spec);
  return mirroringUrl(listener.address, listener.port ?? spec.source.endpoint.port);
}

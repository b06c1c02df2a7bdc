import type { ResolvedLinkMigration } from '../../model/link/spec';
import type { Query, Side } from '../../model/statement';
import type { LinkPorts } from '../../ports/link-ports';
import { mirroringUrl } from '../../tsql/link/availability-groups';
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
  on === 'source' ? readSource(context, query) : readTarget(context, query);

/** `TCP://host:port` of the source's mirroring endpoint, as the instance reaches it. */
export const sourceEndpointUrl = ({ source }: ResolvedLinkMigration): string =>
  mirroringUrl(source.endpoint.address, source.endpoint.port);

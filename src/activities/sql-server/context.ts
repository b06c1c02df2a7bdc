import type { SiteId } from '../../model/run/site';
import type { SqlServerSpec } from '../../model/sql-server/spec';
import type { Query } from '../../model/statement';
import { requireSite, type SqlServerPorts } from '../../ports/sql-server-ports';
import { type AnyStep, defineStep, type Step, type StepContext } from '../run/step';

/** What steps of any SQL Server use; the contexts of all topologies that have one fit. */
export type SqlServerContext = StepContext<SqlServerPorts, SqlServerSpec>;
export type SqlServerStep = AnyStep<SqlServerPorts, SqlServerSpec>;

export const defineSqlServerStep = <Facts>(step: Step<SqlServerPorts, SqlServerSpec, Facts>): SqlServerStep =>
  defineStep(step);

/** One read at the site that is named, with the activity's cancellation. */
export const readAt = <Row>(
  { ports, signal }: Pick<SqlServerContext, 'ports' | 'signal'>,
  site: SiteId,
  query: Query<Row>,
): Promise<readonly Row[]> => requireSite(ports, site).query(query, { signal });

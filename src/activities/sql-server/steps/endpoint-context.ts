/** What the steps around one endpoint and its certificates use. Its partner is a managed instance, whose trust Azure keeps. */
import type { Query } from '../../../model/statement';
import type { ManagedInstancePort } from '../../../ports/managed-instance';
import type { SqlServerPort } from '../../../ports/sql-server';
import type { SqlServerPorts } from '../../../ports/sql-server-ports';
import { type AnyStep, defineStep, type Step, type StepContext } from '../../run/step';
import type { CertificateSpec, EndpointSpec, TrustSpec } from '../certificate-spec';

export interface EndpointPorts extends SqlServerPorts {
  /** The SQL Server that has the endpoint. */
  readonly server: SqlServerPort;
  readonly azure: ManagedInstancePort;
}

export type EndpointContext = StepContext<EndpointPorts, EndpointSpec>;
/** The same where trust is set up. */
export type TrustContext = StepContext<EndpointPorts, TrustSpec>;
/** The same around the certificates of a run. */
export type CertificateContext = StepContext<EndpointPorts, CertificateSpec>;
export type EndpointStep = AnyStep<EndpointPorts, EndpointSpec>;
export type TrustStep = AnyStep<EndpointPorts, TrustSpec>;

export const defineEndpointStep = <Facts>(step: Step<EndpointPorts, EndpointSpec, Facts>): EndpointStep =>
  defineStep(step);

export const defineTrustStep = <Facts>(step: Step<EndpointPorts, TrustSpec, Facts>): TrustStep =>
  defineStep(step);

/** One read on the SQL Server, with the activity's cancellation. */
export const queryServer = <Row>(
  { ports, signal }: Pick<EndpointContext, 'ports' | 'signal'>,
  query: Query<Row>,
): Promise<readonly Row[]> => ports.server.query(query, { signal });

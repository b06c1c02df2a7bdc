/** What the steps around one endpoint and its certificates use. Its partner is a managed instance, whose trust Azure keeps. */
import type { SqlServer } from '../../../model/inventory';
import type { Query } from '../../../model/statement';
import type { ManagedInstancePort } from '../../../ports/managed-instance';
import type { SqlServerPort } from '../../../ports/sql-server';
import type { SqlServerPorts } from '../../../ports/sql-server-ports';
import { type AnyStep, defineStep, type Step, type StepContext } from '../../run/step';

interface EndpointPorts extends SqlServerPorts {
  /** The SQL Server that has the endpoint. */
  readonly server: SqlServerPort;
  readonly azure: ManagedInstancePort;
}

interface EndpointSpec {
  readonly settings: {
    /** Name of the managed instance in the inventory. */
    readonly instance: string;
    readonly certificate: { readonly name?: string | undefined; readonly validFor: number };
    readonly link: { readonly replicas?: readonly string[] | undefined };
  };
  readonly server: SqlServer;
}

export type EndpointContext = StepContext<EndpointPorts, EndpointSpec>;
export type EndpointStep = AnyStep<EndpointPorts, EndpointSpec>;

export const defineEndpointStep = <Facts>(step: Step<EndpointPorts, EndpointSpec, Facts>): EndpointStep =>
  defineStep(step);

/** One read on the SQL Server, with the activity's cancellation. */
export const queryServer = <Row>(
  { ports, signal }: Pick<EndpointContext, 'ports' | 'signal'>,
  query: Query<Row>,
): Promise<readonly Row[]> => ports.server.query(query, { signal });

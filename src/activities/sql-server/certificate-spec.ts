import type { SqlServer } from '../../model/inventory';
import type { RunSpec } from '../../model/run/run-spec';

/** What is read of a spec around an endpoint and its certificates. */
export interface EndpointSpec {
  readonly settings: {
    /** Name of the SQL Server in the inventory. */
    readonly server: string;
    /** Name of the managed instance in the inventory. */
    readonly instance: string;
    readonly certificate: { readonly name?: string | undefined; readonly validFor: number };
    readonly link: { readonly replicas?: readonly string[] | undefined };
  };
  readonly server: SqlServer;
}

/** The same of a run. */
export type CertificateSpec = RunSpec & EndpointSpec;

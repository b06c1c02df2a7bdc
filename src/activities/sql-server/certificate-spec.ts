import type { SqlServer } from '../../model/inventory';
import type { RunSpec } from '../../model/run/run-spec';

/** What is read of a spec around an endpoint and its certificates. */
export interface EndpointSpec {
  readonly settings: {
    /** Names in the inventory: of the SQL Server that has the endpoint, and of the managed instance. */
    readonly server: string;
    readonly instance: string;
    readonly certificate: { readonly name?: string | undefined; readonly validFor: number };
  };
  readonly server: SqlServer;
}

/** The same where trust is set up. */
export interface TrustSpec extends EndpointSpec {
  /** The endpoint serves other replicas of an availability group, too: they know its certificate. */
  readonly servesReplicas: boolean;
}

/** What is read around the certificates of a run. */
export type CertificateSpec = RunSpec &
  EndpointSpec & {
    readonly settings: {
      readonly cutover: { readonly fence: { readonly disableLogins: readonly string[] } };
    };
  };

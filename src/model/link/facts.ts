import type { GroupFacts } from '../sql-server/group-facts';
import type {
  AvailabilityGroupFacts,
  CertificateFacts,
  DatabaseFacts,
  EndpointFacts,
  ManagedInstanceFacts,
  ServerFacts,
  TrustCertificateFacts,
} from '../sql-server/observation';

/** All that preflight reads, before anything is changed. */
export interface LinkPreflightFacts {
  readonly server: ServerFacts;
  /** On the side that leads first. Null when it has no such database, or cannot be asked. */
  readonly database: DatabaseFacts | null;
  /** Only where the instance leads first: a database of this name on the SQL Server, where the copy is to come. */
  readonly databaseOnServer?: DatabaseFacts | null;
  readonly certificates: readonly CertificateFacts[];
  readonly endpoints: readonly EndpointFacts[];
  readonly availabilityGroups: readonly AvailabilityGroupFacts[];
  /** Logins named in cutover.fence.disableLogins that do not exist on the side that leads first. */
  readonly missingFenceLogins: readonly string[];
  readonly instance: ManagedInstanceFacts;
  /** The managed instance over TDS; null while it takes no connections because Azure says that it is not ready. */
  readonly instanceServer: ServerFacts | null;
  readonly trustCertificates: readonly TrustCertificateFacts[];
  /** The availability group that exists, its listeners and replicas; absent in facts of older versions. */
  readonly group?: GroupFacts;
}

/** How a database leaves its SQL Server for good, decided by version and update policy. */
export type CutoverRoute =
  /** T-SQL FAILOVER on the SQL Server; the link is kept and reversed. SQL Server 2022 CU13 and later. */
  | 'planned-failover'
  /** Stop, equal LSNs, delete the link: the copies become independent. SQL Server 2016 to 2019, older 2022 builds. */
  | 'delete-link';

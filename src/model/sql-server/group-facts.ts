/** What preflight reads of an availability group that exists, and of its replicas. */
import type { EndpointFacts } from './observation';

export interface GroupListenerFacts {
  readonly group: string;
  readonly dnsName: string;
  /** IP addresses. */
  readonly addresses: readonly string[];
}

/** One SQL Server that the migration names as a replica. */
export interface GroupMemberFacts {
  /** Name in the inventory. */
  readonly name: string;
  /** Null when the server did not answer; `problem` says why. */
  readonly server: {
    readonly serverName: string;
    readonly productVersion: string;
    readonly isSysadmin: boolean;
    readonly hasMasterKey: boolean;
    readonly canTrustCertificateIssuers: boolean;
    /** See `GroupFacts.multiDatabase`. */
    readonly multiDatabase: boolean | null;
    readonly endpoint: EndpointFacts | null;
    /** Role in the group of the migration; null when it is no replica of it. */
    readonly roleDesc: string | null;
    /** Newest full backup that this server took of the database, ISO 8601 UTC; null when it took none. */
    readonly lastFullBackupAt: string | null;
  } | null;
  readonly problem: string | null;
}

export interface GroupFacts {
  /** Mode of distributed groups of the server: several databases in one; null where its build knows only those of one. */
  readonly multiDatabase: boolean | null;
  readonly listeners: readonly GroupListenerFacts[];
  /** All replicas that the migration names, `server` first; empty where it names none. */
  readonly members: readonly GroupMemberFacts[];
  /** The distributed group of the migration's name is one of several databases. */
  readonly isMultiDatabase: boolean;
}

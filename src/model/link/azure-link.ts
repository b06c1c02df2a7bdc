import type { Lsn } from '../sql-server/lsn';
import type { ObservedAt } from '../sql-server/observation';

/** A link as Azure reports it. */
export interface AzureLinkFacts {
  readonly observedAt: ObservedAt;
  readonly name: string;
  readonly instanceLinkRole: string | null;
  readonly partnerLinkRole: string | null;
  readonly partnerAvailabilityGroupName: string | null;
  readonly instanceAvailabilityGroupName: string | null;
  readonly partnerEndpoint: string | null;
  readonly replicationMode: string | null;
  /** A link of several databases (linkMode MultiDatabase); absent where it has one. */
  readonly isMultiDatabase?: true;
  readonly database: {
    readonly name: string;
    readonly replicaState: string | null;
    readonly synchronizationHealth: string | null;
    readonly connectedState: string | null;
    readonly seedingProgress: string | null;
    readonly mostRecentLinkError: string | null;
    readonly lastHardenedLsn: Lsn | null;
  } | null;
}

/** Requests that change something in Azure. Each has a reading counterpart on the port. */
export type ArmRequest =
  | {
      readonly operation: 'put-server-trust-certificate';
      readonly certificateName: string;
      /** Public key, hexadecimal without 0x. */
      readonly publicBlob: string;
    }
  | { readonly operation: 'delete-server-trust-certificate'; readonly certificateName: string }
  | { readonly operation: 'put-link'; readonly linkName: string; readonly link: LinkRequestBody }
  | { readonly operation: 'delete-link'; readonly linkName: string }
  /** Planned only while the instance is the primary; forced only while it is the secondary. */
  | {
      readonly operation: 'fail-over-link';
      readonly linkName: string;
      readonly failoverType: 'Planned' | 'ForcedAllowDataLoss';
    }
  /** Demotes an instance that was the primary before a forced failover. */
  | { readonly operation: 'demote-instance'; readonly linkName: string }
  /** Only for undoing a run that made the copy itself. */
  | { readonly operation: 'delete-database'; readonly database: string };

/** Body of PUT distributedAvailabilityGroups (model of api-version 2023-08-01). */
export interface LinkRequestBody {
  readonly database: string;
  readonly partnerAvailabilityGroupName: string;
  readonly instanceAvailabilityGroupName: string;
  /** For example `TCP://10.0.1.8:5022`. */
  readonly partnerEndpoint: string;
  readonly instanceLinkRole: 'Primary' | 'Secondary';
  readonly failoverMode: 'None' | 'Manual';
}

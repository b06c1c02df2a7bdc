import type { CatalogueEntry, Reaction } from '../../model/failure';

/** Tables of errors that Microsoft publishes; the reactions are ours. */
export const SOURCE = {
  errors: 'learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors',
  azureErrors: 'learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues',
  logFull:
    'learn.microsoft.com/sql/relational-databases/logs/troubleshoot-a-full-transaction-log-sql-server-error-9002',
  join: 'learn.microsoft.com/sql/relational-databases/errors-events/mssqlserver-35250-database-engine-error',
  links: 'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-troubleshoot-how-to',
  linkScripts:
    'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-configure-how-to-scripts',
  linkFailover: 'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-failover-how-to',
  linkRest: 'Azure REST: distributedAvailabilityGroups, list of errors',
  certificateRest: 'Azure REST: serverTrustCertificates, list of errors',
  arm: 'learn.microsoft.com/azure/azure-resource-manager/management',
  inferred: 'inferred',
} as const;

type Matches = readonly (number | string)[];

const make =
  (reaction: Reaction) =>
  (
    code: string,
    matches: Matches,
    meaning: string,
    remedy: string,
    source: string = SOURCE.errors,
  ): CatalogueEntry => ({
    code,
    matches,
    meaning,
    reaction,
    remedy,
    source,
  });

export const retry = make('retry');
export const done = make('already-done');
export const person = make('needs-person');
export const info = make('informational');

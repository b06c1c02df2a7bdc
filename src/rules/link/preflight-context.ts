import type { LinkPreflightFacts } from '../../model/link/facts';
import type { ResolvedLink } from '../../model/link/spec';
import type { AvailabilityGroupFacts, DatabaseFacts } from '../../model/sql-server/observation';
import { includesName, sameName } from '../names';
import type { PreflightCheck } from '../preflight';
import { type Finding, notApplicable } from '../preflight';
import { type LinkCapabilities, linkCapabilities } from './capability';

/** All that a preflight check of a link may look at. */
export interface LinkPreflightContext {
  readonly facts: LinkPreflightFacts;
  readonly spec: ResolvedLink;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
  readonly capabilities: LinkCapabilities;
}

export type LinkCheck = PreflightCheck<LinkPreflightContext>;

export const linkPreflightContext = (
  facts: LinkPreflightFacts,
  spec: ResolvedLink,
  now: number,
): LinkPreflightContext => ({
  facts,
  spec,
  now,
  capabilities: linkCapabilities(facts.server, facts.instance),
});

/** Pages that the checks cite. */
const PAGES = 'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link';
export const DOC = {
  overview: `${PAGES}-feature-overview`,
  preparation: `${PAGES}-preparation`,
  extend: `${PAGES}-extend-availability-group`,
  scripts: `${PAGES}-configure-how-to-scripts`,
  failover: `${PAGES}-failover-how-to`,
  troubleshoot: `${PAGES}-troubleshoot-how-to`,
  bestPractices: `${PAGES}-best-practices`,
  policy: 'learn.microsoft.com/azure/azure-sql/managed-instance/update-policy',
  differences:
    'learn.microsoft.com/azure/azure-sql/managed-instance/transact-sql-tsql-differences-sql-server',
  tde: 'learn.microsoft.com/azure/azure-sql/managed-instance/tde-certificate-migrate',
  errors: 'learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors',
} as const;

/** A check of the database; not applicable while there is no database to look at. */
export function ofDatabase(
  look: (database: DatabaseFacts, context: LinkPreflightContext) => Finding,
): (context: LinkPreflightContext) => Finding {
  return (context) => {
    const { database } = context.facts;
    return database === null ? notApplicable('There is no such database.') : look(database, context);
  };
}

/** The groups of this very link, left by an earlier run: they are used again, not refused (promise 1). */
export function ownGroup({ facts, spec }: LinkPreflightContext): AvailabilityGroupFacts | undefined {
  return facts.availabilityGroups.find(
    (group) =>
      !group.isDistributed &&
      sameName(group.name, spec.names.availabilityGroup) &&
      group.databases.length === 1 &&
      includesName(group.databases, spec.settings.database),
  );
}

export function ownDistributedGroup({
  facts,
  spec,
}: LinkPreflightContext): AvailabilityGroupFacts | undefined {
  const members = [spec.names.availabilityGroup, spec.names.instanceAvailabilityGroup];
  return facts.availabilityGroups.find(
    (group) =>
      group.isDistributed &&
      sameName(group.name, spec.names.distributedGroup) &&
      members.every((member) =>
        includesName(
          group.replicas.map(({ name }) => name),
          member,
        ),
      ),
  );
}

/** The link that an earlier run of this migration made in Azure. */
export const hasOwnLink = (context: LinkPreflightContext): boolean =>
  includesName(context.facts.instance.distributedGroupNames, context.spec.names.distributedGroup) &&
  ownDistributedGroup(context) !== undefined;

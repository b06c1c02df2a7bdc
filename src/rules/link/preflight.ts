import type { LinkPreflightFacts } from '../../model/link/facts';
import type { ResolvedLink } from '../../model/link/spec';
import type { PreflightReport } from '../../model/run/check';
import { checkTable, runChecks } from '../preflight';
import { type LinkCheck, linkPreflightContext } from './preflight-context';
import { CUTOVER_CHECKS } from './preflight-cutover';
import { DATABASE_CHECKS } from './preflight-database';
import { GROUP_CHECKS, INSTANCE_CHECKS } from './preflight-instance';
import { forItsDirection, INSTANCE_FIRST_CHECKS } from './preflight-instance-first';
import { REPLICA_CHECKS } from './preflight-replicas';
import { SERVER_CHECKS } from './preflight-server';
import { TRUST_CHECKS } from './preflight-trust';

export interface LinkCheckGroup {
  readonly title: string;
  readonly checks: readonly LinkCheck[];
}

export const LINK_CHECK_GROUPS: readonly LinkCheckGroup[] = [
  { title: 'SQL Server', checks: SERVER_CHECKS },
  { title: 'Endpoint and certificates', checks: TRUST_CHECKS },
  { title: 'Database', checks: DATABASE_CHECKS },
  { title: 'Availability groups and link', checks: GROUP_CHECKS },
  { title: 'Availability group that exists', checks: REPLICA_CHECKS },
  { title: 'Managed instance', checks: INSTANCE_CHECKS },
  { title: 'Seeding and cutover', checks: CUTOVER_CHECKS },
  { title: 'The instance leads first', checks: INSTANCE_FIRST_CHECKS },
];

/** Every documented condition of a link that can be read before anything is changed. */
export const LINK_CHECKS: readonly LinkCheck[] = LINK_CHECK_GROUPS.flatMap(({ checks }) => checks).map(
  forItsDirection,
);

/**
 * Judges all that was read. Nothing may be changed while the report has blockers.
 * @param now milliseconds since 1970-01-01 UTC, by the clock that stamped the facts
 */
export function runLinkPreflight(
  facts: LinkPreflightFacts,
  spec: ResolvedLink,
  now: number,
): PreflightReport {
  return runChecks(LINK_CHECKS, linkPreflightContext(facts, spec, now), oldestObservation(facts));
}

/** ISO 8601 UTC texts of one form sort as the times do. */
function oldestObservation({ server, database, instance, instanceServer }: LinkPreflightFacts): string {
  const facts = [server, instance, instanceServer, database].filter((read) => read !== null);
  return facts.map(({ observedAt }) => observedAt).reduce((oldest, time) => (time < oldest ? time : oldest));
}

/** @returns docs/link-preflight.md, which a test holds up to date */
export function linkPreflightPage(): string {
  const sections = LINK_CHECK_GROUPS.map(({ title, checks }) => `## ${title}\n\n${checkTable(checks)}\n`);
  return `${HEAD}\n${sections.join('\n')}`;
}

const HEAD = `# Preflight of a link

Before a migration changes anything it reads both ends and asks every documented condition that can be read from
afar. \`sqlferry preflight\` prints the answers with their evidence; a run begins with the same checks.

A **blocker** that failed, or that could not be answered, stops the run before anything is changed. A **warning**
is shown and does not stop it. **Info** says what may be improved. The ids are stable: they stand in reports and in
the audit trail. Objects that an earlier run of the same migration left behind are recognised and used again.

What cannot be read from afar is not asked: firewalls between the sites, rights in Azure, space on the backup disk.

This page is made from the table in \`src/rules/link/preflight.ts\`; make it again with
\`UPDATE_DOCS=1 jest test/rules/link/preflight-page\`.
`;

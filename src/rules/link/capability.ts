import { byWord } from '../../model/by-word';
import type { CutoverRoute } from '../../model/link/facts';
import type { ManagedInstanceFacts, ServerFacts } from '../../model/sql-server/observation';
import {
  cumulativeUpdate,
  isAtLeastBuild,
  parseBuild,
  releaseYear,
  type SqlServerYear,
} from '../sql-server/version';

/** What can be done with a link, depending on versions, builds, editions and the instance's update policy. */
export type LinkOperation =
  | 'link-to-instance'
  | 'planned-failover'
  | 'failback'
  | 'forced-failover'
  | 'link-from-instance'
  | 'cutover-by-delete'
  | 'validate-certificate-chain'
  | 'cluster-type-clause'
  | 'multi-database-link';

export type OperationRoute = 'tsql-on-server' | 'tsql-on-instance' | 'azure' | 'tsql-and-azure';

/** Earliest build, per release, that knows an operation; a release that is not listed never does. */
type Builds = Readonly<Partial<Record<SqlServerYear, string>>>;

export interface CapabilityRow {
  readonly operation: LinkOperation;
  readonly builds: Builds;
  readonly policy: 'any' | 'not-older' | 'matching';
  /** Numbers of the cumulative updates, where docs name no build. */
  readonly updates?: Readonly<Partial<Record<SqlServerYear, number>>>;
  readonly enterpriseOnly: boolean;
  readonly route: OperationRoute;
  /** What cannot be taken back afterwards; null when all of it can. */
  readonly cannotUndo: string | null;
  readonly source: string;
}

const OVERVIEW =
  'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-feature-overview';
const FAILOVER = 'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-failover-how-to';
const POLICY = 'learn.microsoft.com/azure/azure-sql/managed-instance/update-policy';
const CU5 = 'learn.microsoft.com/troubleshoot/sql/releases/sqlserver-2022/cumulativeupdate5';
const EXTEND =
  'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-extend-availability-group';

/** 2016: SP3 with the Azure Connect pack; 2017: CU31 with the Azure Connect pack; 2019: CU20. */
const LINK_BUILDS: Builds = {
  2016: '13.0.7000.253',
  2017: '14.0.3490.10',
  2019: '15.0.4312.2',
  2022: '16.0.1000.6',
  2025: '17.0.1000.7',
};

/** SQL Server 2022 CU13 (KB5036432) brought failover of a link by T-SQL. */
const FAILOVER_BUILDS: Builds = { 2022: '16.0.4125.3', 2025: '17.0.1000.7' };

/** The capability matrix. Builds, policies and what is final, each with the page that says so. */
export const LINK_CAPABILITY_TABLE: readonly CapabilityRow[] = [
  {
    operation: 'link-to-instance',
    builds: LINK_BUILDS,
    policy: 'not-older',
    enterpriseOnly: false,
    route: 'tsql-and-azure',
    cannotUndo: null,
    source: OVERVIEW,
  },
  {
    operation: 'planned-failover',
    builds: FAILOVER_BUILDS,
    policy: 'matching',
    enterpriseOnly: false,
    route: 'tsql-on-server',
    cannotUndo: 'Only a failback, with the data written since, brings the database home.',
    source: FAILOVER,
  },
  {
    operation: 'failback',
    builds: FAILOVER_BUILDS,
    policy: 'matching',
    enterpriseOnly: false,
    route: 'tsql-on-instance',
    cannotUndo: null,
    source: `${FAILOVER}; ${POLICY}`,
  },
  {
    // Error 41985: not supported on one-way links, where deleting the link is the supported cutover.
    operation: 'forced-failover',
    builds: FAILOVER_BUILDS,
    policy: 'matching',
    enterpriseOnly: false,
    route: 'azure',
    cannotUndo: 'Transactions that had not reached the secondary are lost, and both sides may be primary.',
    source: `${FAILOVER}; error 41985`,
  },
  {
    operation: 'link-from-instance',
    builds: { 2022: '16.0.4095.4', 2025: '17.0.1000.7' },
    policy: 'matching',
    enterpriseOnly: false,
    route: 'tsql-and-azure',
    cannotUndo: null,
    source: `${OVERVIEW}; ${POLICY}`,
  },
  {
    operation: 'cutover-by-delete',
    builds: LINK_BUILDS,
    policy: 'not-older',
    enterpriseOnly: false,
    route: 'azure',
    cannotUndo: 'Both databases become independent; the link cannot carry changes back to SQL Server.',
    source: FAILOVER,
  },
  {
    operation: 'validate-certificate-chain',
    builds: { 2022: '16.0.4045.3', 2025: '17.0.1000.7' },
    policy: 'any',
    enterpriseOnly: false,
    route: 'tsql-on-server',
    cannotUndo: null,
    source: CU5,
  },
  {
    operation: 'cluster-type-clause',
    builds: { 2017: '14.0.1000.169', 2019: '15.0.2000.5', 2022: '16.0.1000.6', 2025: '17.0.1000.7' },
    policy: 'any',
    enterpriseOnly: false,
    route: 'tsql-on-server',
    cannotUndo: null,
    source: `${OVERVIEW}; sys.availability_groups (cluster_type from 2017)`,
  },
  {
    operation: 'multi-database-link',
    builds: { 2022: '16.0.1000.6', 2025: '17.0.1000.7' },
    updates: { 2022: 27, 2025: 9 },
    policy: 'not-older',
    enterpriseOnly: true,
    route: 'tsql-and-azure',
    cannotUndo: null,
    source: `${EXTEND} (preview)`,
  },
];

export interface LinkCapability {
  readonly operation: LinkOperation;
  readonly available: 'yes' | 'no' | 'unknown';
  /** Stable id of the rule that decided, for example `capability.build`. */
  readonly ruleId: string;
  readonly reason: string;
  readonly route: OperationRoute;
  readonly cannotUndo: string | null;
  readonly source: string;
}

export interface LinkCapabilities {
  readonly year: SqlServerYear | undefined;
  readonly operations: Readonly<Record<LinkOperation, LinkCapability>>;
  readonly cutoverRoute: CutoverRoute;
}

type Verdict = Pick<LinkCapability, 'available' | 'ruleId' | 'reason'>;

/** @returns for every operation whether it exists between this server and this instance, and why */
export function linkCapabilities(server: ServerFacts, instance: ManagedInstanceFacts): LinkCapabilities {
  const judge = (operation: LinkOperation): LinkCapability => {
    const row = rowOf(operation);
    const { route, cannotUndo, source } = row;
    return { operation, route, cannotUndo, source, ...verdict(row, server, instance) };
  };
  const operations: Record<LinkOperation, LinkCapability> = {
    'link-to-instance': judge('link-to-instance'),
    'planned-failover': judge('planned-failover'),
    failback: judge('failback'),
    'forced-failover': judge('forced-failover'),
    'link-from-instance': judge('link-from-instance'),
    'cutover-by-delete': judge('cutover-by-delete'),
    'validate-certificate-chain': judge('validate-certificate-chain'),
    'cluster-type-clause': judge('cluster-type-clause'),
    'multi-database-link': judge('multi-database-link'),
  };
  const build = parseBuild(server.productVersion);
  return {
    year: build === undefined ? undefined : releaseYear(build),
    operations,
    // Deleting the link works with every version and policy, so it is the way when anything is unknown.
    cutoverRoute: operations['planned-failover'].available === 'yes' ? 'planned-failover' : 'delete-link',
  };
}

/** @returns how the database leaves its SQL Server for good */
export function cutoverRoute(server: ServerFacts, instance: ManagedInstanceFacts): CutoverRoute {
  return linkCapabilities(server, instance).cutoverRoute;
}

/** Documented minimum build for the link, per release. */
export const minimumLinkBuild = (year: SqlServerYear): string | undefined => LINK_BUILDS[year];

function rowOf(operation: LinkOperation): CapabilityRow {
  const row = LINK_CAPABILITY_TABLE.find((candidate) => candidate.operation === operation);
  if (row === undefined) throw new Error(`The capability table has no row for ${operation}`);
  return row;
}

function verdict(row: CapabilityRow, server: ServerFacts, instance: ManagedInstanceFacts): Verdict {
  return (
    buildVerdict(row, server) ??
    editionVerdict(row, server) ??
    policyVerdict(row, server, instance) ?? {
      available: 'yes',
      ruleId: 'capability.available',
      reason: `${server.productVersion}, ${server.edition}, update policy ${instance.databaseFormat ?? 'not reported'} allow it.`,
    }
  );
}

function buildVerdict(row: CapabilityRow, server: ServerFacts): Verdict | undefined {
  const build = parseBuild(server.productVersion);
  if (build === undefined) {
    return unknown('capability.build', `The version "${server.productVersion}" is not understood.`);
  }
  const year = releaseYear(build);
  if (year === undefined) {
    const known = build.major < 13;
    const reason = `SQL Server ${server.productVersion} is ${known ? 'older' : 'newer'} than the releases known here (2016 to 2025).`;
    return known ? no('capability.release', reason) : unknown('capability.release', reason);
  }
  const minimum = row.builds[year];
  if (minimum === undefined) return no('capability.release', `SQL Server ${year} does not have it.`);
  if (isAtLeastBuild(server.productVersion, minimum) !== true) {
    return no(
      'capability.build',
      `SQL Server ${year} has it from ${minimum}; this is ${server.productVersion}.`,
    );
  }
  return probeVerdict(row, server, year);
}

/**
 * Builds of different servicing branches can carry higher numbers and still lack a feature (2017 CU31 with
 * security updates against the Azure Connect pack), so what the server itself shows decides (inferred).
 */
function probeVerdict(row: CapabilityRow, server: ServerFacts, year: SqlServerYear): Verdict | undefined {
  if (row.operation === 'validate-certificate-chain' && !server.canValidateCertificateChain) {
    return no('capability.probe', 'sys.sp_validate_certificate_ca_chain does not exist on this server.');
  }
  const needsLink = row.policy !== 'any';
  if (needsLink && !server.canTrustCertificateIssuers) {
    const pack = year <= 2017 ? ' The Azure Connect pack is missing.' : '';
    return no('capability.probe', `sys.sp_certificate_add_issuer does not exist on this server.${pack}`);
  }
  const update = row.updates?.[year];
  if (update === undefined) return undefined;
  const installed = cumulativeUpdate(server.productUpdateLevel);
  if (installed === undefined) {
    return no('capability.update', `SQL Server ${year} has it from CU${update}; the server reports no CU.`);
  }
  if (installed >= update) return undefined;
  return no('capability.update', `SQL Server ${year} has it from CU${update}; this is CU${installed}.`);
}

function editionVerdict(row: CapabilityRow, server: ServerFacts): Verdict | undefined {
  if (!isLinkEdition(server)) {
    return no('capability.edition', `${server.edition} is none of Enterprise, Standard and Developer.`);
  }
  if (!row.enterpriseOnly || server.engineEdition === 3) return undefined;
  return no('capability.edition', `${server.edition} does not have it; Enterprise and Developer do.`);
}

/** Enterprise, Developer (engine 3) and Standard (engine 2, which Web Edition reports too). */
export function isLinkEdition(server: Pick<ServerFacts, 'edition' | 'engineEdition'>): boolean {
  if (server.engineEdition === 3) return true;
  return server.engineEdition === 2 && !/^(web|business intelligence)\b/i.test(server.edition);
}

function policyVerdict(
  row: CapabilityRow,
  server: ServerFacts,
  instance: ManagedInstanceFacts,
): Verdict | undefined {
  const build = parseBuild(server.productVersion);
  const year = build === undefined ? undefined : releaseYear(build);
  const relation = updatePolicyRelation(year, instance.databaseFormat);
  if (row.policy === 'any') return undefined;
  if (row.policy === 'not-older') {
    // Only 2025 can be newer than an instance (41984); everything older fits every policy.
    if (year !== 2025) return undefined;
    if (relation === 'unknown') return unknown('capability.update-policy', policyUnknown(instance));
    if (relation !== 'instance-older') return undefined;
    return no(
      'capability.update-policy',
      `SQL Server ${year} needs an instance with update policy SQLServer2025 or AlwaysUpToDate; it has ${instance.databaseFormat}.`,
    );
  }
  if (relation === 'match') return undefined;
  if (relation === 'unknown') return unknown('capability.update-policy', policyUnknown(instance));
  return no(
    'capability.update-policy',
    `The update policy ${instance.databaseFormat} does not match SQL Server ${year}.`,
  );
}

export type PolicyRelation = 'match' | 'instance-newer' | 'instance-older' | 'unknown';

/** Names of policies are compared without case: docs write both SQLServer2025 and SqlServer2025. */
export function updatePolicyRelation(year: SqlServerYear | undefined, policy: string | null): PolicyRelation {
  if (year === undefined || policy === null) return 'unknown';
  const format = policy.toLowerCase();
  if (format === 'alwaysuptodate') return 'instance-newer';
  const match = /^sqlserver(\d{4})$/.exec(format);
  if (match === null) return 'unknown';
  const instanceYear = Number(match[1]);
  if (instanceYear === year) return 'match';
  return instanceYear > year ? 'instance-newer' : 'instance-older';
}

const policyUnknown = (instance: ManagedInstanceFacts): string =>
  instance.databaseFormat === null
    ? 'Azure does not report the update policy of the instance.'
    : `The update policy ${instance.databaseFormat} is newer than this version knows.`;

const no = (ruleId: string, reason: string): Verdict => ({ available: 'no', ruleId, reason });
const unknown = (ruleId: string, reason: string): Verdict => ({ available: 'unknown', ruleId, reason });

export const NO_SWAP_OF_ROLES = 'these versions cannot swap the roles of a link; remove it to cut over';

/** Why versions of this route let no failover happen; null where they do, or where the route is not known. */
export const cannotSwapRoles = (route: CutoverRoute | null): string | null =>
  route === null
    ? null
    : byWord('route', route, { 'planned-failover': null, 'delete-link': NO_SWAP_OF_ROLES });

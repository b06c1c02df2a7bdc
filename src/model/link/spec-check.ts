import { type DurationMs, formatDuration } from '../duration';
import { checkHooks } from '../run/hooks-check';
import type { SpecIssue } from '../spec-issue';
import { checkInstanceObjects } from '../sql-server/instance-objects-spec';
import { type LinkSpec, linkNames } from './spec';

/** Azure cancels the creation of a link 6 days after it was requested (troubleshooting page of the link). */
const AZURE_SEEDING_LIMIT_MS: DurationMs = 6 * 86_400_000;

/** Databases of the system cannot be linked: errors 35249, 35261; `distribution` belongs to replication. */
const SYSTEM_DATABASES = ['master', 'model', 'msdb', 'tempdb', 'distribution'];

/** Conditions between fields of a link migration. */
export function checkLink(migration: LinkSpec): readonly SpecIssue[] {
  return [
    ...checkDatabase(migration),
    ...checkInitialPrimary(migration),
    ...checkNames(migration),
    ...checkReplicas(migration),
    ...checkSeeding(migration),
    ...checkLogBackups(migration),
    ...checkCutover(migration),
    ...checkPolling(migration),
    ...checkHooks(migration),
    ...checkInstanceObjects(migration.instanceObjects),
  ];
}

function checkDatabase({ database }: LinkSpec): readonly SpecIssue[] {
  if (database.trim() !== database) {
    // ARM: CannotUseTrailingWhitespacesInDatabaseName.
    return [{ path: ['database'], message: 'must not begin or end with a space' }];
  }
  if (!SYSTEM_DATABASES.includes(database.toLowerCase())) return [];
  const message = `"${database}" is a system database; only user databases can be linked (error 35249)`;
  return [{ path: ['database'], message }];
}

/** A migration goes from a SQL Server to an instance and ends there; what begins on the instance is a link that stays. */
function checkInitialPrimary({ initialPrimary, purpose, seeding, database }: LinkSpec): readonly SpecIssue[] {
  if (initialPrimary !== 'instance') return [];
  const issues: SpecIssue[] = [];
  if (purpose !== 'disaster-recovery') {
    issues.push({
      path: ['initialPrimary'],
      message:
        '"instance" needs purpose: disaster-recovery; a migration begins on the SQL Server and ends on the instance',
      remedy:
        'Set purpose: disaster-recovery. To move the database to the SQL Server for good: sqlferry failover --to server, then sqlferry remove.',
    });
  }
  if (/[[\];]/.test(database)) {
    // Nothing says how such a name is written in `;Database=[...]` of LISTENER_URL.
    issues.push({
      path: ['database'],
      message: `"${database}" has a bracket or a semicolon, which the address of a link from an instance cannot carry`,
    });
  }
  if (seeding.keepLog !== 'none') {
    issues.push({
      path: ['seeding', 'keepLog'],
      message: `"${seeding.keepLog}" keeps the log of a SQL Server that is copied from; here the instance is, and Azure keeps its log`,
      remedy: 'Leave keepLog out.',
    });
  }
  return issues;
}

/** Object names are compared without case, as a case-insensitive server would. */
function checkNames(migration: LinkSpec): readonly SpecIssue[] {
  const { distributedGroup: link, availabilityGroup, instanceAvailabilityGroup } = linkNames(migration);
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const issues: SpecIssue[] = [];
  if (same(link, availabilityGroup)) {
    const message = `the link and the availability group are both named "${link}"; they must differ (error 41042)`;
    issues.push({
      path: ['link', 'name'],
      message,
      remedy: 'Leave both out to get DAG_<database> and AG_<database>.',
    });
  }
  if (same(availabilityGroup, instanceAvailabilityGroup)) {
    const message = `the availability groups of both sides are named "${availabilityGroup}"; Azure refuses that (InstanceAvailabilityGroupNamePartnerAvailabilityGroupNameMatch)`;
    issues.push({
      path: ['link', 'instanceAvailabilityGroup'],
      message,
      remedy: 'Give the instance side another name.',
    });
  }
  if (same(link, instanceAvailabilityGroup)) {
    const message = `the link and the availability group of the instance are both named "${link}"; they must differ`;
    issues.push({ path: ['link', 'name'], message });
  }
  return issues;
}

/** An availability group that exists, with several replicas. */
function checkReplicas({ server, link }: LinkSpec): readonly SpecIssue[] {
  const { replicas = [], listener } = link;
  const issues = replicas.flatMap((name, index): readonly SpecIssue[] => {
    const path = ['link', 'replicas', index];
    if (name === server)
      return [
        { path, message: `"${name}" is the SQL Server already`, remedy: 'Name the other replicas only.' },
      ];
    return replicas.indexOf(name) === index ? [] : [{ path, message: `"${name}" is there twice` }];
  });
  if (replicas.length === 0 || listener !== undefined) return issues;
  const message =
    'an availability group with several replicas is reached through its listener: without it the link ends with the first failover of the group';
  const remedy = 'Set link.listener.address to the IP address of the listener.';
  return [...issues, { path: ['link', 'replicas'], message, remedy }];
}

function checkSeeding({ seeding }: LinkSpec): readonly SpecIssue[] {
  const issues = positive(['seeding', 'stalledAfter'], seeding.stalledAfter);
  if (seeding.deadline > AZURE_SEEDING_LIMIT_MS) {
    const message = `${formatDuration(seeding.deadline)} is beyond the 6d after which Azure cancels the creation itself`;
    return [...issues, { path: ['seeding', 'deadline'], message, remedy: 'Give 6d or less.' }];
  }
  const late = seeding.warnBefore.flatMap((warning, index) => (warning < seeding.deadline ? [] : [index]));
  return [
    ...issues,
    ...positive(['seeding', 'deadline'], seeding.deadline),
    ...late.map((index) => ({
      path: ['seeding', 'warnBefore', index],
      message: `a warning must come after the start: give less than the deadline of ${formatDuration(seeding.deadline)}`,
    })),
  ];
}

function checkLogBackups({ logBackups }: LinkSpec): readonly SpecIssue[] {
  const issues = positive(['logBackups', 'every'], logBackups.every);
  if (logBackups.alarmAtUsedPercent > logBackups.atUsedPercent) return issues;
  const message = `must be above atUsedPercent (${logBackups.atUsedPercent}), or the alarm comes before the backup`;
  return [...issues, { path: ['logBackups', 'alarmAtUsedPercent'], message }];
}

function checkCutover({ cutover }: LinkSpec): readonly SpecIssue[] {
  const limits = [
    ...positive(['cutover', 'maxLag'], cutover.maxLag),
    ...positive(['cutover', 'catchUpTimeout'], cutover.catchUpTimeout),
    ...positive(['cutover', 'approval', 'validFor'], cutover.approval.validFor),
  ];
  if (cutover.schedule.type !== 'in-windows') return limits;
  const windows = cutover.schedule.windows.flatMap((window, index): readonly SpecIssue[] => {
    const path = ['cutover', 'schedule', 'windows', index];
    if (!isTimeZone(window.timezone)) {
      const message = `"${window.timezone}" is no time zone that is known here`;
      return [
        { path: [...path, 'timezone'], message, remedy: 'Give an IANA name such as Europe/Berlin, or UTC.' },
      ];
    }
    if (window.from !== window.to) return [];
    return [
      { path: [...path, 'to'], message: `the window is empty: it ends when it begins, at ${window.from}` },
    ];
  });
  return [...limits, ...windows];
}

function checkPolling({ polling }: LinkSpec): readonly SpecIssue[] {
  return [
    ...positive(['polling', 'steady'], polling.steady),
    ...positive(['polling', 'seeding'], polling.seeding),
    ...positive(['polling', 'active'], polling.active),
    ...positive(['polling', 'heartbeatTimeout'], polling.heartbeatTimeout),
  ];
}

function positive(path: readonly string[], value: DurationMs): readonly SpecIssue[] {
  if (value > 0) return [];
  return [{ path, message: 'must be longer than nothing' }];
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

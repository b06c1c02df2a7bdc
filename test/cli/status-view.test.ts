/** What status looks like, line by line, at 80 columns: a DR link on good and on bad days, and a migration. */

import { linkLook } from '../../src/cli/link-look';
import { fitLines } from '../../src/cli/terminal/layout';
import { statusLines } from '../../src/cli/terminal/status-view';
import { styleFor } from '../../src/cli/terminal/style';
import type { CertificateWatch, LastCheck } from '../../src/client/certificates';
import type { RunView } from '../../src/client/runs';
import type { Progress } from '../../src/model/run/progress';
import type { LinkFailoverRecord, LinkStandingStatus, LinkStatus } from '../../src/workflows/link/status';

const NOW = Date.parse('2026-11-26T12:00:00.000Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();
const DAY = 86_400;

const failover = (changes: Partial<LinkFailoverRecord> = {}): LinkFailoverRecord => ({
  workflowId: 'sqlferry-sales/failover-1',
  type: 'planned',
  to: 'server',
  by: 'dba',
  reason: null,
  startedAt: ago(3 * DAY),
  endedAt: ago(3 * DAY),
  outcome: 'done',
  summary: 'the SQL Server is the primary; nothing was lost',
  rtoMs: 4_200,
  evidence: null,
  loss: null,
  ...changes,
});

const protection = (changes: Partial<LinkStandingStatus> = {}): LinkStandingStatus => ({
  primary: 'server',
  splitBrain: null,
  pendingRequest: null,
  failovers: [],
  lastLag: { lagSeconds: 0, observedAt: ago(600) },
  possible: ['planned failover to the instance', 'drill', 'removal'],
  notPossible: [
    { what: 'repair of a split brain', rule: 'repair.no-split-brain', reason: 'there is no split brain' },
  ],
  ...changes,
});

const watched = (changes: Partial<Progress> = {}): Progress => ({
  version: 1,
  activity: 'replicating',
  waitingFor: 'The next log backup is due at 12:05.',
  observedAt: ago(12),
  lagSeconds: 2,
  log: {
    usedPercent: 12.34,
    sizeBytes: 8e9,
    growthBytesPerSecond: 20_000,
    fullInMs: 350_000_000,
    reuseWait: 'LOG_BACKUP',
  },
  roles: { server: 'PRIMARY', instance: 'SECONDARY' },
  details: { link: 'CONNECTED, SYNCHRONIZING, HEALTHY', 'send queue': '12 KB', 'redo queue': '0 KB' },
  ...changes,
});

const scheduled = (changes: Partial<CertificateWatch> = {}): CertificateWatch => ({
  paused: false,
  note: null,
  nextCheckAt: ago(-3_600),
  last: null,
  failure: null,
  ...changes,
});

const check = (days: number): CertificateWatch => scheduled({ last: lastCheck(days) });

const lastCheck = (days: number): LastCheck => ({
  checkedAt: ago(7_200),
  inventory: {
    observedAt: ago(7_200),
    serverTime: ago(7_200),
    serverName: 'SQL1',
    instanceFqdn: 'mi-west.zone.database.windows.net',
    endpointName: 'mirroring',
    items: [
      {
        use: 'endpoint',
        where: 'server',
        name: 'Cert_SQL1_endpoint',
        thumbprint: 'AA',
        expiresAt: ago(-days * DAY),
        daysLeft: days,
        level: 'ok',
        note: '',
      },
    ],
    chain: { state: 'valid', detail: 'the chain validates' },
    worst: 'ok',
  },
});

function view(
  status: Partial<LinkStatus>,
  progress: Progress | null,
  lastFailure: string | null = null,
): RunView {
  return {
    status: {
      kind: 'link',
      name: 'sales',
      database: 'Sales',
      server: 'sql1',
      instance: 'mi-west',
      outcome: 'running',
      phase: 'replicating',
      step: null,
      waitingFor: '',
      route: 'planned-failover',
      phases: [],
      events: [],
      paused: false,
      blockedBy: null,
      approval: null,
      postponedUntil: null,
      schedule: { type: 'as-soon-as-ready' },
      nextCutoverAt: null,
      seedingDeadline: null,
      seedingRestarts: 0,
      logBackups: { count: 412, lastAt: ago(300) },
      health: null,
      attempts: [],
      pointOfNoReturn: null,
      rtoMs: null,
      nextSteps: [],
      protection: null,
      ...status,
    },
    asOf: ago(0),
    pending: [{ activity: 'watch', attempt: 1, progress, toldAt: null, lastFailure, nextAttemptAt: null }],
    workflowId: 'sqlferry-sales',
    runId: 'run',
    startedAt: ago(400 * DAY),
    closedAt: null,
    historyEvents: 100,
  };
}

const plain = styleFor({ isTTY: false }, {});
const drawn = (seen: RunView, newest: CertificateWatch | 'unreadable' | null): string =>
  fitLines(statusLines(seen, plain, NOW, { width: 80, look: linkLook(seen, newest, NOW) }), 80).join('\n');

test('a DR link, on a good day', () => {
  const seen = view(
    {
      waitingFor: 'a request; the SQL Server is the primary',
      protection: protection({ failovers: [failover()] }),
      nextSteps: ['sqlferry failover sales --to instance', 'sqlferry remove sales'],
    },
    watched(),
  );
  expect(drawn(seen, check(200))).toMatchInlineSnapshot(`
"sales  Sales: sql1 → mi-west

waiting for  a request; the SQL Server is the primary

primary        sql1 (SQL Server)
roles          sql1 PRIMARY, mi-west SECONDARY; read 12s ago
link           CONNECTED, SYNCHRONIZING, HEALTHY
queues         send 12 KB, redo 0 KB
RPO            at most 15s of commits lost, if it were now (lag 2 s, seen 12s
               ago)
log space      12.3 % of 8.00 GB used, growing by 1.20 MB a minute, full in 4d
               1h unless the file grows
log waits      the log waits for a log backup; the run takes one when it is due
log backups    412, last 2026-11-26 11:55:00 UTC; their files are yours to keep
               and delete
certificates   the next one to end is Cert_SQL1_endpoint on the SQL Server, in
               200 d; looked at 2h ago
last failover  2026-11-23 12:00:00 UTC, planned, the SQL Server is the primary;
               nothing was lost; out of service 4.2s
last drill     none yet
possible       planned failover to the instance, drill, removal
not possible   repair of a split brain: there is no split brain

→ sqlferry failover sales --to instance
→ sqlferry remove sales"
`);
});

test('its last drill, on the way back, with the instance in the lead', () => {
  const seen = view(
    {
      waitingFor: 'the end of the drill; the instance leads until 2026-11-26T12:10:00.000Z',
      protection: protection({
        primary: 'instance',
        failovers: [
          failover({
            to: 'instance',
            drill: 'there',
            summary: 'the instance is the primary; nothing was lost',
          }),
        ],
        drill: { by: 'dba', startedAt: ago(60), from: 'server', holdUntil: ago(-600) },
        fullBackupAt: null,
        lastDrill: {
          by: 'dba',
          reason: null,
          startedAt: ago(90 * DAY),
          endedAt: ago(90 * DAY),
          from: 'server',
          to: 'instance',
          outcome: 'not-back',
          summary: 'the failover was paused; nobody was fenced out; the instance is the primary',
          heldMs: 60_000,
          there: failover(),
          back: failover({ outcome: 'withdrawn' }),
        },
        possible: ['planned failover to the SQL Server'],
        notPossible: [
          { what: 'drill', rule: 'request.busy', reason: 'a drill is under way' },
          { what: 'removal', rule: 'request.busy', reason: 'a drill is under way' },
        ],
      }),
    },
    {
      version: 1,
      activity: 'instance-leads',
      waitingFor: 'a request',
      observedAt: ago(5),
      lagSeconds: 0,
      roles: { server: 'SECONDARY', instance: 'PRIMARY' },
      details: { link: 'CONNECTED, SYNCHRONIZING, HEALTHY' },
    },
  );
  expect(drawn(seen, null)).toMatchInlineSnapshot(`
"sales  Sales: mi-west → sql1

waiting for  the end of the drill; the instance leads until
             2026-11-26T12:10:00.000Z

primary        mi-west (managed instance)
roles          sql1 SECONDARY, mi-west PRIMARY; read 5s ago
drill          holds until 2026-11-26 12:10:00 UTC, then back to sql1
link           CONNECTED, SYNCHRONIZING, HEALTHY
RPO            at most 6s of commits lost, if it were now (lag 0 s, seen 5s ago)
log backups    by Azure, while the instance leads
certificates   not looked at regularly; do so with: sqlferry certificates
               schedule MIGRATION-FILE
last failover  2026-11-23 12:00:00 UTC, planned, the instance is the primary;
               nothing was lost; out of service 4.2s
full backup    Azure's first one since the failover is not seen yet
last drill     2026-08-28 12:00:00 UTC, not-back: the failover was paused;
               nobody was fenced out; the instance is the primary
possible       planned failover to the SQL Server
not possible   drill, removal: a drill is under way"
`);
});

test('a bad day: the other side is silent, the log fills up behind it, a certificate ends', () => {
  const seen = view(
    {
      waitingFor: 'a request; the SQL Server is the primary',
      protection: protection({ lastLag: { lagSeconds: 3, observedAt: ago(900) } }),
    },
    {
      ...watched({
        log: {
          usedPercent: 88,
          sizeBytes: 8e9,
          growthBytesPerSecond: 2e6,
          fullInMs: 480_000,
          reuseWait: 'AVAILABILITY_REPLICA',
        },
        roles: { server: 'PRIMARY', instance: null },
        details: {
          link: 'DISCONNECTED, NOT SYNCHRONIZING, NOT_HEALTHY; error 10060',
          'send queue': '? KB',
          'redo queue': '? KB',
        },
      }),
      lagSeconds: undefined as never,
    },
  );
  expect(drawn(seen, check(5))).toMatchInlineSnapshot(`
"sales  Sales: sql1 → mi-west

waiting for  a request; the SQL Server is the primary

primary       sql1 (SQL Server)
roles         sql1 PRIMARY, mi-west not seen; read 12s ago
link          DISCONNECTED, NOT SYNCHRONIZING, NOT_HEALTHY; error 10060
queues        send ? KB, redo ? KB
RPO           at most 15m 4s of commits lost, if it were now (lag 3 s, seen 15m
              ago)
log space     88.0 % of 8.00 GB used, growing by 120 MB a minute, full in 8m
              unless the file grows
log waits     a secondary has not hardened the log: it is behind or not
              connected; look at that secondary: no backup frees the log before
              it has caught up
log backups   412, last 2026-11-26 11:55:00 UTC; their files are yours to keep
              and delete
certificates  Cert_SQL1_endpoint on the SQL Server ends in 5 d, less than 7;
              looked at 2h ago
last drill    none yet
possible      planned failover to the instance, drill, removal
not possible  repair of a split brain: there is no split brain"
`);
});

test('a link that others removed, by a worker of an older version that tells of no looks', () => {
  const seen = view(
    {
      health: {
        observedAt: ago(60),
        healthy: false,
        summary: 'DISCONNECTED',
        lagSeconds: null,
        logUsedPercent: 5,
      },
      protection: protection({
        deletedExternally: { since: ago(600), reason: 'Azure has no link DAG_Sales' },
        failovers: [
          failover({ type: 'outside', by: 'outside', rtoMs: null, summary: 'by others: both agree' }),
        ],
        possible: ['removal'],
        notPossible: [],
      }),
      nextSteps: ['sqlferry remove sales'],
    },
    null,
    'no answer',
  );
  expect(drawn(seen, null)).toMatchInlineSnapshot(`
"sales  Sales: sql1 → mi-west

primary        sql1 (SQL Server)
removed        by others: Azure has no link DAG_Sales
link           DISCONNECTED
RPO            at most 10m 1s of commits lost, if it were now (lag 0 s, seen 10m
               ago)
log backups    412, last 2026-11-26 11:55:00 UTC; their files are yours to keep
               and delete
certificates   not looked at regularly; do so with: sqlferry certificates
               schedule MIGRATION-FILE
last failover  2026-11-23 12:00:00 UTC, by others: both agree
last drill     none yet
possible       removal
attempt 1      watch: no answer

→ sqlferry remove sales"
`);
});

test('a migration that is being seeded has its log shown as well', () => {
  const seen = view(
    {
      phase: 'seeding',
      logBackups: { count: 0, lastAt: null },
      waitingFor: 'the copy of the database to be complete',
    },
    watched({
      activity: 'seeding',
      percent: 40,
      doneBytes: 4e9,
      totalBytes: 10e9,
      bytesPerSecond: 1e8,
      etaMs: 60_000,
      logUsedPercent: 12.34,
      details: {},
      lagSeconds: 0,
    }),
  );
  expect(drawn(seen, null)).toMatchInlineSnapshot(`
"sales  Sales: sql1 → mi-west

  ○  Preflight
  ○  Trust between the instances
  ○  Availability groups
  ○  Link
  ○  Seeding
  ○  First log backup
  ○  Replicating
  ○  Cutover
  ○  After the cutover

  ██████████░░░░░░░░░░░░░░░░  40.0%  4.00 GB of 10.0 GB  100 MB/s  ETA 1m
  lag: 0 s
  The next log backup is due at 12:05.

waiting for  the copy of the database to be complete

log space  12.3 % of 8.00 GB used, growing by 1.20 MB a minute, full in 4d 1h
           unless the file grows
log waits  the log waits for a log backup; none is taken while the copy is made"
`);
});

describe('certificates of a link whose schedule is active are never called unwatched', () => {
  const failure = { at: ago(60), message: 'login refused', remedy: 'check the password' };
  const row = (watch: Parameters<typeof linkLook>[1]): string => {
    const seen = view({ protection: protection({}) }, null);
    const look = linkLook(seen, watch, NOW);
    const lines = statusLines(seen, plain, NOW, { width: 400, look });
    return lines.find((line) => line.startsWith('certificates')) ?? '';
  };

  test.each([
    ['no check yet', scheduled(), /no check has looked yet.*scheduled, the next check is at/],
    [
      'the newest check failed',
      scheduled({ failure }),
      /the newest check failed: login refused → check the password/,
    ],
    [
      'one looked, the newest failed',
      { ...check(300), failure },
      /Cert_SQL1_endpoint.*the newest check failed/,
    ],
    [
      'paused',
      scheduled({ paused: true, note: 'rolled back' }),
      /paused \(rolled back\): sqlferry certificates schedule/,
    ],
    ['not readable', 'unreadable' as const, /not known: the schedules cannot be read/],
  ])('%s', (_case, watch, words) => {
    expect(row(watch)).toMatch(words);
    expect(row(watch)).not.toContain('not looked at regularly');
  });
});

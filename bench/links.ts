/** What it costs to watch links that replicate: 1, 10 and 100 of them, for a simulated hour each. */
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchResult, Figure } from './report';
import { type BenchStage, startBenchStage } from './stage';

const COUNTS = [1, 10, 100] as const;
/** Simulated seconds per second while the links replicate: an hour in 20 s. */
const SPEED = 180;
/** While links are set up: nobody wants to wait for Azure here. */
const SET_UP_SPEED = 600;
const HOUR_SECONDS = 3_600;
/** Links that are set up at a time: a worker that makes more of them at once does not answer queries in time. */
const SET_UP_TOGETHER = 10;
const LONGEST_SET_UP_MS = 480_000;
const MB = 1024 * 1024;
/** Scheduled, started and completed activity, and the workflow task that takes note of it. */
const EVENTS_PER_LOG_BACKUP = 6;

/** The product's 30 s at that speed. The cutover waits for an approval that nobody gives. */
const SECTIONS = `
logBackups: { directory: "C:\\\\Backup", every: 15m }
polling: { steady: ${Math.round(30_000 / SPEED)}ms, seeding: 500ms, active: 100ms }
`;

/** However many links: two queries for a look at all of them each 30 s, and a few looks that come early. */
const MOST_WATCH_QUERIES = 5;

interface Measured {
  readonly links: number;
  readonly workerCpuSeconds: number;
  readonly workerResidentMb: number;
  readonly serverQueriesPerMinute: number;
  readonly instanceQueriesPerMinute: number;
  /** Statements that are not log backups or the look before one: each link has its own of these, by its nature. */
  readonly serverWatchQueriesPerMinute: number;
  readonly logBackups: number;
  readonly historyEventsPerIdleLinkDay: number;
}

export async function benchLinks(say: (line: string) => void): Promise<BenchResult> {
  const stage = await startBenchStage(estateOf(Math.max(...COUNTS)));
  try {
    const measured: Measured[] = [];
    let made = 0;
    for (const count of COUNTS) {
      await setUp(stage, made, count);
      made = count;
      say(`${count} links replicate; a simulated hour passes`);
      measured.push(await anHour(stage, count));
    }
    return resultOf(measured);
  } finally {
    await stage.close();
  }
}

const databaseName = (number: number): string => `Db${number}`;
const linkName = (number: number): string => `link-${number}`;

function estateOf(databases: number) {
  return {
    clock: { speed: SET_UP_SPEED },
    instances: [
      {
        kind: 'sql-server' as const,
        name: 'SQL1',
        version: '2022' as const,
        update: 'CU16',
        databases: Array.from({ length: databases }, (_, index) => ({
          name: databaseName(index + 1),
          dataBytes: 64 * MB,
          logBytes: 64 * MB,
        })),
      },
      { kind: 'managed-instance' as const, name: 'mi-west' },
    ],
  };
}

/** Links number `from + 1` to `to`; the first one makes certificates and endpoint for all. */
async function setUp(stage: BenchStage, from: number, to: number): Promise<void> {
  stage.estate.world.clock.speed = SET_UP_SPEED;
  const giveUpAt = Date.now() + LONGEST_SET_UP_MS;
  for (let first = from + 1; first <= to; first += SET_UP_TOGETHER) {
    const count = Math.min(SET_UP_TOGETHER, to - first + 1);
    const numbers = Array.from({ length: count }, (_, index) => first + index);
    for (const number of numbers) {
      await stage.migrations.start(stage.spec(linkName(number), databaseName(number), SECTIONS));
    }
    for (const number of numbers) await untilReplicating(stage, linkName(number), giveUpAt);
  }
}

async function untilReplicating({ migrations }: BenchStage, name: string, giveUpAt: number): Promise<void> {
  for (;;) {
    const phase = await migrations.view(name).then(
      ({ status }) => status.phase,
      // A worker that sets up many links answers late.
      () => undefined,
    );
    if (phase === 'replicating') return;
    if (Date.now() > giveUpAt)
      throw new Error(`${name} does not replicate in time (phase ${phase ?? 'unknown'})`);
    await delay(100);
  }
}

async function anHour(stage: BenchStage, links: number): Promise<Measured> {
  const { clock } = stage.estate.world;
  clock.speed = SPEED;
  await delay(1_000);
  const counters = countQueries(stage);
  const before = await historyOf(stage, links);
  const cpu = stage.worker.cpuSeconds();
  const startedAt = clock.now();
  await delay((HOUR_SECONDS / SPEED) * 1_000);
  const minutes = (clock.now() - startedAt) / 60_000;
  const workerCpuSeconds = stage.worker.cpuSeconds() - cpu;
  const queries = counters.take();
  const after = await historyOf(stage, links);
  const perLink = after.map((seen, index) => ({
    logBackups: seen.logBackups - (before[index]?.logBackups ?? 0),
    events: seen.events - (before[index]?.events ?? 0),
  }));
  // The median: a backup that was under way at one end of the hour would count as idle events.
  const idleEvents = median(
    perLink.map(({ events, logBackups }) => events - logBackups * EVENTS_PER_LOG_BACKUP),
  );
  return {
    links,
    workerCpuSeconds,
    workerResidentMb: stage.worker.residentMb(),
    serverQueriesPerMinute: queries.server / minutes,
    instanceQueriesPerMinute: queries.instance / minutes,
    serverWatchQueriesPerMinute: (queries.server - queries.serverBackups) / minutes,
    logBackups: perLink.reduce((sum, { logBackups }) => sum + logBackups, 0),
    historyEventsPerIdleLinkDay: Math.max(0, (idleEvents / minutes) * 24 * 60),
  };
}

async function historyOf(stage: BenchStage, links: number) {
  const views: Awaited<ReturnType<BenchStage['migrations']['view']>>[] = [];
  for (let number = 1; number <= links; number += 1)
    views.push(await stage.migrations.view(linkName(number)));
  return views.map(({ historyEvents, status }) => ({
    events: historyEvents,
    logBackups: status.logBackups.count,
  }));
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Fault rules that never strike, but count what they see; checks of the driver's pool are not among it. */
function countQueries({ estate }: BenchStage) {
  const { faults } = estate.world;
  const count = (instance: string, statement?: string): string =>
    faults.add({
      surface: 'sql',
      instance,
      ...(statement === undefined ? {} : { statement }),
      probability: 0,
      action: { kind: 'error', number: 50_000 },
    });
  const ids = {
    server: count('SQL1'),
    instance: count('mi-west'),
    serverBackups: count('SQL1', 'BACKUP LOG|msdb.*backupset'),
  };
  return {
    take() {
      const matched = new Map(faults.list().map((fault) => [fault.id, fault.matched]));
      for (const id of Object.values(ids)) faults.remove(id);
      return {
        server: matched.get(ids.server) ?? 0,
        instance: matched.get(ids.instance) ?? 0,
        serverBackups: matched.get(ids.serverBackups) ?? 0,
      };
    },
  };
}

function resultOf(measured: readonly Measured[]): BenchResult {
  return {
    benchmark: 'links',
    method: `a simulated hour in ${HOUR_SECONDS / SPEED} s, the intervals of the product (30 s) shortened alike; a log backup each 15 simulated minutes`,
    figures: measured.flatMap(figuresOf),
    data: { speed: SPEED, measured },
  };
}

function figuresOf(measured: Measured): readonly Figure[] {
  const { links } = measured;
  const name = (what: string): string => `${links} ${links === 1 ? 'link' : 'links'}: ${what}`;
  return [
    { name: name('worker CPU in the hour'), value: measured.workerCpuSeconds, unit: 's' },
    { name: name('worker memory'), value: measured.workerResidentMb, unit: 'MB', aim: 300 },
    { name: name('queries on the SQL Server'), value: measured.serverQueriesPerMinute, unit: '/min' },
    {
      name: name('of these not for log backups'),
      value: measured.serverWatchQueriesPerMinute,
      unit: '/min',
      aim: MOST_WATCH_QUERIES,
    },
    { name: name('queries on the instance'), value: measured.instanceQueriesPerMinute, unit: '/min' },
    { name: name('log backups'), value: measured.logBackups, unit: '' },
    {
      name: name('history events per idle day'),
      value: measured.historyEventsPerIdleLinkDay,
      unit: '',
      aim: 10,
    },
  ];
}

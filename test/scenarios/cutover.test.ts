/** When the cutover may begin, what calls it off, and what a person has to mend before it. */
import type { WorkloadWriter } from '../../src/estate/workload/writer';
import type { LinkMigrationResult, LinkMigrationStatus } from '../../src/workflows/link/messages';
import {
  APPLICATION,
  type EstateParts,
  estateWithApplication,
  query,
  repointApplication,
  sideOf,
  startApplication,
  until,
  verifyOn,
} from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const BY = { by: 'test' };
const NO_APPROVAL = 'approval: { required: false }';

const sections = (cutover: string, logBackups = 'every: 15m'): string => `
logBackups: { directory: "C:\\\\Backup", ${logBackups} }
cutover: { fence: { disableLogins: [${APPLICATION.name}] }, ${cutover} }
${QUICK_POLLING}
`;

const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();

let stage: Stage;
/** Of the migration; each test has its own, so that one that fails does not stand in the way of the next. */
let name = '';
let count = 0;

afterEach(() => stage.close());

async function begin(parts: EstateParts, spec: string): Promise<void> {
  stage = await startStage({ estate: estateWithApplication(parts) });
  count += 1;
  name = `sales-${count}`;
  await stage.startWorker();
  await stage.migrations.start(stage.spec(spec, name));
}

const status = async (): Promise<LinkMigrationStatus> => (await stage.migrations.view(name)).status;

async function untilStatus(what: string, fits: (status: LinkMigrationStatus) => boolean): Promise<void> {
  await until(what, async () => fits(await status()));
}

const replicates = (): Promise<void> => untilStatus('it replicates', ({ phase }) => phase === 'replicating');

const waitsFor = (text: string): Promise<void> =>
  untilStatus(`it waits for: ${text}`, ({ waitingFor }) => waitingFor.includes(text));

const result = (): Promise<LinkMigrationResult> => stage.migrations.result(name);

const codes = async (): Promise<string[]> => (await status()).events.map((event) => event.code);

describe('the cutover begins when people and the calendar let it', () => {
  test('at its time, with an approval that is still valid', async () => {
    const nextDay = fromNow(86_400_000);
    await begin({}, sections(`approval: { validFor: 1s }, schedule: { type: at, time: "${nextDay}" }`));
    await replicates();
    expect(await stage.migrations.approve(name, BY)).toMatchObject({ accepted: true });
    expect(await status()).toMatchObject({ nextCutoverAt: nextDay, attempts: [] });
    const time = fromNow(2_000);
    const schedule = { type: 'at', time } as const;
    expect(await stage.migrations.changeSchedule(name, { ...BY, schedule })).toMatchObject({
      accepted: true,
    });
    await waitsFor('older than 1s and must be given again');
    expect((await status()).attempts).toEqual([]);
    expect(await stage.migrations.approve(name, BY)).toMatchObject({ accepted: true });
    expect(await result()).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });
    const [attempt] = (await status()).attempts;
    expect(Date.parse(attempt?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(time));
  });

  test('in its windows, when it is neither postponed nor paused', async () => {
    const opens = fromNow(2 * 3_600_000).slice(11, 16);
    const closes = fromNow(3 * 3_600_000).slice(11, 16);
    const days = '[mon, tue, wed, thu, fri, sat, sun]';
    const window = `{ days: ${days}, from: "${opens}", to: "${closes}", timezone: UTC }`;
    await begin({}, sections(`${NO_APPROVAL}, schedule: { type: in-windows, windows: [${window}] }`));
    await waitsFor('The next maintenance window opens at');
    expect((await status()).nextCutoverAt?.slice(11, 16)).toBe(opens);

    const later = fromNow(3_000);
    const schedule = { type: 'as-soon-as-ready' } as const;
    expect(await stage.migrations.pause(name, BY)).toMatchObject({ accepted: true });
    expect(await stage.migrations.changeSchedule(name, { ...BY, schedule })).toMatchObject({
      accepted: true,
    });
    expect(await stage.migrations.postpone(name, { ...BY, until: later })).toMatchObject({
      accepted: true,
    });
    expect(await stage.migrations.resume(name, BY)).toMatchObject({ accepted: true });
    expect(await status()).toMatchObject({ nextCutoverAt: later, postponedUntil: later, attempts: [] });
    expect(await result()).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });
    const [attempt] = (await status()).attempts;
    expect(Date.parse(attempt?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(later));
    expect(await stage.migrations.failure(name)).toBeUndefined();
  });
});

describe('an instance that does not catch up behind the fence', () => {
  const CASES = [
    {
      title: 'the network is cut',
      version: '2022' as const,
      disturb: () => stage.estate.world.network.disconnect('SQL1', 'mi-west'),
      mend: () => stage.estate.world.network.reconnect('SQL1', 'mi-west'),
    },
    {
      title: 'the network is slow',
      version: '2019' as const,
      disturb: () => stage.estate.world.network.setPath('SQL1', 'mi-west', { latencyMs: 864_000_000 }),
      mend: () => stage.estate.world.network.setPath('SQL1', 'mi-west', { latencyMs: 20 }),
    },
  ];

  test.each(CASES)('gives the source back, and crosses later: $title, from $version', async (each) => {
    const retry = 'catchUpTimeout: 3s, attempts: 10, retryAfter: [300ms]';
    await begin({ source: { version: each.version } }, sections(`${NO_APPROVAL}, ${retry}`));
    const { world } = stage.estate;
    // The login is disabled and its open session still writes: what it commits now cannot reach the instance.
    world.faults.add({
      surface: 'sql',
      statement: '^DECLARE @kill',
      count: 1,
      action: { kind: 'slow', ms: 300_000 },
    });
    const writer = startApplication(stage.estate);
    try {
      await until('sessions are ended', () => world.faults.list().some((fault) => fault.struck > 0));
      each.disturb();
      await untilStatus('the attempt is withdrawn', ({ attempts }) => attempts[0]?.outcome === 'withdrawn');
      expect((await status()).attempts[0]?.reason).toContain('3s behind the fence');
      expect(await sideOf(stage.estate, 'SQL1')).toMatchObject({
        updateability: 'READ_WRITE',
        applicationDisabled: false,
      });
      const { acknowledged } = writer.report();
      await until('the application goes on', () => writer.report().acknowledged > acknowledged + 5);
      each.mend();
      const { outcome, cutoverAttempts } = await result();
      expect({ outcome, again: cutoverAttempts > 1 }).toEqual({ outcome: 'completed', again: true });
      expect(await codes()).toContain('cutover.withdrawn');
      await expectNothingLost(writer);
    } finally {
      await writer.stop();
    }
  });
});

test('a link that is lost behind the fence is no link to cross by, however equal the logs', async () => {
  await begin({}, sections(`${NO_APPROVAL}, attempts: 10, retryAfter: [300ms]`));
  const { network, faults } = stage.estate.world;
  faults.add({
    surface: 'sql',
    statement: '^DECLARE @kill',
    count: 1,
    action: { kind: 'slow', ms: 300_000 },
  });
  await until('sessions are ended', () => faults.list().some((fault) => fault.struck > 0));
  network.disconnect('SQL1', 'mi-west');
  await untilStatus('the attempt is withdrawn', ({ attempts }) => attempts[0]?.outcome === 'withdrawn');
  expect(await status()).toMatchObject({ pointOfNoReturn: null });
  expect(await sideOf(stage.estate, 'SQL1')).toMatchObject({ applicationDisabled: false });
  network.reconnect('SQL1', 'mi-west');
  expect(await result()).toMatchObject({ outcome: 'completed', cutoverAttempts: 2 });
});

async function expectNothingLost(writer: WorkloadWriter): Promise<void> {
  const { acknowledged } = writer.report();
  await repointApplication(stage.estate, writer);
  await until('the application writes again', () => writer.report().acknowledged > acknowledged + 5);
  await writer.stop();
  expect(await verifyOn(stage.estate, 'mi-west', writer)).toMatchObject({ lost: [], duplicates: 0 });
}

describe('seeding', () => {
  test('begins again after a lost connection, and that is told', async () => {
    await begin({ speed: 100 }, sections(NO_APPROVAL));
    const { links, network, clock } = stage.estate.world;
    const streamed = (): number => links.physicalSeeding('SQL1')[0]?.transferredBytes ?? 0;
    await until('a third is sent', () => streamed() > 8 * 1024 ** 3);
    network.disconnect('SQL1', 'mi-west', 10_000);
    clock.speed = 300;
    expect(await result()).toMatchObject({ outcome: 'completed', seedingRestarts: 1 });
    expect(await codes()).toContain('seeding.restarted');
  });

  test('is broken by a foreign log backup at its end: a person looks, and the link is made again', async () => {
    await begin({ rates: { restoreTailMs: 900_000 } }, sections(NO_APPROVAL));
    const { links } = stage.estate.world;
    await until('the copy is being restored', () =>
      links.physicalSeeding('SQL1').some((row) => row.internalState === 'WaitingForRestoreToFinish'),
    );
    await query(stage.estate, 'SQL1', `BACKUP LOG [Sales] TO DISK = N'C:\\Backup\\foreign.trn'`);
    await untilStatus('it waits for a person', ({ blockedBy }) => blockedBy !== null);
    const { blockedBy, nextSteps } = await status();
    expect(blockedBy).toMatchObject({ code: 'LinkBroken' });
    expect(blockedBy?.message).toContain('1412');
    expect(nextSteps).toContain(`sqlferry resume ${name}`);
    expect(await stage.migrations.resume(name, BY)).toMatchObject({ accepted: true });
    expect(await result()).toMatchObject({ outcome: 'completed' });
    expect((await status()).blockedBy).toBeNull();
    expect(stage.estate.world.journal.effective(/distributedAvailabilityGroups\/DAG_Sales$/).length).toBe(4);
  });
});

describe('a log that fills', () => {
  test('is backed up early, and a person is told when that does not help', async () => {
    const GB = 1024 ** 3;
    await begin(
      { database: { logBytes: GB, logMaxBytes: GB } },
      sections('approval: { required: true }', 'every: 7d, atUsedPercent: 50'),
    );
    await replicates();
    const { databases } = stage.estate.world;
    databases.setSyntheticLogRate('SQL1', 'Sales', 512 * 1024);
    await untilStatus('an early backup is taken', ({ logBackups }) => logBackups.count >= 2);
    const journal = await stage.migrations.journal(name);
    expect(journal.at(-1)?.evidence).toContain('log-backup.pressure');
    expect(await codes()).not.toContain('log-backup.alarm');

    const end = databases.beginTransaction('SQL1', 'Sales');
    await until('the alarm is raised', async () => (await codes()).includes('log-backup.alarm'));
    expect((await status()).events.find((event) => event.code === 'log-backup.alarm')).toMatchObject({
      severity: 'critical',
      message: expect.stringContaining('transaction'),
    });
    end();
    databases.setSyntheticLogRate('SQL1', 'Sales', 0);
    expect(await stage.migrations.approve(name, BY)).toMatchObject({ accepted: true });
    expect(await result()).toMatchObject({ outcome: 'completed' });
  });
});

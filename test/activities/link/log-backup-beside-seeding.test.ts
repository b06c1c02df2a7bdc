/**
 * Two runs, one database: the log backup of one, decided on facts that know nothing of the other's copy, meets the end of
 * that copy, where it would break it (1412). The server has the last word, in the batch of the backup.
 */
import type { LinkKnown } from '../../../src/activities/link/api';
import type { Observing } from '../../../src/activities/link/link-facts';
import { LogBackups } from '../../../src/activities/link/log-backups';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import { heldForSeeding } from '../../../src/activities/sql-server/steps/log-backup';
import { systemClock } from '../../../src/adapters/clock';
import type { LinkStepId } from '../../../src/model/link/step';
import { replica } from '../../rules/link/replica';
import { until } from '../../support/application';
import { toInstance } from '../../support/group-spec';
import { type EstateStage, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

const SET_UP: readonly LinkStepId[] = [
  'server.master-key',
  'server.endpoint-certificate',
  'instance.trust-server-certificate',
  'server.trust-instance-certificate',
  'server.trust-azure-authorities',
  'server.mirroring-endpoint',
  'server.availability-group',
  'server.distributed-availability-group',
  'instance.link',
];
const KNOWN: LinkKnown = { logAlarmRaised: false };

describe('a link whose copy is made, beside the run of another link of the same database', () => {
  let stage: EstateStage;
  let west: StepBench;
  let east: StepBench;

  beforeEach(async () => {
    stage = await startEstateStage({
      estate: {
        clock: { speed: 600 },
        rates: { restoreTailMs: 24 * 3_600_000 },
        instances: [
          { kind: 'sql-server', name: 'SQL1', databases: [{ name: 'Sales', dataBytes: 2 * 1024 ** 3 }] },
          { kind: 'managed-instance', name: 'mi-west' },
          { kind: 'managed-instance', name: 'mi-east' },
        ],
      },
    });
    west = await StepBench.open(stage, stage.spec());
    east = await StepBench.open(stage, toInstance(stage.spec(), stage.estate, 'mi-east'));
  });
  afterEach(async () => {
    await west.close();
    await east.close();
    await stage.close();
  });

  const operation = () => stage.estate.world.links.seedingOperations('SQL1').at(-1);
  const isRead = () =>
    stage.estate.world.instances
      .backgroundRequests('SQL1')
      .some(({ command }) => command === 'VDI_CLIENT_WORKER');
  const logBackups = () =>
    stage.estate.world.instances.get('SQL1').backups.filter(({ type }) => type === 'L').length;

  /** The copy of the other link stands between the end of streaming and a healthy secondary. */
  async function untilCatchingUp(): Promise<void> {
    for (const id of SET_UP) await east.run(id);
    await until('the copy was read', () => operation()?.state === 'SEEDING' && !isRead());
  }

  /** One look of the watch, on facts of a time before the other link was there. */
  async function look(changes: Parameters<typeof replica>[0] = {}) {
    const now = new Date().toISOString();
    const facts = replica({
      groupName: 'DAG_Sales',
      database: 'Sales',
      observedAt: now,
      serverTime: new Date(stage.estate.world.clock.now()).toISOString(),
      ...changes,
    });
    const { ports, spec } = west;
    const observing: Observing = { ports, spec, clock: systemClock, snapshots: new Snapshots(systemClock) };
    const reporter = {
      signal: new AbortController().signal,
      report: () => undefined,
    } as unknown as ActivityReporter;
    return new LogBackups(observing, reporter, KNOWN, true).look(facts, []);
  }

  test('the server refuses the backup, by the name of the other link, whose copy is completed', async () => {
    await untilCatchingUp();
    const before = logBackups();
    const seen = await look();
    expect(seen.news).toBeUndefined();
    expect(seen.verdict).toMatchObject({
      decision: 'hold',
      ruleId: 'log-backup.other-group',
      reason: expect.stringContaining('DAG_Sales_mi-east'),
    });
    expect(logBackups()).toBe(before);
    stage.estate.world.clock.speed = 200_000;
    await until('the copy is complete', () => operation()?.state === 'COMPLETED');
    await until('the link is healthy', async () => (await look()).news?.kind === 'log-backup-taken');
    expect(logBackups()).toBe(before + 1);
  }, 60_000);

  test('a log near its end wakes a person, who is told why no backup is taken', async () => {
    await untilCatchingUp();
    const { news } = await look({ logUsedBytes: 9.5 * 1024 ** 3, logReuseWaitDesc: 'LOG_BACKUP' });
    expect(news).toMatchObject({
      kind: 'log-alarm',
      reason: expect.stringMatching(/95 % used.*No backup is taken: .*DAG_Sales_mi-east/),
    });
  }, 60_000);

  test('neither is the statement run that a repair and a first log backup send', async () => {
    await untilCatchingUp();
    const before = logBackups();
    const failure = await west.run('server.log-backup').catch((error: unknown) => error);
    expect(heldForSeeding(failure)).toContain('DAG_Sales_mi-east');
    expect(logBackups()).toBe(before);
  }, 60_000);

  test('while another copy waits for its turn, or was given up, the log is backed up', async () => {
    for (const id of SET_UP) await east.run(id);
    await until('the copy was begun', () => operation() !== undefined);
    stage.estate.world.network.disconnect('SQL1', 'mi-east', 24 * 3_600_000);
    await until('the copy was given up', () => operation()?.state === 'FAILED');
    expect((await look()).news?.kind).toBe('log-backup-taken');
  }, 60_000);

  test('while a copy is read, which holds the log itself, there is no backup either', async () => {
    stage.estate.world.clock.speed = 10;
    const setUp = (async () => {
      for (const id of SET_UP) await east.run(id);
    })();
    await until('the copy is read', () => isRead(), 60_000);
    expect((await look()).verdict).toMatchObject({
      decision: 'hold',
      reason: expect.stringContaining('DAG_Sales_mi-east'),
    });
    expect(isRead()).toBe(true);
    stage.estate.world.clock.speed = 600;
    await setUp;
  }, 90_000);
});

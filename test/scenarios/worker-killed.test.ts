/**
 * A worker that is killed with signal 9, at any moment, costs nothing but time: the next one goes on.
 */
import type { PlatformOperationKind } from '../../estate/world/model';
import type { EstateWorld } from '../../estate/world/world';
import { repointApplication, sideOf, until, verifyOn } from '../support/application';
import {
  DeadlyScene,
  disabledLogins,
  type Moment,
  repeatedEffects,
  requestAccepted,
  statementDone,
  whileDoing,
} from '../support/deadly-scene';
import { closeServer } from '../support/scenario';
import { worldSnapshot } from '../support/world-snapshot';

const GB = 1024 ** 3;
/** Simulated milliseconds per real one, where nothing else is said. */
const SPEED = 300;
/** A new worker comes to work after about three seconds: what it shall find under way takes five. */
const LONG = 5_000 * SPEED;

const RATES = {
  trustCertificateMs: LONG,
  // Until it connects; Azure gives a link up that has not 5 minutes after the request.
  linkCreateMs: 280_000,
  linkDeleteMs: LONG,
  failoverGeneralPurposeMs: LONG,
  firstFullBackupDelayMs: 8_000 * SPEED,
};

/** A request without an answer is given 15 times `active` to show: longer than what it began takes. */
const SECTIONS = `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { approval: { required: true }, fence: { disableLogins: [app] } }
polling: { steady: 500ms, seeding: 500ms, active: 400ms, heartbeatTimeout: 1500ms }
`;

const isConnecting = (world: EstateWorld): boolean =>
  world.links.get('mi-west', 'DAG_Sales')?.connection.state === 'DISCONNECTED';

const isUnderWay = (world: EstateWorld, kind: PlatformOperationKind): boolean =>
  world.platformTimeline().some((operation) => operation.kind === kind && operation.status === 'InProgress');

const isQuarterSeeded = (world: EstateWorld): boolean => {
  const [stats] = world.links.physicalSeeding('SQL1');
  return stats !== undefined && stats.transferredBytes > stats.databaseBytes / 4;
};

const UP_TO_REPLICATING: readonly Moment[] = [
  requestAccepted('trust: Azure accepted the certificate', 'PUT', 'serverTrustCertificates'),
  statementDone('groups: the distributed group is created', '^CREATE AVAILABILITY GROUP \\[DAG_'),
  requestAccepted('link: Azure accepted its creation', 'PUT', 'distributedAvailabilityGroups', 20),
  whileDoing('link: it connects', 'awaitLinkConnected', 20, isConnecting),
  whileDoing('seeding: a quarter is copied', 'watchSeeding', 40, isQuarterSeeded),
  statementDone('first log backup: it is taken', 'BACKUP LOG'),
  whileDoing('replicating', 'watch'),
];

const BEHIND_THE_FENCE = statementDone('cutover: the login is disabled', '^ALTER LOGIN \\[app\\] DISABLE');

const AFTER_APPROVAL: readonly Moment[] = [
  BEHIND_THE_FENCE,
  { name: 'cutover: FAILOVER runs', when: ({ world }) => isUnderWay(world, 'failover-planned') },
  whileDoing('after: Azure takes its backup', 'awaitAzureFullBackup'),
  requestAccepted('after: Azure accepted the deletion', 'DELETE', 'distributedAvailabilityGroups'),
];

afterAll(closeServer);

/** Opens a scene for a test and closes it, however the test ends. */
const scene = (work: (scene: DeadlyScene) => Promise<void>) => async (): Promise<void> => {
  const database = { dataBytes: 20 * GB };
  const opened = await DeadlyScene.open({ speed: SPEED, database, rates: RATES }, SECTIONS);
  try {
    await work(opened);
  } finally {
    await opened.close();
  }
};

test.concurrent(
  'killed eleven times on its way, a database crosses without loss, and nothing is done twice',
  scene(async (deadly) => {
    const { stage, name, world, application } = deadly;
    await deadly.start();
    const before = await deadly.killAt(UP_TO_REPLICATING);
    expect(await stage.migrations.approve(name, { by: 'tester' })).toMatchObject({ accepted: true });
    const after = await deadly.killAt(AFTER_APPROVAL);

    const result = await stage.migrations.result(name);
    expect(result).toMatchObject({ outcome: 'completed', cutoverAttempts: 1, seedingRestarts: 0 });
    expect([...before, ...after]).toHaveLength(11);
    expect(repeatedEffects(world)).toEqual([]);
    expect(world.journal.effective(/\] FAILOVER$/)).toHaveLength(1);

    await repointApplication(stage.estate, application);
    const moved = application.report().acknowledged;
    await until('the application writes again', () => application.report().acknowledged > moved + 10);
    await application.stop();
    const { lost, acknowledged } = await verifyOn(stage.estate, 'mi-west', application);
    expect(lost).toEqual([]);
    expect(acknowledged).toBeGreaterThan(moved);
    expect(disabledLogins(world)).toEqual(['SQL1: app']);
    const instance = await sideOf(stage.estate, 'mi-west');
    expect(instance).toMatchObject({ state: 'ONLINE', updateability: 'READ_WRITE' });
  }),
  180_000,
);

test.concurrent(
  'killed behind the fence and while an abort undoes: the applications get their database back',
  scene(async (deadly) => {
    const { stage, name, world, application, worker } = deadly;
    const was = worldSnapshot(world);
    await deadly.start();
    await until('the link replicates', () => deadly.isDoing('watch'), 60_000);
    await stage.migrations.approve(name, { by: 'tester' });

    if (BEHIND_THE_FENCE.fault !== undefined) world.faults.add(BEHIND_THE_FENCE.fault);
    await until('the login is disabled', () => BEHIND_THE_FENCE.when(deadly));
    await worker.kill();
    expect(disabledLogins(world)).toEqual(['SQL1: app']);
    const aborting = stage.migrations.abort(name, { by: 'tester' });
    await worker.start();
    expect(await aborting).toMatchObject({ accepted: true });

    await deadly.killAt([
      statementDone('abort: the fence is lifted', '^ALTER LOGIN \\[app\\] ENABLE'),
      requestAccepted('abort: Azure accepted the deletion', 'DELETE', 'distributedAvailabilityGroups'),
      statementDone('abort: the endpoint is dropped', '^DROP ENDPOINT'),
    ]);
    const result = await stage.migrations.result(name);
    expect(result).toMatchObject({ outcome: 'aborted', leftovers: [] });
    expect(worldSnapshot(world)).toEqual(was);
    expect(repeatedEffects(world)).toEqual([]);

    const back = application.report().acknowledged;
    await until('the application writes again', () => application.report().acknowledged > back + 10);
    await application.stop();
    expect((await verifyOn(stage.estate, 'SQL1', application)).lost).toEqual([]);
  }),
  180_000,
);

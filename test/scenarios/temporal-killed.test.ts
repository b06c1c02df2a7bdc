/** The Temporal server dies with signal 9 and comes back on its database: the run goes on where it was. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EstateWorld } from '../../estate/world/world';
import { type DevServer, startDevServer } from '../../src/temporal/dev-server';
import {
  estateWithApplication,
  repointApplication,
  startApplication,
  until,
  verifyOn,
} from '../support/application';
import { startStage } from '../support/scenario';

const GB = 1024 ** 3;

const SECTIONS = `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { approval: { required: false }, fence: { disableLogins: [app] } }
polling: { steady: 500ms, seeding: 500ms, active: 100ms, heartbeatTimeout: 3s }
`;

test('a server killed while the database is copied, and behind the fence, costs time and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sqlferry-temporal-'));
  const start = (port: number): Promise<DevServer> =>
    startDevServer({
      ...(process.env.SQLFERRY_TEMPORAL_CLI === undefined ? {} : { cli: process.env.SQLFERRY_TEMPORAL_CLI }),
      databaseFile: join(folder, 'temporal.db'),
      logLevel: 'error',
      port,
    });
  let server = await start(0);
  const port = Number(server.address.split(':')[1]);
  const restart = async (): Promise<void> => {
    await server.kill();
    server = await start(port);
  };
  const stage = await startStage({
    server,
    estate: estateWithApplication({ speed: 100, database: { dataBytes: 24 * GB } }),
    sections: SECTIONS,
  });
  const { estate, migrations } = stage;
  const application = startApplication(estate, 20);
  try {
    await stage.startWorker();
    await migrations.start(stage.spec());
    await until('a part is copied', () => isBeingCopied(estate.world));
    await restart();
    await until('the login is disabled', () => estate.world.journal.effective(/DISABLE/).length > 0, 60_000);
    await restart();
    await until('the roles are swapped', () => isPrimary(estate.world), 60_000);
    expect(await migrations.result('sales')).toMatchObject({ outcome: 'completed', cutoverAttempts: 1 });

    await repointApplication(estate, application);
    const moved = application.report().acknowledged;
    await until('the application writes again', () => application.report().acknowledged > moved);
    await application.stop();
    expect((await verifyOn(estate, 'mi-west', application)).lost).toEqual([]);
    expect(
      estate.world.journal.effective(/^(PUT|DELETE) /).map(({ text }) => text.split('/').at(-2)),
    ).toEqual(['serverTrustCertificates', 'distributedAvailabilityGroups', 'distributedAvailabilityGroups']);
  } finally {
    await application.stop();
    await stage.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

const isBeingCopied = (world: EstateWorld): boolean =>
  world.links.physicalSeeding('SQL1').some(({ transferredBytes }) => transferredBytes > GB);

const isPrimary = (world: EstateWorld): boolean =>
  world.links.get('mi-west', 'DAG_Sales')?.instanceLinkRole !== 'Secondary';

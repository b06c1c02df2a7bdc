/** What a forced failover says that it loses must bound what it lost: the estate knows the truth. */
import { WorkloadWriter } from '../../estate/workload/writer';
import { compareLsn, parseLsn } from '../../src/model/sql-server/lsn';
import { APPLICATION, applicationOn, estateWithApplication, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
failover: { coolDown: 1s }
polling: { steady: 500ms, seeding: 250ms, active: 100ms, heartbeatTimeout: 4s }
`;
const MB = 1024 * 1024;

/** A stage and the name of its run: all runs of this file share a Temporal server. */
type Exercise = Stage & { readonly run: string };

const protectionOf = async (stage: Exercise) => (await stage.migrations.view(stage.run)).status.protection;

test.each([
  ['dead', true],
  ['still there, behind a slow network', false],
])(
  'the old primary is %s: the loss is bounded, and what diverged is named once it is back',
  async (_name, dies) => {
    const begun = await startStage({
      estate: estateWithApplication({ speed: 600, database: { dataBytes: 1024 * MB } }),
    });
    const stage: Exercise = { ...begun, run: dies ? 'dead' : 'slow' };
    const { world } = stage.estate;
    const writer = new WorkloadWriter({ target: applicationOn(stage.estate, 'SQL1'), rate: 50, retryMs: 25 });
    try {
      await stage.startWorker();
      await stage.migrations.start(stage.spec(SECTIONS, stage.run));
      await until('the link stands', async () => (await protectionOf(stage)) !== null);
      // From here on a second of the estate is a second: the loss is told in seconds.
      world.clock.speed = 1;
      writer.start();
      await until('the application writes', () => writer.report().acknowledged > 20);
      // A log that is written faster than it can be sent: the secondary falls behind.
      world.network.setPath('SQL1', 'mi-west', { bandwidth: 20_000 });
      world.databases.setSyntheticLogRate('SQL1', 'Sales', 40_000);
      await world.clock.sleep(3_000);
      if (dies) world.instances.kill('SQL1');
      const askedAt = { real: Date.now(), simulated: world.clock.now() };
      const answer = await stage.migrations.failover(stage.run, {
        by: 'dba',
        type: 'forced',
        to: 'instance',
        reason: 'an exercise',
        acceptLossSeconds: 100_000,
      });
      expect(answer).toMatchObject({ accepted: true });
      await until(
        'the instance leads',
        async () => (await protectionOf(stage))?.primary === 'instance',
        60_000,
      );
      await writer.stop();
      const truth = world.links.get('mi-west', 'DAG_Sales')?.lastForcedLoss;
      if (truth === undefined) throw new Error('the estate forced nothing');
      const firstLost =
        truth.firstLostLsn === undefined ? undefined : parseLsn(truth.firstLostLsn.toString());
      const loss = (await protectionOf(stage))?.failovers.at(-1)?.loss;
      expect(loss?.method).toBe(dies ? 'estimate' : 'measured');
      expect(truth.commits).toBeGreaterThan(0);

      const hardened = loss?.newPrimaryHardenedLsn;
      if (firstLost !== undefined && hardened != null) {
        expect(compareLsn(firstLost, hardened)).toBeGreaterThan(0);
      }
      const oldest = world.databases
        .commits('SQL1', 'Sales')
        .find(({ lsn }) => truth.firstLostLsn !== undefined && lsn >= truth.firstLostLsn);
      if (oldest === undefined) throw new Error('the lost commits are not known');
      // Told just before the take-over; an old primary that is fenced or dead commits nothing any more.
      const foundAt = Date.parse(loss?.observedAt ?? '') - askedAt.real + askedAt.simulated;
      expect((loss?.seconds ?? 0) * 1_000).toBeGreaterThanOrEqual(foundAt - oldest.at);
      world.clock.speed = 600;
      if (dies) {
        world.instances.revive('SQL1');
        world.instances.start('SQL1');
      }
      await until(
        'the diverged part is known',
        async () => (await protectionOf(stage))?.failovers.at(-1)?.diverged != null,
        60_000,
      );
      const diverged = (await protectionOf(stage))?.failovers.at(-1)?.diverged;
      if (diverged?.afterLsn == null || firstLost === undefined) throw new Error('nothing diverged');
      expect(diverged.on).toBe('server');
      expect(compareLsn(diverged.afterLsn, firstLost)).toBeLessThan(0);
      expect(compareLsn(diverged.toLsn, firstLost)).toBeGreaterThanOrEqual(0);
    } finally {
      await writer.stop();
      await stage.close();
    }
  },
  90_000,
);

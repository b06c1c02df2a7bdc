/** Every version of SQL Server that the link knows crosses by its own route, under a workload that loses nothing. */
import type { RunningEstate } from '../../estate/estate';
import { PREFLIGHT_BLOCKED } from '../../src/workflows/run/preflight';
import {
  type EstateParts,
  estateWithApplication,
  repointApplication,
  type Side,
  sideOf,
  startApplication,
  until,
  verifyOn,
} from '../support/application';
import { closeServer, QUICK_POLLING, startStage } from '../support/scenario';
import { worldSnapshot } from '../support/world-snapshot';

afterAll(closeServer);

interface Crossing extends EstateParts {
  readonly title: string;
  readonly route: 'planned-failover' | 'delete-link';
  readonly afterwards?: 'keep-link';
}

const CROSSINGS: readonly Crossing[] = [
  {
    title: '2016 with the Azure Connect pack, on a Windows cluster',
    server: { version: '2016', clustered: true },
    route: 'delete-link',
  },
  { title: '2017 with the Azure Connect pack', server: { version: '2017' }, route: 'delete-link' },
  { title: '2019 CU27 on Linux', server: { version: '2019', platform: 'linux' }, route: 'delete-link' },
  { title: '2022 RTM', server: { version: '2022', update: 'RTM' }, route: 'delete-link' },
  { title: '2022 CU5', server: { version: '2022', update: 'CU5' }, route: 'delete-link' },
  { title: '2022 CU16', server: { version: '2022', update: 'CU16' }, route: 'planned-failover' },
  {
    title: '2022 CU16, the link is kept',
    server: { version: '2022', update: 'CU16' },
    route: 'planned-failover',
    afterwards: 'keep-link',
  },
  {
    title: '2022 CU16 to an instance that is always up to date',
    server: { version: '2022', update: 'CU16' },
    instance: { databaseFormat: 'AlwaysUpToDate' },
    route: 'delete-link',
  },
  {
    title: '2025 to an instance with update policy SQLServer2025',
    server: { version: '2025' },
    instance: { databaseFormat: 'SQLServer2025', tier: 'BusinessCritical' },
    route: 'planned-failover',
  },
];

const sections = (crossing: Crossing): string => `
logBackups: { directory: ${crossing.server?.platform === 'linux' ? '/var/opt/mssql/backup' : '"C:\\\\Backup"'}, every: 15m }
cutover:
  approval: { required: false }
  fence: { disableLogins: [app] }
  afterwards: ${crossing.afterwards ?? 'remove-link'}
${QUICK_POLLING}
`;

const ALONE: Side = { state: 'ONLINE', updateability: 'READ_WRITE', groups: [], applicationDisabled: false };

/** The documented end states of both sides (failover how-to of the link). */
function endStates({ route, afterwards }: Crossing): { server: Partial<Side>; instance: Side } {
  // Deleting the link makes two independent copies: the old one stays open, and only the fence keeps it still.
  if (route === 'delete-link') return { server: { ...ALONE, applicationDisabled: true }, instance: ALONE };
  if (afterwards === 'keep-link') {
    return {
      server: { groups: ['AG_Sales PRIMARY', 'DAG_Sales SECONDARY'], applicationDisabled: true },
      instance: { ...ALONE, groups: ['AG_Sales_MI PRIMARY', 'DAG_Sales PRIMARY'] },
    };
  }
  // The old primary became a secondary; without its groups such a copy stands in RESTORING.
  return { server: { state: 'RESTORING', groups: [], applicationDisabled: true }, instance: ALONE };
}

describe('a database crosses under load', () => {
  test.each(CROSSINGS)('from SQL Server $title', async (crossing) => {
    const stage = await startStage({ estate: estateWithApplication(crossing) });
    const writer = startApplication(stage.estate);
    try {
      await until('the application writes', () => writer.report().acknowledged >= 10);
      await stage.startWorker();
      await stage.migrations.start(stage.spec(sections(crossing)));
      const result = await stage.migrations.result('sales');
      expect(result).toMatchObject({ outcome: 'completed', route: crossing.route, cutoverAttempts: 1 });

      const before = writer.report();
      expect(before.connectionFailures).toBeGreaterThan(0);
      // The old copy ends where the new one went on: the fence let nothing in behind the last LSN.
      expect(rowsOf(stage.estate, 'SQL1')).toBe(rowsOf(stage.estate, 'mi-west'));
      await repointApplication(stage.estate, writer);
      await until(
        'the application writes again',
        () => writer.report().acknowledged >= before.acknowledged + 10,
      );
      await writer.stop();

      const { unknown } = writer.report();
      const found = await verifyOn(stage.estate, 'mi-west', writer);
      expect(found).toMatchObject({ lost: [], duplicates: 0 });
      expect(found.unacknowledgedPresent).toBeLessThanOrEqual(unknown);
      expect(found.present).toBe(found.acknowledged + found.unacknowledgedPresent);

      const expected = endStates(crossing);
      expect(await sideOf(stage.estate, 'SQL1')).toMatchObject(expected.server);
      expect(await sideOf(stage.estate, 'mi-west')).toEqual(expected.instance);
      expect(stage.estate.world.links.all()).toHaveLength(crossing.afterwards === 'keep-link' ? 1 : 0);
      const copy = stage.estate.world.databases.get('mi-west', 'Sales');
      expect(copy.droppedLinkBeforeFirstBackup).toBe(false);
    } finally {
      await writer.stop();
      await stage.close();
    }
  });
});

function rowsOf(estate: RunningEstate, name: string): number {
  const { store } = estate.world.databases.get(name, 'Sales');
  return store.table('dbo', 'ferry_workload')?.rows.size ?? 0;
}

interface Refusal extends EstateParts {
  readonly title: string;
  readonly check: string;
}

const REFUSALS: readonly Refusal[] = [
  { title: 'SQL Server 2014', server: { version: '2016', update: '12.0.6024.0' }, check: 'server.version' },
  {
    title: '2016 SP3 without the Azure Connect pack',
    server: { version: '2016', update: 'SP3' },
    check: 'server.link-support',
  },
  { title: '2017 RTM', server: { version: '2017', update: 'RTM' }, check: 'server.version' },
  { title: '2019 CU17', server: { version: '2019', update: 'CU17' }, check: 'server.version' },
  {
    title: '2025 to an instance of update policy SQLServer2022',
    server: { version: '2025' },
    check: 'instance.update-policy',
  },
];

describe('a version that the link does not take is refused, and nothing is changed', () => {
  test.each(REFUSALS)('$title', async (refusal) => {
    const stage = await startStage({ estate: estateWithApplication(refusal) });
    try {
      const { world } = stage.estate;
      const before = worldSnapshot(world);
      await stage.startWorker();
      await stage.migrations.start(stage.spec());
      const failure = await stage.migrations.failure('sales');
      expect(failure).toMatchObject({ code: PREFLIGHT_BLOCKED });
      const report = await stage.migrations.preflight('sales');
      const failed = report?.checks.filter((check) => check.outcome === 'failed').map((check) => check.id);
      expect(failed).toContain(refusal.check);
      expect(worldSnapshot(world)).toEqual(before);
      expect(world.effects().filter((effect) => effect.outcome !== 'no-op')).toEqual([]);
    } finally {
      await stage.close();
    }
  });
});

/** Promise 4: what `plan` shows before the run is what the run does, and nothing else reaches the estate. */

import type { Effect } from '../../estate/world/model';
import type { EstateWorld } from '../../estate/world/world';
import { type LinkPlan, planLinkMigration } from '../../src/activities/link/plan';
import { preflight } from '../../src/activities/link/preflight';
import type { JournalEntry } from '../../src/model/run/journal';
import {
  APPLICATION,
  type EstateParts,
  estateWithApplication,
  query,
  startApplication,
  until,
} from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';
import { openSteps } from '../support/steps-without-temporal';
import { worldSnapshot } from '../support/world-snapshot';

afterAll(closeServer);

interface Case extends EstateParts {
  readonly title: string;
  readonly afterwards?: 'keep-link';
  readonly keepLog?: 'trace-flag-12381';
  /** T-SQL that the administrator runs before the plan. */
  readonly before?: string;
  /** Steps that find everything as it should be. */
  readonly settled: readonly string[];
}

const AVAILABILITY_GROUP = `CREATE AVAILABILITY GROUP [AG_Sales] WITH (CLUSTER_TYPE = NONE) FOR DATABASE [Sales]
REPLICA ON N'SQL1' WITH (ENDPOINT_URL = 'TCP://SQL1:5022', AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,
FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`;

const OLD_SERVER_SETTLED = ['server.validate-certificate-chain'];

const CASES: readonly Case[] = [
  { title: '2022, nothing is there yet', server: { version: '2022' }, settled: [] },
  { title: '2022, the link is kept', server: { version: '2022' }, afterwards: 'keep-link', settled: [] },
  {
    title: '2022, the log is kept for the copy',
    server: { version: '2022' },
    keepLog: 'trace-flag-12381',
    settled: [],
  },
  {
    title: '2022, with a master key, an endpoint with another certificate, and a group of its own',
    server: {
      version: '2022',
      masterKey: true,
      certificates: [{ name: 'Old_Certificate', subject: 'of the house' }],
      endpoint: { name: 'Hadr_endpoint', certificate: 'Old_Certificate' },
    },
    before: AVAILABILITY_GROUP,
    settled: ['server.master-key', 'server.availability-group', 'server.drop-availability-group'],
  },
  { title: '2019, nothing is there yet', server: { version: '2019' }, settled: OLD_SERVER_SETTLED },
  {
    title: '2019, with a master key, the endpoint and its certificate',
    server: {
      version: '2019',
      masterKey: true,
      certificates: [{ name: 'Cert_SQL1_endpoint', subject: 'of an earlier link' }],
      endpoint: { certificate: 'Cert_SQL1_endpoint' },
    },
    settled: [
      'server.master-key',
      'server.endpoint-certificate',
      ...OLD_SERVER_SETTLED,
      'server.mirroring-endpoint',
    ],
  },
];

const sections = ({ afterwards, keepLog }: Case): string => `
logBackups: { directory: "C:\\\\Backup", every: 5m }
cutover:
  fence: { disableLogins: [${APPLICATION.name}] }
  afterwards: ${afterwards ?? 'remove-link'}
seeding: { keepLog: ${keepLog ?? 'none'} }
${QUICK_POLLING}
`;

describe('the plan is the run', () => {
  test.each(CASES)('$title', async (each) => {
    const stage = await startStage({ estate: estateWithApplication(each) });
    const writer = startApplication(stage.estate, 50);
    try {
      const { world } = stage.estate;
      if (each.before !== undefined) await query(stage.estate, 'SQL1', each.before);
      const planned = await planOf(stage, each);
      expect(settledSteps(planned)).toEqual([...each.settled].sort());

      const received = world.effects().length;
      const journal = await runOf(stage, each);
      expect(collapsed(journal)).toEqual(stepsOf(planned));
      expect(backupsOnCadence(journal)).toBeGreaterThanOrEqual(2);
      expectOnlyPlanned(world.effects().slice(received), planned);
    } finally {
      await writer.stop();
      await stage.close();
    }
  });
});

/** Made before the run, of a world that it leaves as it was. */
async function planOf(stage: Stage, each: Case): Promise<LinkPlan> {
  const { world } = stage.estate;
  const before = { snapshot: worldSnapshot(world), changes: changesIn(world) };
  const spec = stage.spec(sections(each));
  const steps = await openSteps(spec, stage.env);
  try {
    const { route } = await preflight(steps.context);
    return await planLinkMigration(steps.context, route);
  } finally {
    await steps.close();
    expect({ snapshot: worldSnapshot(world), changes: changesIn(world) }).toEqual(before);
  }
}

const changesIn = (world: EstateWorld): number =>
  world.effects().filter((effect) => effect.outcome !== 'no-op').length;

/** A whole run that waits for its approval until two backups were taken by cadence. */
async function runOf(stage: Stage, each: Case): Promise<readonly JournalEntry[]> {
  await stage.startWorker();
  await stage.migrations.start(stage.spec(sections(each)));
  await until('three log backups are taken', async () => {
    const { status } = await stage.migrations.view('sales');
    return status.logBackups.count >= 3;
  });
  expect(await stage.migrations.approve('sales', { by: 'test' })).toMatchObject({ accepted: true });
  expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'completed' });
  return stage.migrations.journal('sales');
}

const settledSteps = (planned: LinkPlan): string[] =>
  planned.steps
    .filter((step) => step.settled !== null)
    .map((step) => step.stepId)
    .sort();

/** Steps with what they do; those that do nothing may be left out by the run. */
const stepsOf = (planned: LinkPlan) =>
  planned.steps
    .filter((step) => step.effects.length > 0)
    .map(({ stepId, phase, title, effects }) => ({ stepId, phase, title, effects }));

const isOnCadence = (entry: JournalEntry): boolean =>
  entry.stepId === 'server.log-backup' && entry.phase === 'replicating';

const backupsOnCadence = (journal: readonly JournalEntry[]): number => journal.filter(isOnCadence).length;

/** The backups by cadence become one, where the first of them stands. */
function collapsed(journal: readonly JournalEntry[]) {
  const first = journal.find(isOnCadence);
  return journal
    .filter((entry) => entry.effects.length > 0 && (!isOnCadence(entry) || entry === first))
    .map(({ stepId, phase, title, effects }) => ({ stepId, phase, title, effects }));
}

/** Planned statements of which the estate's journal of changes keeps nothing, since they leave nothing. */
const LEAVES_NOTHING = /sp_validate_certificate_ca_chain|sqlferry_write_probe/;

/**
 * What the estate itself noted, statement by statement: each must stand in the plan, in its order, and each planned
 * statement must have come. Only backups may come again.
 */
function expectOnlyPlanned(effects: readonly Effect[], planned: LinkPlan): void {
  const displays = planned.steps.flatMap((step) => step.effects.map((effect) => masked(effect.display)));
  const seen = new Set<number>();
  let position = 0;
  for (const effect of effects) {
    if (effect.outcome === 'no-op' || effect.actor === APPLICATION.name) continue;
    const text = masked(effect.text);
    if (text.startsWith('BACKUP LOG') && displays[position]?.includes(text)) {
      seen.add(position);
      continue;
    }
    const next = displays.findIndex((display, index) => index >= position && display.includes(text));
    if (next < 0) throw new Error(`the plan does not show, after its statement ${position}: ${text}`);
    expect(effect.outcome).toBe('effect');
    seen.add(next);
    position = next;
  }
  const missing = displays.filter((display, index) => !seen.has(index) && !LEAVES_NOTHING.test(display));
  // Of the two equal backups of the plan, the first of a row stands for both.
  expect(missing.filter((display) => !/^BACKUP LOG/m.test(display))).toEqual([]);
}

/** Values that are learnt during the run, and the differences between an ARM path and its short form. */
const masked = (text: string): string =>
  text
    .replace(/PASSWORD = '\*+'/g, "PASSWORD = '***'")
    .replace(/0x(<[^>]+>|[0-9A-F]{40,})/gi, '0x<binary>')
    .replace(/_(<time>|\d{8}T\d{6})\.trn/g, '_<time>.trn')
    .replace(/KILL \d+/g, 'KILL ')
    .replace(/^(PUT|DELETE) \/subscriptions\/.*\/managedInstances\/[^/]+\//, '$1 ');

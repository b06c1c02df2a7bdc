/** Promise 5: before the point of no return an abort undoes exactly what the run made, and nothing else. */

import type { EstateWorld } from '../../estate/world/world';
import { LINK_STEPS } from '../../src/activities/link/steps/registry';
import { runStep, undoStep } from '../../src/activities/run/run-step';
import type { CutoverRoute } from '../../src/model/link/facts';
import { linkProcedure } from '../../src/model/link/procedure';
import type { LinkPhase, LinkStepId } from '../../src/model/link/step';
import {
  APPLICATION,
  type EstateParts,
  estateWithApplication,
  query,
  sideOf,
  startApplication,
  until,
} from '../support/application';
import {
  closeServer,
  type EstateStage,
  QUICK_POLLING,
  type Stage,
  startEstateStage,
  startStage,
} from '../support/scenario';
import { type OpenedSteps, openSteps } from '../support/steps-without-temporal';
import { worldSnapshot } from '../support/world-snapshot';

afterAll(closeServer);

const sections = (cutover = ''): string => `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { fence: { disableLogins: [${APPLICATION.name}] }${cutover} }
${QUICK_POLLING}
`;

interface House extends EstateParts {
  readonly title: string;
  readonly route: CutoverRoute;
  readonly before?: string;
}

/** What stands there before the run must stand there after it, whoever made it. */
const HOUSES: readonly House[] = [
  { title: '2019, an empty house', server: { version: '2019' }, route: 'delete-link' },
  { title: '2022, an empty house', server: { version: '2022' }, route: 'planned-failover' },
  {
    title: '2022 with an endpoint for Windows and certificates, and a group of its own',
    server: {
      version: '2022',
      masterKey: true,
      certificates: [{ name: 'Old_Certificate', subject: 'of the house' }],
      endpoint: { name: 'Hadr_endpoint', certificate: 'Old_Certificate' },
    },
    before: `CREATE AVAILABILITY GROUP [AG_Sales] WITH (CLUSTER_TYPE = NONE) FOR DATABASE [Sales]
REPLICA ON N'SQL1' WITH (ENDPOINT_URL = 'TCP://SQL1:5022', AVAILABILITY_MODE = SYNCHRONOUS_COMMIT,
FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`,
    route: 'planned-failover',
  },
];

const BEFORE_CROSSING: readonly LinkPhase[] = ['trust', 'groups', 'link', 'cutover'];
const CROSSING: readonly LinkStepId[] = [
  'server.planned-failover',
  'instance.delete-link-to-cut-over',
  'instance.verify-writable',
];

const stepsToUndo = (route: CutoverRoute): readonly LinkStepId[] =>
  linkProcedure(route, 'remove-link')
    .filter((step) => BEFORE_CROSSING.includes(step.phase) && !CROSSING.includes(step.id))
    .map((step) => step.id);

describe('each step is undone to what it found', () => {
  test.each(HOUSES)('$title', async (house) => {
    const stage = await startEstateStage({ estate: estateWithApplication({ ...house, speed: 2_000 }) });
    if (house.before !== undefined) await query(stage.estate, 'SQL1', house.before);
    const steps = await openSteps(stage.spec(sections()), stage.env);
    try {
      const done: Done[] = [];
      for (const id of stepsToUndo(house.route)) done.unshift(await perform(id, steps, stage));
      for (const { id, facts, before } of done) {
        await undo(id, facts, steps);
        expect({ undone: id, world: worldSnapshot(stage.estate.world) }).toEqual({
          undone: id,
          world: before,
        });
        // A second undo finds nothing to do, as after a worker that died without reporting the first.
        expect(await undo(id, facts, steps)).toBe(0);
      }
    } finally {
      await steps.close();
      await stage.close();
    }
  });
});

interface Done {
  readonly id: LinkStepId;
  /** Undefined when the step had nothing to do: then a run does not undo it either. */
  readonly facts: unknown;
  readonly before: Record<string, unknown>;
}

async function perform(
  id: LinkStepId,
  { context, apply }: OpenedSteps,
  { estate }: EstateStage,
): Promise<Done> {
  const before = worldSnapshot(estate.world);
  const seen = await LINK_STEPS[id].look(context);
  // As in a run, the facts go through a history as JSON.
  const facts: unknown = seen.settled === undefined ? JSON.parse(JSON.stringify(seen.facts)) : undefined;
  await runStep(LINK_STEPS[id], context, apply);
  if (id === 'instance.link') await until('the copy is complete', () => isSeeded(estate.world));
  return { id, facts, before };
}

/** @returns how many changes it took */
async function undo(id: LinkStepId, facts: unknown, { context, apply }: OpenedSteps): Promise<number> {
  if (facts === undefined) return 0;
  return (await undoStep(LINK_STEPS[id], facts, context, apply)).effects.length;
}

const isSeeded = (world: EstateWorld): boolean => world.links.all().some((link) => link.seeded);

describe('an abort of a whole run', () => {
  let stage: Stage;
  let before: unknown;

  async function begin(parts: EstateParts, cutover?: string): Promise<void> {
    stage = await startStage({ estate: estateWithApplication(parts) });
    before = worldSnapshot(stage.estate.world);
    await stage.startWorker();
    await stage.migrations.start(stage.spec(sections(cutover)));
  }

  async function abortAndCompare(): Promise<void> {
    expect(await stage.migrations.abort('sales', { by: 'test' })).toMatchObject({ accepted: true });
    expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'aborted', leftovers: [] });
    expect(worldSnapshot(stage.estate.world)).toEqual(before);
    const journal = await stage.migrations.journal('sales');
    const undone = journal.filter((entry) => entry.outcome === 'undone').map((entry) => entry.stepId);
    const latestFirst = [...stepsToUndo('planned-failover')].reverse();
    expect(undone.filter((id) => id !== 'server.synchronous-commit')).toEqual(
      latestFirst.filter((id) => undone.includes(id)),
    );
    expect(undone).toContain('server.master-key');
  }

  afterEach(() => stage.close());

  test('while a statement of a step is still under way', async () => {
    await begin({});
    const { faults, instances } = stage.estate.world;
    // Half a second here: it takes effect before the cancellation can reach it.
    faults.add({
      surface: 'sql',
      statement: '^CREATE AVAILABILITY GROUP \\[AG_Sales\\]',
      action: { kind: 'slow', ms: 300_000 },
    });
    await until('the statement is under way', () => faults.list().some((fault) => fault.struck > 0));
    await abortAndCompare();
    expect(instances.get('SQL1').groups.size).toBe(0);
  });

  test('in seeding', async () => {
    await begin({ rates: { seedingRate: 1024 ** 2 } });
    await until('the copy streams', () =>
      stage.estate.world.links.physicalSeeding('SQL1').some((row) => row.transferredBytes > 0),
    );
    await abortAndCompare();
    expect(stage.estate.world.instances.get('mi-west').databases.size).toBe(0);
  });

  test('while it replicates', async () => {
    await begin({});
    await until('the run waits for its approval', async () => {
      const { status } = await stage.migrations.view('sales');
      return status.phase === 'replicating';
    });
    await abortAndCompare();
  });

  test.each(['2019', '2022'] as const)('behind the fence, from SQL Server %s', async (version) => {
    await begin({ server: { version } }, ', approval: { required: false }');
    const { world } = stage.estate;
    // Somebody whom the fence does not hold writes on, so that the logs never stand equal.
    await until('the copy is complete', () => isSeeded(world));
    world.databases.setSyntheticLogRate('SQL1', 'Sales', 4_096);
    const writer = startApplication(stage.estate);
    try {
      await until(
        'the fence stands',
        async () => (await sideOf(stage.estate, 'SQL1')).applicationDisabled === true,
      );
      const fenced = writer.report().acknowledged;
      await abortAndCompare();
      await until('the application writes again', () => writer.report().acknowledged > fenced);
    } finally {
      await writer.stop();
    }
  });

  test('is refused once the instance is to become the primary', async () => {
    await begin({}, ', approval: { required: false }');
    const { world } = stage.estate;
    world.faults.add({ surface: 'sql', statement: 'FAILOVER;$', action: { kind: 'slow', ms: 600_000 } });
    await until('the failover is under way', () => world.faults.list().some((fault) => fault.struck > 0));
    expect(await stage.migrations.abort('sales', { by: 'test' })).toMatchObject({ accepted: false });
    expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'completed' });
  });
});

/** Drills of a DR link: there, held, and back, under a workload; and what ends one before its time. */

import type { WorkloadWriter } from '../../estate/workload/writer';
import { planLinkChange } from '../../src/activities/link/plan-change';
import { Snapshots } from '../../src/activities/run/snapshots';
import type { JournalEntry } from '../../src/model/run/journal';
import type { RunningWorker } from '../../src/worker/run-worker';
import { applicationOn, startApplication, until, verifyOn } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { LINK_SECTIONS, linkEstate, standingLink } from '../support/standing-link';
import { openSteps } from '../support/steps-without-temporal';

afterAll(closeServer);

const DBA = { by: 'dba' };
const HOUR = 3_600_000;
/** Drills follow each other here, so that all but the first are acknowledged. */
const SECTIONS = LINK_SECTIONS.replace('coolDown: 1s', 'coolDown: 1h');
const acknowledgedBy = 'head of operations';

describe('a drill', () => {
  let stage: Stage;
  let writer: WorkloadWriter;
  let worker: RunningWorker;

  beforeAll(async () => {
    stage = await startStage({ estate: linkEstate() });
    // Else the second worker of this process would make a key file anew.
    stage.env.SQLFERRY_STATE_KEY = 'of both workers';
    worker = await stage.startWorker();
    await standingLink(stage, SECTIONS);
    writer = startApplication(stage.estate, 50);
  }, 90_000);
  afterAll(async () => {
    await writer.stop();
    await stage.close();
  });

  const protection = async () => {
    const { protection: seen } = (await stage.migrations.view('sales')).status;
    if (seen === null) throw new Error('the link does not stand');
    return seen;
  };
  const holding = (side: 'server' | 'instance') =>
    until('the drill holds', async () => {
      const { primary, drill } = await protection();
      return primary === side && typeof drill?.holdUntil === 'string';
    });
  const ended = (outcome: string) =>
    until(`the drill is ${outcome}`, async () => {
      const seen = await protection();
      return seen.drill === undefined && seen.pendingRequest === null && seen.lastDrill?.outcome === outcome;
    });
  const journalOf = (workflowId: string) =>
    stage.client.workflow.getHandle(workflowId).query<readonly JournalEntry[]>('journal');

  test('goes there and back by the statements of its plan, and loses nothing', async () => {
    const steps = await openSteps(stage.spec(SECTIONS), stage.env);
    const plan = await planLinkChange(steps.context, new Snapshots(steps.context.clock), { kind: 'drill' });
    await steps.close();
    expect(plan.refusals).toEqual([]);

    expect(
      await stage.migrations.drill('sales', { ...DBA, reason: 'quarterly', holdMs: 2_000 }),
    ).toMatchObject({
      accepted: true,
    });
    await holding('instance');
    writer.repoint(applicationOn(stage.estate, 'mi-west'));
    const { notPossible } = await protection();
    expect(notPossible.find(({ what }) => what === 'removal')?.reason).toMatch(
      /^a drill is under way; it goes back at/,
    );
    await ended('done');
    writer.repoint(applicationOn(stage.estate, 'SQL1'));

    const { lastDrill, failovers, primary } = await protection();
    expect(primary).toBe('server');
    expect(lastDrill).toMatchObject({
      by: 'dba',
      reason: 'quarterly',
      from: 'server',
      to: 'instance',
      there: { type: 'planned', outcome: 'done', evidence: { samples: 3 } },
      back: { type: 'planned', outcome: 'done', evidence: { samples: 3 } },
    });
    expect(lastDrill?.heldMs).toBeGreaterThanOrEqual(2_000);
    expect(failovers.map(({ drill, to }) => [drill, to])).toEqual([
      ['there', 'instance'],
      ['back', 'server'],
    ]);
    const made = (await Promise.all(failovers.map(({ workflowId }) => journalOf(workflowId)))).flatMap(
      (journal) => journal.flatMap(({ effects }) => effects.map(({ display }) => display)),
    );
    const shown = plan.steps.flatMap(({ effects }) => effects.map(({ display }) => display));
    expect(made).toEqual(shown);
  }, 60_000);

  test('another one within the cool-down needs a name; its hold ends when the way back is asked for', async () => {
    expect(await stage.migrations.drill('sales', { ...DBA, holdMs: HOUR })).toMatchObject({
      accepted: false,
      reasons: [expect.stringContaining('needs an acknowledgement')],
    });
    expect(await stage.migrations.drill('sales', { ...DBA, holdMs: HOUR, acknowledgedBy })).toMatchObject({
      accepted: true,
    });
    await holding('instance');
    expect(await stage.migrations.remove('sales', DBA)).toMatchObject({ accepted: false });
    // No acknowledgement: the way back of a drill is no flapping.
    expect(await stage.migrations.failover('sales', { ...DBA, type: 'planned', to: 'server' })).toMatchObject(
      {
        accepted: true,
        note: expect.stringContaining('the way back begins'),
      },
    );
    await until('the way back ended', async () => (await protection()).primary === 'server');
    await ended('done');
    expect((await protection()).lastDrill?.there.acknowledged).toMatchObject({ by: acknowledgedBy });
  }, 60_000);

  test('a pause stops it where it is; the way back needs no name then', async () => {
    await stage.migrations.drill('sales', { ...DBA, holdMs: HOUR, acknowledgedBy });
    await holding('instance');
    await stage.migrations.pause('sales', DBA);
    await ended('stopped');
    const stopped = await protection();
    expect(stopped.primary).toBe('instance');
    expect(stopped.lastDrill?.summary).toBe('the run was paused; the instance is the primary');
    await stage.migrations.resume('sales', DBA);
    expect(await stage.migrations.failover('sales', { ...DBA, type: 'planned', to: 'server' })).toMatchObject(
      {
        accepted: true,
      },
    );
    await until('SQL Server leads', async () => (await protection()).primary === 'server');
    writer.repoint(applicationOn(stage.estate, 'SQL1'));
  }, 60_000);

  test('survives the end of its worker while it holds', async () => {
    await until('no request', async () => (await protection()).pendingRequest === null);
    await stage.migrations.drill('sales', { ...DBA, holdMs: 3_000, acknowledgedBy });
    await holding('instance');
    worker.stop();
    await worker.done;
    worker = await stage.startWorker();
    // Temporal hands queries to the worker that is gone for a while.
    await until('the new worker answers', () =>
      protection().then(
        () => true,
        () => false,
      ),
    );
    await ended('done');
    expect((await protection()).primary).toBe('server');
  }, 60_000);

  test('no acknowledged row was lost', async () => {
    await writer.stop();
    const { lost, acknowledged } = await verifyOn(stage.estate, 'SQL1', writer);
    expect(lost).toEqual([]);
    expect(acknowledged).toBeGreaterThan(20);
  }, 30_000);
});

/** Promise 4 for a link that stands: what `plan --of` shows before is what the run does, and nothing else. */

import type { Effect } from '../../estate/world/model';
import { type LinkChangePlan, planLinkChange } from '../../src/activities/link/plan-change';
import type { WantedChange } from '../../src/activities/run/plan-change';
import { Snapshots } from '../../src/activities/run/snapshots';
import type { JournalEntry } from '../../src/model/run/journal';
import type { Answer } from '../../src/workflows/run/answers';
import { APPLICATION, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { LINK_SECTIONS, linkEstate, standingLink } from '../support/standing-link';
import { openSteps } from '../support/steps-without-temporal';
import { worldSnapshot } from '../support/world-snapshot';

afterAll(closeServer);

const by = { by: 'dba', acknowledgedBy: 'head of operations' };

describe('the plan of a change is its run', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage({ estate: linkEstate() });
    await stage.startWorker();
    await standingLink(stage);
  }, 90_000);
  afterAll(() => stage.close());

  test('planned failover there and back', async () => {
    for (const to of ['instance', 'server'] as const) {
      const plan = await planOf({ kind: 'failover', type: 'planned', to });
      expect(plan.refusals).toEqual([]);
      const received = effects().length;
      await accepted(stage.migrations.failover('sales', { ...by, type: 'planned', to }));
      await primaryIs(to);
      expectPlanned(plan, await journalOfLastFailover(), received);
    }
  }, 60_000);

  test('a forced one fences an old primary that answers, and says what would be lost', async () => {
    const plan = await planOf({ kind: 'failover', type: 'forced', to: 'instance' });
    expect(plan.loss).toMatchObject({ method: 'measured' });
    expect(plan.steps.map(({ stepId }) => stepId)[0]).toBe('server.fence');
    const received = effects().length;
    await accepted(
      stage.migrations.failover('sales', {
        ...by,
        type: 'forced',
        to: 'instance',
        reason: 'the plan is compared',
        acceptLossSeconds: 3_600,
      }),
    );
    await primaryIs('instance');
    expectPlanned(plan, await journalOfLastFailover(), received);
  }, 60_000);

  test('repair with either survivor', async () => {
    for (const survivor of ['instance', 'server'] as const) {
      if (survivor === 'server') await forceTo('server');
      await until('the split brain is found', async () => (await protection())?.splitBrain !== null);
      const plan = await planOf({ kind: 'repair', survivor });
      expect(plan.refusals).toEqual([]);
      const received = effects().length;
      const entries = (await stage.migrations.journal('sales')).length;
      await accepted(stage.migrations.repair('sales', { by: 'dba', survivor }));
      await until('the link is whole', async () => (await protection())?.splitBrain === null);
      await until('the request is over', async () => (await protection())?.pendingRequest === null);
      expectPlanned(plan, (await stage.migrations.journal('sales')).slice(entries), received);
    }
  }, 90_000);

  test('a side that is silent is told, and only a forced failover can be planned without it', async () => {
    stage.estate.world.instances.kill('SQL1');
    const forced = await planOf({ kind: 'failover', type: 'forced', to: 'instance' });
    expect(forced.steps[0]).toMatchObject({ stepId: 'server.fence', effects: [] });
    expect(forced.steps[0]?.note).toBe('sql1 does not answer, so it is not fenced');
    expect(forced.refusals).toEqual([]);
    expect(forced.roles).toEqual({ server: null, instance: 'SECONDARY' });
    await expect(planOf({ kind: 'failover', type: 'planned', to: 'instance' })).rejects.toThrow();
    stage.estate.world.instances.revive('SQL1');
    stage.estate.world.instances.start('SQL1');
    await until('the link is healthy', async () => {
      const { status } = await stage.migrations.view('sales');
      return status.health?.healthy === true;
    });
  }, 60_000);

  test('removal', async () => {
    const plan = await planOf({ kind: 'removal' });
    expect(plan.refusals).toEqual([]);
    const received = effects().length;
    const entries = (await stage.migrations.journal('sales')).length;
    await accepted(stage.migrations.remove('sales', { by: 'dba' }));
    expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'removed' });
    expectPlanned(plan, (await stage.migrations.journal('sales')).slice(entries), received);
  }, 60_000);

  /** Made of a world that it leaves as it was. */
  async function planOf(change: WantedChange): Promise<LinkChangePlan> {
    const { world } = stage.estate;
    const steps = await openSteps(stage.spec(LINK_SECTIONS), stage.env);
    const before = { snapshot: worldSnapshot(world), changes: changes().length };
    try {
      return await planLinkChange(steps.context, new Snapshots(steps.context.clock), change);
    } finally {
      await steps.close();
      expect({ snapshot: worldSnapshot(world), changes: changes().length }).toEqual(before);
    }
  }

  const effects = (): readonly Effect[] => stage.estate.world.effects();
  const changes = (): readonly Effect[] =>
    effects().filter(({ outcome, text }) => outcome !== 'no-op' && !text.startsWith('BACKUP LOG'));

  const protection = async () => (await stage.migrations.view('sales')).status.protection;

  const primaryIs = (side: 'server' | 'instance') =>
    until(`${side} leads`, async () => {
      const seen = await protection();
      return seen?.primary === side && seen.pendingRequest === null;
    });

  async function forceTo(to: 'server' | 'instance'): Promise<void> {
    await accepted(
      stage.migrations.failover('sales', {
        ...by,
        type: 'forced',
        to,
        reason: 'for a split brain',
        acceptLossSeconds: 3_600,
      }),
    );
    await primaryIs(to);
  }

  async function journalOfLastFailover(): Promise<readonly JournalEntry[]> {
    const last = (await protection())?.failovers.at(-1);
    expect(last?.outcome).toBe('done');
    return stage.client.workflow.getHandle(last?.workflowId ?? '').query<readonly JournalEntry[]>('journal');
  }

  /** Both ways: what the journal holds stands in the plan, and so does what the estate itself received. */
  function expectPlanned(plan: LinkChangePlan, journal: readonly JournalEntry[], received: number): void {
    const shown = plan.steps.flatMap((step) =>
      step.effects.map(({ display }) => ({ step: step.stepId, display })),
    );
    const made = journal
      .filter(({ stepId, evidence }) => !(stepId === 'server.log-backup' && byTheWatch(evidence)))
      .flatMap((entry) => entry.effects.map(({ display }) => ({ step: entry.stepId, display })));
    expect(made.map(({ step, display }) => [step, masked(display)])).toEqual(
      shown.map(({ step, display }) => [step, masked(display)]),
    );
    const texts = shown.map(({ display }) => masked(display));
    const strangers = effects()
      .slice(received)
      .filter(
        ({ outcome, actor, text }) => outcome !== 'no-op' && actor !== APPLICATION.name && !isBackup(text),
      )
      .map(({ text }) => masked(text))
      .filter((text) => !texts.some((display) => display.includes(text)));
    expect(strangers).toEqual([]);
  }

  /** Log backups go on beside a change; a repair takes one of its own, by no rule of theirs. */
  const byTheWatch = (evidence: string): boolean => evidence.includes('(log-backup.');
  const isBackup = (text: string): boolean => text.startsWith('BACKUP LOG');
});

async function accepted(answer: Promise<Answer>): Promise<void> {
  expect(await answer).toMatchObject({ accepted: true });
}

const masked = (text: string): string =>
  text
    .replace(/_(<time>|\d{8}T\d{6})\.trn/g, '_<time>.trn')
    .replace(/KILL \d+/g, 'KILL ')
    .replace(/^(PUT|POST|DELETE) \/subscriptions\/.*\/managedInstances\/[^/]+\//, '$1 ');

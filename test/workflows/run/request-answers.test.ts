/** In virtual time: every answer of a link that stays carries the rule that decided it, and so do the events of its run. */
import type { Answer } from '../../../src/workflows/run/answers';
import type { RunStatus } from '../../../src/workflows/run/messages';
import { FakeLink } from '../../support/fake-link';
import { linkSpec } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import { closeWorkflowDrivers, hang, WorkflowDriver } from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const DBA = { by: 'dba' };
const PLANNED = { ...DBA, type: 'planned', to: 'instance' };
const HOUR = 3_600_000;

const eventsOf = async (begun: StandingLink, code: string) =>
  (await begun.status()).events.filter((event) => event.code === code);

test('what is accepted names its rule, in the answer and among the events', async () => {
  const begun = await StandingLink.begin();
  expect(await begun.driver.update<Answer>('drill', { ...DBA, holdMs: HOUR })).toMatchObject({
    accepted: true,
    rule: 'request.begins',
  });
  expect(await eventsOf(begun, 'request.drill')).toMatchObject([{ rule: 'request.begins' }]);
  await begun.goOn();
  const back = { ...PLANNED, to: 'server' };
  expect(await begun.driver.update<Answer>('failover', back)).toMatchObject({
    accepted: true,
    rule: 'failover.ends-hold',
  });
  expect(await eventsOf(begun, 'drill.ended-early')).toMatchObject([{ rule: 'failover.ends-hold' }]);
  await begun.end();
});

test('a forced failover over a planned one names its rule', async () => {
  const begun = await StandingLink.begin({
    override: (call) => (call.type === 'awaitCatchUp' ? hang : undefined),
  });
  await begun.driver.update<Answer>('failover', PLANNED);
  await begun.goOn(1_000);
  const forced = { ...PLANNED, type: 'forced', reason: 'fire', acceptLossSeconds: 100_000 };
  expect(await begun.driver.update<Answer>('failover', forced)).toMatchObject({ rule: 'failover.preempts' });
  expect(await eventsOf(begun, 'request.failover')).toMatchObject([
    { rule: 'request.begins' },
    { rule: 'failover.preempts', severity: 'warning' },
  ]);
  await begun.goOn(HOUR);
  await begun.end();
});

test('a refusal is an event with its rule, and of many only the newest three are kept', async () => {
  const begun = await StandingLink.begin();
  const refused = (name: string, request: object) => begun.driver.update<Answer>(name, request);
  expect(await refused('failover', { ...PLANNED, to: 'server' })).toMatchObject({
    accepted: false,
    rule: 'failover.leads-already',
    nextSteps: [expect.stringContaining('status')],
  });
  const before = (await begun.status()).events.filter(({ code }) => code !== 'request.refused');
  await refused('failover', { ...PLANNED, type: 'forced' });
  for (const by of ['one', 'two']) await refused('repair', { by, survivor: 'server' });
  expect(await eventsOf(begun, 'request.refused')).toMatchObject([
    {
      severity: 'info',
      rule: 'failover.no-reason',
      message: 'forced failover asked for by dba was refused: a forced failover needs a reason',
    },
    { rule: 'repair.no-split-brain', message: expect.stringContaining('by one') },
    { rule: 'repair.no-split-brain', message: expect.stringContaining('by two') },
  ]);
  expect((await begun.status()).events.filter(({ code }) => code !== 'request.refused')).toEqual(before);
  await begun.end();
});

test('status says by which rule something is not possible', async () => {
  const begun = await StandingLink.begin();
  await begun.driver.update<Answer>('pause', DBA);
  const { possible, notPossible } = await begun.protection();
  expect(possible).toEqual(['removal']);
  expect(notPossible.map(({ what, rule }) => [what, rule])).toEqual([
    ['planned failover to the instance', 'failover.paused'],
    ['forced failover to the instance', 'failover.paused'],
    ['drill', 'failover.paused'],
    ['repair of a split brain', 'repair.no-split-brain'],
  ]);
  await begun.end();
});

describe('every request leaves who asked, and by which rule it was decided', () => {
  const decided = async ({ driver }: Pick<StandingLink, 'driver'>) =>
    (await driver.query<RunStatus>('status')).events
      .filter(({ by }) => by !== undefined)
      .map(({ code, rule, by }) => [code, rule, by]);

  test('of a DR link', async () => {
    const begun = await StandingLink.begin();
    for (const update of ['resume', 'pause', 'pause', 'resume', 'abort', 'leaveBehind']) {
      await begun.driver.update<Answer>(update, { by: update });
    }
    expect(await decided(begun)).toEqual([
      ['request.refused', 'resume.nothing-waits', 'resume'],
      ['run.paused', 'pause.pauses', 'pause'],
      ['request.accepted', 'pause.already', 'pause'],
      ['run.resumed', 'resume.goes-on', 'resume'],
      ['request.refused', 'abort.forward-only', 'abort'],
      ['request.refused', 'leave.nothing-undone', 'leaveBehind'],
    ]);
    await begun.end();
  });

  test('of a migration', async () => {
    const link = new FakeLink({ override: (call) => (call.type === 'watchSeeding' ? hang : undefined) });
    const input = { spec: linkSpec(), visibility: false };
    const driver = await WorkflowDriver.start('linkMigration', input, link.activities);
    await driver.run(() => false, HOUR);
    const until = '2020-01-01T00:00:00Z';
    await driver.update<Answer>('approve', { by: 'head' });
    await driver.update<Answer>('postpone', { by: 'late', until });
    await driver.update<Answer>('postpone', { by: 'ops', until: '2030-01-01T00:00:00Z' });
    const schedule = { type: 'as-soon-as-ready' };
    await driver.update<Answer>('changeSchedule', { by: 'planner', schedule });
    await driver.update<Answer>('abort', { by: 'head', reason: 'not tonight' });
    expect(await decided({ driver })).toEqual([
      ['cutover.approved', 'approve.noted', 'head'],
      ['request.refused', 'postpone.past', 'late'],
      ['cutover.postponed', 'postpone.noted', 'ops'],
      ['cutover.rescheduled', 'schedule.noted', 'planner'],
      ['run.abort-requested', 'abort.undoes', 'head'],
    ]);
    await driver.run();
    await driver.dispose();
  });
});

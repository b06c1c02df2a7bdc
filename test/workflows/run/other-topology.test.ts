/**
 * A topology that no shared line knows, on a real Temporal server: a procedure, six steps and the looks that only it can
 * take (test/support/counter-pair). All else comes from what any run has.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { createRunActivities } from '../../../src/activities/run/activities';
import { planChange, type WantedChange } from '../../../src/activities/run/plan-change';
import { Snapshots } from '../../../src/activities/run/snapshots';
import { bindTopology } from '../../../src/activities/run/topology';
import { systemClock } from '../../../src/adapters/clock';
import type { JournalEntry } from '../../../src/model/run/journal';
import type { Notification } from '../../../src/ports/notifier';
import { findTemporalCli } from '../../../src/temporal/server-binary';
import { watchQueueOf } from '../../../src/temporal/task-queues';
import type { Answer } from '../../../src/workflows/run/answers';
import type { RunStatus } from '../../../src/workflows/run/messages';
import { untilSeen } from '../../support/application';
import { counterPairSpec } from '../../support/counter-pair/spec';
import { COUNTER_PAIR, COUNTER_PLANNING, type CounterPorts } from '../../support/counter-pair/topology';
import { CounterPair } from '../../support/counter-pair/world';

const QUEUE = 'counters';
const BY = { by: 'dba' };
const PLANNED = { ...BY, type: 'planned', to: 'right' };
const FORCED = { ...BY, type: 'forced', to: 'right', reason: 'Cologne is gone', acceptLossSeconds: 3_600 };

const pairs = new Map<string, CounterPair>();
const told: Notification[] = [];
/** Runs whose forced failovers a hook refuses. */
const vetoed = new Set<string>();
let env: TestWorkflowEnvironment;
let stop: () => Promise<void>;

const portsOf = (name: string): CounterPorts => {
  const pair = pairs.get(name);
  if (pair === undefined) throw new Error(`there are no counters ${name}`);
  return { pair, sites: { left: pair.port('left'), right: pair.port('right') } };
};

const activities = createRunActivities({
  topologies: [
    bindTopology(COUNTER_PAIR, {
      openPorts: async ({ settings }) => portsOf(settings.name),
      secrets: async () => ({ read: () => Promise.reject(new Error('there are no secrets')) }),
    }),
  ],
  clock: systemClock,
  temporalClock: systemClock,
  snapshots: new Snapshots(systemClock),
  notifier: { notify: async (notification) => void told.push(notification) },
  hooks: {
    call: async (_hook, { workflowId, kind }) => {
      const refuses = vetoed.has(workflowId.split('/')[0] ?? '') && kind === 'forced-failover';
      return { kind: 'http', status: refuses ? 409 : 204, text: 'not now' };
    },
  },
});

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { path } = await findTemporalCli();
  env = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path } },
  });
  const options = { connection: env.nativeConnection, activities, maxHeartbeatThrottleInterval: 100 };
  const workflowsPath = require.resolve('../../support/counter-pair/workflows');
  const steps = await Worker.create({ ...options, taskQueue: QUEUE, workflowsPath });
  const watches = await Worker.create({ ...options, taskQueue: watchQueueOf(QUEUE) });
  const served = Promise.all([steps.run(), watches.run()]);
  stop = async () => {
    steps.shutdown();
    watches.shutdown();
    await served;
  };
}, 120_000);

afterAll(async () => {
  await stop();
  await env.teardown();
}, 60_000);

/** A run of counters, and somebody who looks at it. */
class Counting {
  private constructor(
    readonly name: string,
    readonly pair: CounterPair,
    private readonly handle: WorkflowHandle,
  ) {}

  static async begin(name: string, prepare: (pair: CounterPair) => void = () => undefined) {
    const pair = new CounterPair();
    prepare(pair);
    pairs.set(name, pair);
    const handle = await env.client.workflow.start('counterPair', {
      taskQueue: QUEUE,
      workflowId: name,
      args: [{ spec: counterPairSpec(name), visibility: false }],
    });
    return new Counting(name, pair, handle);
  }

  static async standing(name: string) {
    const counting = await Counting.begin(name);
    await counting.until(({ protection }) => protection !== null);
    return counting;
  }

  ask(update: string, request: object): Promise<Answer> {
    return this.handle.executeUpdate<Answer, [object]>(update, { args: [request] });
  }

  status(): Promise<RunStatus> {
    return this.handle.query<RunStatus>('status');
  }

  until(holds: (status: RunStatus) => boolean): Promise<RunStatus> {
    return untilSeen('the run is so far', () => this.status(), holds);
  }

  /** @returns the record of the failover that was asked for, once it is over */
  async failedOver(count = 1) {
    const { protection } = await this.until(
      ({ protection: p }) => p?.failovers.length === count && p.pendingRequest === null,
    );
    return protection?.failovers.at(-1);
  }

  async remove(): Promise<unknown> {
    expect(await this.ask('remove', BY)).toMatchObject({ accepted: true });
    return this.handle.result();
  }

  /** What people are told of it by this code, once they are. */
  async told(code: string): Promise<string> {
    const isIt = (one: Notification) => one.code === code && one.workflowId.startsWith(this.name);
    const found = await untilSeen(
      `${code} is told`,
      () => told.find(isIt),
      (one) => one !== undefined,
    );
    return found?.message ?? '';
  }

  result(): Promise<unknown> {
    return this.handle.result();
  }

  journal(): Promise<readonly JournalEntry[]> {
    return this.handle.query('journal');
  }

  async plan(wanted: WantedChange) {
    const context = {
      ports: portsOf(this.name),
      spec: counterPairSpec(this.name),
      clock: systemClock,
      signal: new AbortController().signal,
    };
    return planChange(COUNTER_PAIR, COUNTER_PLANNING, context, new Snapshots(systemClock), wanted);
  }

  /** What a plan would tell the counters, in order. */
  async planned(wanted: WantedChange): Promise<readonly string[]> {
    const { steps } = await this.plan(wanted);
    return steps.flatMap(({ effects }) => effects.map(({ on, display }) => `${on} ${display}`));
  }
}

test('it is failed over and back as planned: what was planned was done, and nothing that was counted is lost', async () => {
  const counting = await Counting.standing('planned');
  const { pair } = counting;
  for (let n = 0; n < 5; n += 1) pair.count('left');
  const plan = await counting.planned({ kind: 'failover', type: 'planned', to: 'right' });
  expect(plan).toEqual(['left CLOSE', 'right LEAD', 'right COUNT', 'right OPEN']);
  pair.log.length = 0;
  expect(await counting.ask('failover', PLANNED)).toMatchObject({ accepted: true });
  expect(await counting.failedOver()).toMatchObject({
    type: 'planned',
    to: 'right',
    by: 'dba',
    outcome: 'done',
    summary: 'the right counter is the primary; nothing was lost',
    evidence: { method: 'same-count', summary: 'both count the same' },
    rtoMs: expect.any(Number),
  });
  expect(pair.log).toEqual(plan);
  expect(pair.read('right')).toMatchObject({ role: 'PRIMARY', isOpen: true, value: 6 });
  expect(await counting.ask('failover', { ...PLANNED, to: 'left' })).toMatchObject({ accepted: true });
  expect(await counting.failedOver(2)).toMatchObject({ to: 'left', outcome: 'done' });
  expect(await counting.remove()).toEqual({ outcome: 'removed', failovers: 2, leftovers: [] });
  expect(pair.read('right').role).toBe('ALONE');
}, 60_000);

test('its status names its sites, and tells what may be asked of it and what not, by the same rules', async () => {
  const counting = await Counting.standing('status');
  const { protection, ...status } = await counting.status();
  expect(status).toMatchObject({ kind: 'counter-pair', phase: 'replicating' });
  expect(status.waitingFor).toBe('a request; the left counter is the primary');
  expect(protection?.possible.join('\n')).toContain('right');
  expect(protection?.notPossible.map(({ rule }) => rule)).toEqual(['repair.no-split-brain']);
  const refused = await counting.ask('failover', { ...PLANNED, to: 'left' });
  expect(refused).toMatchObject({
    accepted: false,
    rule: 'failover.leads-already',
    reasons: ['the left counter is the primary already'],
  });
  const { refusals } = await counting.plan({ kind: 'failover', type: 'planned', to: 'left' });
  expect(refusals).toEqual(['the left counter is the primary already']);
  const { events } = await counting.status();
  expect(events.filter(({ rule }) => rule === 'failover.leads-already')).toHaveLength(1);
  await expect(counting.ask('failover', { ...PLANNED, to: 'server' })).rejects.toThrow();
  await counting.remove();
}, 60_000);

test('a fence that is refused: the failover is withdrawn, nothing is left changed, and people are told why', async () => {
  const counting = await Counting.standing('withdrawn');
  counting.pair.refuse('left CLOSE');
  await counting.ask('failover', PLANNED);
  expect(await counting.failedOver()).toMatchObject({ outcome: 'withdrawn', evidence: null });
  expect(counting.pair.read('left')).toMatchObject({ role: 'PRIMARY', isOpen: true });
  expect(await counting.told('failover.withdrawn')).toContain('left CLOSE refused');
  counting.pair.obey('left CLOSE');
  await counting.remove();
}, 60_000);

test('past the point of no return a person is asked, and it goes on', async () => {
  const counting = await Counting.standing('forward');
  counting.pair.refuse('right LEAD');
  await counting.ask('failover', PLANNED);
  const { blockedBy } = await counting.until((status) => status.blockedBy !== null);
  expect(blockedBy?.message).toContain('right LEAD refused');
  expect(await counting.ask('abort', BY)).toMatchObject({ accepted: false });
  expect(counting.pair.read('left').isOpen).toBe(false);
  counting.pair.obey('right LEAD');
  expect(await counting.ask('resume', BY)).toMatchObject({ accepted: true });
  expect(await counting.failedOver()).toMatchObject({ outcome: 'done' });
  await counting.remove();
}, 60_000);

test('the primary is gone: a forced failover, a split brain once it is back, and its repair', async () => {
  const counting = await Counting.standing('forced');
  const { pair } = counting;
  pair.count('left');
  pair.silence('left');
  expect(await counting.ask('failover', { ...FORCED, reason: '' })).toMatchObject({ accepted: false });
  expect(await counting.planned({ kind: 'failover', type: 'forced', to: 'right' })).toEqual([
    'right LEAD',
    'right COUNT',
    'right OPEN',
  ]);
  expect(await counting.ask('failover', FORCED)).toMatchObject({ accepted: true });
  expect(await counting.failedOver()).toMatchObject({
    type: 'forced',
    outcome: 'done',
    reason: 'Cologne is gone',
    loss: { method: 'unknown', seconds: null, summary: 'nobody knows what is lost' },
  });
  pair.answerAgain('left');
  await counting.until(({ protection }) => protection?.splitBrain != null);
  expect(await counting.ask('failover', { ...PLANNED, to: 'left' })).toMatchObject({ accepted: false });
  expect(await counting.ask('repair', { ...BY, survivor: 'right' })).toMatchObject({ accepted: true });
  await counting.until(({ protection }) => protection?.splitBrain === null);
  expect(pair.read('left')).toMatchObject({ role: 'SECONDARY', value: pair.read('right').value });
  await counting.remove();
}, 60_000);

test('a forced failover that overtakes a fenced one and is refused then opens what that one had closed', async () => {
  const counting = await Counting.standing('overtaken');
  const { pair } = counting;
  pair.lagBehindFence();
  vetoed.add('overtaken');
  await counting.ask('failover', PLANNED);
  await counting.until(() => pair.log.includes('left CLOSE'));
  expect(await counting.ask('failover', FORCED)).toMatchObject({ accepted: true, rule: 'failover.preempts' });
  const { protection } = await counting.until(
    ({ protection: p }) => p?.failovers.length === 2 && p.pendingRequest === null,
  );
  expect(protection?.failovers).toMatchObject([
    {
      outcome: 'withdrawn',
      preempted: { fenceOn: 'left' },
      summary: expect.stringContaining('it is closed'),
    },
    { type: 'forced', outcome: 'withdrawn', summary: expect.stringContaining('drain') },
  ]);
  expect(pair.read('left')).toMatchObject({ role: 'PRIMARY', isOpen: true });
  await counting.remove();
}, 60_000);

test('a drill goes there, and back when somebody asks for it', async () => {
  const counting = await Counting.standing('drill');
  expect(await counting.planned({ kind: 'drill' })).toHaveLength(8);
  expect(await counting.ask('drill', { ...BY, holdMs: 60_000 })).toMatchObject({ accepted: true });
  await counting.until(({ protection }) => protection?.primary === 'right');
  expect(await counting.ask('drill', { ...BY, holdMs: 0 })).toMatchObject({ accepted: false });
  await counting.ask('failover', { ...PLANNED, to: 'left' });
  const { protection } = await counting.until(({ protection: p }) => p?.lastDrill !== undefined);
  expect(protection?.lastDrill).toMatchObject({ outcome: 'done', from: 'left', to: 'right', by: 'dba' });
  await counting.remove();
}, 60_000);

test('a pause holds what is asked for, and nothing else', async () => {
  const counting = await Counting.standing('pause');
  expect(await counting.ask('pause', BY)).toMatchObject({ accepted: true });
  expect(await counting.ask('failover', PLANNED)).toMatchObject({ accepted: false });
  expect((await counting.status()).paused).toBe(true);
  expect(counting.pair.count('left')).toBe(true);
  expect(await counting.ask('resume', BY)).toMatchObject({ accepted: true });
  await counting.remove();
}, 60_000);

test('an abort while it is set up undoes what it made', async () => {
  const counting = await Counting.begin('abort', (pair) => pair.refuse('right FOLLOW'));
  await counting.until(({ blockedBy }) => blockedBy !== null);
  expect(await counting.ask('abort', BY)).toMatchObject({ accepted: true });
  expect(await counting.result()).toEqual({ outcome: 'aborted', failovers: 0, leftovers: [] });
  expect(counting.pair.read('right').role).toBe('ALONE');
  const journal = await counting.journal();
  expect(journal.map(({ stepId, outcome }) => [stepId, outcome])).toEqual(
    expect.arrayContaining([['right.follow', 'undone']]),
  );
}, 60_000);

test('a blocker of its preflight stops it before anything is changed', async () => {
  const counting = await Counting.begin('blocked', (pair) => pair.silence('right'));
  await expect(counting.result()).rejects.toMatchObject({
    cause: { type: 'PreflightBlocked', message: expect.stringContaining('counter.answers') },
  });
  expect(counting.pair.log).toEqual([]);
}, 60_000);

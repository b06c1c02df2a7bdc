/** One set of activities for every topology: the kind of a spec chooses, and a new one changes no line of it. */
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { confirmPointOfNoReturn } from '../../../src/activities/link/catch-up';
import type { Observing } from '../../../src/activities/link/link-facts';
import { LINK_TOPOLOGY } from '../../../src/activities/link/topology';
import { createRunActivities } from '../../../src/activities/run/activities';
import type { ActivityReporter, HeartbeatDetails } from '../../../src/activities/run/activity-boundary';
import type { EffectPorts } from '../../../src/activities/run/apply-effect';
import { NeedsPerson } from '../../../src/activities/run/failures';
import { Snapshots } from '../../../src/activities/run/snapshots';
import { defineStep } from '../../../src/activities/run/step';
import { bindTopology, type Topology } from '../../../src/activities/run/topology';
import { systemClock } from '../../../src/adapters/clock';
import type { HookMessage } from '../../../src/model/run/hook-message';
import type { RunSpec } from '../../../src/model/run/run-spec';
import type { SecretReference } from '../../../src/model/secret-reference';
import type { Effect } from '../../../src/model/statement';
import type { Clock } from '../../../src/ports/clock';
import type { SqlServerPort } from '../../../src/ports/sql-server';
import { linkSpec, linkSpecWith } from '../../support/link-spec';

/** Two regions, of which one leads. */
interface RegionsSpec extends RunSpec {
  readonly kind: 'pair';
  readonly regions: readonly [string, string];
}

interface RegionsPorts extends EffectPorts {
  readonly rows: Set<string>;
}

const WRITE: Effect = {
  kind: 'tsql',
  on: 'north',
  statement: { id: 'write', text: 'WRITE', display: 'WRITE', database: 'master' },
};
const KEY = 'env:KEY' as SecretReference;

const write = defineStep<RegionsPorts, RegionsSpec, { readonly written: boolean }>({
  id: 'north.write',
  observe: async ({ ports }) => ({ written: ports.rows.has('north') }),
  settled: ({ written }) => (written ? 'the row is there' : undefined),
  effects: async (_facts, { secret }) => {
    await secret(KEY);
    return [WRITE];
  },
  undo: async (before, now) => (before.written || !now.written ? [] : [WRITE]),
});

const REGIONS: Topology<RegionsSpec, RegionsPorts, { readonly seen: number }> = {
  procedure: {
    kind: 'pair',
    thing: 'pair',
    standing: 'a pair of regions',
    goesOn: 'writes go on',
    unwatched: { undone: '', nextStep: 'nothing' },
    stepIds: ['north.write'],
    phases: { preflight: '', replicating: '', cutover: '', after: '' },
    describe: ({ regions }) => regions.join(),
    sites: ({ regions }) => regions.map((id) => ({ id, name: id, label: `region ${id}`, option: id })),
    failover: never,
    fence: never,
    repair: never,
    remove: never,
    hasReplicas: () => false,
    afterRemoval: never,
  },
  steps: { [write.id]: write },
  party: (_spec, side) => ({ side, name: side, host: null, port: 1 }),
  preflight: async ({ context }) => ({
    report: { observedAt: context.spec.regions[0], checks: [], blockers: 0, warnings: 0 },
  }),
  roles: async () => ({ north: 'PRIMARY', west: 'SECONDARY' }),
  watch: async ({ context, reporter }, { known, primary }) => {
    const observedAt = new Date(context.clock.now()).toISOString();
    reporter.report({ version: 1, activity: 'watching', waitingFor: 'news', observedAt });
    return {
      kind: `seen ${known.seen + 1} at ${primary}`,
      health: { observedAt, healthy: true, summary: '', lagSeconds: null },
    };
  },
  readiness: async () => ({ observedAt: '', summary: 'ready' }),
  catchUp: async (_call, primary, fencedAt) => ({
    method: 'roles',
    observedAt: '',
    fencedAt,
    summary: `all of ${primary}`,
  }),
  confirm: async (_call, _primary, evidence) => ({ ...evidence, summary: `${evidence.summary}, still` }),
  loss: async (_call, to, lastHealth) => ({
    observedAt: lastHealth?.observedAt ?? '',
    method: 'unknown',
    seconds: null,
    newPrimaryTime: null,
    summary: `lost for ${to}`,
  }),
  healthy: async (_call, primary) => ({ evidence: `${primary} is well` }),
};

const regionsSpec: RegionsSpec = {
  ...linkSpecWith(`
cutover: { approval: { required: false } }
hooks: { beforeFailover: [{ name: drain, type: webhook, url: "https://hooks.example.com/" }] }
`),
  kind: 'pair',
  regions: ['north', 'west'],
};

function scene(clock: Clock = systemClock) {
  const rows = new Set<string>();
  const told: HookMessage[] = [];
  const read: SecretReference[] = [];
  let opened = 0;
  const port = { execute: async () => void rows.add('north') } as unknown as SqlServerPort;
  const secrets = async () => ({
    read: async (reference: SecretReference) => {
      read.push(reference);
      return 'opened';
    },
  });
  const refused = async () => {
    throw new NeedsPerson('LinkIsAsked', 'the ports of a link are asked for', 'no remedy');
  };
  const openPorts = async (): Promise<RegionsPorts> => {
    opened += 1;
    return { sites: { north: port }, rows };
  };
  const activities = createRunActivities({
    topologies: [
      bindTopology(LINK_TOPOLOGY, { openPorts: refused, secrets }),
      bindTopology(REGIONS, { openPorts, secrets }),
    ],
    clock,
    temporalClock: systemClock,
    snapshots: new Snapshots(systemClock),
    notifier: { notify: async () => undefined },
    hooks: {
      call: async (_hook, message) => {
        told.push(message);
        return { kind: 'http', status: 204, text: '' };
      },
    },
  });
  return { activities, rows, told, read, opened: () => opened };
}

const run = <Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
  scheduledAt = 1,
  beat: (details: unknown) => void = () => undefined,
): Promise<Result> => {
  const environment = new MockActivityEnvironment(
    { currentAttemptScheduledTimestampMs: scheduledAt },
    { logger: new DefaultLogger('ERROR') },
  );
  environment.on('heartbeat', beat);
  return environment.run(activity, input);
};

async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const thrown = await work.catch((error: unknown) => error);
  if (thrown instanceof ApplicationFailure) return thrown;
  throw new Error(`not an ApplicationFailure: ${String(thrown)}`);
}

describe('what nobody serves is refused for a person, with what there is', () => {
  test.each(['pyramid', 'constructor', ''])('a spec of kind %j', async (kind) => {
    const { activities } = scene();
    const failure = await failureOf(run(activities.preflight, { spec: { ...regionsSpec, kind } }));
    expect(failure).toMatchObject({ type: 'UnknownTopology', nonRetryable: true });
    expect(failure.message).toBe(`kind of a run: ${JSON.stringify(kind)} is none of link, pair`);
  });

  test.each(['north.burn', 'toString'])('the step %s', async (stepId) => {
    const { activities } = scene();
    const failure = await failureOf(run(activities.performStep, { spec: regionsSpec, stepId }));
    expect(failure).toMatchObject({ type: 'UnknownStep', nonRetryable: true });
    expect(failure.message).toBe(`step of a pair: "${stepId}" is none of north.write`);
  });

  test('a step of another topology', async () => {
    const { activities } = scene();
    const failure = await failureOf(
      run(activities.observeStep, { spec: regionsSpec, stepId: 'server.fence' }),
    );
    expect(failure).toMatchObject({ type: 'UnknownStep', nonRetryable: true });
  });

  test('a replica, where no site has several', async () => {
    const { activities, rows } = scene();
    const input = { spec: regionsSpec, stepId: write.id, server: 'left' };
    expect((await failureOf(run(activities.performStep, input))).message).toBe(
      'no site of a pair has replicas; left is asked for',
    );
    expect(rows.size).toBe(0);
  });

  test('a spec that a topology did not resolve', () => {
    const bound = bindTopology(REGIONS, { openPorts: () => never(), secrets: () => never() });
    expect(() => bound.sites(linkSpec())).toThrow('a spec of kind link is none of kind pair');
  });
});

describe('a second topology in the same set', () => {
  test('is served by the kind of its spec', async () => {
    const { activities } = scene();
    const outcome = await run(activities.preflight, { spec: regionsSpec });
    expect(outcome.report.observedAt).toBe('north');
    const ofLink = await failureOf(run(activities.preflight, { spec: linkSpec() }));
    expect(ofLink.type).toBe('LinkIsAsked');
  });

  test('its step is looked at without its secrets, performed, and undone', async () => {
    const { activities, read } = scene();
    const input = { spec: regionsSpec, stepId: write.id };
    const observed = await run(activities.observeStep, input);
    expect(observed).toMatchObject({ before: { written: false }, planned: [{ display: 'WRITE' }] });
    expect(read).toEqual([]);
    expect(await run(activities.performStep, input)).toMatchObject({
      outcome: 'done',
      evidence: 'the row is there',
    });
    expect(read).toEqual([KEY]);
    const undone = await run(activities.undoStep, { ...input, before: observed.before });
    expect(undone).toMatchObject({ effects: [{ display: 'WRITE' }], unreached: [] });
    expect(await run(activities.undoStep, { ...input, before: { written: true } })).toEqual({
      effects: [],
      unreached: [],
    });
  });

  test('its looks answer, each for the site that is meant', async () => {
    const { activities } = scene();
    const of = { spec: regionsSpec, primary: 'west' };
    const watch = { ...of, knownHealthy: true, checkpointAfterMs: 1, known: { seen: 2 } };
    expect((await run(activities.watch, watch)).kind).toBe('seen 3 at west');
    const evidence = await run(activities.awaitCatchUp, { ...of, fencedAt: 'then' });
    expect(await run(activities.confirmPointOfNoReturn, { ...of, evidence })).toMatchObject({
      method: 'roles',
      fencedAt: 'then',
      summary: 'all of west, still',
    });
    const loss = { spec: regionsSpec, to: 'north', lastHealth: null };
    expect((await run(activities.measureLoss, loss)).summary).toBe('lost for north');
    expect(await run(activities.awaitHealthy, of)).toEqual({ evidence: 'west is well' });
    expect(await run(activities.awaitReadiness, of)).toMatchObject({ summary: 'ready' });
  });

  test.each([
    ['seven minutes ahead', 7],
    ['seven minutes behind', -7],
  ])("what it sees is told by Temporal's clock, also where that of the worker is %s", async (_, minutes) => {
    const wrongBy = minutes * 60_000;
    const clock = { now: () => Date.now() + wrongBy, sleep: async () => undefined };
    const { activities } = scene(clock);
    const scheduledAt = Date.now();
    const watch = { spec: regionsSpec, primary: 'west', knownHealthy: true, checkpointAfterMs: 1 };
    const beats: HeartbeatDetails[] = [];
    const { health } = await run(activities.watch, { ...watch, known: { seen: 0 } }, scheduledAt, (details) =>
      beats.push(details as HeartbeatDetails),
    );
    for (const seen of [health.observedAt, beats.at(-1)?.progress?.observedAt]) {
      expect(Date.parse(seen ?? '')).toBeGreaterThanOrEqual(scheduledAt - 1);
      expect(Date.parse(seen ?? '')).toBeLessThanOrEqual(Date.now());
    }
    // And what a workflow knows comes to it by its own clock.
    const lastHealth = { ...health, observedAt: new Date(scheduledAt - 30_000).toISOString() };
    const asked = { spec: regionsSpec, to: 'north', lastHealth };
    const loss = await run(activities.measureLoss, asked, scheduledAt);
    const age = clock.now() - Date.parse(loss.observedAt);
    expect(age).toBeGreaterThanOrEqual(30_000 - 1);
    expect(age).toBeLessThanOrEqual(30_000 + (Date.now() - scheduledAt) + 1);
  });

  test('what it does not have is answered with nothing', async () => {
    const { activities } = scene();
    const { checkAfterFailover, liftRemainingFences, readDatabaseProperties } = activities;
    expect(await run(readDatabaseProperties, { spec: regionsSpec, on: 'north' })).toBeNull();
    const after = { spec: regionsSpec, primary: 'north', before: null, firstWriteAt: null, replicates: true };
    expect(await run(checkAfterFailover, after)).toEqual([]);
    expect(await run(liftRemainingFences, { spec: regionsSpec, fences: [] })).toEqual([]);
  });

  test('its hooks are told of its sites, without its ports', async () => {
    const { activities, told, opened } = scene();
    const occasion = {
      workflowId: 'sqlferry-sales',
      kind: 'planned-failover',
      idempotencyKey: 'k',
      time: '2026-11-01T00:00:00.000Z',
      reason: null,
      evidence: null,
      to: 'west',
    } as const;
    const address = { phase: 'beforeFailover', index: 0 } as const;
    const record = await run(activities.runHook, { spec: regionsSpec, address, occasion });
    expect(record).toMatchObject({ hook: 'drain', outcome: 'passed' });
    expect(told).toMatchObject([{ from: { side: 'north' }, to: { side: 'west' }, hook: 'drain' }]);
    expect(opened()).toBe(0);
  });
});

test('evidence that is none of a link does not pass its point of no return', async () => {
  const observing = { spec: linkSpec() } as Observing;
  const evidence = { method: 'roles', observedAt: '', fencedAt: '', summary: '' };
  const confirmed = confirmPointOfNoReturn(observing, {} as ActivityReporter, 'server', evidence);
  await expect(confirmed).rejects.toMatchObject({ code: 'CatchUpNotProved' });
});

function never(): never {
  throw new Error('is not asked');
}

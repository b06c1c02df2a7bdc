/** The state that goes into a new history is bounded in bytes, whatever a run lived through, and an abort still undoes. */

import fc from 'fast-check';
import { jsonBytes } from '../../../src/model/json-bytes';
import type { HookRecord } from '../../../src/model/run/hook-message';
import { boundedEffects, type JournalEntry } from '../../../src/model/run/journal';
import type { MigrationResult } from '../../../src/workflows/link/migration-result';
import { initialLinkOwn, type LinkOwn, type LinkRunInput } from '../../../src/workflows/link/state';
import type { LinkStatus } from '../../../src/workflows/link/status';
import { LINK_WORKFLOWS } from '../../../src/workflows/link/topology';
import type { FailoverRecord } from '../../../src/workflows/run/failover-record';
import { withKnownSpec } from '../../../src/workflows/run/spec-version';
import {
  initialState,
  type Protection,
  type RunState,
  type StartedStep,
} from '../../../src/workflows/run/state';
import { addAttempt, addEvent, addFailover, addJournalEntry } from '../../../src/workflows/run/state-entries';
import {
  boundState,
  JOURNAL_BYTES,
  leftOutSentences,
  notUndoable,
  STATE_BYTES,
  UNDO_BYTES,
} from '../../../src/workflows/run/state-size';
import { stateOf, upgrade } from '../../../src/workflows/run/state-version';
import { FakeLink, isWatch } from '../../support/fake-link';
import { linkSpec, linkSpecWith } from '../../support/link-spec';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeActivity,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const AT = '2026-11-01T00:00:00.000Z';
const DAY = 24 * 3_600_000;
/** The longest name there is, three bytes each. */
const longest = (n: number): string => `${n}`.padStart(128, '長');

const entry = (phase: string, statements: number, n = 0): JournalEntry => ({
  at: AT,
  phase,
  stepId: `step ${n}`,
  title: 'Logins on the instance',
  outcome: 'done',
  effects: Array.from({ length: statements }, (_, index) => ({
    kind: 'tsql',
    on: 'instance',
    display: `CREATE LOGIN [${longest(index)}] WITH PASSWORD = 0x… HASHED`,
    undo: `DROP LOGIN [${longest(index)}]`,
  })),
  evidence: 'there',
  durationMs: 1,
});

const failover = (n: number): FailoverRecord => ({
  workflowId: `sqlferry-${longest(n)}`,
  type: 'planned',
  to: n % 2 === 0 ? 'instance' : 'server',
  by: 'ann',
  reason: longest(n).repeat(5),
  startedAt: AT,
  endedAt: AT,
  outcome: 'done',
  summary: longest(n).repeat(5),
  rtoMs: 1,
  evidence: null,
  loss: null,
  drill: n % 2 === 0 ? 'there' : 'back',
  hooks: Array.from({ length: 60 }, (_, hook) => ({
    at: AT,
    phase: 'after-failover',
    hook: longest(hook),
    outcome: 'passed',
    reason: longest(hook).repeat(4),
    tries: 1,
    durationMs: 1,
  })) as unknown as NonNullable<FailoverRecord['hooks']>,
  checks: Array.from({ length: 60 }, () => ({
    id: 'after.orphaned-users',
    outcome: 'warning',
    evidence: longest(1).repeat(8),
  })),
});

const standing = (): Protection => ({ primary: 'server', failovers: [], request: null, splitBrain: null });

/** Hundreds of failovers and drills with hooks, thousands of copies. */
function years(): RunState {
  const state = initialState(linkSpec(), initialLinkOwn(linkSpec()));
  state.protection = standing();
  for (let n = 0; n < 400; n += 1) {
    addFailover(state.protection, failover(n));
    addAttempt(state, { startedAt: AT, endedAt: AT, outcome: 'withdrawn', reason: longest(n).repeat(9) });
  }
  for (let n = 0; n < 3_000; n += 1) {
    addEvent(state, { at: AT, severity: 'warning', code: 'objects.drift', message: longest(n).repeat(9) });
    if (n % 20 === 0) addJournalEntry(state, entry('replicating', 60, n));
  }
  return state;
}

test('bytes are those of JSON in UTF-8', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      expect(jsonBytes([value, text])).toBe(Buffer.byteLength(JSON.stringify([value, text])));
    }),
  );
});

test('after hundreds of failovers and drills with hooks, and thousands of copies, it stays below the bound', () => {
  const state = years();
  expect(jsonBytes(state.journal)).toBeLessThanOrEqual(JOURNAL_BYTES);
  const carried = boundState(state);
  expect(jsonBytes(carried)).toBeLessThanOrEqual(STATE_BYTES);
  expect(carried.protection?.failoverCount).toBe(400);
  expect(carried.protection?.failovers.at(-1)?.workflowId).toBe(failover(399).workflowId);
  expect(carried.events.at(-1)).toEqual(state.events.at(-1));
  expect(leftOutSentences(carried).join()).toMatch(/statements.*not kept for want of room/);
});

test('the journal stays below its bound from entry to entry; the newest statements stay, of old ones their number', () => {
  const state = initialState(linkSpec(), initialLinkOwn(linkSpec()));
  addJournalEntry(state, entry('trust', 3));
  for (let n = 0; n < 300; n += 1) addJournalEntry(state, entry('replicating', 40, n));
  expect(jsonBytes(state.journal)).toBeLessThanOrEqual(JOURNAL_BYTES);
  expect(state.journal[0]?.effects).toHaveLength(3);
  expect(state.journal[1]?.effects).toEqual([
    {
      kind: 'tsql',
      on: 'instance',
      omitted: 40,
      display: '-- 40 statement(s) or request(s), not kept here: the history of the run holds it',
    },
  ]);
  expect(state.journal.at(-1)?.effects).toHaveLength(40);
});

const text = fc.string({ unit: 'binary', maxLength: 400 });
const anyState = fc
  .record({
    journal: fc.array(fc.tuple(fc.constantFrom('trust', 'replicating', 'cutover'), fc.nat(30)), {
      maxLength: 80,
    }),
    events: fc.array(text, { maxLength: 80 }),
    attempts: fc.array(text, { maxLength: 40 }),
    failovers: fc.nat(20),
    begun: fc.array(text, { maxLength: 30 }),
  })
  .map(({ journal, events, attempts, failovers, begun }): RunState => {
    const protection = standing();
    for (let n = 0; n < failovers; n += 1) addFailover(protection, failover(n));
    return {
      ...initialState(linkSpec(), initialLinkOwn(linkSpec())),
      journal: journal.map(([phase, statements], n) => entry(phase, statements, n)),
      events: events.map((message) => ({ at: AT, severity: 'info', code: 'x', message })),
      attempts: attempts.map((reason) => ({ startedAt: AT, endedAt: AT, outcome: 'withdrawn', reason })),
      startedSteps: begun.map((before) => ({ stepId: 'server.master-key', before })),
      protection,
    };
  });

test('any state comes below any bound that has room for what an undo needs, which stays whole', () => {
  fc.assert(
    fc.property(anyState, fc.integer({ min: 40_000, max: 400_000 }), (state, limit) => {
      const before = JSON.stringify(state.startedSteps);
      const whole = jsonBytes(state) <= limit ? JSON.stringify(state) : undefined;
      const carried = boundState(state, limit + jsonBytes(state.startedSteps));
      expect(jsonBytes(carried)).toBeLessThanOrEqual(limit + jsonBytes(state.startedSteps));
      expect(JSON.stringify(carried.startedSteps)).toBe(before);
      expect(carried.protection?.failoverCount ?? 0).toBe(state.protection?.failoverCount ?? 0);
      // What fits is left alone, and what was made to fit fits.
      if (whole !== undefined) expect(JSON.stringify(carried)).toBe(whole);
      expect(boundState(carried, limit + jsonBytes(state.startedSteps))).toEqual(carried);
    }),
    { numRuns: 100 },
  );
}, 120_000);

test('copies too many for a payload are left out, told by name, and nothing else that an undo needs', () => {
  const state = initialState(linkSpec(), initialLinkOwn(linkSpec()));
  const names = Array.from({ length: 5_000 }, (_, n) => longest(n));
  const trust: StartedStep = { stepId: 'server.master-key', before: { there: false } };
  state.startedSteps = [
    trust,
    {
      stepId: 'instance.agent-jobs',
      before: { missing: names, missingCategories: [], there: [] },
      mayBeLeft: true,
    },
  ];
  const carried = boundState(state);
  expect(carried.startedSteps).toEqual([trust]);
  expect(jsonBytes(carried)).toBeLessThan(UNDO_BYTES);
  expect(notUndoable(carried)).toEqual([
    expect.stringMatching(/^instance\.agent-jobs: .*an abort leaves it/),
  ]);
});

const many = <T>(one: T): T[] => Array.from({ length: 2_000 }, () => one);

/** Each field of it, so that one that comes later is asked here what bounds it. */
const fullOwn: Required<LinkOwn> = {
  route: 'planned-failover',
  serverName: 'SQL1',
  linkRequestedAt: AT,
  seedingCompletedAt: AT,
  seedingRestarts: 2,
  logBackups: { count: 1_000_000, lastAt: AT },
  lastBackupAt: AT,
  logAlarmRaised: true,
  foreignLogBackups: many('Nightly'),
  groupLeader: 'SQL1',
  unreplicatedTail: 'it may have gone on',
  fullBackup: { since: AT, at: AT },
  instanceObjects: {
    primary: 'server',
    observedAt: AT,
    mark: 'mark',
    count: 2_000,
    drift: many({ kind: 'login', name: 'x', state: 'missing', detail: '', remedy: '', copyable: true }),
  },
};

test('whatever list of its own grew too long, a link goes on in a new history', async () => {
  const spec = linkSpecWith('purpose: disaster-recovery\n');
  const state = { ...initialState(spec, fullOwn), protection: standing() };
  state.protection.failovers = many(failover(1)).map(({ hooks: _, checks: _found, ...record }) => record);
  state.phase = 'replicating';
  state.hookCalls = many(failover(1).hooks?.[0] as HookRecord);
  state.checks = many({ id: 'after.orphaned-users', outcome: 'passed', evidence: 'ok' });
  const carried = boundState(state);
  const link = new FakeLink();
  const input = { spec, visibility: false, state: carried };
  const driver = await WorkflowDriver.start('disasterRecoveryLink', input, link.activities);
  const ending = await driver.run(() => false, DAY / 24);
  expect(ending).not.toMatchObject({ kind: 'failed' });
  expect(driver.calls.map(({ type }) => type)).toContain('watch');
  await driver.dispose();
});

test('a job with another name for each backup set, told for weeks, leaves a state that goes on', async () => {
  let told = 0;
  const health = { observedAt: AT, healthy: true, summary: 'fine', lagSeconds: 0, logUsedPercent: 5 };
  const link = new FakeLink({
    override: (call) => {
      if (!isWatch(call, 'server') || told >= 1_500) return undefined;
      told += 50;
      const jobs = Array.from({ length: 50 }, (_, n) => `job ${'x'.repeat(told + n)}`);
      return answer({ kind: 'foreign-log-backup', reason: 'shared', jobs, health }, 60_000);
    },
  });
  const spec = linkSpecWith('purpose: disaster-recovery\n');
  const input = { spec, visibility: false, maxHistoryEvents: 500 };
  const driver = await WorkflowDriver.start('disasterRecoveryLink', input, link.activities);
  const ending = await driver.run();
  await driver.dispose();
  if (ending.kind !== 'continued-as-new') throw new Error(ending.kind);
  const carried = ending.input as LinkRunInput;
  expect(told).toBeGreaterThan(1_000);
  expect(carried.state?.foreignLogBackups?.length).toBeLessThan(100);
  const next = await WorkflowDriver.start('disasterRecoveryLink', carried, new FakeLink().activities);
  expect(await next.run(() => false, DAY / 24)).not.toMatchObject({ kind: 'failed' });
  await next.dispose();
});

test('statements of one step that are too long for a history: the first ones, and how many came after them', () => {
  const { effects } = entry('replicating', 2_000);
  const bounded = boundedEffects(effects);
  expect(jsonBytes(bounded)).toBeLessThan(300 * 1024);
  expect(bounded[0]).toEqual(effects[0]);
  expect(bounded.at(-1)?.display).toBe(
    `-- ${effects.length - bounded.length + 1} statement(s) or request(s), not kept here: too long for a history`,
  );
  expect(boundedEffects(effects.slice(0, 10))).toEqual(effects.slice(0, 10));
});

/** A migration that waits for its approval, while each day another login is missing on the instance. */
class DailyLogin {
  readonly undone: ActivityCall[] = [];
  readonly made: string[] = [];
  private day = 0;
  private readonly link = new FakeLink({ override: (call) => this.step(call) });
  readonly activities: Readonly<Record<string, FakeActivity>> = {
    ...this.link.activities,
    watchInstanceObjects: ({ input }) => {
      this.day += 1;
      return answer(this.report(input), DAY);
    },
    compareInstanceObjects: ({ input }) => answer({ ...this.report(input), findings: [] }),
  };

  private report(input: unknown) {
    const { primary } = input as { primary: string };
    const name = longest(this.day);
    const missing = { kind: 'login', name, state: 'missing', detail: 'missing', remedy: '', copyable: true };
    return { observedAt: AT, primary, findings: [missing] };
  }

  private step(call: ActivityCall) {
    const { stepId } = call.input as { stepId?: string };
    if (call.type === 'performStep' && stepId === 'instance.logins') this.made.push(`A${this.day}`);
    if (call.type === 'undoStep' && stepId === 'instance.logins') this.undone.push(call);
    if (call.type !== 'observeStep' || !/^instance\.(login|agent-job)/.test(stepId ?? '')) return undefined;
    if (stepId !== 'instance.logins') return answer({ before: {}, settled: 'same', planned: [] });
    const before = { missing: [{ sid: `A${this.day}` }], changed: [], roles: [], sids: [] };
    return answer({ before, planned: entry('replicating', 20).effects });
  }
}

test('a login copied each day for years: one thing to undo, and an abort undoes all of it', async () => {
  const world = new DailyLogin();
  const days = 400;
  const spec = linkSpecWith('cutover: { approval: { required: true } }\ninstanceObjects: { drift: warn }\n');
  const driver = await WorkflowDriver.start('linkMigration', { spec, visibility: false }, world.activities);
  await driver.run(() => false, days * DAY);
  const journal = await driver.query<readonly JournalEntry[]>('journal');
  expect(jsonBytes(journal)).toBeLessThanOrEqual(JOURNAL_BYTES);
  const { notKept } = await driver.query<LinkStatus>('status');
  expect(notKept?.join()).toMatch(/the history of the run holds it/);
  await driver.update('abort', { by: 'dba' });
  const ending = await driver.run();
  expect(ending).toMatchObject({ kind: 'completed' });
  expect((ending as { result: MigrationResult }).result).toMatchObject({
    outcome: 'aborted',
    leftovers: [],
  });
  expect(world.undone).toHaveLength(1);
  const { missing } = (world.undone[0]?.input as { before: { missing: { sid: string }[] } }).before;
  expect(world.made.length).toBeGreaterThan(days / 2);
  expect(missing.map(({ sid }) => sid)).toEqual(world.made);
  await driver.dispose();
}, 120_000);

describe('a state from before', () => {
  test('of this version is taken as it is; without one a run begins', () => {
    const state = initialState(linkSpec(), initialLinkOwn(linkSpec()));
    expect(upgrade(state)).toBe(state);
    expect(stateOf(LINK_WORKFLOWS, { spec: linkSpec(), visibility: false })).toEqual(state);
  });

  test.each([
    [{ version: 2 }],
    [{ version: '1' }],
    [{}],
    [null],
    ['1'],
  ])('%j is refused for good', (state) => {
    const refused = expect.objectContaining({ type: 'UnknownStateVersion', nonRetryable: true });
    expect(() => upgrade(state)).toThrow(refused);
  });

  test('so is a spec of another version, by every workflow that holds one', async () => {
    const spec = { ...linkSpec(), version: 7 };
    const request = { by: 'dba', type: 'planned', to: 'instance' };
    for (const [type, input] of [
      ['linkMigration', { spec, visibility: false }],
      ['disasterRecoveryLink', { spec, visibility: false }],
      ['failover', { spec, request, lastHealth: null }],
    ] as const) {
      const link = new FakeLink();
      const driver = await WorkflowDriver.start(type, input, link.activities);
      expect(await driver.run()).toMatchObject({
        kind: 'failed',
        error: {
          type: 'UnknownSpecVersion',
          nonRetryable: true,
          message: 'the spec of the run has version 7, and this worker knows version 1',
        },
      });
      expect(link.effects).toEqual([]);
      await driver.dispose();
    }
  });

  test('a spec of this version is read as it is', () => {
    const input = { spec: linkSpec(), visibility: false };
    expect(withKnownSpec(input)).toBe(input);
  });

  test('of a version that the worker does not know ends the run with a remedy, before anything is done', async () => {
    const link = new FakeLink();
    const state = { ...initialState(linkSpec(), initialLinkOwn(linkSpec())), version: 7 };
    const input = { spec: linkSpec(), visibility: false, state };
    for (const type of ['linkMigration', 'disasterRecoveryLink']) {
      const driver = await WorkflowDriver.start(type, input, link.activities);
      expect(await driver.run()).toMatchObject({
        kind: 'failed',
        error: { message: expect.stringContaining('version 7, and this worker knows version 1') },
      });
      expect(driver.calls).toEqual([]);
      await driver.dispose();
    }
  });
});

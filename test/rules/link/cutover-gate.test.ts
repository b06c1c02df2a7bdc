import fc from 'fast-check';
import type { DistributedReplicaFacts } from '../../../src/model/sql-server/observation';
import { type LinkGateInput, linkGate } from '../../../src/rules/link/cutover-gate';
import { type CutoverWaitInput, cutoverWait } from '../../../src/rules/run/cutover-wait';
import { NOW, NOW_TEXT } from './facts';
import { replica, seeding } from './replica';

const input = (
  changes: Partial<DistributedReplicaFacts> = {},
  rest: Partial<LinkGateInput> = {},
): LinkGateInput => ({
  facts: replica(changes),
  now: NOW,
  factsMaxAgeMs: 60_000,
  maxLag: 30_000,
  ...rest,
});
const ids = (gate: LinkGateInput) => linkGate(gate).map(({ id }) => id);

const wait = (changes: Partial<CutoverWaitInput> = {}): CutoverWaitInput => ({
  now: NOW_TEXT,
  schedule: { type: 'as-soon-as-ready' },
  approval: { by: 'ada', at: '2027-03-01T09:00:00.000Z' },
  approvalPolicy: { required: true, validFor: 86_400_000 },
  postponedUntil: null,
  paused: false,
  nextAttemptAt: null,
  ...changes,
});

describe('the state of the link', () => {
  test('healthy: no reason', () => expect(ids(input())).toEqual([]));
  test('synchronous commit is as good', () => {
    expect(ids(input({ synchronizationStateDesc: 'SYNCHRONIZED' }))).toEqual([]);
  });

  test.each<[string, Partial<DistributedReplicaFacts>]>([
    ['gate.role', { localRoleDesc: 'SECONDARY' }],
    ['gate.role', { localRoleDesc: 'NOVEL_ROLE' }],
    ['gate.connection', { connectedStateDesc: 'DISCONNECTED' }],
    ['gate.connection', { connectedStateDesc: null }],
    ['gate.suspended', { isSuspended: true, suspendReasonDesc: 'SUSPEND_FROM_USER' }],
    ['gate.seeding', { seeding: seeding({ currentState: 'SEEDING', isStreaming: true }) }],
    ['gate.seeding', { seeding: seeding({ currentState: 'NOVEL_STATE' }) }],
    ['gate.health', { synchronizationHealthDesc: 'PARTIALLY_HEALTHY', seeding: null }],
    ['gate.health', { synchronizationStateDesc: 'REVERTING', seeding: null }],
    ['gate.health', { synchronizationStateDesc: null, seeding: null }],
    ['gate.lag', { secondaryLagSeconds: 31 }],
    ['gate.lag', { secondaryLagSeconds: null, logSendQueueKb: 40_000, logSendRateKbPerSecond: 1000 }],
    ['gate.lag-unknown', { secondaryLagSeconds: null, logSendQueueKb: null }],
    ['gate.redo', { redoQueueKb: 31_000, redoRateKbPerSecond: 1000 }],
    ['gate.redo-unknown', { redoQueueKb: 31_000, redoRateKbPerSecond: 0 }],
    ['gate.redo-unknown', { redoQueueKb: null }],
  ])('%s for %j', (id, changes) => expect(ids(input(changes))).toEqual([id]));

  test('a small redo queue needs no rate: nothing may be going on', () => {
    expect(ids(input({ redoQueueKb: 1024, redoRateKbPerSecond: 0 }))).toEqual([]);
    expect(ids(input({ redoQueueKb: 30_000, redoRateKbPerSecond: 1000 }))).toEqual([]);
  });

  test('a failed seeding is told as such', () => {
    const changes = {
      seeding: seeding({ currentState: 'FAILED' }),
      synchronizationHealthDesc: 'NOT_HEALTHY',
    };
    expect(linkGate(input(changes)).map(({ reason }) => reason)).toContain('Seeding failed.');
  });

  test('an old failure in the history of seeding does not close the gate of a healthy link', () => {
    expect(ids(input({ seeding: seeding({ currentState: 'FAILED' }) }))).toEqual([]);
  });

  test('no row', () => expect(ids(input({}, { facts: null }))).toEqual(['gate.link-missing']));

  test('stale facts: nothing else is said', () => {
    expect(ids(input({ isSuspended: true }, { now: NOW + 60_001 }))).toEqual(['gate.stale-facts']);
    expect(ids(input({}, { now: NOW + 60_000 }))).toEqual([]);
    expect(ids(input({ observedAt: 'never' }))).toEqual(['gate.stale-facts']);
  });

  test('several reasons are all told, each with evidence', () => {
    const reasons = linkGate(
      input({
        connectedStateDesc: 'DISCONNECTED',
        synchronizationHealthDesc: 'NOT_HEALTHY',
        secondaryLagSeconds: 900,
      }),
    );
    expect(reasons.map(({ id }) => id)).toEqual(['gate.connection', 'gate.health', 'gate.lag']);
    for (const { reason, evidence } of reasons)
      expect([reason.endsWith('.'), evidence !== '']).toEqual([true, true]);
  });
});

describe('people and calendar', () => {
  test.each<[string, Partial<CutoverWaitInput>, string | null]>([
    ['gate.paused', { paused: true }, null],
    ['gate.postponed', { postponedUntil: '2027-03-02T00:00:00.000Z' }, '2027-03-02T00:00:00.000Z'],
    ['gate.next-attempt', { nextAttemptAt: '2027-03-01T10:05:00.000Z' }, '2027-03-01T10:05:00.000Z'],
    ['gate.schedule', { schedule: { type: 'at', time: '2027-03-01T12:00:00Z' } }, '2027-03-01T12:00:00.000Z'],
    ['gate.approval-missing', { approval: null }, null],
    ['gate.approval-expired', { approval: { by: 'ada', at: '2027-02-28T09:59:59.999Z' } }, null],
    ['gate.approval-expired', { approval: { by: 'ada', at: 'broken' } }, null],
  ])('%s', (id, changes, until) => {
    const verdict = cutoverWait(wait(changes));
    expect(verdict.reasons.map((reason) => reason.id)).toEqual([id]);
    expect(verdict).toMatchObject({ mayBegin: false, until });
    expect(verdict.reason).not.toBe('');
  });

  test('without a policy no approval is needed', () => {
    expect(
      cutoverWait(wait({ approval: null, approvalPolicy: { required: false, validFor: 1 } })).mayBegin,
    ).toBe(true);
  });

  test('times that have come do not hold', () => {
    expect(cutoverWait(wait({ postponedUntil: NOW_TEXT, nextAttemptAt: NOW_TEXT })).mayBegin).toBe(true);
  });

  test('of several times the latest counts; with a person in between nobody can say', () => {
    const both = { postponedUntil: '2027-03-02T00:00:00.000Z', nextAttemptAt: '2027-03-01T10:05:00.000Z' };
    expect(cutoverWait(wait(both)).until).toBe('2027-03-02T00:00:00.000Z');
    expect(cutoverWait(wait({ ...both, paused: true })).until).toBeNull();
  });
});

test('the gate never opens on stale facts, whatever they say', () => {
  const anyFacts = fc.record({
    localRoleDesc: fc.constantFrom('PRIMARY', 'SECONDARY'),
    connectedStateDesc: fc.constantFrom('CONNECTED', null),
    secondaryLagSeconds: fc.option(fc.nat(100)),
    seeding: fc.constantFrom(null, seeding()),
  });
  fc.assert(
    fc.property(anyFacts, fc.integer({ min: 1, max: 1e9 }), fc.nat(1e6), (changes, beyond, maxAge) => {
      const link = input(changes, { now: NOW + maxAge + beyond, factsMaxAgeMs: maxAge });
      expect(ids(link)).toEqual(['gate.stale-facts']);
    }),
  );
});

test('an open gate means a connected, healthy primary that is close enough', () => {
  const text = (...known: readonly string[]) => fc.oneof(fc.constantFrom(...known), fc.string());
  const anyFacts = fc.record({
    localRoleDesc: text('PRIMARY', 'SECONDARY'),
    connectedStateDesc: fc.option(text('CONNECTED', 'DISCONNECTED')),
    synchronizationStateDesc: fc.option(text('SYNCHRONIZING', 'SYNCHRONIZED', 'REVERTING')),
    synchronizationHealthDesc: fc.option(text('HEALTHY', 'NOT_HEALTHY')),
    secondaryLagSeconds: fc.option(fc.nat(60)),
    isSuspended: fc.boolean(),
  });
  fc.assert(
    fc.property(anyFacts, (changes) => {
      const facts = replica(changes);
      if (linkGate(input(changes)).length > 0) return;
      expect(facts).toMatchObject({
        localRoleDesc: 'PRIMARY',
        connectedStateDesc: 'CONNECTED',
        synchronizationHealthDesc: 'HEALTHY',
        isSuspended: false,
      });
      expect(facts.secondaryLagSeconds ?? 0).toBeLessThanOrEqual(30);
    }),
    { numRuns: 1000 },
  );
});

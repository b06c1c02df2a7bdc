import fc from 'fast-check';
import type { Site } from '../../../src/model/run/site';
import {
  STANDING_ACTIVITIES,
  type StandingFacts,
  type StandingRequestFacts,
} from '../../../src/model/run/standing';
import { decideRequest, refusalsOf, STANDING_ROWS } from '../../../src/rules/run/standing-table';

const SITES: readonly Site[] = [
  { id: 'a', name: 'east', label: 'eastern region', option: 'east' },
  { id: 'b', name: 'west', label: 'western region', option: 'west' },
];

const facts = (given: Partial<StandingFacts> = {}): StandingFacts => ({
  name: 'sales',
  thing: 'group',
  sites: SITES,
  activity: 'idle',
  primary: 'a',
  paused: false,
  splitBrain: null,
  deletedExternally: null,
  cannotFailOver: null,
  preempted: false,
  failoverWorkflow: null,
  drill: null,
  forcedTo: null,
  roles: null,
  toAcknowledge: () => null,
  loss: { seconds: 10, evidence: 'estimate: up to 10 s' },
  ...given,
});

const planned = (to = 'b', isAcknowledged = false): StandingRequestFacts => ({
  kind: 'failover',
  type: 'planned',
  to,
  isAcknowledged,
  forced: null,
});

const forced = (reason: string, acceptLossSeconds: number | null, to = 'b'): StandingRequestFacts => ({
  kind: 'failover',
  type: 'forced',
  to,
  isAcknowledged: false,
  forced: { reason, acceptLossSeconds },
});

const drill: StandingRequestFacts = { kind: 'drill', holdMs: 60_000, isAcknowledged: false };
const repair = (survivor: string): StandingRequestFacts => ({ kind: 'repair', survivor });
const removal: StandingRequestFacts = { kind: 'removal' };
const HOLDS = {
  activity: 'drill-hold',
  primary: 'b',
  drill: { from: 'a', holdUntil: '2026-12-01T00:00:00.000Z' },
} as const;

test.each<[string, StandingFacts, StandingRequestFacts, string]>([
  ['nothing speaks against it', facts(), planned(), 'request.begins'],
  [
    'while it is set up',
    facts({ activity: 'establishing', primary: null }),
    planned(),
    'request.not-standing',
  ],
  ['while it is set up', facts({ activity: 'establishing', primary: null }), removal, 'request.not-standing'],
  ['to the primary', facts(), planned('a'), 'failover.leads-already'],
  ['while paused', facts({ paused: true }), planned(), 'failover.paused'],
  ['a removal while paused', facts({ paused: true }), removal, 'request.begins'],
  ['two primaries', facts({ splitBrain: 'both say PRIMARY' }), planned(), 'failover.split-brain'],
  ['two primaries, forced', facts({ splitBrain: 'both' }), forced('x', 99), 'failover.split-brain'],
  ['deleted by others', facts({ deletedExternally: 'gone' }), planned(), 'failover.deleted-externally'],
  ['deleted by others, removal', facts({ deletedExternally: 'gone' }), removal, 'request.begins'],
  ['old versions', facts({ cannotFailOver: 'these versions cannot' }), drill, 'failover.impossible'],
  ['cool-down', facts({ toAcknowledge: () => 'too soon' }), planned(), 'failover.to-acknowledge'],
  [
    'cool-down, acknowledged',
    facts({ toAcknowledge: () => 'too soon' }),
    planned('b', true),
    'request.begins',
  ],
  ['no reason', facts(), forced('  ', 99), 'failover.no-reason'],
  ['loss not accepted', facts(), forced('fire', null), 'failover.loss-not-accepted'],
  ['less accepted than estimated', facts(), forced('fire', 9), 'failover.loss-not-accepted'],
  ['loss accepted', facts(), forced('fire', 10), 'request.begins'],
  ['unknown loss, a number accepted', facts({ loss: null }), forced('fire', 1), 'request.begins'],
  ['unknown loss, none accepted', facts({ loss: null }), forced('fire', null), 'failover.loss-not-accepted'],
  ['planned while planned', facts({ activity: 'planned-failover' }), planned(), 'request.busy'],
  ['forced while planned', facts({ activity: 'planned-failover' }), forced('fire', 10), 'failover.preempts'],
  [
    'forced behind the proof',
    facts({ activity: 'failover-proven', primary: 'b' }),
    forced('fire', 10, 'a'),
    'failover.preempts',
  ],
  [
    'forced over a given up',
    facts({ activity: 'failover-given-up' }),
    forced('fire', 10),
    'failover.preempts',
  ],
  ['planned over a given up', facts({ activity: 'failover-given-up' }), planned(), 'request.busy'],
  ['forced while forced', facts({ activity: 'forced-failover' }), forced('fire', 10), 'request.busy'],
  [
    'forced twice',
    facts({ activity: 'planned-failover', preempted: true }),
    forced('fire', 10),
    'request.busy',
  ],
  ['way back of a drill', facts(HOLDS), planned('a'), 'failover.ends-hold'],
  [
    'way back of a drill in the cool-down',
    facts({ ...HOLDS, toAcknowledge: () => 'too soon' }),
    planned('a'),
    'failover.ends-hold',
  ],
  ['forced while a drill holds', facts(HOLDS), forced('fire', 10, 'a'), 'request.begins'],
  ['drill while a drill holds', facts(HOLDS), drill, 'request.busy'],
  ['removal while a drill holds', facts(HOLDS), removal, 'request.busy'],
  [
    'too long a drill',
    facts(),
    { kind: 'drill', holdMs: 8 * 86_400_000, isAcknowledged: false },
    'drill.hold',
  ],
  [
    'a drill of no known length',
    facts(),
    { kind: 'drill', holdMs: Number.NaN, isAcknowledged: false },
    'drill.hold',
  ],
  ['nothing to repair', facts(), repair('a'), 'repair.no-split-brain'],
  ['repair', facts({ splitBrain: 'both' }), repair('a'), 'request.begins'],
  [
    'repair the wrong way',
    facts({ splitBrain: 'both', forcedTo: 'b' }),
    repair('a'),
    'repair.only-the-former-primary-follows',
  ],
  [
    'repair of what is gone',
    facts({ splitBrain: 'both', deletedExternally: 'gone' }),
    repair('a'),
    'repair.deleted-externally',
  ],
  [
    'planned with a silent site',
    facts({ roles: { a: 'PRIMARY', b: null } }),
    planned(),
    'failover.silent-site',
  ],
  [
    'forced with a silent primary',
    facts({ roles: { a: null, b: 'SECONDARY' } }),
    forced('fire', 10),
    'request.begins',
  ],
  [
    'forced to a silent site',
    facts({ roles: { a: 'PRIMARY', b: null } }),
    forced('fire', 10),
    'failover.silent-site',
  ],
  ['to a site without a part', facts({ roles: { a: 'PRIMARY', b: 'none' } }), planned(), 'failover.absent'],
  [
    'planned with a primary that has no part',
    facts({ roles: { a: 'none', b: 'SECONDARY' } }),
    planned(),
    'failover.absent',
  ],
  [
    'a drill where nobody has any part',
    facts({ primary: null, roles: { a: 'none', b: 'none' } }),
    drill,
    'failover.absent',
  ],
  [
    'forced though the old primary has no part',
    facts({ roles: { a: 'none', b: 'SECONDARY' } }),
    forced('fire', 10),
    'request.begins',
  ],
  [
    'a role of newer versions',
    facts({ roles: { a: 'PRIMARY', b: 'CATCHING_UP' } }),
    planned(),
    'request.begins',
  ],
  [
    'drill, silent sites',
    facts({ primary: null, roles: { a: null, b: null } }),
    drill,
    'failover.silent-site',
  ],
  ['removal of nothing', facts({ roles: { a: 'none', b: 'none' } }), removal, 'removal.gone'],
])('%s', (_name, given, request, rule) => {
  expect(decideRequest(given, request).rule).toBe(rule);
});

test('a site that is none is an error, never another one', () => {
  expect(() => decideRequest(facts(), planned('west coast'))).toThrow(RangeError);
});

const anyFacts = fc.record({
  activity: fc.constantFrom(...STANDING_ACTIVITIES),
  primary: fc.constantFrom('a', 'b'),
  paused: fc.boolean(),
  splitBrain: fc.constantFrom(null, 'both'),
  deletedExternally: fc.constantFrom(null, 'gone'),
  cannotFailOver: fc.constantFrom(null, 'old'),
  preempted: fc.boolean(),
  forcedTo: fc.constantFrom(null, 'a', 'b'),
});

const anyRequest: fc.Arbitrary<StandingRequestFacts> = fc.oneof(
  fc.record({
    kind: fc.constant('failover' as const),
    type: fc.constantFrom('planned' as const, 'forced' as const),
    to: fc.constantFrom('a', 'b'),
    isAcknowledged: fc.boolean(),
    forced: fc.record({
      reason: fc.constantFrom('', 'fire'),
      acceptLossSeconds: fc.constantFrom(null, 0, 10, 99),
    }),
  }),
  fc.record({ kind: fc.constant('drill' as const), holdMs: fc.double(), isAcknowledged: fc.boolean() }),
  fc.record({ kind: fc.constant('repair' as const), survivor: fc.constantFrom('a', 'b') }),
  fc.constant(removal),
);

test('every request gets one verdict, and a refusal always names what to do', () => {
  fc.assert(
    fc.property(anyFacts, anyRequest, (given, request) => {
      const verdict = decideRequest(facts(given), request);
      if (!verdict.allowed) expect(verdict.nextStep).not.toBe('');
      expect(STANDING_ROWS.some(({ rule }) => rule === verdict.rule)).toBe(true);
      expect(refusalsOf(facts(given), request).length === 0).toBe(verdict.allowed);
    }),
  );
});

test('a forced failover is allowed only with a reason and an accepted loss that covers the estimate (promise 7)', () => {
  fc.assert(
    fc.property(anyFacts, anyRequest, (given, request) => {
      if (request.kind !== 'failover' || request.type !== 'forced') return;
      if (!decideRequest(facts(given), request).allowed) return;
      expect(request.forced?.reason).toBe('fire');
      expect(request.forced?.acceptLossSeconds ?? -1).toBeGreaterThanOrEqual(10);
    }),
  );
});

test('while something is under way, only a forced failover and the way back of a drill are allowed', () => {
  fc.assert(
    fc.property(anyFacts, anyRequest, (given, request) => {
      if (given.activity === 'idle') return;
      if (!decideRequest(facts(given), request).allowed) return;
      expect(request.kind).toBe('failover');
    }),
  );
});

test.each([
  ['planned', planned()],
  ['forced', forced('fire', 10)],
  ['drill', drill],
])('what wants a name says how to give it: %s', (_, request) => {
  const verdict = decideRequest(facts({ toAcknowledge: () => 'the first full backup is missing' }), request);
  expect(verdict).toMatchObject({
    rule: 'failover.to-acknowledge',
    nextStep: expect.stringContaining('--acknowledge-by NAME'),
  });
});

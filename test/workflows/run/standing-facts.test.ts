/** What a run is doing, as the table of requests sees it: from the state alone. */

import { initialLinkOwn } from '../../../src/workflows/link/state';
import { LINK_WORKFLOWS } from '../../../src/workflows/link/topology';
import type { FailoverRecord } from '../../../src/workflows/run/failover-record';
import { standingFacts } from '../../../src/workflows/run/standing-facts';
import type { StandingRequest } from '../../../src/workflows/run/standing-messages';
import { initialState, type Protection } from '../../../src/workflows/run/state';
import { STANDING_SPEC } from '../../support/standing-driver';

const NOW = Date.parse('2026-11-26T12:00:00.000Z');
const STANDS: Protection = { primary: 'server', failovers: [], request: null, splitBrain: null };
const DBA = { by: 'dba' };

const factsOf = (protection: Partial<Protection> | null, more: object = {}) =>
  standingFacts({
    topology: LINK_WORKFLOWS,
    spec: STANDING_SPEC,
    state: {
      ...initialState(STANDING_SPEC, initialLinkOwn(STANDING_SPEC)),
      protection: protection === null ? null : { ...STANDS, ...protection },
      ...more,
    },
    now: NOW,
  });

const failover = (type: 'planned' | 'forced'): StandingRequest => ({
  kind: 'failover',
  request: { ...DBA, type, to: 'instance' },
});
const drilled: StandingRequest = { kind: 'drill', request: { ...DBA, holdMs: 1 } };
const record = (changes: Partial<FailoverRecord>): FailoverRecord => ({
  workflowId: 'sqlferry-sales/failover-1',
  type: 'forced',
  to: 'instance',
  by: 'dba',
  reason: null,
  startedAt: '2026-11-01T12:00:00.000Z',
  endedAt: '2026-11-01T12:01:00.000Z',
  outcome: 'done',
  summary: '',
  rtoMs: null,
  evidence: null,
  loss: null,
  ...changes,
});
const HELD: Protection['drill'] = {
  request: { ...DBA, holdMs: 1 },
  startedAt: '2026-11-26T11:00:00.000Z',
  from: 'server',
  there: record({ type: 'planned', drill: 'there' }),
  holdUntil: '2026-11-26T13:00:00.000Z',
};

test.each<[string, Partial<Protection> | null]>([
  ['establishing', null],
  ['idle', {}],
  ['planned-failover', { request: failover('planned') }],
  ['forced-failover', { request: failover('forced') }],
  ['failover-proven', { request: failover('planned'), proven: true }],
  ['failover-proven', { request: failover('forced'), proven: true }],
  ['failover-given-up', { request: failover('planned'), givenUp: true }],
  ['failover-given-up', { request: failover('forced'), givenUp: true }],
  ['drill-failover', { request: drilled }],
  ['drill-failover', { request: drilled, proven: true }],
  ['drill-hold', { drill: HELD }],
  ['drill-failback', { request: drilled, drill: HELD }],
  ['repair', { request: { kind: 'repair', begun: true, request: { ...DBA, survivor: 'server' } } }],
  ['removal', { request: { kind: 'remove', request: DBA, begun: true } }],
  ['request-pending', { request: { kind: 'remove', request: DBA } }],
])('%s', (activity, protection) => {
  expect(factsOf(protection).activity).toBe(activity);
});

test('two primaries: nobody is the primary', () => {
  const splitBrain = { since: '2026-11-26T11:00:00.000Z', reason: 'both say so' };
  expect(factsOf({ splitBrain })).toMatchObject({ primary: null, splitBrain: 'both say so' });
});

test('who was forced to lead is known from the newest failover that was done', () => {
  const forced = record({});
  expect(factsOf({ failovers: [forced] }).forcedTo).toBe('instance');
  expect(factsOf({ failovers: [forced, record({ type: 'planned', to: 'server' })] }).forcedTo).toBeNull();
  expect(factsOf({ failovers: [forced, record({ outcome: 'withdrawn', type: 'planned' })] }).forcedTo).toBe(
    'instance',
  );
});

test('a loss that was never seen is not known, and not 0', () => {
  expect(factsOf({}).loss).toBeNull();
  const lastLag = { observedAt: new Date(NOW - 9_000).toISOString(), lagSeconds: 2 };
  expect(factsOf({}, { lastLag }).loss).toEqual({
    seconds: 12,
    evidence: expect.stringContaining('up to 12 s of committed transactions (lag 2 s, seen at'),
  });
});

/** The plan of a forced failover: what of the old primary fails stops neither the run nor its plan. */
import { NeedsPerson } from '../../../src/activities/run/failures';
import { planChange } from '../../../src/activities/run/plan-change';
import { Snapshots } from '../../../src/activities/run/snapshots';
import { type AnyStep, defineStep } from '../../../src/activities/run/step';
import type { Topology } from '../../../src/activities/run/topology';
import { systemClock } from '../../../src/adapters/clock';
import type { Procedure } from '../../../src/model/run/procedure';
import { SqlServerFailure } from '../../../src/ports/failures';
import { COUNTER_PROCEDURE } from '../../support/counter-pair/procedure';
import { type CounterPairSpec, counterPairSpec } from '../../support/counter-pair/spec';
import { COUNTER_PAIR, COUNTER_PLANNING, type CounterPorts } from '../../support/counter-pair/topology';
import { CounterPair } from '../../support/counter-pair/world';

const FOLLOWING = { id: 'left.part', phase: 'after', title: 'The old one is told', repeats: 'once' } as const;

/** What follows a failover to the right one asks the left one, too. */
const procedure: Procedure<CounterPairSpec> = {
  ...COUNTER_PROCEDURE,
  failover: (spec, type, to) => ({ ...COUNTER_PROCEDURE.failover(spec, type, to), follow: [FOLLOWING] }),
};

const failing = (
  id: string,
  error: Error,
): Readonly<Record<string, AnyStep<CounterPorts, CounterPairSpec>>> => ({
  [id]: defineStep<CounterPorts, CounterPairSpec, null>({
    id,
    observe: () => Promise.reject(error),
    settled: () => undefined,
    effects: async () => [],
  }),
});

async function planned(steps: Topology<CounterPairSpec, CounterPorts>['steps'], silent?: 'left') {
  const pair = new CounterPair();
  if (silent !== undefined) pair.silence(silent);
  const context = {
    ports: { pair, sites: { left: pair.port('left'), right: pair.port('right') } },
    spec: counterPairSpec('visitors'),
    clock: systemClock,
    signal: new AbortController().signal,
  };
  const topology = { ...COUNTER_PAIR, procedure, steps: { ...COUNTER_PAIR.steps, ...steps } };
  const plan = await planChange(topology, COUNTER_PLANNING, context, new Snapshots(systemClock), {
    kind: 'failover',
    type: 'forced',
    to: 'right',
  });
  return { loss: plan.loss, notes: Object.fromEntries(plan.steps.map(({ stepId, note }) => [stepId, note])) };
}

test('a fence that cannot be set is left open, and the run goes on', async () => {
  const missing = new NeedsPerson('FenceLoginMissing', 'Cologne has no login app', 'create it');
  const { notes } = await planned(failing('left.fence', missing));
  expect(notes['left.fence']).toBe(
    'the run would leave the old primary open and go on: Cologne has no login app; create it',
  );
  expect(notes['right.lead']).toBeUndefined();
});

test.each([922, 976, 983])('an old primary that answers with error %i stops no plan', async (number) => {
  const detail = { number, severity: 14, state: 1, message: 'not accessible' };
  const refusal = new SqlServerFailure(
    'Cologne',
    'read-jobs',
    [detail],
    undefined,
    'Cologne: not accessible',
  );
  const { notes } = await planned({ ...failing('left.fence', refusal), ...failing(FOLLOWING.id, refusal) });
  expect(notes).toMatchObject({
    'left.fence': 'the run would leave the old primary open and go on: Cologne: not accessible',
    [FOLLOWING.id]: 'what it does shows only then: Cologne: not accessible',
  });
});

test('whatever else goes wrong at the old primary stops no plan of a forced failover', async () => {
  const broken = new RangeError('nothing of this is known');
  const { notes } = await planned({ ...failing('left.fence', broken), ...failing(FOLLOWING.id, broken) });
  expect(notes['left.fence']).toContain('nothing of this is known');
  expect(notes[FOLLOWING.id]).toContain('nothing of this is known');
});

test('what the new primary refuses does stop it', async () => {
  const refusal = new SqlServerFailure('Riga', 'x', [], undefined, 'Riga: no');
  await expect(planned(failing('right.lead', refusal))).rejects.toBe(refusal);
});

test('of a silent old primary the run knows the lag that was seen last: the plan says where', async () => {
  const { loss, notes } = await planned(
    failing(FOLLOWING.id, new SqlServerFailure('Cologne', 'connect', [], 'timeout', 'no')),
    'left',
  );
  expect(loss).toMatchObject({
    method: 'unknown',
    summary: expect.stringContaining('sqlferry status visitors'),
  });
  expect(notes['left.fence']).toBe('Cologne does not answer, so it is not fenced');
});

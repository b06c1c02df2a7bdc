/** Applications wait for a failover: what the servers show counts, however seldom Azure wants to be asked. */
import { applyEffect, type EffectPorts } from '../../../src/activities/run/apply-effect';
import type { Reporter } from '../../../src/activities/run/reporter';
import { runStep } from '../../../src/activities/run/run-step';
import { defineStep } from '../../../src/activities/run/step';
import type { SealedOperation } from '../../../src/ports/managed-instance';

const OPERATION = 'sealed' as unknown as SealedOperation;
const REQUEST = {
  kind: 'arm' as const,
  request: { operation: 'demote-instance' as const, linkName: 'DAG_Sales' },
  display: 'POST failover',
};

/** Azure wants to be asked every 15 s and takes a minute; the roles are swapped after `swapsAtMs`. */
function stage(swapsAtMs: number) {
  let now = 0;
  let polls = 0;
  const saved: (SealedOperation | undefined)[] = [];
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const running = {
    status: 'running',
    operation: OPERATION,
    retryAfterMs: 15_000,
    detail: 'InProgress',
  } as const;
  const azure = {
    begin: async () => running,
    poll: async () => {
      polls += 1;
      return now >= 60_000 ? ({ status: 'succeeded' } as const) : running;
    },
  };
  const reporter = {
    report: () => undefined,
    saveOperation: (operation: SealedOperation | undefined) => saved.push(operation),
    resumable: undefined,
    mayHaveSent: false,
    resumeState: undefined,
    saveResumeState: () => undefined,
    noteUnanswered: () => undefined,
  } as unknown as Reporter;
  const signal = new AbortController().signal;
  const ports = { azure } as unknown as EffectPorts;
  const apply = { ports, clock, signal, reporter, pollMs: 1_000 };
  const context = { ports, spec: {}, clock, signal, secret: async () => '' };
  const step = (urgent: object) =>
    defineStep<EffectPorts, object, boolean>({
      id: 'instance.failover',
      ...urgent,
      observe: async () => now >= swapsAtMs,
      settled: (isSwapped) => (isSwapped ? 'the roles are swapped' : undefined),
      effects: async () => [REQUEST],
    });
  return { step, context, apply, saved, now: () => now, polls: () => polls };
}

test('an urgent step ends when its effect shows, and leaves no operation to go on with', async () => {
  const { step, context, apply, saved, now, polls } = stage(3_000);
  const outcome = await runStep(step({ endsOutage: true }), context, apply);
  expect(outcome).toMatchObject({ outcome: 'done', evidence: 'the roles are swapped' });
  expect(now()).toBe(3_000);
  expect(polls()).toBe(0);
  expect(saved.at(-1)).toBeUndefined();
});

test('a step that is not urgent waits for the operation', async () => {
  const { step, context, apply, now } = stage(3_000);
  await runStep(step({}), context, apply);
  expect(now()).toBe(60_000);
});

test('servers that do not answer tell nothing: the operation ends the wait', async () => {
  const { context, apply, now } = stage(3_000);
  const probeSettled = () => Promise.reject(new Error('no answer'));
  await applyEffect(REQUEST, { ...apply, ports: context.ports, probeSettled });
  expect(now()).toBe(60_000);
});

/**
 * Promise 1, also when a new activity takes over from one that gave up: the real activity on the real ports, with attempts
 * as Temporal makes them, and a failover behind the point of no return whose answers are lost.
 */
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { FaultRuleInput } from '../../../estate/faults/rules';
import { LINK_TOPOLOGY } from '../../../src/activities/link/topology';
import { createRunActivities } from '../../../src/activities/run/activities';
import type { StepInput } from '../../../src/activities/run/api';
import type { Carried } from '../../../src/activities/run/carried';
import { Snapshots } from '../../../src/activities/run/snapshots';
import { bindTopology } from '../../../src/activities/run/topology';
import { systemClock } from '../../../src/adapters/clock';
import { createSecrets } from '../../../src/adapters/secrets';
import { linkProcedure } from '../../../src/model/link/procedure';
import { estateWithApplication, until } from '../../support/application';
import { type EstateStage, QUICK_POLLING, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

/** As many as behind the point of no return. */
const ATTEMPTS = 4;
const SPEED = 600;
const SECTIONS = `
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [app] } }
${QUICK_POLLING}
`;

let stage: EstateStage;
let bench: StepBench;

/** A link that stands, and forced failovers that take so many real milliseconds. */
async function standing(failoverMs: number): Promise<void> {
  const rates = { forcedFailoverMs: failoverMs * SPEED };
  const database = { dataBytes: 1024 ** 3 };
  stage = await startEstateStage({ estate: estateWithApplication({ speed: SPEED, database, rates }) });
  bench = await StepBench.open(stage, stage.spec(SECTIONS));
  const steps = linkProcedure('planned-failover', 'remove-link').filter(({ phase }) =>
    ['trust', 'groups', 'link'].includes(phase),
  );
  for (const step of steps) await bench.untilDone((left) => bench.run(step.id, left));
  const link = () => stage.estate.world.links.get('mi-west', 'DAG_Sales');
  await until('the link is seeded', () => link()?.seeded === true && link()?.state === 'LinkSynchronizing');
}
afterEach(async () => {
  await bench.close();
  await stage.close();
});

/** One activity: attempts until one succeeds or all are made. Between them goes what a heartbeat carries, as JSON. */
async function activity(
  carried: Carried | undefined,
  beforeAttempt: (attempt: number) => void = () => undefined,
) {
  const topology = bindTopology(LINK_TOPOLOGY, {
    openPorts: async () => bench.ports,
    secrets: async () => createSecrets({ env: stage.env, clock: systemClock }),
  });
  const activities = createRunActivities({
    topologies: [topology],
    hooks: { call: async () => ({ kind: 'no-answer', reason: 'not called' }) },
    clock: systemClock,
    temporalClock: systemClock,
    snapshots: new Snapshots(systemClock),
    notifier: { notify: async () => undefined },
  });
  const input: StepInput = {
    spec: bench.spec,
    stepId: 'instance.forced-failover',
    ...(carried === undefined ? {} : { carried }),
  };
  let heartbeatDetails: unknown;
  for (let attempt = 1; ; attempt += 1) {
    beforeAttempt(attempt);
    const options = { logger: new DefaultLogger('ERROR') };
    const environment = new MockActivityEnvironment({ attempt, heartbeatDetails }, options);
    environment.on('heartbeat', (details: unknown) => {
      heartbeatDetails = JSON.parse(JSON.stringify(details));
    });
    try {
      return await environment.run(activities.performStep, input);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function givesUp(work: Promise<unknown>): Promise<Carried | undefined> {
  const failure = await work.then(
    () => {
      throw new Error('it did not give up');
    },
    (error: ApplicationFailure) => error,
  );
  const [detail] = JSON.parse(JSON.stringify(failure.details)) as [{ carried?: Carried }];
  return detail.carried;
}

const addFault = (fault: FaultRuleInput): string => stage.estate.world.faults.add(fault);
const accepted = (): number => stage.estate.world.journal.effective(/^POST .*failover/).length;

test('the answer of the last attempt is lost: the next activity looks, and sends nothing', async () => {
  await standing(1_500);
  const post = { surface: 'arm', method: 'POST', path: 'failover', count: 1 } as const;
  const carried = await givesUp(
    activity(undefined, (attempt) => {
      const refused = { kind: 'status', status: 429, code: 'TooManyRequests' } as const;
      addFault({ ...post, action: attempt < ATTEMPTS ? refused : { kind: 'lost-response' } });
    }),
  );
  expect(carried).toEqual({ mayHaveSent: true });
  expect(accepted()).toBe(1);
  expect(await activity(carried)).toMatchObject({ outcome: 'already-done' });
  expect(accepted()).toBe(1);
}, 60_000);

test('no attempt gets an answer while the operation goes on: the next activity goes on with it', async () => {
  await standing(8_000);
  const silence = addFault({
    surface: 'arm',
    method: 'GET',
    path: 'AzureAsyncOperation|OperationResults',
    action: { kind: 'status', status: 500, code: 'InternalServerError' },
  });
  const carried = await givesUp(activity(undefined));
  expect(carried).toEqual({ operation: expect.any(String), mayHaveSent: false });
  stage.estate.world.faults.remove(silence);
  await activity(carried);
  expect(accepted()).toBe(1);
}, 60_000);

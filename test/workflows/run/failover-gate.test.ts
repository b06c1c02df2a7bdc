/** In virtual time: the gate of a planned failover and its turn, asked for at once. */
import { join } from 'node:path';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink, needsPerson } from '../../support/fake-link';
import { linkSpec } from '../../support/link-spec';
import { HOUR, StandingLink } from '../../support/standing-driver';
import { closeWorkflowDrivers, fail, hang, WorkflowDriver } from '../../support/workflow-driver';
import { useWorkflowsOf } from '../../support/workflow-sandbox';

afterEach(closeWorkflowDrivers);

const DBA = { by: 'dba' };

test('a gate that needs a person is told once, and goes on when somebody has it tried again', async () => {
  let isMended = false;
  const begun = await StandingLink.begin({
    override: ({ type }) =>
      type === 'awaitReadiness' && !isMended ? fail(needsPerson('LoginFailed')) : undefined,
  });
  await begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.goOn(HOUR);
  const told = () => begun.link.effects.filter((effect) => effect === 'notify LoginFailed').length;
  expect(told()).toBe(1);
  expect((await begun.status()).blockedBy).toMatchObject({ code: 'LoginFailed', stepId: 'Failover gate' });
  await begun.driver.update<Answer>('resume', DBA);
  await begun.goOn(1_000);
  expect(told()).toBe(2);
  isMended = true;
  await begun.driver.update<Answer>('resume', DBA);
  await begun.goOn();
  expect(await begun.protection()).toMatchObject({ primary: 'instance', pendingRequest: null });
  expect(told()).toBe(2);
  await begun.end();
});

test('a gate that stays shut for a while is waited at by one activity, and holds no turn', async () => {
  let isOpen = false;
  const begun = await StandingLink.begin({
    override: ({ type }) => (type === 'awaitReadiness' && !isOpen ? hang : undefined),
  });
  await begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'instance' });
  await begun.goOn(HOUR);
  const gates = begun.driver.trace.filter(({ call }) => call.type === 'awaitReadiness');
  // The first look beside the steps ran out of time, the other one waits.
  expect(gates.map(({ state }) => state)).toEqual(['failed', 'running']);
  isOpen = true;
  await begun.driver.update<Answer>('pause', DBA);
  await begun.goOn();
  expect((await begun.protection()).failovers.map(({ outcome }) => outcome)).toEqual(['withdrawn']);
  expect(gates.map(({ state }) => state)).toEqual(['failed', 'cancelled']);
  await begun.end();
});

test('where no turn can be asked for, the gate is not left open behind it', async () => {
  await useWorkflowsOf(join(__dirname, '../../support/gate-workflow.ts'));
  const link = new FakeLink({ override: ({ type }) => (type === 'awaitReadiness' ? hang : undefined) });
  const driver = await WorkflowDriver.start('gateWorkflow', { spec: linkSpec() }, link.activities);
  expect(await driver.run()).toMatchObject({
    kind: 'completed',
    result: { error: 'no turn can be asked for', waitingFor: '' },
  });
  const gates = driver.trace.filter(({ call }) => call.type === 'awaitReadiness');
  expect(gates.map(({ state }) => state)).toEqual(['cancelled']);
  await driver.replay();
  await driver.dispose();
}, 60_000);

/**
 * A failover that is refused behind the point of no return, by SQL Server over the wire and by Azure: tried again until
 * it goes through, told when it does not at once, and the applications stay out of the old primary meanwhile.
 */

import type { FaultRuleInput } from '../../estate/faults/rules';
import type { FailoverRecord } from '../../src/workflows/run/failover-record';
import { APPLICATION, estateWithApplication, until } from '../support/application';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

const GROUP = 'DistributedAvailabilityGroup';
const BY = { by: 'dba', acknowledgedBy: 'dba' };

let stage: Stage;

const status = async () => (await stage.migrations.view('sales')).status;
const failovers = async () => (await status()).protection?.failovers ?? [];
const count = async () => Number((await failovers()).length);
const isFree = async () => (await status()).protection?.pendingRequest === null;
const world = () => stage.estate.world;
const shutOn = (name: string) => world().instances.get(name).logins.get(APPLICATION.name)?.disabled;

async function begin(to: 'server' | 'instance'): Promise<void> {
  await until('the link is free', isFree);
  expect(await stage.migrations.failover('sales', { ...BY, type: 'planned', to })).toMatchObject({
    accepted: true,
  });
}

async function failOver(to: 'server' | 'instance'): Promise<FailoverRecord | undefined> {
  const before = await count();
  await begin(to);
  await until('the failover ended', async () => (await count()) > before && (await isFree()));
  return (await failovers()).at(-1);
}

beforeAll(async () => {
  stage = await startStage({
    estate: estateWithApplication({
      database: { dataBytes: 1024 ** 3 },
      instance: {
        logins: [
          { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
          { ...APPLICATION, roles: [] },
        ],
      },
    }),
  });
  await stage.startWorker();
  await stage.migrations.start(
    stage.spec(`
purpose: disaster-recovery
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
failover: { coolDown: 1s }
${QUICK_POLLING}`),
  );
  await until('the link stands', async () => (await status()).protection !== null);
}, 120_000);
afterAll(() => stage.close());
afterEach(() => world().faults.clear());

const sqlRefusal = (
  number: number,
  parts: { count?: number; when?: 'before' | 'after' } = {},
): FaultRuleInput => ({
  surface: 'sql',
  instance: 'SQL1',
  statement: 'AVAILABILITY GROUP .* FAILOVER',
  count: parts.count ?? 1,
  action: { kind: 'error', number, when: parts.when ?? 'before' },
});

const azureRefusal = (code: string): FaultRuleInput => ({
  surface: 'arm',
  method: 'POST',
  path: '/failover',
  count: 1,
  action: { kind: 'status', status: 409, code },
});

const failedOperation = (code: string, takesEffect: boolean): FaultRuleInput => ({
  surface: 'arm',
  method: 'POST',
  path: '/failover',
  count: 1,
  action: { kind: 'failed-operation', code, takesEffect },
});

/** There by T-SQL and back by Azure: one refusal each way. */
test.each<[string, FaultRuleInput, FaultRuleInput]>([
  ['not catching up', sqlRefusal(47514), azureRefusal(`${GROUP}FailoverSecondariesNotSynchronizing`)],
  ['too much to send', sqlRefusal(47515), azureRefusal(`${GROUP}FailoverLogSendQueueSizeTooBig`)],
  ['too much to apply', sqlRefusal(47516), azureRefusal(`${GROUP}FailoverRedoQueueSizeTooBig`)],
  [
    'a failover is running already',
    sqlRefusal(47512),
    azureRefusal(`${GROUP}SetRoleChangeRoleAlreadyInProgress`),
  ],
  ['another number of the same', sqlRefusal(47513), failedOperation(`${GROUP}SetRoleFailed`, false)],
  [
    'a change of roles is running',
    sqlRefusal(41968),
    failedOperation(`${GROUP}FailoverSecondariesNotSynchronizing`, false),
  ],
  [
    'in that role already: it is so',
    sqlRefusal(41965, { when: 'after' }),
    failedOperation(`${GROUP}SetRoleInstanceAlreadyInRequestedRole`, true),
  ],
])(
  '%s: tried again, and done',
  async (_name, there, back) => {
    for (const [to, fault] of [
      ['instance', there],
      ['server', back],
    ] as const) {
      world().faults.add(fault);
      expect(await failOver(to)).toMatchObject({ outcome: 'done', to });
      expect(
        world()
          .faults.list()
          .every((rule) => rule.struck === 1),
      ).toBe(true);
      world().faults.clear();
      const [led, follows] = to === 'instance' ? ['mi-west', 'SQL1'] : ['SQL1', 'mi-west'];
      expect([shutOn(led), shutOn(follows)]).toEqual([false, true]);
    }
  },
  60_000,
);

test('refused again and again: told with its reason, fenced meanwhile, done in the end', async () => {
  const before = await count();
  world().faults.add(sqlRefusal(47516, { count: 1_000 }));
  await begin('instance');
  const id = async () => {
    for await (const { workflowId } of stage.client.workflow.list({
      query: `TaskQueue = "${stage.taskQueue}" AND WorkflowType = "failover" AND ExecutionStatus = "Running"`,
    }))
      return workflowId;
    return undefined;
  };
  let told: readonly { readonly code: string; readonly message: string }[] = [];
  let waitingFor = '';
  await until('a person is told', async () => {
    const child = await id();
    if (child === undefined) return false;
    const seen = await stage.client.workflow
      .getHandle(child)
      .query<{ events: typeof told; waitingFor: string }>('status');
    told = seen.events.filter(({ code }) => code === 'failover.refused');
    ({ waitingFor } = seen);
    return told.length > 0;
  });
  expect(told).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/too much log waits to be applied.*RedoQueueTooLarge.*stay fenced/),
    }),
  ]);
  expect(waitingFor).toMatch(/too much log waits to be applied.*tried again/);
  // The link, where people look, says the same.
  await until('the link says it', async () => (await status()).waitingFor.includes('too much log'));
  expect(shutOn('SQL1')).toBe(true);
  expect(await stage.migrations.abort('sales', { by: 'dba' })).toMatchObject({ accepted: false });
  world().faults.clear();
  await until('the failover ended', async () => (await count()) > before && (await isFree()), 60_000);
  expect((await failovers()).at(-1)).toMatchObject({ outcome: 'done', to: 'instance' });
}, 120_000);

test('what only a person can mend waits for one, and resume tries again', async () => {
  const before = await count();
  world().faults.add({
    surface: 'arm',
    method: 'POST',
    path: '/failover',
    action: { kind: 'status', status: 409, code: `${GROUP}SetRolePrimaryPlannedNotSupported` },
  });
  await begin('server');
  await until('it waits for a person', async () => (await status()).blockedBy !== null);
  expect((await status()).blockedBy).toMatchObject({ code: 'PlannedRoleChangeUnsupported' });
  world().faults.clear();
  expect(await stage.migrations.resume('sales', { by: 'dba' })).toMatchObject({ accepted: true });
  await until('the failover ended', async () => (await count()) > before);
  expect((await failovers()).at(-1)).toMatchObject({ outcome: 'done', to: 'server' });
}, 60_000);

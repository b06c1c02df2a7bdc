/** A link that the instance leads first, in virtual time: Azure's five minutes, what is given back, and what stays. */

import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink, type FakeLinkOptions, named, needsPerson } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeOutcome,
  fail,
  hang,
  WorkflowDriver,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const HOUR = 3_600_000;
const DBA = { by: 'dba' };
const SPEC = linkSpecWith(
  'purpose: disaster-recovery\ninitialPrimary: instance\ncutover: { fence: { disableLogins: [app] } }\n',
);
const CREATE = 'instance.link-from-instance';
const JOIN = 'server.join-distributed-availability-group';
const GROUPS = [
  'server.empty-availability-group',
  'server.grant-create-database',
  'server.readable-secondary',
];
/** Azure's side first, then the SQL Server's, latest first. */
const GIVEN_BACK = [CREATE, JOIN, ...[...GROUPS].reverse()].map((step) => `undo ${step}`);

const stepOf = (call: ActivityCall) => (call.input as { stepId?: string }).stepId;
const isCreation = (call: ActivityCall) => call.type === 'performStep' && stepOf(call) === CREATE;
const done = { stepId: CREATE, outcome: 'done', effects: [], evidence: 'seen', startedAt: '', durationMs: 1 };

/** The creation lasts as long as the copy, unless the test says otherwise. */
async function begin(override: (call: ActivityCall) => FakeOutcome | undefined = () => undefined) {
  const options: FakeLinkOptions = {
    override: (call) => override(call) ?? (isCreation(call) ? answer(done, HOUR) : undefined),
  };
  const link = new FakeLink(options);
  const driver = await WorkflowDriver.start(
    'disasterRecoveryLink',
    { spec: SPEC, visibility: false },
    link.activities,
  );
  return { link, driver };
}

type Begun = Awaited<ReturnType<typeof begin>>;

const status = ({ driver }: Begun) => driver.query<LinkStatus>('status');

async function end({ driver }: Begun): Promise<void> {
  await driver.replay();
  await driver.dispose();
}

const of = (type: string, { driver }: Begun) => driver.trace.filter(({ call }) => call.type === type);

test('groups, request and join, the copy, and then the instance leads; no log backup is taken', async () => {
  const begun = await begin();
  await begun.driver.run(() => false, 2 * HOUR);
  const seen = await status(begun);
  expect(seen).toMatchObject({
    phase: 'replicating',
    initialPrimary: 'instance',
    logBackups: { count: 0 },
    protection: { primary: 'instance' },
  });
  expect(seen.phases.map(({ phase }) => phase)).toEqual([
    'preflight',
    'trust',
    'groups',
    'link',
    'seeding',
    'replicating',
  ]);
  const changes = begun.link.changes.filter(
    (change) => !/certificate|master-key|endpoint|authorities/.test(change),
  );
  // What the creation ends with is answered last; the request was sent first.
  expect(changes).toEqual([...GROUPS.map((step) => `do ${step}`), `do ${JOIN}`]);
  const [created] = of('performStep', begun).filter(({ call }) => isCreation(call));
  const [joined] = of('joinFromInstance', begun);
  expect(created?.call.at).toBeLessThanOrEqual(joined?.call.at ?? 0);
  expect(of('takeFirstLogBackup', begun)).toEqual([]);
  expect(of('watch', begun).map(({ call }) => named(call))).toEqual(['watch instance']);

  begun.link.effects.length = 0;
  expect(
    await begun.driver.update<Answer>('failover', { ...DBA, type: 'planned', to: 'server' }),
  ).toMatchObject({ accepted: true });
  await begun.driver.run(() => false, begun.driver.elapsed + 60_000);
  expect((await status(begun)).protection).toMatchObject({ primary: 'server' });
  expect(begun.link.changes.slice(0, 2)).toEqual(['do instance.fence', 'do instance.planned-failover']);
  await end(begun);
});

const NOT_JOINED = {
  kind: 'broken',
  code: 'LinkNotJoined',
  message: 'Azure gave the link up',
  remedy: 'mend it',
};

describe.each<[string, (call: ActivityCall) => FakeOutcome | undefined, string]>([
  [
    'the join comes too late',
    (call) =>
      call.type === 'joinFromInstance' && call.count === 1 ? answer(NOT_JOINED, 300_000) : undefined,
    'LinkNotJoined',
  ],
  [
    'Azure ends the creation while the join is tried',
    (call) => {
      if (isCreation(call) && call.at < HOUR) return fail(needsPerson('LinkNotEstablished'), 300_000);
      return call.type === 'joinFromInstance' && call.count === 1 ? hang : undefined;
    },
    'LinkNotJoined',
  ],
  [
    'the server refuses the join at once',
    (call) =>
      call.type === 'joinFromInstance' && call.count === 1
        ? fail(needsPerson('LinkUnsupportedHere'))
        : undefined,
    'LinkUnsupportedHere',
  ],
  [
    'the copy breaks for good',
    (call) =>
      call.type === 'watchSeeding' && call.count === 1
        ? answer({ ...NOT_JOINED, code: 'LinkBroken' }, 60_000)
        : undefined,
    'LinkBroken',
  ],
])('%s', (_name, override, code) => {
  test('all is given back, a person is told, and resume begins with the groups', async () => {
    const begun = await begin(override);
    await begun.driver.run(() => false, HOUR - 1);
    const seen = await status(begun);
    expect(seen.blockedBy).toMatchObject({
      code,
      message: expect.stringContaining('the database stays on the instance as it was'),
    });
    const undone = begun.link.changes.filter((change) => change.startsWith('undo'));
    expect(undone).toEqual(GIVEN_BACK);
    expect(begun.link.effects).toContain(`notify ${code}`);
    // Nothing works on beneath what was given back.
    for (const type of ['performStep', 'joinFromInstance', 'watchSeeding'])
      expect(of(type, begun).filter(({ state }) => state === 'running')).toEqual([]);

    begun.link.effects.length = 0;
    await begun.driver.run(() => false, HOUR);
    expect(await begun.driver.update<Answer>('resume', DBA)).toMatchObject({ accepted: true });
    await begun.driver.run(() => false, 3 * HOUR);
    expect((await status(begun)).protection).toMatchObject({ primary: 'instance' });
    expect(begun.link.changes.slice(0, 3)).toEqual(GROUPS.map((step) => `do ${step}`));
    await end(begun);
  });
});

test('what is no verdict of Azure waits in its place: a seeding of days is not given back for a lost secret', async () => {
  const begun = await begin((call) =>
    isCreation(call) && call.count < 20 && call.at < 60_000
      ? fail(needsPerson('SecretUnreadable'), 20_000)
      : undefined,
  );
  await begun.driver.run(() => false, 50_000);
  expect((await status(begun)).blockedBy).toMatchObject({ code: 'SecretUnreadable' });
  await begun.driver.run(() => false, 70_000);
  expect(begun.link.changes.filter((change) => change.startsWith('undo'))).toEqual([]);
  expect(await begun.driver.update<Answer>('resume', DBA)).toMatchObject({ accepted: true });
  await begun.driver.run(() => false, 3 * HOUR);
  expect((await status(begun)).protection).toMatchObject({ primary: 'instance' });
  await end(begun);
});

test('abort while the copy is made: latest first, after the activities have ended', async () => {
  const begun = await begin((call) => (call.type === 'watchSeeding' || isCreation(call) ? hang : undefined));
  await begun.driver.run(() => false, 10 * 60_000);
  expect((await status(begun)).phase).toBe('seeding');
  expect(await begun.driver.update<Answer>('abort', DBA)).toMatchObject({ accepted: true });
  await begun.driver.run();
  expect(begun.driver.ended).toMatchObject({ result: { outcome: 'aborted', leftovers: [] } });
  const undone = begun.link.changes.filter((change) => change.startsWith('undo'));
  expect(undone.slice(0, GIVEN_BACK.length)).toEqual(GIVEN_BACK);
  expect(undone).toContain('undo server.master-key');
  expect(begun.driver.trace.filter(({ state }) => state === 'running')).toEqual([]);
  await end(begun);
});

test('the deadline: after six days all is given back, and the run fails', async () => {
  const begun = await begin((call) => (call.type === 'watchSeeding' || isCreation(call) ? hang : undefined));
  await begun.driver.run();
  expect(begun.driver.ended).toMatchObject({ kind: 'failed' });
  expect(begun.driver.elapsed).toBeGreaterThan(6 * 24 * HOUR);
  expect(begun.link.changes.filter((change) => change.startsWith('undo')).slice(0, 5)).toEqual(GIVEN_BACK);
  expect(begun.link.effects).toContain('notify seeding.deadline-near');
  await end(begun);
});

/** What is not understood never acts: requests, news and control of every workflow, in words that nobody knows. */

import type { Slots } from '../../../src/rules/run/failover-slots';
import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink } from '../../support/fake-link';
import { linkSpec, linkSpecWith } from '../../support/link-spec';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
import { answer, closeWorkflowDrivers, hang, WorkflowDriver } from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const BY = { by: 'ann' };
const FORCED = { ...BY, type: 'forced', to: 'instance', reason: 'lost', acceptLossSeconds: 999_999 };
const LONG = 'x'.repeat(5_000);

/** Update, request, and what the rejection must say. */
const MALFORMED_REQUESTS: readonly (readonly [string, unknown, RegExp])[] = [
  ['failover', { ...BY, to: 'instance', type: 'Planned' }, /type must be "planned" or "forced".*"Planned"/],
  ['failover', { ...BY, to: 'instance' }, /type must be "planned" or "forced".*left out/],
  [
    'failover',
    { ...BY, to: 'target', type: 'planned' },
    /to must be "server" \(the SQL Server\) or "instance"/,
  ],
  ['failover', { ...BY, type: 'planned' }, /to must be/],
  ['failover', { ...FORCED, acceptLossSeconds: 'abc' }, /acceptLossSeconds must be a number.*"abc"/],
  ['failover', { ...FORCED, acceptLossSeconds: '999999' }, /acceptLossSeconds must be a number/],
  ['failover', { ...FORCED, acceptLossSeconds: null }, /acceptLossSeconds must be a number/],
  ['failover', { ...FORCED, acceptLossSeconds: -1 }, /acceptLossSeconds must be a number/],
  ['failover', { ...FORCED, acceptLossSeconds: 1e300 }, /acceptLossSeconds must be a number/],
  ['failover', { ...FORCED, acceptLossSecond: 30 }, /"acceptLossSecond" is not known.*acceptLossSeconds/],
  ['failover', { ...FORCED, reason: 'ok\nFAKE 11-30 15:00:00 done' }, /reason must be .*control/],
  ['failover', { ...FORCED, reason: LONG }, /reason must be .*1000/],
  ['failover', { ...FORCED, by: '\u001b[31mann' }, /by must be .*control/],
  ['failover', { ...FORCED, by: LONG }, /by must be .*200/],
  ['failover', { ...FORCED, acknowledgedBy: '' }, /acknowledgedBy must be/],
  ['failover', { ...BY, type: 'planned', to: 'instance', acceptDrift: 'yes' }, /acceptDrift must be true/],
  ['failover', { ...BY, type: 'planned', to: 'instance', acceptDrift: false }, /acceptDrift must be true/],
  ['failover', null, /request must be an object/],
  ['failover', [FORCED], /request must be an object/],
  ['failover', 'now', /request must be an object/],
  ['repair', { ...BY, survivor: 'source' }, /survivor must be "server" \(the SQL Server\)/],
  ['repair', BY, /survivor must be/],
  ['drill', { ...BY, holdMs: null }, /holdMs must be a number/],
  ['drill', { ...BY, holdMs: '600000' }, /holdMs must be a number/],
  ['drill', { ...BY, holdMs: -1 }, /holdMs must be a number/],
  ['drill', { ...BY, holdMs: 1e18 }, /holdMs must be a number/],
  ['drill', BY, /holdMs must be a number/],
  ['remove', {}, /by must be/],
  ['remove', { ...BY, force: true }, /"force" is not known/],
  ['pause', { by: 7 }, /by must be/],
  ['pause', { ...BY, reason: 7 }, /reason must be/],
  ['resume', undefined, /request must be an object/],
  ['abort', { by: ' ' }, /by must be/],
];

const REQUESTS_OF_A_MIGRATION: readonly (readonly [string, unknown, RegExp])[] = [
  ['approve', { ...BY, acceptDrift: 1 }, /acceptDrift must be true/],
  ['approve', { ...BY, acceptdrift: true }, /"acceptdrift" is not known/],
  ['approve', { ...BY, reason: 'a\u2028b' }, /reason must be/],
  ['postpone', BY, /until must be/],
  ['postpone', { ...BY, until: 7 }, /until must be/],
  ['postpone', { ...BY, until: '5' }, /until must be/],
  ['postpone', { ...BY, until: '2027-13-45T00:00:00Z' }, /until must be/],
  ['changeSchedule', BY, /schedule must be/],
  ['changeSchedule', { ...BY, schedule: 'now' }, /schedule must be/],
];

const SIGNALS: readonly unknown[] = [
  undefined,
  null,
  7,
  'granted',
  [],
  {},
  { kind: null },
  { kind: 'unheard-of' },
  { kind: 'toString' },
  { kind: 'new-primary-proven' },
  { kind: 'new-primary-proven', record: null },
  { kind: 'new-primary-proven', record: { to: 'target' } },
  { kind: 'waiting' },
  { kind: 'waiting', place: 7 },
  { kind: 'waiting', waitingFor: {} },
  { kind: 'problem' },
  { kind: 'problem', problem: 'none' },
  { kind: 'preempt' },
  { kind: 'preempt', by: null },
  { kind: 'ask' },
  { kind: 'ask', request: null },
  {
    kind: 'ask',
    request: { workflowId: 'w', runId: 'r', name: 'n', database: 'd', limit: 'many', forced: false },
  },
  { kind: 'leave', key: 7 },
  { kind: 'go-ahead' },
];

const migrationStatus = (driver: WorkflowDriver) => driver.query<LinkStatus>('status');
const ignored = ({ events }: LinkStatus) => events.filter(({ code }) => code === 'message.ignored');
const withoutEvents = ({ events: _events, ...status }: LinkStatus) => status;

async function migrationThatWaits() {
  const spec = linkSpecWith('cutover: { approval: { required: true } }\n');
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec, visibility: false },
    new FakeLink().activities,
  );
  await driver.run(() => false, 3 * 3_600_000);
  return driver;
}

describe('a request that is not understood is rejected in words, and changes nothing', () => {
  test('of a DR link', async () => {
    const standing = await StandingLink.begin();
    const before = await standing.status();
    for (const [name, request, reason] of MALFORMED_REQUESTS) {
      await expect(standing.driver.update(name, request)).rejects.toThrow(reason);
      expect(await standing.status()).toEqual(before);
    }
    await standing.goOn();
    expect(standing.link.changes).toEqual([]);
    await standing.end();
  });

  test('of a migration', async () => {
    const driver = await migrationThatWaits();
    const before = await migrationStatus(driver);
    for (const [name, request, reason] of REQUESTS_OF_A_MIGRATION) {
      await expect(driver.update(name, request)).rejects.toThrow(reason);
      expect(await migrationStatus(driver)).toEqual(before);
    }
    await driver.replay();
    await driver.dispose();
  });

  test('a second argument is no part of any request', async () => {
    const standing = await StandingLink.begin();
    await expect(standing.driver.update('remove', BY, { dryRun: true })).rejects.toThrow(/one argument/);
    await standing.end();
  });

  test('what it says of the value is short and one line', async () => {
    const standing = await StandingLink.begin();
    const request = { ...BY, to: 'instance', type: `\u001b[2J\n${LONG}` };
    const error: unknown = await standing.driver
      .update('failover', request)
      .catch((reason: unknown) => reason);
    const message = error instanceof Error ? error.message : '';
    expect(message.length).toBeLessThan(400);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(message).not.toMatch(/[\u0000-\u001f]/);
    await standing.end();
  });

  test('a schedule with a type that is no text is refused, and the run goes on', async () => {
    const driver = await migrationThatWaits();
    const schedule = { type: { toString: 1 } };
    expect(await driver.update<Answer>('changeSchedule', { ...BY, schedule })).toMatchObject({
      accepted: false,
    });
    const empty = { days: ['mon'], from: '10:00', to: '10:00' };
    const windows = { type: 'in-windows', windows: [empty] };
    expect(await driver.update<Answer>('changeSchedule', { ...BY, schedule: windows })).toMatchObject({
      accepted: false,
      reasons: [expect.stringContaining('empty')],
    });
    await driver.dispose();
  });
});

describe('a request of another kind of run is refused with what this one takes', () => {
  test('approve on a DR link', async () => {
    const standing = await StandingLink.begin();
    const before = await standing.status();
    const refused = await standing.driver.update<Answer>('approve', BY);
    expect(refused).toEqual({
      accepted: false,
      rule: 'request.other-kind-of-run',
      reasons: [expect.stringMatching(/DR link.*"approve".*failover, drill/)],
      nextSteps: [expect.stringContaining('sqlferry failover')],
    });
    expect(await standing.status()).toEqual(before);
    await standing.end();
  });

  test('failover, drill, remove and repair on a migration', async () => {
    const driver = await migrationThatWaits();
    for (const name of ['failover', 'drill', 'remove', 'repair', 'Pause']) {
      expect(await driver.update<Answer>(name, FORCED)).toMatchObject({
        accepted: false,
        reasons: [expect.stringMatching(/migration.*approve/)],
      });
    }
    await driver.replay();
    await driver.dispose();
  });
});

describe('a signal that is not understood is noted and ignored', () => {
  test('by a migration', async () => {
    const driver = await migrationThatWaits();
    const before = await migrationStatus(driver);
    for (const signal of SIGNALS) await driver.signal('slotNews', signal);
    const after = await migrationStatus(driver);
    expect(withoutEvents(after)).toEqual(withoutEvents(before));
    expect(ignored(after).length).toBeGreaterThan(0);
    expect(ignored(after)[0]).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('slotNews'),
    });
    expect(await driver.update<Answer>('approve', BY)).toMatchObject({ accepted: true });
    expect(await driver.run()).toMatchObject({ kind: 'completed' });
    await driver.replay();
    await driver.dispose();
  });

  test('by a DR link: also one that lay there before the failover', async () => {
    const standing = await StandingLink.begin();
    for (const signal of SIGNALS) await standing.driver.signal('failoverNews', signal);
    await standing.driver.update('failover', { ...BY, type: 'planned', to: 'instance' });
    await standing.goOn();
    for (const signal of SIGNALS) await standing.driver.signal('failoverNews', signal);
    const { protection, blockedBy } = await standing.status();
    expect(protection).toMatchObject({ primary: 'instance', pendingRequest: null });
    expect(protection?.failovers).toHaveLength(1);
    expect(blockedBy).toBeNull();
    expect(ignored(await standing.status()).length).toBeGreaterThan(0);
    await standing.end();
  });

  test('by a failover under way', async () => {
    const standing = await StandingLink.begin({
      override: ({ type }) => (type === 'awaitReadiness' ? answer({}, 3_600_000) : undefined),
    });
    await standing.driver.update('failover', { ...BY, type: 'planned', to: 'instance' });
    await standing.goOn();
    const [child] = standing.driver.children;
    for (const name of ['failoverControl', 'slotNews']) {
      for (const signal of SIGNALS) await child?.signal(name, signal);
    }
    const status = await child?.query<LinkStatus>('status');
    expect(status).toMatchObject({ paused: false });
    await standing.goOn(2 * 3_600_000);
    expect((await standing.protection()).failovers).toMatchObject([{ outcome: 'done', to: 'instance' }]);
    await standing.end();
  });

  test.each([
    ['json/plain', '{"kind":'],
    ['of/another/tool', 'granted'],
    ['json/protobuf', '{}'],
  ])('also one that cannot even be decoded: %s', async (encoding, bytes) => {
    const driver = await migrationThatWaits();
    await driver.signalWithBytes('slotNews', Buffer.from(bytes), encoding);
    expect(ignored(await migrationStatus(driver))).toMatchObject([
      { message: expect.stringContaining('data that cannot be read') },
    ]);
    expect(await driver.update<Answer>('pause', BY)).toMatchObject({ accepted: true });
    await driver.replay();
    await driver.dispose();
  });

  test('by the workflow that gives slots', async () => {
    const holder = await WorkflowDriver.start(
      'linkMigration',
      INPUTS.linkMigration,
      new FakeLink().activities,
    );
    const { runId } = holder;
    const asks = { runId, name: 'n', database: 'd', limit: 1, forced: false, attempt: 1 };
    const driver = await WorkflowDriver.start(
      'failoverSlots',
      { resource: '/i', first: { ...asks, workflowId: 'test' } },
      {},
      {},
      { driver: holder, workflowId: 'slots' },
    );
    for (const signal of SIGNALS) await driver.signal('slot', signal);
    await driver.run(() => false, 1_000);
    const slots = await driver.query<Slots>('slots');
    expect(slots).toMatchObject({ holders: [{ workflowId: 'test' }], queue: [] });
    await driver.replay();
    await driver.dispose();
    await holder.dispose();
  });
});

const TYPES = [
  'linkMigration',
  'disasterRecoveryLink',
  'failover',
  'failoverSlots',
  'certificateCheck',
  'certificateRotation',
] as const;

const SPEC = linkSpec();
const INPUTS: Readonly<Record<(typeof TYPES)[number], Readonly<Record<string, unknown>>>> = {
  linkMigration: { spec: SPEC, visibility: false },
  disasterRecoveryLink: { spec: STANDING_SPEC, visibility: false },
  failover: {
    spec: STANDING_SPEC,
    request: { ...BY, type: 'planned', to: 'instance' },
    lastHealth: null,
  },
  failoverSlots: {
    resource: '/i',
    first: { workflowId: 'w', runId: 'r', name: 'n', database: 'd', limit: 8, forced: false, attempt: 1 },
  },
  certificateCheck: { spec: SPEC, others: [], rotateBeforeMs: null, connectWithinMs: 60_000 },
  certificateRotation: {
    spec: SPEC,
    others: [],
    by: 'ann',
    reason: null,
    rotateEndpoint: true,
    reimportInstance: false,
    connectWithinMs: 60_000,
  },
};

/** The input with one field, by its path, replaced; undefined leaves it out. */
function withField(input: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const { [key]: old, ...others } = input as Record<string, unknown>;
  const next = withField(old, rest, value);
  return next === undefined ? others : { ...others, [key]: next };
}

async function endOf(type: string, input: unknown) {
  const fakes = {
    ...new FakeLink().activities,
    readCertificateInventory: () => hang,
    planCertificateRotation: () => hang,
  };
  const driver = await WorkflowDriver.start(type, input, fakes);
  const { ended, calls } = driver;
  await driver.replay();
  await driver.dispose();
  return { ended, calls };
}

const MALFORMED = {
  kind: 'failed',
  error: expect.objectContaining({
    type: 'MalformedInput',
    nonRetryable: true,
    details: [{ remedy: expect.stringContaining('sqlferry') }],
  }),
};

describe('a start input that is not understood ends the workflow at once', () => {
  test.each(TYPES)('of %s, unless it is as it should be', async (type) => {
    expect((await endOf(type, INPUTS[type])).ended).toBeUndefined();
    for (const input of [
      null,
      {},
      7,
      'now',
      [],
      [INPUTS[type]],
      { spec: null },
      { spec: {} },
      { instance: 7 },
    ]) {
      const { ended, calls } = await endOf(type, input);
      expect({ input, ended }).toEqual({ input, ended: MALFORMED });
      expect(calls).toEqual([]);
    }
    for (const key of Object.keys(INPUTS[type]).filter((each) => each !== 'first')) {
      for (const value of [undefined, { a: 1 }, 'Forced']) {
        if (typeof INPUTS[type][key] === 'string' && typeof value === 'string') continue;
        if (key === 'reason' && typeof value === 'string') continue;
        const input = withField(INPUTS[type], [key], value);
        expect({ key, value, ended: (await endOf(type, input)).ended }).toEqual({
          key,
          value,
          ended: MALFORMED,
        });
      }
    }
    const further = { ...INPUTS[type], sped: 1 };
    expect((await endOf(type, further)).ended).toEqual(MALFORMED);
  });

  const FIELDS: readonly (readonly [string, unknown])[] = [
    ['spec.version', '1'],
    ['spec.server.tls.mode', 'none'],
    ['spec.server.authentication.type', 'windows'],
    ['spec.instance.tls', undefined],
    ['spec.instance.authentication.type', 7],
    ['spec.instance.port', 0],
    ['spec.instance.host', 7],
    ['spec.names', null],
    ['spec.instance', {}],
    ['spec.settings.name', 'a/b'],
    ['spec.settings.name', `a\n${LONG}`],
    ['spec.settings.purpose', 'Migration'],
    ['spec.settings.initialPrimary', 'source'],
    ['spec.settings.polling.heartbeatTimeout', '1m'],
    ['spec.settings.polling.steady', -1],
    ['spec.settings.polling.active', 1e18],
    ['spec.settings.failover.coolDown', 1e18],
    ['spec.settings.failover.atOnce', 0],
    ['spec.settings.failover.firstFullBackup', 'Acknowledge'],
    ['spec.settings.cutover', undefined],
    ['spec.settings.cutover.approval.validFor', 99_999_999_999 * 86_400_000],
    ['spec.settings.cutover.approval.required', 'no'],
    ['spec.settings.cutover.fence.disableLogins', 'app'],
    ['spec.settings.cutover.attempts', 0],
    ['spec.settings.cutover.retryAfter', []],
    ['spec.settings.cutover.schedule', { type: 'At' }],
    ['spec.settings.cutover.afterwards', 'Keep-Link'],
    ['spec.settings.seeding.deadline', null],
    ['spec.settings.seeding.warnBefore', 'early'],
    ['spec.settings.seeding.keepLog', 'always'],
    ['spec.settings.hooks', { beforeFailover: [{ name: 'drain', type: 'webhook', timeout: 'soon' }] }],
    ['spec.settings.instanceObjects', { drift: 'Block' }],
    ['spec.settings.afterFailover', null],
    ['spec.replicas', [{ name: 7 }]],
    ['state', { version: 1 }],
    ['maxHistoryEvents', 'many'],
    ['visibility', 'yes'],
  ];

  test.each(['linkMigration', 'disasterRecoveryLink'] as const)('each field that %s reads', async (type) => {
    for (const [path, value] of FIELDS) {
      const { ended } = await endOf(type, withField(INPUTS[type], path.split('.'), value));
      expect({ path, value, ended }).toEqual({ path, value, ended: MALFORMED });
      const field = path.split('.').at(-1) ?? '';
      expect(ended?.kind === 'failed' ? ended.error.message : '').toContain(field);
    }
  });

  const STATE_FIELDS: readonly (readonly [string, unknown])[] = [
    ['phase', 'Replicating'],
    ['route', 'delete'],
    ['startedSteps', [{ stepId: 'server.explode', before: null }]],
    ['paused', 'no'],
    ['journal', null],
    ['failedOverAt', 'yesterday'],
    ['protection.primary', 'target'],
    ['protection.failovers', [{ to: 'target' }]],
    ['protection.request', { kind: 'failover', request: { by: 'ann', type: 'Forced', to: 'instance' } }],
    ['protection.request', { kind: 'explode', request: { by: 'ann' } }],
    ['protection.preemptedBy', { kind: 'drill', request: { by: 'ann', holdMs: 1 } }],
    ['protection.drill', { from: 'server' }],
  ];

  test('each field of a state that is carried over', async () => {
    const standing = await StandingLink.start({}, { maxHistoryEvents: 60 });
    const ended = await standing.driver.run();
    if (ended.kind !== 'continued-as-new') throw new Error(`it ended as ${ended.kind}`);
    expect((await endOf('disasterRecoveryLink', ended.input)).ended).toBeUndefined();
    for (const [path, value] of STATE_FIELDS) {
      const input = withField(ended.input, ['state', ...path.split('.')], value);
      const next = await endOf('disasterRecoveryLink', input);
      expect({ path, value, ended: next.ended }).toEqual({ path, value, ended: MALFORMED });
    }
    await standing.end();
  });
});

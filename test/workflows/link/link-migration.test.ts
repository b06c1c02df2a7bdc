import type { MigrationResult } from '../../../src/workflows/link/migration-result';
import type { LinkStatus } from '../../../src/workflows/link/status';
import type { Answer } from '../../../src/workflows/run/answers';
import { FakeLink, type FakeLinkOptions, needsPerson } from '../../support/fake-link';
import { linkSpec, linkSpecWith } from '../../support/link-spec';
import { answer, closeWorkflowDrivers, fail, hang, WorkflowDriver } from '../../support/workflow-driver';

const HOUR = 3_600_000;
const BROKEN = { kind: 'broken', code: 'LinkBroken', message: 'LinkInitError', remedy: 'find the cause' };
const DAY = 24 * HOUR;

afterAll(closeWorkflowDrivers);

async function begin(options: FakeLinkOptions = {}, spec = linkSpec(), input: object = {}) {
  const link = new FakeLink(options);
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec, visibility: false, ...input },
    link.activities,
  );
  return { link, driver };
}

const by = (name: string) => ({ by: name });
const status = (driver: WorkflowDriver) => driver.query<LinkStatus>('status');
const result = (driver: WorkflowDriver): MigrationResult => {
  const { ended } = driver;
  if (ended?.kind !== 'completed') throw new Error(`not completed: ${JSON.stringify(ended)}`);
  return ended.result as MigrationResult;
};

const TRUST_AND_GROUPS = [
  'do server.master-key',
  'do server.endpoint-certificate',
  'do instance.trust-server-certificate',
  'do server.trust-instance-certificate',
  'do server.trust-azure-authorities',
  'do server.validate-certificate-chain',
  'do server.mirroring-endpoint',
  'do server.availability-group',
  'do server.distributed-availability-group',
];

describe('a migration that meets nothing', () => {
  test('on 2022 and later: planned failover, then the link is removed', async () => {
    const { link, driver } = await begin();
    await driver.run();
    expect(link.changes).toEqual([
      ...TRUST_AND_GROUPS,
      'do instance.link',
      'do first-log-backup',
      'do server.fence',
      'do server.planned-failover',
      'do instance.verify-writable',
      'do instance.remove-link',
      'do server.drop-distributed-availability-group',
      'do server.drop-availability-group',
    ]);
    const { outcome, phases, cutoverAttempts, leftovers, pointOfNoReturn } = result(driver);
    expect(outcome).toBe('completed');
    expect(phases.map(({ phase }) => phase)).toEqual([
      'preflight',
      'trust',
      'groups',
      'link',
      'seeding',
      'first-log-backup',
      'replicating',
      'cutover',
      'after',
    ]);
    expect(phases.every(({ endedAt }) => endedAt !== null)).toBe(true);
    expect(cutoverAttempts).toBe(1);
    expect(pointOfNoReturn?.secondaryHardenedLsn).toBe('42');
    expect(leftovers).toContainEqual(expect.stringContaining('app stay disabled'));
    await driver.replay();
    await driver.dispose();
  });

  test('on 2016 to 2019: synchronous commit, and the link is deleted to cut over', async () => {
    const { link, driver } = await begin({ route: 'delete-link' });
    await driver.run();
    expect(link.changes.slice(TRUST_AND_GROUPS.length)).toEqual([
      'do instance.link',
      'do first-log-backup',
      'do server.fence',
      'do server.synchronous-commit',
      'do instance.delete-link-to-cut-over',
      'do instance.verify-writable',
      'do server.drop-distributed-availability-group',
      'do server.drop-availability-group',
    ]);
    expect(result(driver).outcome).toBe('completed');
    await driver.dispose();
  });

  test('keep-link leaves link and groups', async () => {
    const { link, driver } = await begin(
      {},
      linkSpecWith('cutover: { approval: { required: false }, afterwards: keep-link }'),
    );
    await driver.run();
    expect(link.changes.at(-1)).toBe('do instance.verify-writable');
    await driver.dispose();
  });

  test('what stands there already is not done again, and a group of others is not dropped', async () => {
    const { link, driver } = await begin({
      settledSteps: ['server.master-key', 'server.availability-group'],
    });
    await driver.run();
    expect(link.changes).not.toContain('do server.master-key');
    expect(link.changes).not.toContain('do server.drop-availability-group');
    await driver.dispose();
  });
});

describe('seeding', () => {
  test('that ends after 5.9 days is in time, with two warnings on the way', async () => {
    const { link, driver } = await begin({ seedingMs: 5.9 * DAY });
    await driver.run();
    expect(result(driver).outcome).toBe('completed');
    expect(link.effects.filter((effect) => effect === 'notify seeding.deadline-near')).toHaveLength(2);
    await driver.dispose();
  });

  test('that does not end is undone at the deadline of 6 days', async () => {
    const { link, driver } = await begin({
      override: (call) => (call.type === 'watchSeeding' ? hang : undefined),
    });
    const ending = await driver.run();
    expect(driver.elapsed).toBeGreaterThanOrEqual(6 * DAY);
    expect(driver.elapsed).toBeLessThan(6 * DAY + HOUR);
    expect(ending).toMatchObject({ kind: 'failed', error: { type: 'SeedingDeadlineExceeded' } });
    expect(link.effects.filter((effect) => effect === 'notify seeding.deadline-near')).toHaveLength(3);
    expect(link.changes.slice(TRUST_AND_GROUPS.length)).toEqual([
      'do instance.link',
      'undo instance.link',
      'undo server.distributed-availability-group',
      'undo server.availability-group',
      'undo server.mirroring-endpoint',
      'undo server.validate-certificate-chain',
      'undo server.trust-azure-authorities',
      'undo server.trust-instance-certificate',
      'undo instance.trust-server-certificate',
      'undo server.endpoint-certificate',
      'undo server.master-key',
    ]);
    await driver.replay();
    await driver.dispose();
  });

  test('that restarts from zero is counted and told', async () => {
    const { link, driver } = await begin({
      override: (call) =>
        call.type === 'watchSeeding' && call.count === 1
          ? {
              kind: 'answer',
              afterMs: HOUR,
              value: {
                kind: 'restarted',
                reason: 'attempt 2 after attempt 1',
                mark: { operationId: 'x', attempts: 2, transferredBytes: 0, told: [] },
              },
            }
          : undefined,
    });
    await driver.run();
    expect(result(driver).seedingRestarts).toBe(1);
    expect(link.effects).toContain('notify seeding.restarted');
    await driver.dispose();
  });

  test('of a link that broke waits for a person, and resume creates the link again', async () => {
    const { link, driver } = await begin({
      override: (call) =>
        call.type === 'watchSeeding' && call.count === 1 ? answer(BROKEN, HOUR) : undefined,
    });
    await driver.run(() => false, 3 * HOUR);
    const seen = await status(driver);
    expect(seen.blockedBy).toMatchObject({ code: 'LinkBroken', remedy: 'find the cause' });
    expect(seen.nextSteps[1]).toBe('sqlferry resume sales');
    expect(await driver.update<Answer>('resume', by('dba'))).toMatchObject({ accepted: true });
    await driver.run();
    expect(link.changes.filter((effect) => effect === 'do instance.link')).toHaveLength(2);
    expect(result(driver).outcome).toBe('completed');
    await driver.dispose();
  });
});

describe('the cutover', () => {
  const withApproval = () => linkSpecWith('cutover: { fence: { disableLogins: [app] } }');

  test('waits for approval, and log backups go on meanwhile', async () => {
    const { driver } = await begin({}, withApproval());
    await driver.run(() => false, 2 * DAY);
    const seen = await status(driver);
    expect(seen.phase).toBe('replicating');
    expect(seen.waitingFor).toMatch(/approv/i);
    expect(seen.logBackups.count).toBeGreaterThan(150);
    expect(await driver.update<Answer>('approve', by('dba'))).toMatchObject({ accepted: true });
    await driver.run(() => driver.ended !== undefined);
    expect(result(driver).outcome).toBe('completed');
    await driver.replay();
    await driver.dispose();
  });

  test('does not begin before a postponement is over', async () => {
    const { link, driver } = await begin({}, withApproval());
    await driver.run(() => false, 3 * HOUR);
    const until = new Date(Date.parse('2026-11-01T00:00:00Z') + 12 * HOUR).toISOString();
    await driver.update('postpone', { by: 'dba', until });
    await driver.update('approve', by('dba'));
    await driver.run(() => false, 11 * HOUR);
    expect(link.changes).not.toContain('do server.fence');
    await driver.run(() => false, 13 * HOUR);
    expect(link.changes).toContain('do server.fence');
    await driver.dispose();
  });

  test('refuses a postponement into the past, with a reason', async () => {
    const { driver } = await begin({}, withApproval());
    await driver.run(() => false, 3 * HOUR);
    const answer = await driver.update<Answer>('postpone', {
      by: 'dba',
      until: '2026-01-01T00:00:00Z',
    });
    expect(answer).toMatchObject({ accepted: false, reasons: ['that time is past'] });
    await driver.dispose();
  });

  test('a request that does not say who asks is rejected', async () => {
    const { driver } = await begin({}, withApproval());
    await expect(driver.update('approve', {})).rejects.toThrow('whoever asks');
    await driver.dispose();
  });

  test('a failure behind the fence lifts the fence and is tried again later', async () => {
    const { link, driver } = await begin({
      override: (call) =>
        call.type === 'confirmPointOfNoReturn' && call.count === 1
          ? fail(needsPerson('LogMovedBehindFence'))
          : undefined,
    });
    await driver.run();
    const cutover = link.changes.slice(link.changes.indexOf('do server.fence'));
    expect(cutover.slice(0, 4)).toEqual([
      'do server.fence',
      'undo server.fence',
      'do server.fence',
      'do server.planned-failover',
    ]);
    expect(result(driver).cutoverAttempts).toBe(2);
    await driver.replay();
    await driver.dispose();
  });

  test('an instance that does not catch up in time lifts the fence', async () => {
    const { link, driver } = await begin({
      override: (call) => (call.type === 'awaitCatchUp' && call.count === 1 ? hang : undefined),
    });
    await driver.run();
    expect(link.changes).toContain('undo server.fence');
    expect(link.effects).toContain('notify cutover.withdrawn');
    expect(result(driver).cutoverAttempts).toBe(2);
    await driver.dispose();
  });

  test('whatever does not answer behind the fence, the applications get their database back in time', async () => {
    for (const type of ['confirmPointOfNoReturn', 'performStep']) {
      let hung = false;
      const { link, driver } = await begin({
        override: (call) => {
          const isFence = (call.input as { stepId?: string }).stepId === 'server.fence';
          if (hung || call.type !== type || (type === 'performStep' && !isFence)) return undefined;
          hung = true;
          return hang;
        },
      });
      await driver.run();
      expect(link.changes).toContain('undo server.fence');
      const [first, second] = result(driver).phases.filter(({ phase }) => phase === 'cutover');
      expect(Date.parse(first?.endedAt ?? '') - Date.parse(first?.startedAt ?? '')).toBeLessThan(0.25 * HOUR);
      expect(second).toBeDefined();
      await driver.replay();
      await driver.dispose();
    }
  });

  test('a postponement behind the fence lifts the fence, and holds', async () => {
    const { link, driver } = await begin();
    await driver.run(() => driver.calls.some((call) => call.type === 'awaitCatchUp'));
    const until = new Date(Date.parse('2026-11-01T00:00:00Z') + DAY).toISOString();
    const answer = await driver.update<Answer>('postpone', { ...by('dba'), until });
    expect(answer).toMatchObject({ accepted: true });
    await driver.run(() => false, DAY - HOUR);
    expect(link.changes.at(-1)).toBe('undo server.fence');
    expect((await status(driver)).attempts).toMatchObject([{ outcome: 'withdrawn' }]);
    await driver.run();
    expect(result(driver).outcome).toBe('completed');
    expect(driver.elapsed).toBeGreaterThan(DAY);
    await driver.dispose();
  });

  test('a person is told once that an approval is needed, and the status says how', async () => {
    const { link, driver } = await begin({}, withApproval());
    const told = () => link.effects.filter((effect) => effect === 'notify cutover.approval-needed');
    await driver.run(() => false, 6 * HOUR);
    expect(told()).toHaveLength(1);
    expect((await status(driver)).nextSteps).toContain('sqlferry approve sales');
    await driver.update('approve', by('dba'));
    await driver.run();
    expect(told()).toHaveLength(1);
    expect(result(driver).outcome).toBe('completed');
    await driver.dispose();
  });

  test('after the last attempt the run waits for a person', async () => {
    const { driver } = await begin({
      override: (call) => (call.type === 'awaitCatchUp' ? hang : undefined),
    });
    await driver.run(() => false, 2 * DAY);
    const seen = await status(driver);
    expect(seen.attempts).toHaveLength(4);
    expect(seen.attempts.every(({ outcome }) => outcome === 'withdrawn')).toBe(true);
    expect(seen.paused).toBe(true);
    await driver.dispose();
  });
});

describe('abort', () => {
  test('before the point of no return undoes what was made, latest first', async () => {
    const { link, driver } = await begin();
    await driver.run(() => link.changes.includes('do server.availability-group'));
    const answer = await driver.update<Answer>('abort', by('dba'));
    expect(answer).toMatchObject({ accepted: true });
    await driver.run();
    expect(result(driver).outcome).toBe('aborted');
    const undone = link.changes
      .filter((effect) => effect.startsWith('undo'))
      .map((effect) => effect.slice(5));
    const begun = [
      ...new Set(link.changes.filter((effect) => effect.startsWith('do')).map((effect) => effect.slice(3))),
    ];
    expect(undone).toEqual(begun.filter((step) => undone.includes(step)).reverse());
    expect(new Set(undone)).toEqual(new Set(begun));
    await driver.dispose();
  });

  test('behind the fence lifts the fence', async () => {
    const { link, driver } = await begin({
      override: (call) => (call.type === 'awaitCatchUp' ? hang : undefined),
    });
    await driver.run(() => driver.calls.some((call) => call.type === 'awaitCatchUp'));
    await driver.update('abort', by('dba'));
    await driver.run();
    expect(result(driver).outcome).toBe('aborted');
    expect(link.changes).toContain('undo server.fence');
    expect(link.changes).not.toContain('do server.planned-failover');
    await driver.dispose();
  });

  test('after the point of no return is refused, and the tail is resumable', async () => {
    const { link, driver } = await begin({
      override: (call) =>
        call.type === 'performStep' &&
        (call.input as { stepId: string }).stepId === 'server.planned-failover' &&
        !driver.calls.some(
          (earlier) =>
            earlier !== call &&
            (earlier.input as { stepId?: string }).stepId === 'server.planned-failover' &&
            earlier.type === 'performStep',
        )
          ? fail(needsPerson('RedoQueueTooLarge'))
          : undefined,
    });
    await driver.run();
    expect((await status(driver)).blockedBy).toMatchObject({ code: 'RedoQueueTooLarge' });
    expect(await driver.update<Answer>('abort', by('dba'))).toMatchObject({ accepted: false });
    expect(link.changes).not.toContain('undo server.fence');
    await driver.update('resume', by('dba'));
    await driver.run();
    expect(result(driver).outcome).toBe('completed');
    await driver.dispose();
  });

  test('a cancelled workflow undoes, too', async () => {
    const { link, driver } = await begin();
    await driver.run(() => link.changes.includes('do server.availability-group'));
    await driver.cancel();
    await driver.run();
    expect(driver.ended?.kind).toBe('cancelled');
    expect(link.changes).toContain('undo server.master-key');
    await driver.dispose();
  });

  test('what cannot be undone is reported, and the rest is undone', async () => {
    const { link, driver } = await begin({
      override: (call) =>
        call.type === 'undoStep' && (call.input as { stepId: string }).stepId === 'server.mirroring-endpoint'
          ? fail(needsPerson('EndpointInUse'))
          : undefined,
    });
    await driver.run(() => link.changes.includes('do server.availability-group'));
    await driver.update('abort', by('dba'));
    await driver.run();
    expect(result(driver).leftovers).toEqual([
      expect.stringContaining('server.mirroring-endpoint could not be undone'),
    ]);
    expect(link.changes).toContain('undo server.master-key');
    await driver.dispose();
  });
});

describe('pause and resume', () => {
  test('no step begins while paused', async () => {
    const { link, driver } = await begin();
    await driver.run(() => link.changes.length >= 2);
    await driver.update('pause', by('dba'));
    await driver.run();
    const before = link.changes.length;
    expect((await status(driver)).waitingFor).toContain('paused');
    expect(before).toBeLessThan(5);
    await driver.update('resume', by('dba'));
    await driver.run();
    expect(result(driver).outcome).toBe('completed');
    await driver.dispose();
  });

  test('resume without a reason is refused', async () => {
    const { driver } = await begin({}, linkSpecWith('cutover: {}'));
    await driver.run(() => false, 2 * HOUR);
    expect(await driver.update<Answer>('resume', by('dba'))).toMatchObject({ accepted: false });
    await driver.dispose();
  });
});

describe('preflight', () => {
  test('a blocker fails the run before anything is changed', async () => {
    const { link, driver } = await begin({
      override: (call) =>
        call.type === 'preflight'
          ? {
              kind: 'answer',
              value: {
                report: {
                  observedAt: '',
                  blockers: 1,
                  warnings: 0,
                  checks: [
                    {
                      id: 'database.recovery-model',
                      title: '',
                      severity: 'blocker',
                      outcome: 'failed',
                      evidence: 'SIMPLE',
                      remedy: 'FULL',
                      server: '',
                      preventsError: '1465',
                    },
                  ],
                },
                route: 'planned-failover',
                serverName: 'SQL1',
                instanceFqdn: '',
                databaseBytes: 0,
              },
            }
          : undefined,
    });
    const ending = await driver.run();
    expect(ending).toMatchObject({
      kind: 'failed',
      error: {
        type: 'PreflightBlocked',
        message: expect.stringContaining('database.recovery-model: SIMPLE'),
      },
    });
    expect(link.changes).toEqual([]);
    await driver.dispose();
  });
});

describe('a new history', () => {
  test('begins at a quiet point and goes on where the old one left', async () => {
    const spec = linkSpecWith('cutover: {}');
    const { driver } = await begin({}, spec, { maxHistoryEvents: 400 });
    const ending = await driver.run();
    expect(ending.kind).toBe('continued-as-new');
    const input = ending.kind === 'continued-as-new' ? ending.input : undefined;
    await driver.dispose();

    const link = new FakeLink();
    const next = await WorkflowDriver.start(
      'linkMigration',
      { ...(input as object), maxHistoryEvents: 100_000 },
      link.activities,
    );
    await next.run(() => false, HOUR);
    const seen = await status(next);
    expect(seen.phase).toBe('replicating');
    expect(seen.logBackups.count).toBeGreaterThan(10);
    await next.update('approve', by('dba'));
    await next.run(() => next.ended !== undefined);
    expect(link.changes[0]).toBe('do server.fence');
    expect(result(next).outcome).toBe('completed');
    await next.dispose();
  });
});

import fc from 'fast-check';
import type { DistributedReplicaFacts } from '../../../src/model/sql-server/observation';
import { type LogBackupInput, logBackupVerdict } from '../../../src/rules/sql-server/log-backup';
import { logReuseWaitWords } from '../../../src/rules/sql-server/log-reuse-wait';
import { NOW } from '../link/facts';
import { replica, seeding } from '../link/replica';

const MINUTE = 60_000;
const GB = 1024 ** 3;
const SEEDED = { seedingCompleted: true, lastBackupAt: NOW - MINUTE };

const input = (
  facts: Partial<DistributedReplicaFacts> = {},
  rest: Partial<LogBackupInput> = {},
): LogBackupInput => ({
  facts: replica({ logReuseWaitDesc: 'LOG_BACKUP', ...facts }),
  policy: { every: 15 * MINUTE, atUsedPercent: 60, alarmAtUsedPercent: 85 },
  now: NOW,
  factsMaxAgeMs: 2 * MINUTE,
  lastBackupAt: null,
  seedingCompleted: false,
  ...rest,
});
const used = (percent: number) => ({ logSizeBytes: 10 * GB, logUsedBytes: (10 * GB * percent) / 100 });
const running = (changes: Parameters<typeof seeding>[0]) => ({
  seeding: seeding({ currentState: 'SEEDING', ...changes }),
  synchronizationStateDesc: 'NOT SYNCHRONIZING',
  synchronizationHealthDesc: 'NOT_HEALTHY',
});

test.each<[string, LogBackupInput, string, string]>([
  ['facts are old', input({}, { now: NOW + 3 * MINUTE }), 'hold', 'log-backup.stale-facts'],
  ['facts lie ahead', input({}, { now: NOW - 7 * MINUTE }), 'hold', 'log-backup.stale-facts'],
  ['server is secondary', input({ localRoleDesc: 'SECONDARY' }), 'not-due', 'log-backup.not-primary'],
  ['seeding waits', input(running({ currentState: 'PENDING' })), 'not-due', 'log-backup.before-seeding'],
  [
    'seeding waits under pressure',
    input({ ...running({ currentState: 'PENDING' }), ...used(70) }),
    'take',
    'log-backup.before-seeding',
  ],
  ['streaming', input(running({ isStreaming: true })), 'not-due', 'log-backup.while-streaming'],
  [
    'streaming under pressure',
    input({ ...running({ isStreaming: true }), ...used(70) }),
    'take',
    'log-backup.while-streaming',
  ],
  [
    'streaming, but the log is held by it',
    input({ ...running({ isStreaming: true }), ...used(70), logReuseWaitDesc: 'ACTIVE_BACKUP_OR_RESTORE' }),
    'not-due',
    'log-backup.while-streaming',
  ],
  [
    'another link is read',
    input(used(10), {
      ...SEEDED,
      lastBackupAt: NOW - 60 * MINUTE,
      others: [replica(running({ isStreaming: true }))],
    }),
    'not-due',
    'log-backup.other-group',
  ],
  [
    'another link is read, under pressure',
    input(used(70), {
      ...SEEDED,
      lastBackupAt: NOW - 60 * MINUTE,
      others: [replica(running({ isStreaming: true }))],
    }),
    'take',
    'log-backup.other-group',
  ],
  [
    'another link catches up, with a full log',
    input(used(99), { ...SEEDED, lastBackupAt: NOW - 60 * MINUTE, others: [replica(running({}))] }),
    'hold',
    'log-backup.other-group',
  ],
  [
    'another link is down: nobody knows until when',
    input(used(10), {
      ...SEEDED,
      lastBackupAt: NOW - 60 * MINUTE,
      others: [replica({ ...running({}), connectedStateDesc: 'DISCONNECTED' })],
    }),
    'take',
    'log-backup.cadence',
  ],
  ['after streaming', input(running({})), 'hold', 'log-backup.dangerous-window'],
  [
    'after streaming with a full log',
    input({ ...running({}), ...used(99) }),
    'hold',
    'log-backup.dangerous-window',
  ],
  [
    'an unknown state',
    input({ ...running({ currentState: 'NOVEL' }), ...used(99) }),
    'hold',
    'log-backup.dangerous-window',
  ],
  [
    'completed, not yet healthy',
    input({ ...running({ currentState: 'COMPLETED' }), ...used(99) }),
    'hold',
    'log-backup.dangerous-window',
  ],
  ['seeding failed', input(running({ currentState: 'FAILED' })), 'not-due', 'log-backup.seeding-failed'],
  ['seeding is over', input(), 'take', 'log-backup.first'],
  [
    'cadence reached',
    input({}, { ...SEEDED, lastBackupAt: NOW - 15 * MINUTE }),
    'take',
    'log-backup.cadence',
  ],
  ['not yet', input({}, SEEDED), 'not-due', 'log-backup.not-due'],
  ['pressure', input(used(60), SEEDED), 'take', 'log-backup.pressure'],
  [
    'pressure right after a backup',
    input(used(60), { ...SEEDED, lastBackupAt: NOW - 59_000 }),
    'not-due',
    'log-backup.not-due',
  ],
  [
    'pressure that a backup does not cure',
    input({ ...used(60), logReuseWaitDesc: 'AVAILABILITY_REPLICA' }, SEEDED),
    'not-due',
    'log-backup.not-due',
  ],
  [
    'the link is down after seeding: cadence goes on',
    input(
      { connectedStateDesc: 'DISCONNECTED', synchronizationHealthDesc: 'NOT_HEALTHY' },
      { ...SEEDED, lastBackupAt: NOW - 15 * MINUTE },
    ),
    'take',
    'log-backup.cadence',
  ],
  [
    'a new seeding runs',
    input(running({ operationId: 'op-2' }), { ...SEEDED, lastBackupAt: NOW - 15 * MINUTE }),
    'hold',
    'log-backup.dangerous-window',
  ],
])('%s', (_, given, decision, ruleId) => {
  const verdict = logBackupVerdict(given);
  expect(verdict).toMatchObject({ decision, ruleId });
  expect(verdict.reason).toMatch(/\.$/);
});

test('the next one is announced', () => {
  expect(logBackupVerdict(input({}, SEEDED)).nextDueAt).toBe(new Date(NOW + 14 * MINUTE).toISOString());
});

describe('alarm', () => {
  test('none below the bound', () => expect(logBackupVerdict(input(used(84), SEEDED)).alarm).toBeUndefined());

  test('says what holds the log, and that a backup is held', () => {
    const alarm = logBackupVerdict(
      input({ ...running({}), ...used(90), logReuseWaitDesc: 'ACTIVE_TRANSACTION' }),
    ).alarm;
    expect(alarm?.reason).toMatch(
      /^The log is 90 % used: a transaction is open\. No backup is taken: Between the end of streaming/,
    );
  });

  test('says when the log is full at the present growth', () => {
    const samples = [
      { at: NOW - 10 * MINUTE, usedBytes: 8 * GB },
      { at: NOW, usedBytes: 9 * GB },
    ];
    const verdict = logBackupVerdict(input(used(90), { ...SEEDED, samples }));
    expect(verdict.fullInMs).toBeCloseTo(10 * MINUTE, 3);
    expect(verdict.alarm?.reason).toContain('full in about 10m');
  });

  const grows = (usedGb: number) => [
    { at: NOW - MINUTE, usedBytes: (usedGb - 2) * GB },
    { at: NOW, usedBytes: usedGb * GB },
  ];
  const growing = (percent: number, logReuseWaitDesc: string, beforeFullIn?: number) => {
    const from = input(used(percent), {
      ...SEEDED,
      samples: grows(percent / 10),
      lastBackupAt: NOW - 5 * MINUTE,
    });
    return logBackupVerdict({
      ...from,
      facts: { ...from.facts, logReuseWaitDesc },
      policy: { ...from.policy, ...(beforeFullIn === undefined ? {} : { beforeFullIn }) },
    });
  };

  test('a log that is full soon is backed up before it is used up, where a backup helps', () => {
    // 50 % used, 20 % more each minute: full in two and a half minutes.
    expect(growing(50, 'LOG_BACKUP', 5 * MINUTE)).toMatchObject({
      decision: 'take',
      ruleId: 'log-backup.growth',
    });
    expect(growing(50, 'LOG_BACKUP', 2 * MINUTE)).toMatchObject({ decision: 'not-due' });
    expect(growing(50, 'ACTIVE_TRANSACTION', 5 * MINUTE)).toMatchObject({ decision: 'not-due' });
    // Specs of older versions ask for nothing.
    expect(growing(50, 'LOG_BACKUP')).toMatchObject({ decision: 'not-due' });
  });

  test('where no backup helps, a log that is full soon wakes a person before it is nearly full', () => {
    expect(growing(70, 'AVAILABILITY_REPLICA', 5 * MINUTE).alarm?.reason).toContain(
      'it is behind or not connected',
    );
    expect(growing(70, 'AVAILABILITY_REPLICA').alarm).toBeUndefined();
    expect(growing(50, 'AVAILABILITY_REPLICA', 5 * MINUTE).alarm).toBeUndefined();
  });

  test('a shrinking log is never full', () => {
    const samples = [
      { at: NOW - MINUTE, usedBytes: 9 * GB },
      { at: NOW, usedBytes: 8 * GB },
    ];
    expect(logBackupVerdict(input(used(80), { ...SEEDED, samples })).fullInMs).toBeNull();
  });
});

const state = fc.oneof(fc.constantFrom('PENDING', 'SEEDING', 'COMPLETED', 'FAILED'), fc.string());
const anyInput = fc
  .record({
    currentState: state,
    isStreaming: fc.boolean(),
    sync: fc.constantFrom('SYNCHRONIZING', 'NOT SYNCHRONIZING', null),
    health: fc.constantFrom('HEALTHY', 'NOT_HEALTHY', null),
    percent: fc.integer({ min: 0, max: 100 }),
    age: fc.integer({ min: 0, max: 60 * MINUTE }),
    seedingCompleted: fc.boolean(),
  })
  .map(({ currentState, isStreaming, sync, health, percent, age, seedingCompleted }) =>
    input(
      {
        ...used(percent),
        seeding: seeding({ currentState, isStreaming }),
        synchronizationStateDesc: sync,
        synchronizationHealthDesc: health,
      },
      { seedingCompleted, lastBackupAt: seedingCompleted ? NOW - age : null },
    ),
  );

test('never takes a backup between the end of streaming and a healthy link, until seeding was seen to end', () => {
  fc.assert(
    fc.property(anyInput, (given) => {
      const { facts } = given;
      const safe =
        ['PENDING', 'FAILED'].includes(facts.seeding?.currentState ?? '') ||
        facts.seeding?.isStreaming === true;
      const healthy =
        facts.synchronizationHealthDesc === 'HEALTHY' && facts.synchronizationStateDesc === 'SYNCHRONIZING';
      if (given.seedingCompleted || safe || healthy) return;
      expect(logBackupVerdict(given).decision).not.toBe('take');
    }),
    { numRuns: 1000 },
  );
});

test('stale facts never take a backup, and the alarm does not depend on the decision', () => {
  fc.assert(
    fc.property(anyInput, (given) => {
      expect(logBackupVerdict({ ...given, now: given.now + given.factsMaxAgeMs + 1 }).decision).not.toBe(
        'take',
      );
      const verdict = logBackupVerdict(given);
      expect(verdict.alarm !== undefined).toBe(verdict.usedPercent >= given.policy.alarmAtUsedPercent);
    }),
  );
});

test('reasons for a held log have words, unknown ones are told as they came', () => {
  expect(logReuseWaitWords('AVAILABILITY_REPLICA')).toContain('secondary');
  expect(logReuseWaitWords('NOVEL')).toBe('the log is held by NOVEL');
  expect(logReuseWaitWords('constructor')).toBe('the log is held by constructor');
});

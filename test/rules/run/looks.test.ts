/** What status says of a link: growth of the log, what would be lost now, which certificate ends next. */
import fc from 'fast-check';
import { newerLag, rpoEstimate } from '../../../src/rules/run/rpo';
import type { CertificateItem } from '../../../src/rules/sql-server/certificate-inventory';
import { nextExpiry } from '../../../src/rules/sql-server/certificate-next';
import { logGrowth } from '../../../src/rules/sql-server/log-growth';
import { logReuseWaitAdvice, logReuseWaitWords } from '../../../src/rules/sql-server/log-reuse-wait';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const MINUTE = 60_000;
const MB = 1024 ** 2;
const DAY = 86_400_000;

describe('logGrowth', () => {
  const log = { logSizeBytes: 100 * MB, logUsedBytes: 40 * MB };
  const at = (minutesAgo: number, usedMb: number) => ({
    at: NOW - minutesAgo * MINUTE,
    usedBytes: usedMb * MB,
  });

  test.each([
    ['no look', [], { bytesPerSecond: null, fullInMs: null }],
    ['one look', [at(0, 40)], { bytesPerSecond: null, fullInMs: null }],
    [
      'two looks within seconds',
      [{ at: NOW - 5_000, usedBytes: 0 }, at(0, 40)],
      { bytesPerSecond: null, fullInMs: null },
    ],
    ['a log that stands still', [at(2, 40), at(0, 40)], { bytesPerSecond: 0, fullInMs: null }],
    ['a log that grows', [at(10, 30), at(0, 40)], { bytesPerSecond: MB / 60, fullInMs: 60 * MINUTE }],
    [
      'only what came after the log was freed counts',
      [at(30, 1), at(20, 90), at(10, 30), at(0, 40)],
      { bytesPerSecond: MB / 60, fullInMs: 60 * MINUTE },
    ],
    ['just freed', [at(10, 90), at(0, 40)], { bytesPerSecond: null, fullInMs: null }],
  ])('%s', (_title, samples, expected) => {
    const seen = logGrowth(samples, log);
    if (expected.bytesPerSecond === null) expect(seen).toEqual(expected);
    else expect(seen.bytesPerSecond).toBeCloseTo(expected.bytesPerSecond, 3);
    if (expected.fullInMs !== null) expect(seen.fullInMs).toBeCloseTo(expected.fullInMs, 3);
    else expect(seen.fullInMs).toBeNull();
  });
});

describe('rpoEstimate', () => {
  const seen = (lagSeconds: number, secondsAgo: number) => ({
    lagSeconds,
    observedAt: new Date(NOW - secondsAgo * 1_000).toISOString(),
  });

  test('is the lag, its age, and the second that is rounded away', () => {
    expect(rpoEstimate(seen(4, 30), NOW)).toMatchObject({
      method: 'lag-and-age',
      seconds: 35,
      ageSeconds: 30,
    });
    expect(rpoEstimate(null, NOW)).toMatchObject({ method: 'unknown', seconds: null });
  });

  test('bounds what was committed since the last look, whatever the lag was', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (lag, age) => {
        const { seconds } = rpoEstimate(seen(lag, age), NOW);
        expect(seconds).toBeGreaterThan(lag + age);
        // Of a look that lies ahead nobody knows how old it is: another clock told its time.
        const ahead = rpoEstimate(seen(lag, -age - 1), NOW);
        expect([ahead.method, ahead.seconds]).toEqual(['unknown', null]);
      }),
    );
  });

  test('of two looks the newer one counts, also when its lag is greater', () => {
    expect(newerLag(seen(0, 60), seen(9, 5))).toEqual(seen(9, 5));
    expect(newerLag(seen(9, 5), seen(0, 60))).toEqual(seen(9, 5));
    expect(newerLag(null, seen(1, 1))).toEqual(seen(1, 1));
    expect(newerLag(seen(1, 1), null)).toEqual(seen(1, 1));
  });
});

describe('nextExpiry', () => {
  const item = (name: string, days: number | null, more: Partial<CertificateItem> = {}): CertificateItem => ({
    use: 'endpoint',
    where: 'server',
    name,
    thumbprint: 'AA',
    expiresAt: days === null ? null : new Date(NOW + days * DAY).toISOString(),
    daysLeft: 999,
    level: 'ok',
    note: '',
    ...more,
  });
  const next = (...items: CertificateItem[]) => {
    const found = nextExpiry({ items }, NOW);
    return found === null ? null : [found.name, found.level];
  };

  test.each([
    ['none', [], null],
    ['the first to end', [item('late', 300), item('soon', 200)], ['soon', 'ok']],
    ['judged now, not when it was looked at', [item('old look', 20)], ['old look', 'warning']],
    ['what is over before what ends', [item('soon', 1), item('over', -1)], ['over', 'expired']],
    [
      'what is missing before what ends',
      [item('soon', 1), item('gone', null, { level: 'missing' })],
      ['gone', 'missing'],
    ],
    ['Azure renews its own', [item('own', 60, { use: 'instance' }), item('ours', 90)], ['ours', 'ok']],
    ['unless it did not', [item('own', 3, { use: 'instance' }), item('ours', 90)], ['own', 'critical']],
    ['a date that cannot be read comes last', [item('?', null), item('ours', 300)], ['ours', 'ok']],
  ])('%s', (_title, items, expected) => {
    expect(next(...(items as CertificateItem[]))).toEqual(expected);
  });
});

describe('log_reuse_wait in words', () => {
  test.each([
    ['LOG_BACKUP', /waits for a log backup/, /takes one when it is due/],
    ['AVAILABILITY_REPLICA', /it is behind or not connected/, /look at that secondary/],
    ['ACTIVE_TRANSACTION', /a transaction is open/, /DBCC OPENTRAN/],
    ['ACTIVE_BACKUP_OR_RESTORE', /a backup, a restore or seeding/, /wait for it to end/],
  ])('%s', (wait, words, advice) => {
    expect(logReuseWaitWords(wait)).toMatch(words);
    expect(logReuseWaitAdvice(wait)).toMatch(advice);
  });

  test('nothing to do where nothing holds it, or nobody knows', () => {
    expect(logReuseWaitAdvice('NOTHING')).toBeNull();
    expect(logReuseWaitAdvice('SOMETHING_NEW')).toBeNull();
    expect(logReuseWaitAdvice('toString')).toBeNull();
  });
});

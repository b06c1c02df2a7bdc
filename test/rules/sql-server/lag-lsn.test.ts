import fc from 'fast-check';
import { compareLsn, type Lsn, parseLsn } from '../../../src/model/sql-server/lsn';
import { drainTime } from '../../../src/rules/sql-server/lag';
import { type LsnSample, lsnEquality } from '../../../src/rules/sql-server/lsn-equality';

const FENCE = '2027-03-01T10:00:00.000Z';
const at = (ms: number): string => new Date(Date.parse(FENCE) + ms).toISOString();
const sample = (ms: number, server: string | null, instance: string | null): LsnSample => ({
  observedAt: at(ms),
  primaryEndOfLogLsn: server as Lsn | null,
  secondaryHardenedLsn: instance as Lsn | null,
});
const BIG = '1234567890123456789012345';

describe('equal and stable LSNs', () => {
  test.each<[string, readonly LsnSample[], boolean, string]>([
    [
      'three agree',
      [sample(1, BIG, BIG), sample(2, BIG, BIG), sample(3, BIG, BIG)],
      true,
      'lsn.equal-and-stable',
    ],
    [
      'leading zeros do not matter',
      [sample(1, `0${BIG}`, BIG), sample(2, BIG, BIG), sample(3, BIG, BIG)],
      true,
      'lsn.equal-and-stable',
    ],
    ['none', [], false, 'lsn.no-sample-after-fence'],
    [
      'all before the fence',
      [sample(-3, BIG, BIG), sample(-2, BIG, BIG), sample(0, BIG, BIG)],
      false,
      'lsn.no-sample-after-fence',
    ],
    [
      'too few after the fence',
      [sample(-2, BIG, BIG), sample(1, BIG, BIG), sample(2, BIG, BIG)],
      false,
      'lsn.too-few-samples',
    ],
    [
      'a double would call them equal',
      [sample(1, '43000000062400001', '43000000062400000')],
      false,
      'lsn.instance-behind',
    ],
    ['instance ahead', [sample(1, '9', '10')], false, 'lsn.instance-ahead'],
    [
      'server moved',
      [sample(1, '9', '9'), sample(2, '10', '10'), sample(3, '10', '10')],
      false,
      'lsn.still-moving',
    ],
    [
      'a gap inside',
      [sample(1, '9', '9'), sample(2, '9', null), sample(3, '9', '9')],
      false,
      'lsn.still-moving',
    ],
    ['no instance', [sample(1, '9', null)], false, 'lsn.not-reported'],
    ['no SQL Server', [sample(1, null, '9')], false, 'lsn.not-reported'],
  ])('%s', (_, samples, equal, ruleId) => {
    expect(lsnEquality(samples, FENCE, 3)).toMatchObject({ equal, ruleId });
  });

  test('one look is never enough', () => {
    expect(lsnEquality([sample(1, '9', '9')], FENCE, 0).equal).toBe(false);
    expect(lsnEquality([sample(1, '9', '9'), sample(2, '9', '9')], FENCE, 0).equal).toBe(true);
  });

  const lsn = fc.bigInt({ min: 0n, max: 10n ** 25n - 1n }).map(String);

  test('comparing equals comparing as BigInt', () => {
    fc.assert(
      fc.property(lsn, lsn, (a, b) => {
        const x = parseLsn(a);
        const y = parseLsn(b);
        if (x === undefined || y === undefined) throw new Error('an LSN was not read');
        expect(Math.sign(compareLsn(x, y))).toBe(BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0);
      }),
    );
  });

  test('equal means: the last looks after the fence all show one LSN on both sides', () => {
    const near = fc.constantFrom('9', '10', '11');
    const samples = fc.array(fc.tuple(fc.integer({ min: -5, max: 20 }), near, near), { maxLength: 8 });
    fc.assert(
      fc.property(samples, fc.integer({ min: 2, max: 4 }), (list, needed) => {
        const ordered = [...list]
          .sort(([a], [b]) => a - b)
          .map(([ms, server, instance]) => sample(ms, server, instance));
        const verdict = lsnEquality(ordered, FENCE, needed);
        const last = ordered.filter(({ observedAt }) => observedAt > FENCE).slice(-needed);
        const all = new Set(last.flatMap((one) => [one.primaryEndOfLogLsn, one.secondaryHardenedLsn]));
        expect(verdict.equal).toBe(last.length === needed && all.size === 1);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('drain time', () => {
  const queues = (
    send: number | null,
    sendRate: number | null,
    redo: number | null,
    redoRate: number | null,
  ) =>
    drainTime({
      logSendQueueKb: send,
      logSendRateKbPerSecond: sendRate,
      redoQueueKb: redo,
      redoRateKbPerSecond: redoRate,
    });

  test.each([
    [queues(0, 0, 0, 0), 0],
    [queues(1000, 100, 500, 50), 20_000],
    [queues(1000, 0, 0, 0), null],
    [queues(null, 100, 0, 0), null],
    [queues(0, null, 10, null), null],
  ])('%j', (drain, totalMs) => expect(drain.totalMs).toBe(totalMs));

  test('a longer queue never drains sooner, a faster rate never later', () => {
    const amount = fc.integer({ min: 0, max: 1e9 });
    const rate = fc.integer({ min: 1, max: 1e6 });
    fc.assert(
      fc.property(amount, amount, rate, rate, (queue, more, r, faster) => {
        const base = queues(queue, r, 0, 0).totalMs ?? Number.NaN;
        expect(queues(queue + more, r, 0, 0).totalMs).toBeGreaterThanOrEqual(base);
        expect(queues(queue, r + faster, 0, 0).totalMs).toBeLessThanOrEqual(base);
      }),
    );
  });
});

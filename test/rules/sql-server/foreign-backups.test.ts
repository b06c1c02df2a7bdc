import {
  foreignLogBackups,
  foreignWhileReplicating,
  foreignWhileSeeding,
  type LogBackupRow,
  toldJobs,
} from '../../../src/rules/sql-server/foreign-backups';

const OWN = 'sales log backup by sqlferry';
const SINCE = '2026-11-01T10:00:00.000Z';
const LATER = '2026-11-01T10:15:00.000Z';
const LATEST = '2026-11-01T10:30:00.000Z';

const log = (name: string | null, finishedAt = LATER, more: Partial<LogBackupRow> = {}): LogBackupRow => ({
  type: 'L',
  name,
  finishedAt,
  isCopyOnly: false,
  ...more,
});

const jobsOf = (backups: readonly LogBackupRow[], told: readonly string[] = []): readonly string[] =>
  foreignLogBackups({ backups, ownName: OWN, since: SINCE, told }).map(({ job }) => job);

describe('a log backup of somebody else', () => {
  test.each<[string, readonly LogBackupRow[], readonly string[]]>([
    ['none at all', [], []],
    ['taken by this run', [log(OWN)], []],
    ['by a job with a name', [log('Nightly')], ['Nightly']],
    ['by another run of sqlferry', [log('other log backup by sqlferry')], ['other log backup by sqlferry']],
    ['without a name', [log(null)], ['']],
    ['from before the link', [log('Nightly', '2026-11-01T09:59:59.999Z')], []],
    ['from the moment of the request', [log('Nightly', SINCE)], []],
    ['copy-only', [log('Nightly', LATER, { isCopyOnly: true })], []],
    ['a full backup', [log('Nightly', LATER, { type: 'D' })], []],
    ['a differential backup', [log('Nightly', LATER, { type: 'I' })], []],
    ['of two jobs, the newest first', [log('Hourly'), log('Agent', LATEST)], ['Agent', 'Hourly']],
    ['of one job, once', [log('Nightly', LATEST), log(OWN, LATEST), log('Nightly')], ['Nightly']],
  ])('%s', (_what, backups, jobs) => {
    expect(jobsOf(backups)).toEqual(jobs);
  });

  test('is told once for each job, also without a name', () => {
    expect(jobsOf([log('Nightly', LATEST), log('Agent'), log(null)], ['Nightly', ''])).toEqual(['Agent']);
  });

  test.each([
    ['newest first', [log('Nightly', LATEST), log('Nightly', LATER)]],
    ['oldest first', [log('Nightly', LATER), log('Nightly', LATEST)]],
  ])('is counted, with the time of the newest: history %s', (_order, backups) => {
    expect(foreignLogBackups({ backups, ownName: OWN, since: SINCE, told: [] })).toEqual([
      { job: 'Nightly', name: 'Nightly', count: 2, newestAt: LATEST },
    ]);
  });

  test.each([
    ['date and time', 'sales_backup_2026_11_01_101500_1234567', 'sales_backup_2026_11_01_103000_7654321'],
    ['a GUID', 'vdi 0B1E2F3A-4C5D-6E7F-8a9b-0c1d2e3f4a5b', 'vdi f3a0b1e2-ffff-6E7F-8a9b-aaaaaaaaaaaa'],
  ])('is one job with %s in the names of its backup sets, told once, by the newest', (_what, older, newer) => {
    const backups = [log(newer, LATEST), log(older)];
    const [job, ...others] = foreignLogBackups({ backups, ownName: OWN, since: SINCE, told: [] });
    expect(others).toEqual([]);
    expect(job).toMatchObject({ name: newer, count: 2, newestAt: LATEST });
    expect(foreignWhileReplicating('Sales', job === undefined ? [] : [job])).toContain(`"${newer}"`);
    expect(jobsOf([log(newer, LATEST)], toldJobs([], [job?.job ?? '']))).toEqual([]);
    // Remembered by its whole name, as it was before.
    expect(jobsOf([log(newer, LATEST)], [older])).toEqual([]);
  });

  test('of jobs that were told the newest are remembered, however many there are', () => {
    let told: readonly string[] = [];
    const named = (n: number): string => `job ${'x'.repeat(n)}`;
    for (let n = 0; n < 500; n += 1) told = toldJobs(told, [named(n), named(n)]);
    expect(told.length).toBeLessThanOrEqual(50);
    expect(new Set(told).size).toBe(told.length);
    expect(told.at(-1)).toBe(named(499));
  });

  test('is told with what it can break', () => {
    const jobs = [
      { job: 'Nightly', name: 'Nightly', count: 2, newestAt: LATEST },
      { job: '', name: '', count: 1, newestAt: LATER },
    ];
    const who = `log backups of Sales are taken by "Nightly" (newest at ${LATEST}) and a job without a backup set name (newest at ${LATER})`;
    expect(foreignWhileSeeding('Sales', jobs)).toMatch(new RegExp(`^${escaped(who)} .*1412`));
    expect(foreignWhileReplicating('Sales', jobs)).toMatch(new RegExp(`^${escaped(who)} .*log chain`));
  });
});

const escaped = (text: string): string => text.replaceAll(/[().]/g, '\\$&');

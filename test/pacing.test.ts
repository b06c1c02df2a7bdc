/** Where the product waits: pauses stand in one file, and time is asked of the clock that was given. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(__dirname, '..');
const PACING = join('src', 'model', 'run', 'pacing.ts');

/** Who has timers of its own: the clock itself, processes of the dev server, what a person looks at. */
const TIMERS_ALLOWED = [
  join('src', 'adapters', 'clock.ts'),
  join('src', 'temporal', ''),
  join('src', 'cli', ''),
];

const TIMERS =
  /\b(setTimeout|setInterval|setImmediate)\b|\bAbortSignal\.timeout\b|'(node:)?timers(\/promises)?'/;

/** A constant for a pause: a word of pauses in its name. */
const PAUSE =
  /^\s*(?:export )?const ([A-Z0-9_]*(?:PAUSE|POLL|AGAIN|EVERY|DELAY|BACKOFF|GLIMPSE)[A-Z0-9_]*)\b/;

/** A pause written down where it is made. */
const LITERAL =
  /\bsleep\(\s*['"\d]|\b(?:initialInterval|maximumInterval):\s*['"\d]|\b\w*(?:[pP]oll|[pP]ause)Ms\w*\s*[:=]\s*[\d_]{2,}/;

interface Line {
  readonly at: string;
  readonly text: string;
}

const linesOf = (file: string, text: string): readonly Line[] =>
  text
    .replace(/\/\*.*?\*\//gs, (comment) => comment.replace(/[^\n]/g, ''))
    .split('\n')
    .map((line, index) => ({ at: `${file}:${index + 1}`, text: line.replace(/(^|\s)\/\/.*$/, '$1') }));

const filesOf = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

const read = (files: readonly string[]): readonly Line[] =>
  files.flatMap((file) => linesOf(file, readFileSync(join(ROOT, file), 'utf8')));

const found = (lines: readonly Line[], what: RegExp): readonly string[] =>
  lines.filter(({ text }) => what.test(text)).map(({ at, text }) => `${at}: ${text.trim()}`);

describe('the product', () => {
  const all = filesOf('src');
  const paced = all.filter(
    (file) => file !== PACING && /^src.(workflows|activities|adapters|rules|worker)\b/.test(file),
  );

  test('is all read', () => {
    expect(all).toContain(PACING);
    expect(paced.length).toBeGreaterThan(250);
  });

  test('has no timers beside its clock', () => {
    const others = all.filter((file) => !TIMERS_ALLOWED.some((allowed) => file.startsWith(allowed)));
    expect(found(read(others), TIMERS)).toEqual([]);
  });

  test('has no pause beside those of the pacing', () => {
    expect(found(read(paced), PAUSE)).toEqual([]);
    expect(found(read(paced), LITERAL)).toEqual([]);
  });
});

/**
 * Tests that have timers of their own. The one place where others wait is support/application.ts; these stand for what
 * has no event: processes, virtual time, a driver's or the estate's own clock, work of a fake that takes its time.
 */
const TESTS_WITH_TIMERS = [
  'activities/link/watch-ends.test.ts',
  'adapters/hooks/command.test.ts',
  'adapters/mssql/port.test.ts',
  'cli/estate.test.ts',
  'estate/estate.test.ts',
  'estate/link-from-instance.test.ts',
  'estate/tds/conversation.test.ts',
  'estate/tds/encryption.test.ts',
  'estate/tds/scripted-backend.ts',
  'estate/workload/wire.test.ts',
  'estate/workload/workload.test.ts',
  'simulation/application.ts',
  'simulation/memory-socket.ts',
  'simulation/virtual-globals.ts',
  'support/application.ts',
  'support/record-histories.ts',
  'support/time-skipping.ts',
  'temporal/dev-server.test.ts',
  'workflows/link/time-skipping.test.ts',
].map((file) => join('test', file));

test('tests wait for what they wait for, in one place', () => {
  const tests = filesOf('test').filter((file) => !file.endsWith('pacing.test.ts'));
  const withTimers = tests.filter((file) => {
    const lines = read([file]).filter(({ text }) => !/setImmediate|toMatch\(/.test(text));
    return found(lines, TIMERS).length > 0;
  });
  expect(withTimers.toSorted()).toEqual(TESTS_WITH_TIMERS);
});

describe('the check itself', () => {
  const check = (text: string, what: RegExp) => found(linesOf('a.ts', text), what);

  test.each([
    'const timer = setTimeout(act, 1_000);',
    "import { setTimeout as sleep } from 'node:timers/promises';",
    "import timers from 'timers';",
    'const deadline = AbortSignal.timeout(5);',
    'globalThis.setInterval(beat, interval);',
  ])('%s is a timer', (line) => {
    expect(check(line, TIMERS)).toEqual([`a.ts:1: ${line}`]);
  });

  test.each([
    'const LONGEST_PAUSE_MS = 60_000;',
    'export const POLL_MS = 5;',
    'const ASK_AGAIN = 3;',
    'const LOOK_EVERY_MS = 3;',
  ])('%s is a pause', (line) => {
    expect(check(line, PAUSE)).toEqual([`a.ts:1: ${line}`]);
  });

  test.each([
    'await sleep(1_000);',
    "await sleep('1 day');",
    "retry: { initialInterval: '1 second' },",
    'const pollMs = 250;',
    'clock.sleep(50, signal)',
  ])('%s is a pause that is written down', (line) => {
    expect(check(line, LITERAL)).toEqual([`a.ts:1: ${line}`]);
  });

  test.each([
    'await clock.sleep(polling.active, signal);',
    'retry: growing(pacingOf(polling).attempts.soon),',
    '// sleep(1_000)',
    '/* setTimeout */ const timedOut = 1;',
    'const STUCK_AFTER_MS = 20_000;',
  ])('%s is let through', (line) => {
    for (const what of [TIMERS, PAUSE, LITERAL]) expect(check(line, what)).toEqual([]);
  });
});

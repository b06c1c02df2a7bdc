/**
 * Recorded runs are replayed against the workflow of now: a change that running workflows would not survive fails
 * here. No server is needed. test/histories/README.md tells when fixtures are made.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { workflowBundlePath } from '../../../src/temporal/package-root';

const FOLDER = join(__dirname, '../../histories');
const LARGEST_BYTES = 2_500_000;

const FIXTURES = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

interface RecordedEvent {
  readonly eventType: string;
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { name: string } };
}

interface RecordedHistory {
  readonly events: RecordedEvent[];
}

const read = (file: string): RecordedHistory => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));

const bundle = () => ({ codePath: workflowBundlePath() });

const replay = (history: unknown, workflowBundle: WorkflowBundleOption) =>
  Worker.runReplayHistory({ workflowBundle, replayName: 'fixtures' }, history, 'recorded');

test('there is a fixture for each way that runs go', () => {
  expect(FIXTURES).toEqual(
    expect.arrayContaining([
      'aborted.json',
      'continued-as-new-1.json',
      'continued-as-new-2.json',
      'delete-link-complete.json',
      'failover-slots.json',
      'planned-failover-complete.json',
      'stays-forced-and-repaired-failover.json',
      'stays-forced-and-repaired.json',
      'stays-planned-there-and-back-failover-1.json',
      'stays-planned-there-and-back-failover-2.json',
      'stays-planned-there-and-back.json',
      'withdrawn-then-complete.json',
    ]),
  );
});

test('every recorded run is replayed by the workflow of now', async () => {
  const histories = FIXTURES.map((file) => ({ workflowId: workflowIdOf(file), history: read(file) }));
  const results = Worker.runReplayHistories({ workflowBundle: bundle(), replayName: 'fixtures' }, histories);
  const outcomes: Record<string, string | undefined> = {};
  for await (const { workflowId, error } of results) outcomes[workflowId] = error?.message;
  expect(outcomes).toEqual(Object.fromEntries(FIXTURES.map((file) => [workflowIdOf(file), undefined])));
});

/** The ids of a link's failovers begin with its own, and are compared. */
const workflowIdOf = (file: string): string => `sqlferry-${file.replace('.json', '')}`;

describe('a change is noticed', () => {
  test('when the history holds another step than the workflow takes', async () => {
    const history = read('planned-failover-complete.json');
    const scheduled = history.events.map((event) => event.activityTaskScheduledEventAttributes);
    const connecting = scheduled.find((event) => event?.activityType.name === 'awaitLinkConnected');
    if (connecting === undefined) throw new Error('the fixture has no such activity');
    connecting.activityType.name = 'watchSeeding';
    await expect(replay(history, bundle())).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  });

  const connects = (file: string): boolean =>
    read(file).events.some(
      (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'awaitLinkConnected',
    );
  test.each(FIXTURES.filter(connects))('when the workflow of %s takes another step', async (file) => {
    const code = readFileSync(workflowBundlePath(), 'utf8');
    const changed = code.replaceAll('.awaitLinkConnected(', '.waitUntilLinkIsThere(');
    expect(changed).not.toBe(code);
    await expect(replay(read(file), { code: changed })).rejects.toMatchObject({
      name: 'DeterminismViolationError',
    });
  });
});

describe('what the fixtures hold', () => {
  const texts = FIXTURES.map((file) => [file, plainText(readFileSync(join(FOLDER, file), 'utf8'))] as const);

  test('they are small', () => {
    const bytes = FIXTURES.reduce((sum, file) => sum + readFileSync(join(FOLDER, file)).length, 0);
    expect(bytes).toBeLessThan(LARGEST_BYTES);
  });

  test.each(texts)('%s names no machine, no folder and no secret', (_file, text) => {
    expect(text).toMatch(/performStep|failoverSlots/);
    expect(text).not.toMatch(/(^|[^\w.])\/(home|Users|root|work|tmp|var|usr)\//);
    expect(text).not.toMatch(/file:\/\/|node_modules|at [\w.]+ \(.*:\d+:\d+\)/);
    expect(text).not.toContain(`@${hostname()}`);
    expect(text).not.toMatch(new RegExp(`\\b\\d+@${userInfo().username}\\b`));
    expect(text).not.toMatch(/\b(?!10\.0\.1\.8\b)(?:\d{1,3}\.){3}\d{1,3}\b/);
    // Secrets are references: nothing else may stand where a password does.
    for (const [, value] of text.matchAll(/"[^"]*[pP]assword":"([^"]*)"/g)) expect(value).toMatch(/^env:/);
  });
});

/** The JSON with its payloads, which are base64 in it, in plain text. */
function plainText(json: string): string {
  const decoded = [...json.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map(([, data]) =>
    Buffer.from(data ?? '', 'base64').toString('utf8'),
  );
  return [json.replaceAll(/"data":"[A-Za-z0-9+/=]+"/g, '"data":""'), ...decoded].join('\n');
}

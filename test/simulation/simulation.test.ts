/** The simulation itself, what it found once, and a few schedules that are drawn. Thousands of them: `npm run simulate`. */
import { closeSandboxes } from '../support/workflow-sandbox';
import type { Fault } from './faults';
import { type Outcome, runSchedule } from './schedule';
import type { StoryName } from './stories';

afterAll(closeSandboxes);

/** Names of the rules that were broken, and whether the run came to its end. */
const verdict = ({ violations, ending }: Outcome) => ({
  broken: violations.map(({ rule, detail }) => `${rule}: ${detail}`),
  hasEnded: ending !== 'running',
});
const FINE = { broken: [], hasEnded: true };

test('the same seed leads to the same events', async () => {
  const once = await runSchedule({ seed: 7, story: 'migration' });
  const again = await runSchedule({ seed: 7, story: 'migration' });
  expect(again).toEqual(once);
  expect(once.faults.length).toBeGreaterThan(0);
});

test('the faults of a seed, given by hand, lead to the same events', async () => {
  const drawn = await runSchedule({ seed: 7, story: 'migration' });
  const given = await runSchedule({ seed: 7, story: 'migration', faults: drawn.faults });
  expect(given.faults).toEqual(drawn.faults);
  expect(given.timeline).toEqual(drawn.timeline);
});

test.each<[string, StoryName, Fault]>([
  [
    'Entra ID falls silent at the first request of a worker: all of Azure waited for the token for good',
    'migration',
    { place: 'http worker-1 GET', occasion: 1, kind: 'stall', ms: 1 },
  ],
  [
    'a connection to the SQL Server falls silent in mid-run: its keep-alive ends it',
    'migration',
    { place: 'tds SQL1 > worker-1', occasion: 61, kind: 'stall', ms: 1 },
  ],
])('%s', async (_, story, fault) => {
  const outcome = await runSchedule({ seed: 1, story, faults: [fault] });
  expect(outcome.faults).toEqual([fault]);
  expect(verdict(outcome)).toEqual(FINE);
});

test.each<[number, StoryName]>([
  [1, 'migration'],
  [2, 'migration'],
  [3, 'migration'],
  [4, 'disaster-recovery'],
  [5, 'disaster-recovery'],
])('seed %i, %s', async (seed, story) => {
  expect(verdict(await runSchedule({ seed, story }))).toEqual(FINE);
});

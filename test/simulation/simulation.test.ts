/** Schedules of the simulation: those that found something once, and a few that are drawn. */
import { closeSandboxes } from '../support/workflow-sandbox';
import { runSchedule } from './schedule';
import type { StoryName } from './stories';

afterAll(closeSandboxes);

const from = Number(process.env.FROM ?? 1);
const n = Number(process.env.N ?? 5);
const story = (process.env.STORY ?? 'migration') as StoryName;

test.each(Array.from({ length: n }, (_, i) => from + i))('seed %i', async (seed) => {
  const outcome = await runSchedule({ seed, story });
  const { attempts, ...rest } = outcome;
  require('node:fs').appendFileSync(
    '/tmp/sim.log',
    `${JSON.stringify({ ...rest, messages: rest.messages.map((m) => `${m.by} ${m.name} ${m.phase}: ${m.answer}`) })}\n`,
  );
  expect(outcome.violations).toEqual([]);
}, 120_000);

/**
 * npm run simulate -- [--schedules N] [--seed N] [--story NAME] [--seconds N] [--json] [--trace]
 *
 * Runs schedules of the simulation in as many processes as there are processors. What fails is shrunk, and printed with
 * the command that repeats it. Ends with 1 when a rule was broken, with 2 when it was called wrongly.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Outcome } from './schedule';
import { runSchedule } from './schedule';
import { shrink } from './shrink';
import { STORIES, type StoryName } from './stories';
import { Summary } from './summary';

/** What whoever called it can mend. */
class Misuse extends Error {
  override readonly name = 'Misuse';
}

interface Settings {
  readonly schedules: number;
  readonly seed: number;
  readonly stories: readonly StoryName[];
  /** No further schedule begins after this long; absent: all are run. */
  readonly seconds: number | undefined;
  readonly json: boolean;
  /** Everything that happened in each schedule is printed. */
  readonly trace: boolean;
}

function settings(): Settings {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      story: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
    },
  });
  const number = (name: string, text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0)
      throw new Misuse(`--${name} must be a whole number, not "${text}"`);
    return value;
  };
  const names = Object.keys(STORIES) as StoryName[];
  const chosen = names.filter((name) => values.story === undefined || name === values.story);
  if (chosen.length === 0) throw new Misuse(`--story must be one of ${names.join(', ')}`);
  return {
    schedules: number('schedules', values.schedules),
    seed: number('seed', values.seed),
    stories: chosen,
    seconds: values.seconds === undefined ? undefined : number('seconds', values.seconds),
    json: values.json,
    trace: values.trace,
  };
}

/** The n-th schedule of a run: its own seed, and the story that it tells. */
const scheduleOf = ({ seed, stories }: Settings, n: number) => ({
  seed: seed + n,
  story: stories[n % stories.length] ?? 'migration',
});

async function runShare(given: Settings, share: number, shares: number): Promise<void> {
  const end = given.seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + given.seconds * 1_000;
  for (let n = share; n < given.schedules && Date.now() < end; n += shares) {
    const outcome = await runSchedule(scheduleOf(given, n));
    const told =
      outcome.violations.length === 0 ? outcome : { ...(await shrink(outcome)), drawn: outcome.faults };
    await send(given.trace ? told : { ...told, timeline: '' });
  }
}

const send = (outcome: Outcome): Promise<void> =>
  new Promise((resolve) => process.send?.(outcome, undefined, {}, () => resolve()));

async function runAll(given: Settings): Promise<number> {
  const summary = new Summary();
  const shares = Math.min(availableParallelism(), given.schedules);
  const began = Date.now();
  const codes = await Promise.all(
    Array.from({ length: shares }, (_, share) => {
      const child = fork(__filename, process.argv.slice(2), {
        env: { ...process.env, SIMULATION_SHARE: `${share}/${shares}` },
      });
      child.on('message', (outcome: Outcome) => {
        summary.add(outcome);
        if (given.trace) process.stdout.write(`${outcome.timeline}\n`);
        if (outcome.violations.length > 0 && !given.json)
          process.stdout.write(`${summary.failure(outcome)}\n`);
      });
      return new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
    }),
  );
  const seconds = (Date.now() - began) / 1_000;
  process.stdout.write(given.json ? `${JSON.stringify(summary.toJSON(seconds))}\n` : summary.text(seconds));
  return codes.every((code) => code === 0) && summary.failures === 0 ? 0 : 1;
}

async function main(): Promise<void> {
  const given = settings();
  const [share, shares] = (process.env.SIMULATION_SHARE ?? '').split('/').map(Number);
  if (share !== undefined && shares !== undefined) {
    await runShare(given, share, shares);
    process.disconnect?.();
    process.exit(0);
  }
  process.exitCode = await runAll(given);
}

/** Of an option that is none, Node's own parser says enough in its message. */
const isMisuse = (error: Error): boolean =>
  error instanceof Misuse || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isMisuse(error) ? error.message : (error.stack ?? error.message);
}

main().catch((error: unknown) => {
  process.stderr.write(`${describe(error)}\n`);
  process.exit(2);
});

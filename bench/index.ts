/** `npm run -s bench -- [migration|links|cli|failover] [--json]`; all of them without a name. */
import { benchCli } from './cli';
import { benchFailover } from './failover';
import { benchLinks } from './links';
import { benchMigration } from './migration';
import { type BenchResult, printJson, printTable } from './report';

const say = (line: string): void => {
  process.stderr.write(`bench: ${line}\n`);
};

const BENCHMARKS: Readonly<Record<string, () => Promise<BenchResult>>> = {
  migration: benchMigration,
  links: () => benchLinks(say),
  cli: benchCli,
  failover: benchFailover,
};

async function main(args: readonly string[]): Promise<number> {
  const names = args.filter((arg) => arg !== '--json');
  const unknown = names.find((name) => !(name in BENCHMARKS));
  if (unknown !== undefined) {
    say(`no benchmark "${unknown}": use ${Object.keys(BENCHMARKS).join(', ')}, and --json`);
    return 2;
  }
  const results: BenchResult[] = [];
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    say(`${name} ...`);
    const result = await run();
    results.push(result);
    printTable(result);
  }
  if (args.includes('--json')) printJson(results);
  return 0;
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  },
);

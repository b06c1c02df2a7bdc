import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { certificateCommands } from './certificate-commands';
import {
  durationArgument,
  example,
  json,
  type Run,
  type Runner,
  spec,
  specOptions,
  temporalOptions,
} from './command-parts';
import type { PlanOptions } from './commands/plan';
import type { DrillOptions } from './commands/protection';
import { EXIT, type ExitCode } from './exit-codes';
import { CliFailure } from './failure';
import { createOutput, printFailure } from './output';

/**
 * The `sqlferry` command. Each command's code is loaded when it is called: `--version` must not wait for the SDKs of
 * Temporal, Azure and SQL Server.
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const wantsJson = argv.includes('--json');
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram(wantsJson, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return printFailure(error, wantsJson);
    if (error.exitCode === 0) return EXIT.ok;
    // Commander has written its text already; machines get theirs here.
    return wantsJson ? printFailure(wrongUse(error), true) : EXIT.usage;
  }
}

const wrongUse = ({ message }: CommanderError): CliFailure =>
  new CliFailure(message.replace(/^error: /, ''), EXIT.usage, ['sqlferry --help']);

function createProgram(wantsJson: boolean, end: (code: ExitCode) => void): Command {
  const program = new Command('sqlferry')
    .description('Carries SQL Server databases to Azure SQL Managed Instance, as durable Temporal workflows.')
    .version(ownVersion())
    .exitOverride()
    // Else options of a sub-command's sub-command would be taken by the command in between.
    .enablePositionalOptions()
    .showHelpAfterError('(see: sqlferry --help, or --help after the command)')
    .configureOutput(wantsJson ? { writeErr: () => {} } : {})
    .addHelpText('after', EXIT_CODES);

  /** Gives a command's action its output, and takes its exit code. */
  const run =
    <Args extends readonly unknown[]>(work: Run<Args>) =>
    async (...given: unknown[]): Promise<void> => {
      const command = given.at(-1) as Command;
      const args = given.slice(0, -1) as unknown as Args;
      end((await work(createOutput(command.opts().json === true), ...args)) ?? EXIT.ok);
    };

  specCommands(program, run);
  runCommands(program, run);
  requestCommands(program, run);
  protectionCommands(program, run);
  certificateCommands(program, run);
  processCommands(program, run);
  return program;
}

function specCommands(program: Command, run: Runner): void {
  json(program.command('init'))
    .description('write example spec files')
    .argument('[directory]', 'where to', '.')
    .option('--force', 'overwrite existing files', false)
    .addHelpText('after', example('sqlferry init my-migration'))
    .action(
      run(async (output, directory: string, options: { force: boolean }) =>
        (await import('./commands/init')).init(output, { directory, ...options }),
      ),
    );

  specOptions(program.command('preflight'))
    .description('check everything that could stop a migration; reads only')
    .option('--all', 'show the checks that passed, too', false)
    .addHelpText(
      'after',
      example('sqlferry preflight migration.yaml', 'sqlferry preflight migration.yaml --json'),
    )
    .action(
      run(async (output, migration: string, options: { inventory: string; all: boolean }) =>
        (await import('./commands/preflight')).preflight(output, { migration, ...options }),
      ),
    );

  specOptions(program.command('plan'))
    .description('print every statement and request of a migration, in order; changes nothing')
    .addOption(
      new Option('--format <format>', 'form of the plan').choices(['sql', 'markdown']).default('sql'),
    )
    .addOption(
      new Option('--of <change>', 'of a link that stands, instead').choices([
        'failover',
        'drill',
        'repair',
        'removal',
      ]),
    )
    .option('--to <side>', 'of a failover: the new primary, instance or server')
    .option('--force', 'of a failover: without the other side', false)
    .option('--survivor <side>', 'of a repair: whose data stays, instance or server')
    .addHelpText(
      'after',
      example(
        'sqlferry plan migration.yaml > plan.sql',
        'sqlferry plan migration.yaml --json',
        'sqlferry plan migration.yaml --of failover --to instance',
        'sqlferry plan migration.yaml --of repair --survivor server',
      ),
    )
    .action(
      run(async (output, migration: string, options: Omit<PlanOptions, 'migration'>) =>
        (await import('./commands/plan')).plan(output, { migration, ...options }),
      ),
    );

  specOptions(program.command('objects'))
    .description('compare logins, jobs and other objects outside of the database on both sides; reads only')
    .option(
      '--primary <side>',
      'side that is right: server or instance (default: the one that leads the link)',
    )
    .option('--all', 'show what is the same, too', false)
    .addHelpText(
      'after',
      example('sqlferry objects migration.yaml', 'sqlferry objects migration.yaml --json'),
    )
    .action(
      run(
        async (
          output,
          migration: string,
          options: { inventory: string; all: boolean; primary?: 'server' | 'instance' },
        ) => (await import('./commands/objects')).objects(output, { migration, ...options }),
      ),
    );

  temporalOptions(spec(program.command('start')))
    .description('start a migration; waits for the verdict of preflight')
    .option('--watch', 'stay and watch it', false)
    .option('--no-wait', 'return as soon as Temporal has accepted the run')
    .addHelpText('after', example('sqlferry start migration.yaml --watch'))
    .action(
      run(async (output, migration: string, options: { inventory: string; watch: boolean; wait: boolean }) =>
        (await import('./commands/start')).start(output, { migration, ...options }),
      ),
    );
}

function runCommands(program: Command, run: Runner): void {
  temporalOptions(program.command('list'))
    .description('list the migrations that Temporal knows')
    .addHelpText('after', example('sqlferry list', 'sqlferry list --json | jq -r .migrations[].name'))
    .action(run(async (output, options: object) => (await import('./commands/list')).list(output, options)));

  temporalOptions(program.command('status'))
    .description('show one migration: phase, progress, what it waits for, what to do next')
    .argument('<name>', 'name of the migration')
    .addHelpText('after', example('sqlferry status sales-to-west'))
    .action(
      run(async (output, name: string, options: object) =>
        (await import('./commands/status')).status(output, name, options),
      ),
    );

  temporalOptions(program.command('watch'))
    .description('watch one migration until it ends')
    .argument('<name>', 'name of the migration')
    .option('--interval <duration>', 'time between looks', durationArgument, 1_000)
    .addHelpText(
      'after',
      example('sqlferry watch sales-to-west', 'sqlferry watch sales-to-west --json | jq .status.phase'),
    )
    .action(
      run(async (output, name: string, options: { interval: number }) =>
        (await import('./commands/status')).watch(output, name, { ...options, intervalMs: options.interval }),
      ),
    );

  temporalOptions(program.command('logs'))
    .description('show what a migration did, in order')
    .argument('<name>', 'name of the migration')
    .option('--statements', 'with the statements and requests themselves', false)
    .addHelpText('after', example('sqlferry logs sales-to-west', 'sqlferry logs sales-to-west --statements'))
    .action(
      run(async (output, name: string, options: { statements: boolean }) =>
        (await import('./commands/logs')).logs(output, name, options),
      ),
    );

  json(program.command('explain'))
    .description('explain an error number of SQL Server or a code of Azure')
    .argument('<code>', 'for example 1412 or ManagedInstanceLinkTdeCertificateMissing')
    .addHelpText('after', example('sqlferry explain 1412'))
    .action(run(async (output, code: string) => (await import('./commands/explain')).explain(output, code)));
}

function requestCommands(program: Command, run: Runner): void {
  request(program, 'approve', 'let the cutover begin', true)
    .option('--accept-drift', 'although logins or jobs differ between the sides', false)
    .action(
      run(async (output, name: string, options: { acceptDrift: boolean }) => {
        await (await import('./commands/requests')).approve(output, name, options);
        return undefined;
      }),
    );
  request(program, 'postpone', 'keep the cutover from beginning before a time', false)
    .requiredOption('--until <time>', 'ISO 8601, for example 2026-12-01T22:00:00Z')
    .addHelpText(
      'after',
      example('sqlferry postpone sales-to-west --until 2026-12-01T22:00:00Z --reason "month end"'),
    )
    .action(
      run(async (output, name: string, options: { until: string }) => {
        await (await import('./commands/requests')).postpone(output, name, options);
        return undefined;
      }),
    );
  request(program, 'schedule', 'change when the cutover may begin', false)
    .option('--now', 'as soon as the link is ready')
    .option('--at <time>', 'not before this time, ISO 8601')
    .option('--windows <file>', 'YAML file with a list of maintenance windows')
    .addHelpText(
      'after',
      example(
        'sqlferry schedule sales-to-west --now',
        'sqlferry schedule sales-to-west --at 2026-12-05T22:00:00Z',
        'sqlferry schedule sales-to-west --windows windows.yaml',
      ),
    )
    .action(
      run(async (output, name: string, options: object) => {
        await (await import('./commands/requests')).schedule(output, name, options);
        return undefined;
      }),
    );
  request(program, 'pause', 'begin no further step; log backups go on', false).action(
    run(async (output, name: string, options: object) => {
      await (await import('./commands/requests')).pause(output, name, options);
      return undefined;
    }),
  );
  request(program, 'resume', 'go on after a pause, or try again what waits for a person', false).action(
    run(async (output, name: string, options: object) => {
      await (await import('./commands/requests')).resume(output, name, options);
      return undefined;
    }),
  );
  request(
    program,
    'abort',
    'end a migration and undo what it made; refused after the point of no return',
    true,
  ).action(
    run(async (output, name: string, options: object) => {
      await (await import('./commands/requests')).abort(output, name, options);
      return undefined;
    }),
  );
  request(program, 'leave', 'in an undo: leave behind, by name, what does not get through', true).action(
    run(async (output, name: string, options: object) => {
      await (await import('./commands/requests')).leave(output, name, options);
      return undefined;
    }),
  );
}

function protectionCommands(program: Command, run: Runner): void {
  request(program, 'failover', 'swap the roles of a link that stays (purpose: disaster-recovery)', true)
    .requiredOption('--to <side>', 'the new primary: instance or server')
    .option(
      '--force',
      'without the other side; may lose data, needs --reason and --accept-loss-seconds',
      false,
    )
    .option('--accept-loss-seconds <seconds>', 'committed transactions that may be lost by a forced failover')
    .option('--acknowledge-by <who>', 'who means it, within the cool-down after another failover')
    .option('--accept-drift', 'although logins or jobs differ between the sides (planned only)', false)
    .addHelpText(
      'after',
      example(
        'sqlferry failover sales --to instance',
        'sqlferry failover sales --to instance --force --reason "data centre lost" --accept-loss-seconds 30',
      ),
    )
    .action(
      run(async (output, name: string, options: { to: string }) => {
        await (await import('./commands/protection')).failover(output, name, options);
        return undefined;
      }),
    );
  request(program, 'drill', 'fail over, hold, and fail back: a rehearsal that is never forced', true)
    .addOption(
      new Option('--hold <duration>', 'how long the other side leads')
        .argParser(durationArgument)
        .default(10 * 60_000, '10m'),
    )
    .option('--acknowledge-by <who>', 'who means it, within the cool-down after a failover')
    .addHelpText(
      'after',
      example('sqlferry drill sales', 'sqlferry drill sales --hold 1h --reason "quarterly" --yes'),
    )
    .action(
      run(async (output, name: string, options: DrillOptions) => {
        await (await import('./commands/protection')).drill(output, name, options);
        return undefined;
      }),
    );
  request(program, 'repair', 'end a split brain: one side survives, the other one follows it again', true)
    .requiredOption('--survivor <side>', 'whose data stays: instance or server')
    .addHelpText('after', example('sqlferry repair sales --survivor instance'))
    .action(
      run(async (output, name: string, options: { survivor: string }) => {
        await (await import('./commands/protection')).repair(output, name, options);
        return undefined;
      }),
    );
  request(program, 'remove', 'take a link that stays down; both copies become independent', true).action(
    run(async (output, name: string, options: object) => {
      await (await import('./commands/protection')).remove(output, name, options);
      return undefined;
    }),
  );
}

function processCommands(program: Command, run: Runner): void {
  temporalOptions(program.command('worker'))
    .description('run a worker: it does the work of all migrations of its task queue')
    .addHelpText('after', example('TEMPORAL_ADDRESS=temporal:7233 sqlferry worker'))
    .action(
      run(async (output, options: object) => (await import('./commands/worker')).worker(output, options)),
    );

  temporalOptions(program.command('doctor'))
    .description('look whether this machine, Temporal and the workers are ready')
    .addHelpText('after', example('sqlferry doctor', 'TEMPORAL_ADDRESS=temporal:7233 sqlferry doctor'))
    .action(
      run(async (output, options: object) => (await import('./commands/doctor')).doctor(output, options)),
    );

  json(program.command('estate'))
    .description('run a simulated estate: SQL Server, managed instance and Azure on real sockets')
    .option('--definition <file>', 'YAML or JSON file that describes the estate')
    .option('--directory <directory>', 'write ready spec files for it there', '.')
    .option('--speed <factor>', 'simulated seconds per second', Number)
    .option('--workload', 'commit numbered rows into its database', false)
    .addHelpText(
      'after',
      example('sqlferry estate --directory try-it', 'sqlferry estate --speed 60 --workload'),
    )
    .action(
      run(async (output, options: { directory: string; workload: boolean }) =>
        (await import('./commands/estate')).estate(output, options),
      ),
    );

  json(program.command('demo'))
    .description('watch a database cross, from nothing: Temporal, simulated estate, worker, migration')
    .option('--keep', 'leave everything running at the end, to look around', false)
    .action(
      run(async (output, options: { keep: boolean }) =>
        (await import('./commands/demo')).demo(output, options),
      ),
    );
}

function request(program: Command, name: string, description: string, asks: boolean): Command {
  const command = temporalOptions(program.command(name))
    .description(description)
    .argument('<name>', 'name of the migration')
    .option('--by <who>', 'who asks (default: the user of this machine)')
    .option('--reason <text>', 'why; stands in the journal');
  if (asks) command.option('--yes', 'do not ask; needed where there is no terminal', false);
  // These need options of their own, and show them in examples of their own.
  if (['postpone', 'schedule', 'failover', 'drill', 'repair'].includes(name)) return command;
  const line = `sqlferry ${name} sales-to-west`;
  return command.addHelpText('after', asks ? example(line, `${line} --yes --by dba --json`) : example(line));
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong use or broken spec, 3 refused, 4 unreachable, 5 no such migration, 130 interrupted`;

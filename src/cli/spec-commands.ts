/** Commands that read spec files, and the one that starts a run from them. */
import { type Command, Option } from 'commander';
import { example, json, type Runner, spec, specOptions, temporalOptions } from './command-parts';
import type { PlanOptions } from './commands/plan';

export function specCommands(program: Command, run: Runner): void {
  initCommand(program, run);
  preflightCommand(program, run);
  planCommand(program, run);
  objectsCommand(program, run);
  startCommand(program, run);
}

function initCommand(program: Command, run: Runner): void {
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
}

function preflightCommand(program: Command, run: Runner): void {
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
}

function planCommand(program: Command, run: Runner): void {
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
}

function objectsCommand(program: Command, run: Runner): void {
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
}

function startCommand(program: Command, run: Runner): void {
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

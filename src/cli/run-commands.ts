/** Commands that look at runs. */
import type { Command } from 'commander';
import { durationArgument, example, json, type Runner, temporalOptions } from './command-parts';

export function runCommands(program: Command, run: Runner): void {
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

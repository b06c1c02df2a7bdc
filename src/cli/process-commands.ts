/** Commands that run until they are stopped, and the one that looks whether they can. */
import type { Command } from 'commander';
import { example, json, type Runner, temporalOptions } from './command-parts';

export function processCommands(program: Command, run: Runner): void {
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

/** `sqlferry certificates`: the list itself, and what is done about it. */
import { type Command, Option } from 'commander';
import { durationArgument, example, type Runner, spec, specOptions, temporalOptions } from './command-parts';
import type { RotateOptions, ScheduleOptions } from './commands/certificates';
import type { RequestOptions } from './commands/requests';

export function certificateCommands(program: Command, run: Runner): void {
  // Options behind a sub-command belong to it, not to the list.
  const certificates = specOptions(program.command('certificates').enablePositionalOptions())
    .description('list the certificates that a link depends on, with the days that are left; reads only')
    .addHelpText(
      'after',
      example('sqlferry certificates migration.yaml', 'sqlferry certificates migration.yaml --json'),
    )
    .action(
      run(async (output, migration: string, options: { inventory: string }) =>
        (await import('./commands/certificates')).certificates(output, { migration, ...options }),
      ),
    );

  rotateCommand(certificates, run);
  scheduleCommand(certificates, run);
  scheduleListCommands(certificates, run);
  rotationRequests(certificates, run);
}

function rotateCommand(certificates: Command, run: Runner): void {
  withOthers(temporalOptions(spec(certificates.command('rotate'))))
    .description('give the SQL Server a new certificate, and put the old one back if the links do not return')
    .option('--reimport', 'import the certificate of the instance and the authorities anew, instead', false)
    .option('--by <who>', 'who asks (default: the user of this machine)')
    .option('--reason <text>', 'why; stands in the result')
    .option('--no-wait', 'return as soon as Temporal has accepted the rotation')
    .option('--yes', 'do not ask; needed where there is no terminal', false)
    .addHelpText(
      'after',
      example(
        'sqlferry certificates rotate migration.yaml',
        'sqlferry certificates rotate migration.yaml --with other-link.yaml --yes --json',
      ),
    )
    .action(
      run(async (output, migration: string, options: Omit<RotateOptions, 'migration'>) =>
        (await import('./commands/certificates')).rotate(output, { migration, ...options }),
      ),
    );
}

function scheduleCommand(certificates: Command, run: Runner): void {
  withOthers(temporalOptions(spec(certificates.command('schedule'))))
    .description('look at the certificates regularly, tell people in time, and rotate what is due')
    .option('--check <when...>', 'time between checks (default: every 1d)')
    .addOption(
      new Option('--rotate-before <duration>', 'rotate when less time is left')
        .argParser(durationArgument)
        .default(30 * 86_400_000, '30d'),
    )
    .option('--only-tell', 'never rotate, only tell', false)
    .addHelpText(
      'after',
      example('sqlferry certificates schedule migration.yaml --check every 1d --rotate-before 30d'),
    )
    .action(
      run(async (output, migration: string, options: Omit<ScheduleOptions, 'migration'>) =>
        (await import('./commands/certificates')).schedule(output, { migration, ...options }),
      ),
    );
}

function scheduleListCommands(certificates: Command, run: Runner): void {
  temporalOptions(certificates.command('schedules'))
    .description('list the schedules of certificates')
    .addHelpText('after', example('sqlferry certificates schedules'))
    .action(
      run(async (output, options: object) =>
        (await import('./commands/certificates')).schedules(output, options),
      ),
    );

  temporalOptions(certificates.command('unschedule'))
    .description('end the schedule of a migration')
    .argument('<name>', 'name of the migration')
    .addHelpText('after', example('sqlferry certificates unschedule sales-to-west'))
    .action(
      run(async (output, name: string, options: object) =>
        (await import('./commands/certificates')).unschedule(output, name, options),
      ),
    );
}

function rotationRequests(certificates: Command, run: Runner): void {
  ofRotation(certificates, 'resume', 'try again what a rotation waits for, or go on after a pause').action(
    run(async (output, server: string, options: RequestOptions) => {
      await (await import('./commands/certificates')).resumeRotation(output, server, options);
      return undefined;
    }),
  );

  ofRotation(certificates, 'abort', 'end a rotation and give back what it made, while that is possible')
    .option('--yes', 'do not ask; needed where there is no terminal', false)
    .action(
      run(async (output, server: string, options: RequestOptions) => {
        await (await import('./commands/certificates')).abortRotation(output, server, options);
        return undefined;
      }),
    );

  ofRotation(
    certificates,
    'leave',
    'while a rotation is being undone: leave behind what does not get through',
  )
    .option('--yes', 'do not ask; needed where there is no terminal', false)
    .action(
      run(async (output, server: string, options: RequestOptions) => {
        await (await import('./commands/certificates')).leaveRotation(output, server, options);
        return undefined;
      }),
    );
}

const ofRotation = (certificates: Command, name: string, description: string): Command =>
  temporalOptions(certificates.command(name))
    .description(description)
    .argument('<server>', 'name of the SQL Server in the inventory')
    .option('--by <who>', 'who asks (default: the user of this machine)')
    .option('--reason <text>', 'why; stands in the history')
    .addHelpText('after', example(`sqlferry certificates ${name} sql1`));

const withOthers = (command: Command): Command =>
  command
    .option(
      '--server <name>',
      'replica of the availability group (default: the one that the migration names)',
    )
    .option(
      '--with <file...>',
      'migrations of the same server to other instances, which need the new key, too',
    )
    .addOption(
      new Option('--within <duration>', 'time for the links to come back, else the old certificate returns')
        .argParser(durationArgument)
        .default(120_000, '2m'),
    );

/** Requests to a link that stays. */
import { type Command, Option } from 'commander';
import { durationArgument, example, type Runner, request } from './command-parts';
import type { ChangeOptions } from './commands/change';
import type { DrillOptions } from './commands/protection';

export function protectionCommands(program: Command, run: Runner): void {
  request(program, 'failover', 'swap the roles of a DR link (purpose: disaster-recovery)', true)
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
  changeCommand(program, run);
  request(program, 'remove', 'take a DR link down; both databases become independent', true).action(
    run(async (output, name: string, options: object) => {
      await (await import('./commands/protection')).remove(output, name, options);
      return undefined;
    }),
  );
}

function changeCommand(program: Command, run: Runner): void {
  request(program, 'change', 'change the spec of a link that stays', true)
    .argument('<migration>', 'file with the new spec')
    .option('-i, --inventory <file>', 'file that describes the instances', 'inventory.yaml')
    .option('--dry-run', 'show what would change, and send nothing', false)
    .addHelpText(
      'after',
      example('sqlferry change sales sales.yaml --dry-run', 'sqlferry change sales sales.yaml --yes'),
    )
    .action(
      run(async (output, name: string, migration: string, options: ChangeOptions) => {
        await (await import('./commands/change')).change(output, name, migration, options);
        return undefined;
      }),
    );
}

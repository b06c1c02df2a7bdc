/** Requests to a migration that is under way. */
import type { Command } from 'commander';
import { example, type Runner, request } from './command-parts';

export function requestCommands(program: Command, run: Runner): void {
  cutoverRequests(program, run);
  controlRequests(program, run);
}

function cutoverRequests(program: Command, run: Runner): void {
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
}

function controlRequests(program: Command, run: Runner): void {
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

import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';
import { type TemporalOptions, withMigrations } from '../temporal';
import { table } from '../terminal/format';

export async function list(output: Output, options: TemporalOptions): Promise<ExitCode> {
  return withMigrations(options, async (migrations) => {
    const found = await migrations.list();
    const rows = found.map((entry) => [
      entry.name,
      entry.database ?? '',
      entry.instance ?? '',
      entry.temporalStatus === 'RUNNING'
        ? (entry.phase ?? 'running')
        : (entry.outcome ?? entry.temporalStatus.toLowerCase()),
      entry.startedAt.slice(0, 19).replace('T', ' '),
    ]);
    if (rows.length === 0) output.say('no migrations; start one with: sqlferry start migration.yaml');
    else
      output.say(
        table([['NAME', 'DATABASE', 'TARGET', 'STATE', 'STARTED (UTC)'].map(output.style.dim), ...rows]),
      );
    output.result({ migrations: found });
    return EXIT.ok;
  });
}

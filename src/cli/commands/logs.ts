import { formatDuration } from '../../model/duration';
import type { JournalEntry } from '../../model/run/journal';
import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';
import { type TemporalOptions, withMigrations } from '../temporal';
import { eventLine, shortTime } from '../terminal/status-view';
import type { Style } from '../terminal/style';

export interface LogsOptions extends TemporalOptions {
  /** Also the statements and requests themselves. */
  readonly statements: boolean;
}

/** What a run did, and what happened to it, in order. */
export async function logs(output: Output, name: string, options: LogsOptions): Promise<ExitCode> {
  return withMigrations(options, async (migrations) => {
    const [journal, view] = await Promise.all([migrations.journal(name), migrations.view(name)]);
    const lines = [
      ...journal.map((entry) => ({
        at: entry.at,
        text: journalLines(entry, output.style, options.statements),
      })),
      ...view.status.events.map((event) => ({ at: event.at, text: [eventLine(event, output.style)] })),
    ];
    lines.sort((a, b) => a.at.localeCompare(b.at));
    for (const line of lines.flatMap(({ text }) => text)) output.say(line);
    output.result({ name, journal, events: view.status.events });
    return EXIT.ok;
  });
}

function journalLines(entry: JournalEntry, style: Style, statements: boolean): string[] {
  const sign = { done: style.green('✓'), 'already-done': style.dim('='), undone: style.yellow('↶') }[
    entry.outcome
  ];
  const spent = entry.durationMs > 0 ? ` ${style.dim(`(${formatDuration(entry.durationMs)})`)}` : '';
  const head = `${style.dim(shortTime(entry.at))} ${sign} ${style.bold(entry.title)}: ${entry.evidence}${spent}`;
  if (!statements) return [head];
  return [
    head,
    ...entry.effects.flatMap((effect) =>
      (effect.server === undefined ? effect.display : `-- on ${effect.server}\n${effect.display}`)
        .split('\n')
        .map((line) => `      ${style.dim(line)}`),
    ),
  ];
}

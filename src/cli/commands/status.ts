import { setTimeout as wait } from 'node:timers/promises';
import type { LinkMigrations, LinkMigrationView } from '../../client/link-migrations';
import { EXIT, type ExitCode } from '../exit-codes';
import type { Output } from '../output';
import { type TemporalOptions, withMigrations } from '../temporal';
import { statusLine, statusLines } from '../terminal/status-view';

export async function status(output: Output, name: string, options: TemporalOptions): Promise<ExitCode> {
  return withMigrations(options, async (migrations) => {
    const view = await migrations.view(name);
    for (const line of statusLines(view, output.style, Date.now())) output.say(line);
    output.result(view);
    return exitCodeOf(view);
  });
}

export interface WatchOptions extends TemporalOptions {
  /** Milliseconds between looks. */
  readonly intervalMs: number;
}

/** Shows a run until it ends. On a terminal the picture is redrawn in place; elsewhere each change is a line. */
export async function watch(output: Output, name: string, options: WatchOptions): Promise<ExitCode> {
  return withMigrations(options, (migrations) => watchRun(output, migrations, name, options.intervalMs));
}

export async function watchRun(
  output: Output,
  migrations: LinkMigrations,
  name: string,
  intervalMs: number,
): Promise<ExitCode> {
  const screen = new Screen(output);
  for (;;) {
    const view = await migrations.view(name);
    screen.draw(view);
    if (view.status.outcome !== 'running') return exitCodeOf(view);
    await wait(intervalMs);
  }
}

/** Draws over what it drew before. */
class Screen {
  private drawn = 0;
  private last = '';

  constructor(private readonly output: Output) {}

  draw(view: LinkMigrationView): void {
    if (this.output.json) this.jsonLine(view);
    else if (this.output.style.interactive) this.redraw(view);
    else this.plainLine(view);
  }

  private redraw(view: LinkMigrationView): void {
    const width = process.stdout.columns ?? 100;
    const lines = statusLines(view, this.output.style, Date.now()).map((line) => cut(line, width));
    const up = this.drawn > 0 ? `\u001b[${this.drawn}A` : '';
    process.stdout.write(`${up}${lines.map((line) => `\u001b[2K${line}`).join('\n')}\n\u001b[J`);
    this.drawn = lines.length;
  }

  private plainLine(view: LinkMigrationView): void {
    const line = statusLine(view);
    if (line === this.last) return;
    this.last = line;
    this.output.say(line);
  }

  private jsonLine(view: LinkMigrationView): void {
    const line = JSON.stringify(view);
    if (line === this.last) return;
    this.last = line;
    this.output.result(view);
  }
}

function exitCodeOf(view: LinkMigrationView): ExitCode {
  return view.status.outcome === 'failed' ? EXIT.failed : EXIT.ok;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of our own colours
const COLOUR = /\u001b\[\d+m/g;

/** A line that wraps would be counted wrongly when it is drawn over. */
function cut(line: string, width: number): string {
  let visible = 0;
  let position = 0;
  for (const match of [...line.matchAll(COLOUR), undefined]) {
    const end = match?.index ?? line.length;
    if (visible + (end - position) > width) return `${line.slice(0, position + (width - visible))}\u001b[0m`;
    visible += end - position;
    position = end + (match?.[0].length ?? 0);
  }
  return line;
}

import { setTimeout as wait } from 'node:timers/promises';
import type { Certificates, CertificateWatch } from '../../client/certificates';
import type { RunFailure } from '../../client/run-failure';
import type { RunView, SqlFerry } from '../../client/runs';
import { EXIT, type ExitCode } from '../exit-codes';
import { type LinkLook, linkLook } from '../link-look';
import type { Output } from '../output';
import { type TemporalOptions, withMigrations } from '../temporal';
import { fitLines } from '../terminal/layout';
import { newsOf, statusLine, statusLines } from '../terminal/status-view';
import type { Style } from '../terminal/style';

export async function status(output: Output, name: string, options: TemporalOptions): Promise<ExitCode> {
  return withMigrations(options, async (migrations, certificates) => {
    const [view, check] = await Promise.all([
      migrations.view(name),
      certificateWatch(await certificates(), name),
    ]);
    const width = process.stdout.columns ?? 100;
    const now = Date.parse(view.asOf);
    const look = linkLook(view, check, now);
    const lines = statusLines(view, output.style, now, { width, look });
    for (const line of output.style.interactive ? fitLines(lines, width) : lines) output.say(line);
    const failure = view.status.outcome === 'failed' ? await migrations.failure(name) : undefined;
    if (failure !== undefined) sayFailure(output, failure);
    output.result({ ...view, look, ...(failure === undefined ? {} : { failure }) });
    return exitCodeOf(view);
  });
}

/** A server that keeps no schedules, or may not show them, is no reason to show no status. */
const certificateWatch = (certificates: Certificates, name: string): Promise<ReadWatch> =>
  certificates.watched(name).catch(() => 'unreadable' as const);

type ReadWatch = CertificateWatch | 'unreadable' | null;

function sayFailure(output: Output, { code, message, remedy }: RunFailure): void {
  output.say('');
  output.say(`${output.style.red('failed')}  ${message} [${code}]`);
  output.say(`  ${output.style.dim('→')} ${remedy}`);
}

export interface WatchOptions extends TemporalOptions {
  /** Milliseconds between looks. */
  readonly intervalMs: number;
}

/** Shows a run until it ends. On a terminal the picture is redrawn in place; elsewhere each change is a line. */
export async function watch(output: Output, name: string, options: WatchOptions): Promise<ExitCode> {
  return withMigrations(options, async (migrations, certificates) => {
    const checks = await certificates();
    return watchRun(output, migrations, name, options.intervalMs, () => certificateWatch(checks, name));
  });
}

/** Certificates are looked at once a day or so. */
const CHECK_AGAIN_MS = 60_000;

/** @param readCheck who looks at the certificates, and what was found */
export async function watchRun(
  output: Output,
  migrations: SqlFerry,
  name: string,
  intervalMs: number,
  readCheck: () => Promise<ReadWatch> = async () => null,
): Promise<ExitCode> {
  const screen = new Screen(output);
  let check: ReadWatch = null;
  let readAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    if (Date.now() - readAt >= CHECK_AGAIN_MS) {
      check = await readCheck();
      readAt = Date.now();
    }
    const view = await migrations.view(name);
    screen.draw({ ...view, look: linkLook(view, check, Date.parse(view.asOf)) });
    if (view.status.outcome !== 'running') {
      const failure = view.status.outcome === 'failed' ? await migrations.failure(name) : undefined;
      if (failure === undefined) return exitCodeOf(view);
      sayFailure(output, failure);
      output.result({ ...view, failure });
      return exitCodeOf(view);
    }
    await wait(intervalMs);
  }
}

type LookedAt = RunView & { readonly look: LinkLook };

/** Draws over what it drew before. */
class Screen {
  private drawn = 0;
  private last = '';

  constructor(private readonly output: Output) {}

  draw(view: LookedAt): void {
    const { look, asOf: _asOf, status, pending, ...seen } = view;
    // Ages and times of a look grow with every look and are no news.
    const { asOf: _judgedAt, ...said } = status;
    const work = pending.map(({ toldAt: _toldAt, ...one }) => one);
    if (this.output.json)
      this.once(JSON.stringify({ ...seen, status: said, pending: work }), () => this.output.result(view));
    else if (this.output.style.interactive) this.redraw(view);
    else this.once(newsOf(view), () => this.output.say(statusLine(view)));
  }

  private redraw(view: LookedAt): void {
    const { columns: width = 100, rows = 50 } = process.stdout;
    const lines = screenLines(view, this.output.style, width, rows);
    const up = this.drawn > 0 ? `\u001b[${this.drawn}A` : '';
    process.stdout.write(`${up}${lines.map((line) => `\u001b[2K${line}`).join('\n')}\n\u001b[J`);
    this.drawn = lines.length;
  }

  private once(news: string, tell: () => void): void {
    if (news === this.last) return;
    this.last = news;
    tell();
  }
}

/** What scrolled out of a small terminal cannot be drawn over: older events make room first. */
function screenLines(view: LookedAt, style: Style, width: number, rows: number): string[] {
  for (const events of [5, 4, 3, 2, 1, 0]) {
    const { look } = view;
    const lines = fitLines(statusLines(view, style, Date.parse(view.asOf), { width, events, look }), width);
    if (lines.length < rows || events === 0) return lines.slice(0, rows - 1);
  }
  return [];
}

function exitCodeOf(view: RunView): ExitCode {
  return view.status.outcome === 'failed' ? EXIT.failed : EXIT.ok;
}

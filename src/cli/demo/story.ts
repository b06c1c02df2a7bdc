import { setTimeout as wait } from 'node:timers/promises';
import type { RunView, SqlFerry } from '../../client/runs';
import { formatDuration } from '../../model/duration';
import type { LinkPhase } from '../../model/link/step';
import type { JournalEntry } from '../../model/run/journal';
import type { Output } from '../output';
import { bar, formatBytes } from '../terminal/format';

const LOOK_MS = 200;
const BAR_WIDTH = 34;

/** Tells the demo to people: on a terminal with a bar that moves, elsewhere line by line; with --json on stderr. */
export class Story {
  private readonly startedAt = Date.now();
  private told = 0;
  private barDrawn = false;
  private barPercent = -1;

  constructor(
    private readonly output: Output,
    private readonly migrations: SqlFerry,
    private readonly name: string,
  ) {}

  chapter(number: number, title: string, text: string): void {
    const { style } = this.output;
    this.line('');
    this.line(`${style.bold(style.cyan(`${number}`))} ${style.bold(title)}  ${style.dim(text)}`);
  }

  line(text: string): void {
    this.endBar();
    const stamp = this.output.style.dim(`${((Date.now() - this.startedAt) / 1_000).toFixed(1)}s`.padStart(6));
    const full = text === '' ? '' : `${stamp}  ${text}`;
    if (this.output.json) this.output.note(full);
    else this.output.say(full);
  }

  /** Looks at the run until something holds; tells what it did meanwhile. @throws Error when the run ends before */
  async until(reached: (view: RunView) => boolean): Promise<RunView> {
    for (;;) {
      const view = await this.look();
      if (view !== undefined) {
        await this.tellJournal();
        this.drawBar(view);
        if (reached(view)) {
          this.endBar();
          return view;
        }
        if (view.status.outcome === 'failed' || view.status.outcome === 'aborted') {
          throw new Error(
            `the migration ${view.status.outcome}: ${view.status.events.at(-1)?.message ?? ''}`,
          );
        }
        const { blockedBy } = view.status;
        if (blockedBy !== null) throw new Error(`${blockedBy.code}: ${blockedBy.message}`);
      }
      await wait(LOOK_MS);
    }
  }

  isPast(view: RunView, phase: LinkPhase): boolean {
    return view.status.phases.some((times) => times.phase === phase && times.endedAt !== null);
  }

  /** While no worker lives, nobody answers: that is a part of the story. */
  private async look(): Promise<RunView | undefined> {
    try {
      return await this.migrations.view(this.name);
    } catch (error) {
      if (error instanceof Error && error.name === 'NoWorkerAnswers') return undefined;
      throw error;
    }
  }

  private async tellJournal(): Promise<void> {
    const journal = await this.migrations.journal(this.name).catch(() => []);
    for (const entry of journal.slice(this.told)) this.tellEntry(entry);
    this.told = Math.max(this.told, journal.length);
  }

  private tellEntry(entry: JournalEntry): void {
    const { style } = this.output;
    const sign = entry.outcome === 'already-done' ? style.dim('=') : style.green('✓');
    const spent = entry.durationMs >= 100 ? style.dim(` ${formatDuration(entry.durationMs)}`) : '';
    this.line(`  ${sign} ${entry.title}${spent}  ${style.dim(entry.evidence)}`);
  }

  private drawBar({ pending }: RunView): void {
    const progress = pending.find((work) => work.progress?.activity === 'seeding')?.progress;
    if (progress?.percent === undefined) return;
    const { style } = this.output;
    const rate = progress.bytesPerSecond === undefined ? '' : `${formatBytes(progress.bytesPerSecond)}/s`;
    const eta = progress.etaMs === undefined ? '' : `ETA ${formatDuration(progress.etaMs)}`;
    const percent = `${progress.percent.toFixed(0)}%`.padStart(4);
    const text = `${bar(progress.percent / 100, BAR_WIDTH)} ${percent}  ${rate}  ${eta}`;
    if (style.interactive && !this.output.json) {
      process.stdout.write(`\r\u001b[2K          ${style.cyan(text)}`);
      this.barDrawn = true;
    } else if (progress.percent - this.barPercent >= 20) {
      this.barPercent = progress.percent;
      this.line(`  ${text}`);
    }
  }

  private endBar(): void {
    if (!this.barDrawn) return;
    this.barDrawn = false;
    process.stdout.write('\r\u001b[2K');
  }
}

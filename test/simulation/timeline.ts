/** What happened in a schedule, in order, for people who look for a cause. */
import type { VirtualTime } from './virtual-time';

/** Enough to find a cause in; the newest are kept. */
const MOST = 5_000;

export class Timeline {
  private readonly lines: string[] = [];
  private readonly start: number;

  constructor(private readonly time: VirtualTime) {
    this.start = time.now;
  }

  note(text: string): void {
    const seconds = ((this.time.now - this.start) / 1_000).toFixed(3).padStart(10);
    this.lines.push(`${seconds} s  ${text.replaceAll(/\s+/g, ' ').slice(0, 400)}`);
    if (this.lines.length > MOST) this.lines.shift();
  }

  get text(): string {
    return this.lines.join('\n');
  }
}

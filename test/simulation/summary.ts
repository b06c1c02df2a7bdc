/** What a number of schedules covered, and what they found. */
import type { Fault } from './faults';
import type { Outcome } from './schedule';

export class Summary {
  private schedules = 0;
  private events = 0;
  private virtualMs = 0;
  private readonly broken = new Map<string, Outcome[]>();
  private readonly faults = new Map<string, number>();
  private readonly messages = new Map<string, number>();
  private readonly endings = new Map<string, number>();
  private readonly attempts = new Map<string, number>();
  private readonly covered = new Map<string, number>();

  get failures(): number {
    return [...this.broken.values()].reduce((sum, outcomes) => sum + outcomes.length, 0);
  }

  add(outcome: Outcome): void {
    this.schedules += 1;
    this.events += outcome.events;
    this.virtualMs += outcome.virtualMs;
    count(this.endings, `${outcome.story}: ${outcome.ending}`);
    for (const fault of outcome.faults) count(this.faults, fault.kind);
    for (const { name, phase } of outcome.messages) count(this.messages, `${name} in ${phase}`);
    for (const [type, number] of Object.entries(outcome.attempts)) count(this.attempts, type, number);
    for (const [name, number] of Object.entries(outcome.covered)) count(this.covered, name, number);
    const rule = outcome.violations[0]?.rule;
    if (rule !== undefined) this.broken.set(rule, [...(this.broken.get(rule) ?? []), outcome]);
  }

  failure(outcome: Outcome): string {
    const [violation] = outcome.violations;
    const faults = outcome.faults.map(faultText).join('\n    ');
    return `BROKEN: ${violation?.rule}
  ${violation?.detail.slice(0, 1_500)}
  faults:
    ${faults || 'none'}
  again: npm run simulate -- --story ${outcome.story} --seed ${outcome.seed} --schedules 1`;
  }

  text(seconds: number): string {
    const table = (title: string, counts: ReadonlyMap<string, number>): string =>
      `${title}\n${[...counts]
        .sort(([, a], [, b]) => b - a)
        .map(([name, number]) => `  ${String(number).padStart(8)}  ${name}`)
        .join('\n')}\n`;
    const found = [...this.broken].map(
      ([rule, outcomes]) =>
        `  ${outcomes.length} x ${rule}: seeds ${outcomes
          .map(({ seed }) => seed)
          .slice(0, 12)
          .join(', ')}`,
    );
    return `${table('Endings', this.endings)}${table('Faults', this.faults)}${table('Messages', this.messages)}${table('Attempts of activities', this.attempts)}${found.length === 0 ? '' : `Broken rules\n${found.join('\n')}\n`}${this.schedules} schedules, ${this.failures} broken; ${this.events} events, ${(this.virtualMs / 86_400_000).toFixed(1)} days in ${seconds.toFixed(1)} s (${(this.schedules / seconds).toFixed(2)} schedules/s)
`;
  }

  toJSON(seconds: number): unknown {
    return {
      schedules: this.schedules,
      broken: Object.fromEntries(
        [...this.broken].map(([rule, outcomes]) => [rule, outcomes.map(({ seed }) => seed)]),
      ),
      events: this.events,
      virtualDays: this.virtualMs / 86_400_000,
      seconds,
      endings: Object.fromEntries(this.endings),
      faults: Object.fromEntries(this.faults),
      messages: Object.fromEntries(this.messages),
      attempts: Object.fromEntries(this.attempts),
      covered: Object.fromEntries(this.covered),
    };
  }
}

const faultText = ({ place, occasion, kind, ms }: Fault): string => `${kind} ${ms} ms, ${place} #${occasion}`;

function count(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

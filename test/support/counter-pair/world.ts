/** The counters themselves. What one counts the other one takes over, as long as it follows and both answer. */
import type { Statement } from '../../../src/model/statement';
import { SqlServerFailure } from '../../../src/ports/failures';
import type { SqlServerPort } from '../../../src/ports/sql-server';
import { type Action, type CounterSite, SITES } from './procedure';

export type Role = 'PRIMARY' | 'SECONDARY' | 'ALONE';

export interface Counter {
  readonly role: Role;
  /** Others than the procedure may count. */
  readonly isOpen: boolean;
  readonly value: number;
}

export class CounterPair {
  private readonly counters: Record<CounterSite, Counter> = {
    left: { role: 'PRIMARY', isOpen: true, value: 0 },
    right: { role: 'ALONE', isOpen: false, value: 0 },
  };
  private readonly silent = new Set<CounterSite>();
  private readonly failing = new Set<string>();
  private lagsBehindFence = false;
  private isStalled = false;
  /** Every command that was carried out: `right LEAD`. */
  readonly log: string[] = [];

  /** @throws SqlServerFailure while it does not answer */
  read(site: CounterSite): Counter {
    if (this.silent.has(site)) throw unreachable(site);
    return this.counters[site];
  }

  /** What somebody counts from outside; @returns false where nobody may */
  count(site: CounterSite): boolean {
    const { role, isOpen } = this.counters[site];
    if (role !== 'PRIMARY' || !isOpen) return false;
    this.add(site);
    return true;
  }

  silence(site: CounterSite): void {
    this.silent.add(site);
  }

  answerAgain(site: CounterSite): void {
    this.silent.delete(site);
    this.settle();
  }

  /** Somebody counts just before the fence closes, and the follower does not hear of it. */
  lagBehindFence(): void {
    this.lagsBehindFence = true;
  }

  /** From now on this command is refused: `right LEAD`. */
  refuse(command: string): void {
    this.failing.add(command);
  }

  obey(command: string): void {
    this.failing.delete(command);
  }

  port(site: CounterSite): SqlServerPort {
    return {
      name: site,
      query: () => Promise.reject(new Error('a counter is not queried')),
      execute: async ({ text }) => this.carryOut(site, text),
    };
  }

  private carryOut(site: CounterSite, text: string): void {
    this.read(site);
    const command = `${site} ${text}`;
    if (this.failing.has(command))
      throw new SqlServerFailure(site, text, [], undefined, `${command} refused`);
    this.log.push(command);
    if (this.lagsBehindFence && text === COMMANDS.fence) this.countUnheard(site);
    const other = SITES.find((one) => one !== site) as CounterSite;
    const before = this.counters[site];
    const changes: Readonly<Record<string, () => void>> = {
      [COMMANDS.follow]: () => this.change(site, { role: 'SECONDARY', isOpen: false }),
      [COMMANDS.fence]: () => this.change(site, { isOpen: false }),
      [COMMANDS.lead]: () => {
        this.change(site, { role: 'PRIMARY' });
        if (before.role === 'SECONDARY' && !this.silent.has(other)) this.change(other, { role: 'SECONDARY' });
      },
      [COMMANDS.count]: () => this.add(site),
      [COMMANDS.admit]: () => this.change(site, { isOpen: true }),
      [COMMANDS.part]: () => this.change(site, { role: 'ALONE' }),
    };
    const change = changes[text];
    if (change === undefined) throw new Error(`a counter knows no ${text}`);
    change();
    this.settle();
  }

  private countUnheard(site: CounterSite): void {
    this.isStalled = true;
    this.add(site);
  }

  private add(site: CounterSite): void {
    this.change(site, { value: this.counters[site].value + 1 });
    this.settle();
  }

  private change(site: CounterSite, what: Partial<Counter>): void {
    this.counters[site] = { ...this.counters[site], ...what };
  }

  /** The follower takes over what was counted. */
  private settle(): void {
    if (this.silent.size > 0 || this.isStalled) return;
    const primary = SITES.find((site) => this.counters[site].role === 'PRIMARY');
    const follower = SITES.find((site) => this.counters[site].role === 'SECONDARY');
    if (primary === undefined || follower === undefined) return;
    this.change(follower, { value: this.counters[primary].value });
  }
}

/** What a step tells a counter. */
export const COMMANDS: Readonly<Record<Action, string>> = {
  follow: 'FOLLOW',
  fence: 'CLOSE',
  lead: 'LEAD',
  count: 'COUNT',
  admit: 'OPEN',
  part: 'PART',
};

export const commandStatement = (text: string): Statement => ({
  id: text.toLowerCase(),
  text,
  display: text,
  database: 'master',
});

const unreachable = (site: CounterSite): SqlServerFailure =>
  new SqlServerFailure(site, 'connect', [], 'unreachable', `${site} does not answer`);

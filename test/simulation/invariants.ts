/** What must hold, whatever went wrong: looked at after every event, and once more at the end. */
import { APPLICATION } from './application';
import type { Stage } from './stage';

const SIDES = ['SQL1', 'mi-west'];
/** A run that stands looks every two minutes in these stories, and a person reads what it tells. */
const SEEN_WITHIN_MS = 10 * 60_000;

export interface Violation {
  /** Which promise is broken, in a few words that are the same each time. */
  readonly rule: string;
  readonly detail: string;
  /** Unix milliseconds. */
  readonly at: number;
}

export class Invariants {
  readonly violations: Violation[] = [];
  private readonly seen = new Set<string>();

  constructor(private readonly stage: Stage) {}

  get isBroken(): boolean {
    return this.violations.length > 0;
  }

  broken(rule: string, detail: string): void {
    if (this.seen.has(rule)) return;
    this.seen.add(rule);
    this.violations.push({ rule, detail, at: this.stage.time.now });
  }

  afterEvent(): void {
    const { errors, service } = this.stage;
    for (const error of errors.splice(0)) {
      const name = error instanceof Error ? error.name : 'unknown';
      this.broken(`error ${name}`, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    const [trouble] = service.troubles;
    if (trouble !== undefined)
      this.broken('a workflow task failed', `${trouble.workflowId}: ${trouble.message}`);
    this.watchSides();
  }

  /** Since when both sides take writes of applications, Unix milliseconds. */
  private bothSince: number | undefined;

  /** Only servers and the estate itself change who takes writes. */
  private watchSides(): void {
    const { current, now } = this.stage.time;
    if (current.name !== 'estate' && !SIDES.includes(current.name)) return;
    if (!this.isLinked || !SIDES.every((side) => this.isOpen(side))) {
      this.bothSince = undefined;
      return;
    }
    this.bothSince ??= now;
    this.judgeBothOpen(this.bothSince);
  }

  /** Nobody sees it while the workers, Temporal or the servers are away; so it is judged once all is well. */
  private judgeBothOpen(since: number): void {
    const { calmSince, time, told } = this.stage;
    if (calmSince === undefined) return;
    const seenFrom = Math.max(since, calmSince);
    if (time.now - seenFrom < SEEN_WITHIN_MS || told.some(({ code }) => code === 'split-brain.found')) return;
    this.broken('both sides take writes and nobody is told', `since ${new Date(since).toISOString()}`);
  }

  private get isLinked(): boolean {
    return this.stage.estate.world.links.all().length > 0;
  }

  /** Can applications write there? */
  isOpen(side: string): boolean {
    return this.isWritable(side) && !this.isFenced(side);
  }

  /** Does this side take writes, as far as its database is concerned? */
  isWritable(side: string): boolean {
    try {
      this.stage.estate.world.databases.storeForWrite(side, 'Sales');
      return true;
    } catch {
      return false;
    }
  }

  isFenced(side: string): boolean {
    const login = this.stage.estate.world.instances.get(side).logins.get(APPLICATION.name);
    return login?.disabled === true || login?.connectDenied === true;
  }
}

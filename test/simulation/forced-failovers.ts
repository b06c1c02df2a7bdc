/** Promise 9: in a disaster nothing waits for the dead. From the answer to a person until roles are about to be swapped. */
import { type FaultKind, MESSAGES } from './faults';
import type { Invariants } from './invariants';
import type { Stage } from './stage';

const LIMIT_MS = 20_000;
/** What went wrong so long before may still be felt: a worker that is gone is missed after its heartbeat time-out. */
const FELT_FOR_MS = 3 * 60_000;

/** The disaster itself, and what touches nobody whom a forced failover needs. */
const HARMLESS: ReadonlySet<FaultKind> = new Set([
  'server-restarts',
  'server-is-lost',
  'link-is-cut',
  'clock-jumps',
  ...MESSAGES,
]);

export class ForcedFailovers {
  /** When the newest one was accepted that has not begun its swap, Unix milliseconds. */
  private acceptedAt: number | undefined;
  private lastHarm = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly stage: Stage,
    private readonly invariants: Invariants,
  ) {}

  accepted(): void {
    this.acceptedAt = this.stage.time.now;
  }

  handedOut(what: string): void {
    if (what.endsWith('.forced-failover')) this.acceptedAt = undefined;
  }

  fault(kind: FaultKind): void {
    if (!HARMLESS.has(kind)) this.lastHarm = this.stage.time.now;
  }

  afterEvent(): void {
    const { now } = this.stage.time;
    const acceptedAt = this.acceptedAt;
    if (acceptedAt === undefined || now - acceptedAt <= LIMIT_MS) return;
    this.acceptedAt = undefined;
    if (acceptedAt - this.lastHarm < FELT_FOR_MS || !this.isUnderWay) return;
    this.invariants.broken(
      'a forced failover waits longer than 20 s',
      `accepted at ${new Date(acceptedAt).toISOString()}`,
    );
  }

  /** One that finds that nothing is to be done has ended by then. */
  private get isUnderWay(): boolean {
    return this.stage.service.all.some(
      ({ info, ending }) => info.workflowType === 'failover' && ending === undefined,
    );
  }
}

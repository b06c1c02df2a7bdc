/** What goes wrong by itself, at any time: machines, the network between them, their clocks. */
import type { WorldFaultAction } from '../../estate/faults/rules';
import type { Chance } from './chance';
import type { Fault, FaultKind, FaultOffer } from './faults';
import type { Stage } from './stage';
import { newParty, type Party } from './virtual-time';

const WORLD_FAULTS: readonly FaultOffer[] = [
  { kind: 'partition', weight: 40, ms: [500, 600_000] },
  { kind: 'clock-jumps', weight: 20, ms: [1, 900_000] },
  { kind: 'server-restarts', weight: 10, ms: [1_000, 120_000] },
  { kind: 'server-is-lost', weight: 5, ms: [30_000, 900_000] },
  { kind: 'link-is-cut', weight: 10, ms: [1_000, 300_000] },
];

/** Before any event of a worker: it may be the last one, or come late. */
export const PROCESS_FAULTS: readonly FaultOffer[] = [
  { kind: 'crash', weight: 0.3, ms: [500, 120_000] },
  { kind: 'freeze', weight: 0.3, ms: [100, 180_000] },
];

export class Adversary {
  readonly party = newParty('adversary');
  private isOver = false;
  /** Processes that are down, and when each starts again. */
  private readonly down = new Map<string, () => void>();

  constructor(
    private readonly stage: Stage,
    private readonly chance: Chance,
  ) {}

  start(): void {
    this.plan();
  }

  /** From now on all is well: what is cut is healed, what is frozen goes on, what is down starts again. */
  calm(): void {
    this.isOver = true;
    this.stage.calmSince = this.stage.time.now;
    this.stage.faults.stop();
    this.stage.network.healAll();
    for (const worker of this.stage.workerParties) this.stage.time.thaw(worker);
    for (const restart of [...this.down.values()]) restart();
  }

  /** To be asked before every event of a worker. */
  beforeEvent(worker: Party): void {
    const fault = this.stage.faults.at(`${worker.name} goes on`, PROCESS_FAULTS);
    if (fault?.kind === 'crash') this.crash(worker, fault.ms);
    if (fault?.kind === 'freeze') this.freeze(worker, fault.ms);
  }

  private crash(worker: Party, downMs: number): void {
    const { stage } = this;
    stage.crash(worker);
    const restart = (): void => {
      if (this.down.delete(worker.name)) stage.startWorker(worker.name, worker.skewMs);
    };
    this.down.set(worker.name, restart);
    stage.time.schedule(this.party, downMs, restart);
  }

  private freeze(worker: Party, ms: number): void {
    const { time } = this.stage;
    worker.state = 'frozen';
    time.schedule(this.party, ms, () => time.thaw(worker));
  }

  private plan(): void {
    this.stage.time.schedule(this.party, this.chance.duration(2_000, 300_000), () => {
      if (this.isOver) return;
      const fault = this.stage.faults.at('adversary', WORLD_FAULTS);
      if (fault !== undefined) this.strike(fault);
      this.plan();
    });
  }

  private strike(fault: Fault): void {
    const instance = fault.occasion % 2 === 0 ? 'SQL1' : 'mi-west';
    const effects: Partial<Record<FaultKind, () => void>> = {
      partition: () => this.partition(fault),
      'clock-jumps': () => this.moveClock(fault),
      'server-restarts': () => this.inWorld({ kind: 'restart', instance, downMs: fault.ms }),
      'server-is-lost': () => this.inWorld({ kind: 'kill', instance: 'SQL1', returnsAfterMs: fault.ms }),
      'link-is-cut': () =>
        this.inWorld({ kind: 'disconnect', between: ['SQL1', 'mi-west'], forMs: fault.ms }),
    };
    effects[fault.kind]?.();
  }

  private inWorld(action: WorldFaultAction): void {
    this.stage.estate.world.faults.add({ surface: 'world', count: 1, afterMs: 0, action });
  }

  private partition(fault: Fault): void {
    const { network, parties, time } = this.stage;
    const others = [parties.temporal, parties.sides.SQL1, parties.sides['mi-west'], parties.azure];
    const workers = this.stage.workerParties;
    const worker = workers[fault.occasion % workers.length];
    const other = others[Math.floor(fault.occasion / workers.length) % others.length];
    if (worker === undefined || other === undefined) return;
    network.cut(worker, other);
    time.schedule(this.party, fault.ms, () => network.heal(worker, other));
  }

  private moveClock({ occasion, ms }: Fault): void {
    const workers = this.stage.workerParties;
    const worker = workers[occasion % workers.length];
    if (worker !== undefined) worker.skewMs += occasion % 3 === 0 ? -ms : ms;
  }
}

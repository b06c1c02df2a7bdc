/** The estate's clock of a simulation: its time is the simulation's, second for second. */
import type { Clock, TimerHandle } from '../../estate/world/api';
import type { Party, VirtualTime } from './virtual-time';

export class EstateClock implements Clock {
  readonly mode = 'real';
  speed = 1;
  private isStopped = false;

  constructor(
    private readonly time: VirtualTime,
    private readonly party: Party,
  ) {}

  now(): number {
    return this.time.now;
  }

  realMs(): number {
    return this.time.now;
  }

  at(simMs: number, fn: () => void): TimerHandle {
    return this.after(simMs - this.time.now, fn);
  }

  after(simMs: number, fn: () => void): TimerHandle {
    return this.time.schedule(this.party, simMs, () => {
      if (!this.isStopped) fn();
    });
  }

  sleep(simMs: number, signal?: AbortSignal): Promise<void> {
    return this.time.sleep(this.party, simMs, signal);
  }

  advance(): Promise<void> {
    throw new Error('the simulation alone moves its time on');
  }

  stop(): void {
    this.isStopped = true;
  }
}

/** Start and end of everything that takes the platform's own time, so that a benchmark can take it out. */
import type { Clock, Random, Timeline } from './api';
import type { PlatformOperation, PlatformOperationKind } from './model';
import type { Mutable } from './state';

export class OperationTimeline implements Timeline {
  private readonly operations = new Map<string, Mutable<PlatformOperation>>();
  private readonly waiting = new Map<string, ((operation: PlatformOperation) => void)[]>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly started: (operation: PlatformOperation) => void,
  ) {}

  all(): readonly PlatformOperation[] {
    return [...this.operations.values()];
  }

  get(id: string): PlatformOperation | undefined {
    return this.operations.get(id.toLowerCase());
  }

  start(kind: PlatformOperationKind, target: string): PlatformOperation {
    const operation: PlatformOperation = {
      id: this.random.guid().toLowerCase(),
      kind,
      target,
      status: 'InProgress',
      startedAt: this.clock.now(),
      startedRealMs: this.clock.realMs(),
    };
    this.operations.set(operation.id, operation);
    this.started(operation);
    return operation;
  }

  finish(operation: PlatformOperation, error?: { code: string; message: string }): void {
    const mutable = this.operations.get(operation.id);
    if (mutable?.status !== 'InProgress') return;
    mutable.status = error ? 'Failed' : 'Succeeded';
    mutable.endedAt = this.clock.now();
    mutable.endedRealMs = this.clock.realMs();
    if (error) mutable.error = error;
    for (const resolve of this.waiting.get(operation.id) ?? []) resolve(mutable);
    this.waiting.delete(operation.id);
  }

  settled(id: string): Promise<PlatformOperation> {
    const operation = this.get(id);
    if (!operation) return Promise.reject(new Error(`no operation ${id}`));
    if (operation.status !== 'InProgress') return Promise.resolve(operation);
    return new Promise((resolve) => {
      this.waiting.set(operation.id, [...(this.waiting.get(operation.id) ?? []), resolve]);
    });
  }

  busy(filter: (operation: PlatformOperation) => boolean = () => true) {
    const chosen = this.all().filter(filter);
    const now = { simulated: this.clock.now(), real: this.clock.realMs() };
    return {
      simulatedMs: unionLength(chosen.map((one) => [one.startedAt, one.endedAt ?? now.simulated])),
      realMs: unionLength(chosen.map((one) => [one.startedRealMs, one.endedRealMs ?? now.real])),
    };
  }
}

/** Length of the union of intervals: what overlaps counts once. */
export function unionLength(intervals: readonly (readonly [number, number])[]): number {
  let total = 0;
  let covered = Number.NEGATIVE_INFINITY;
  for (const [start, end] of [...intervals].sort((a, b) => a[0] - b[0])) {
    if (end <= covered) continue;
    total += end - Math.max(start, covered);
    covered = end;
  }
  return total;
}

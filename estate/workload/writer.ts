/**
 * The workload: commits numbered rows at a chosen rate and remembers which ones the server acknowledged. It takes being
 * refused, cut off and moved to another server as everyday life: an id whose outcome is unknown is never tried again,
 * so that the acknowledged ones are exactly those of which the server said so.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { IdRanges } from './acknowledged';
import { mssqlDriver, type WorkloadConnection, type WorkloadDriver, type WorkloadTarget } from './driver';

export interface WorkloadOptions {
  readonly target: WorkloadTarget;
  /** Rows per second of real time. */
  readonly rate: number;
  readonly firstId?: number;
  /** Characters of payload per row. */
  readonly payloadLength?: number;
  /** Real ms to wait after a failure before the next try. */
  readonly retryMs?: number;
  readonly driver?: WorkloadDriver;
}

export interface WorkloadReport {
  readonly attempted: number;
  readonly acknowledged: number;
  /** Rows with an error from the server, by its number (fenced: 976, 983, 3906 ...). */
  readonly refused: Readonly<Record<string, number>>;
  /** Rows whose outcome nobody knows: the connection broke. */
  readonly unknown: number;
  readonly connectionFailures: number;
  readonly lastAcknowledgedId: number;
}

export class WorkloadWriter {
  readonly acknowledged = new IdRanges();
  private readonly driver: WorkloadDriver;
  private readonly refused: Record<string, number> = {};
  private target: WorkloadTarget;
  private connection: WorkloadConnection | undefined;
  private loop: Promise<void> | undefined;
  private ending = new AbortController();
  private nextId: number;
  private attempted = 0;
  private unknown = 0;
  private connectionFailures = 0;
  private lastAcknowledgedId = 0;
  private moved = false;

  constructor(private readonly options: WorkloadOptions) {
    this.driver = options.driver ?? mssqlDriver;
    this.target = options.target;
    this.nextId = options.firstId ?? 1;
  }

  /** Starts writing; calling it again while it runs does nothing. */
  start(): void {
    if (this.loop) return;
    this.ending = new AbortController();
    this.loop = this.run(this.ending.signal);
  }

  /** Resolves when the row under way has ended and the connection is closed. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.loop;
    this.loop = undefined;
    await this.disconnect();
  }

  /** From the next row on it writes to another server. */
  repoint(target: WorkloadTarget): void {
    this.target = target;
    this.moved = true;
  }

  report(): WorkloadReport {
    return {
      attempted: this.attempted,
      acknowledged: this.acknowledged.size,
      refused: { ...this.refused },
      unknown: this.unknown,
      connectionFailures: this.connectionFailures,
      lastAcknowledgedId: this.lastAcknowledgedId,
    };
  }

  private async run(signal: AbortSignal): Promise<void> {
    const pause = 1000 / this.options.rate;
    let due = performance.now();
    while (!signal.aborted) {
      const fine = await this.writeOne();
      due = Math.max(due + pause, performance.now() - 1000);
      const wait = fine ? due - performance.now() : (this.options.retryMs ?? 200);
      await delay(Math.max(0, wait), undefined, { signal }).catch(() => {});
    }
  }

  private async writeOne(): Promise<boolean> {
    const connection = await this.connected();
    if (!connection) return false;
    const id = this.nextId;
    this.nextId += 1;
    this.attempted += 1;
    try {
      await connection.insert(id, payload(id, this.options.payloadLength ?? 100));
      this.acknowledged.add(id);
      this.lastAcknowledgedId = id;
      return true;
    } catch (error) {
      await this.failed(error);
      return false;
    }
  }

  private async connected(): Promise<WorkloadConnection | undefined> {
    if (this.moved) await this.disconnect();
    this.moved = false;
    if (this.connection) return this.connection;
    try {
      const connection = await this.driver(this.target);
      this.connection = connection;
      await connection.prepare();
      return connection;
    } catch {
      this.connectionFailures += 1;
      await this.disconnect();
      return undefined;
    }
  }

  private async failed(error: unknown): Promise<void> {
    const number = serverErrorNumber(error);
    if (number === undefined) this.unknown += 1;
    else this.refused[number] = (this.refused[number] ?? 0) + 1;
    await this.disconnect();
  }

  private async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    await connection?.close().catch(() => {});
  }
}

export interface Verification {
  readonly acknowledged: number;
  readonly present: number;
  /** Acknowledged, and not there. */
  readonly lost: readonly number[];
  /** There, though the writer never heard of it: allowed, and worth knowing. */
  readonly unacknowledgedPresent: number;
  /** Ids that are there more than once; a primary key makes that impossible on a sane server. */
  readonly duplicates: number;
}

/** Compares, row by row, what was acknowledged with what a server has. */
export async function verify(
  acknowledged: Iterable<number>,
  target: WorkloadTarget,
  driver: WorkloadDriver = mssqlDriver,
): Promise<Verification> {
  const connection = await driver(target);
  try {
    const ids = await connection.ids();
    const there = new Set(ids);
    const promised = [...acknowledged];
    const lost = promised.filter((id) => !there.has(id));
    return {
      acknowledged: promised.length,
      present: there.size,
      lost,
      unacknowledgedPresent: there.size - (promised.length - lost.length),
      duplicates: ids.length - there.size,
    };
  } finally {
    await connection.close();
  }
}

/** Errors of the server carry its number; those of the connection have only a code (ESOCKET, ETIMEOUT). */
function serverErrorNumber(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('number' in error)) return undefined;
  return typeof error.number === 'number' ? error.number : undefined;
}

const payload = (id: number, length: number): string =>
  `row ${id} `.repeat(Math.ceil(length / 6)).slice(0, length);

/** Who asked for what, and whether it changed the world: the evidence that nothing was done twice. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { SqlError, SqlErrors } from '../sql/errors';
import type { Clock, EffectJournal } from './api';
import { ArmRefusal, type Effect, type EffectContext } from './model';

interface OpenEntry {
  readonly context: EffectContext;
  readonly startedAt: number;
  readonly changes: string[];
  closed: boolean;
}

export class Journal implements EffectJournal {
  private readonly entries: Effect[] = [];
  private readonly running = new AsyncLocalStorage<OpenEntry>();
  private sequence = 0;

  constructor(
    private readonly clock: Clock,
    /** Called after each change of the world. */
    private readonly changed: () => void,
  ) {}

  async run<T>(context: EffectContext, action: () => Promise<T>): Promise<T> {
    const entry = this.open(context);
    try {
      const result = await this.running.run(entry, action);
      this.close(entry);
      return result;
    } catch (error) {
      this.close(entry, error);
      throw error;
    }
  }

  runSync<T>(context: EffectContext, action: () => T): T {
    const entry = this.open(context);
    try {
      const result = this.running.run(entry, action);
      this.close(entry);
      return result;
    } catch (error) {
      this.close(entry, error);
      throw error;
    }
  }

  mark(change: string): void {
    const entry = this.running.getStore();
    // What a request has set going may end long after it: that is the platform's doing.
    if (entry && !entry.closed) entry.changes.push(change);
    this.changed();
  }

  /** Runs what the platform does by itself outside of any entry. */
  detached<T>(action: () => T): T {
    return this.running.exit(action);
  }

  all(): readonly Effect[] {
    return this.entries;
  }

  effective(pattern?: RegExp): readonly Effect[] {
    return this.entries.filter(
      (entry) => entry.outcome === 'effect' && (pattern === undefined || pattern.test(entry.text)),
    );
  }

  private open(context: EffectContext): OpenEntry {
    return { context, startedAt: this.clock.now(), changes: [], closed: false };
  }

  private close(entry: OpenEntry, error?: unknown): void {
    entry.closed = true;
    this.sequence += 1;
    this.entries.push({
      ...entry.context,
      sequence: this.sequence,
      startedAt: entry.startedAt,
      endedAt: this.clock.now(),
      outcome: entry.changes.length > 0 ? 'effect' : error === undefined ? 'no-op' : 'refused',
      changes: entry.changes,
      ...(error === undefined ? {} : { error: describe(error) }),
    });
  }
}

function describe(error: unknown): NonNullable<Effect['error']> {
  const first = error instanceof SqlErrors ? error.errors[0] : error;
  if (first instanceof SqlError) return { number: first.number, message: first.message };
  if (error instanceof ArmRefusal) return { code: error.code, message: error.message };
  return { message: error instanceof Error ? error.message : String(error) };
}

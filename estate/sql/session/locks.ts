/** Locks of writers on tables and keys of one database copy. Readers take none: they see committed rows. */
import { SqlError } from '../errors';
import type { TableStore } from '../storage';

/** Inserts share a table; updates, deletes and DDL have it alone. */
export type LockMode = 'insert' | 'exclusive';

interface Waiter {
  readonly owner: object;
  readonly mode: LockMode;
  grant(): void;
}

interface Resource {
  readonly holders: Map<object, LockMode>;
  readonly queue: Waiter[];
}

const compatible = (a: LockMode, b: LockMode): boolean => a === 'insert' && b === 'insert';

export class LockManager {
  private readonly resources = new Map<string, Resource>();
  private readonly waiting = new Map<object, Resource>();

  /**
   * Takes a lock, waiting for its holders if need be.
   * @param timeoutMs SET LOCK_TIMEOUT: -1 waits for ever, 0 not at all
   * @returns undefined when the lock was free, otherwise a promise of it
   * @throws SqlError 1222 (time-out), 1205 (deadlock victim); the signal's reason when it aborts
   */
  acquire(
    owner: object,
    name: string,
    mode: LockMode,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> | undefined {
    const resource = this.resourceOf(name);
    if (this.grantable(resource, owner, mode)) {
      this.hold(resource, owner, mode);
      return undefined;
    }
    if (timeoutMs === 0) throw lockTimeout();
    if (this.wouldDeadlock(owner, resource)) throw deadlock();
    return this.wait(resource, owner, mode, timeoutMs, signal);
  }

  /** Releases every lock of an owner and wakes who can go on. */
  releaseAll(owner: object): void {
    for (const [name, resource] of this.resources) {
      if (!resource.holders.delete(owner)) continue;
      this.wake(resource);
      if (resource.holders.size === 0 && resource.queue.length === 0) this.resources.delete(name);
    }
  }

  private resourceOf(name: string): Resource {
    const known = this.resources.get(name);
    if (known !== undefined) return known;
    const created: Resource = { holders: new Map(), queue: [] };
    this.resources.set(name, created);
    return created;
  }

  private grantable(resource: Resource, owner: object, mode: LockMode): boolean {
    const held = resource.holders.get(owner);
    if (held === 'exclusive' || held === mode) return true;
    // Who already holds the lock may pass the queue: waiting behind it would be a deadlock with itself.
    if (held === undefined && resource.queue.length > 0) return false;
    return [...resource.holders].every(([holder, other]) => holder === owner || compatible(other, mode));
  }

  private hold(resource: Resource, owner: object, mode: LockMode): void {
    if (resource.holders.get(owner) !== 'exclusive') resource.holders.set(owner, mode);
  }

  private wait(
    resource: Resource,
    owner: object,
    mode: LockMode,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.waiting.delete(owner);
      };
      const waiter: Waiter = {
        owner,
        mode,
        grant: () => {
          finish();
          resolve();
        },
      };
      const leave = (reason: unknown): void => {
        finish();
        resource.queue.splice(resource.queue.indexOf(waiter), 1);
        this.wake(resource);
        reject(reason);
      };
      const onAbort = (): void => leave(signal.reason);
      if (timeoutMs > 0) timer = setTimeout(() => leave(lockTimeout()), timeoutMs);
      signal.addEventListener('abort', onAbort);
      resource.queue.push(waiter);
      this.waiting.set(owner, resource);
    });
  }

  private wake(resource: Resource): void {
    for (;;) {
      const next = resource.queue[0];
      if (next === undefined) return;
      const free = [...resource.holders].every(
        ([holder, mode]) => holder === next.owner || compatible(mode, next.mode),
      );
      if (!free) return;
      resource.queue.shift();
      this.hold(resource, next.owner, next.mode);
      next.grant();
    }
  }

  /** True when a holder of the resource waits, directly or through others, for the owner. */
  private wouldDeadlock(owner: object, resource: Resource): boolean {
    const seen = new Set<Resource>();
    const blocked = (at: Resource): boolean => {
      if (seen.has(at)) return false;
      seen.add(at);
      for (const holder of at.holders.keys()) {
        if (holder === owner) {
          if (at !== resource) return true;
          continue;
        }
        const next = this.waiting.get(holder);
        if (next !== undefined && (next.holders.has(owner) || blocked(next))) return true;
      }
      return false;
    };
    return blocked(resource);
  }
}

const lockTimeout = (): SqlError =>
  new SqlError(1222, 'Lock request time out period exceeded.', { state: 51 });

const deadlock = (): SqlError =>
  new SqlError(
    1205,
    'Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.',
    { severity: 13, state: 51 },
  );

const MANAGERS = new WeakMap<TableStore, LockManager>();

/** The lock manager that all sessions on a store share. */
export function locksOf(store: TableStore): LockManager {
  const known = MANAGERS.get(store);
  if (known !== undefined) return known;
  const created = new LockManager();
  MANAGERS.set(store, created);
  return created;
}

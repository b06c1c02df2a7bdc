/**
 * Resource manager's token buckets (request-limits-and-throttling page): one bucket per subscription, principal and
 * kind of operation, and one per subscription that is 15 times as large. Over the limit: 429 with Retry-After.
 *
 * Sizes are those that the counters of 2026 showed (`...-writes: 799`, `...-global-writes: 11999`,
 * `...-global-reads: 16499`); refill rates are the documented ones (25 reads, 10 writes and 10 deletes per second
 * for buckets of 250 and 200) scaled alike (inferred). Buckets refill by the wall clock: they protect the server.
 */
import { gateway } from './errors';

export type OperationClass = 'reads' | 'writes' | 'deletes';

export interface BucketSize {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

export type ThrottleLimits = Readonly<Record<OperationClass, BucketSize>>;

export const DEFAULT_LIMITS: ThrottleLimits = {
  reads: { capacity: 1100, refillPerSecond: 110 },
  writes: { capacity: 800, refillPerSecond: 40 },
  deletes: { capacity: 800, refillPerSecond: 40 },
};

const GLOBAL_FACTOR = 15;

export class Throttle {
  readonly #buckets = new Map<string, Bucket>();

  /** @param now milliseconds; the wall clock unless a test gives its own. */
  constructor(
    private readonly limits: ThrottleLimits = DEFAULT_LIMITS,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Takes one token from each bucket.
   * @returns the headers that tell what is left. Throws 429 with Retry-After when a bucket is empty.
   */
  take(subscriptionId: string, principal: string, kind: OperationClass): Record<string, string> {
    const { capacity, refillPerSecond } = this.limits[kind];
    const own = this.#bucket(`${subscriptionId}|${principal}|${kind}`, capacity, refillPerSecond);
    const shared = this.#bucket(
      `${subscriptionId}|${kind}`,
      capacity * GLOBAL_FACTOR,
      refillPerSecond * GLOBAL_FACTOR,
    );
    const wait = Math.max(own.secondsUntilToken(), shared.secondsUntilToken());
    if (wait > 0) throw tooMany(subscriptionId, wait);
    return headers(kind, own.take(), shared.take());
  }

  #bucket(key: string, capacity: number, rate: number): Bucket {
    const name = key.toLowerCase();
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    const bucket = new Bucket(capacity, rate, this.now);
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

class Bucket {
  #tokens: number;
  #at: number;

  constructor(
    private readonly capacity: number,
    private readonly rate: number,
    private readonly now: () => number,
  ) {
    this.#tokens = capacity;
    this.#at = now();
  }

  secondsUntilToken(): number {
    this.#refill();
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.rate;
  }

  take(): number {
    this.#tokens -= 1;
    return Math.floor(this.#tokens);
  }

  #refill(): void {
    const now = this.now();
    const gained = (Math.max(0, now - this.#at) / 1000) * this.rate;
    this.#tokens = Math.min(this.capacity, this.#tokens + gained);
    this.#at = now;
  }
}

/** [R] 2026: reads carry only the global counter, writes and deletes both. */
function headers(kind: OperationClass, own: number, shared: number): Record<string, string> {
  const global = { [`x-ms-ratelimit-remaining-subscription-global-${kind}`]: String(shared) };
  if (kind === 'reads') return global;
  return { [`x-ms-ratelimit-remaining-subscription-${kind}`]: String(own), ...global };
}

function tooMany(subscriptionId: string, waitSeconds: number): Error {
  const seconds = Math.max(1, Math.ceil(waitSeconds));
  return gateway(
    429,
    'SubscriptionRequestsThrottled',
    `Number of requests for subscription '${subscriptionId}' exceeded the limit. Please try again after '${seconds}' seconds.`,
    { 'retry-after': String(seconds) },
  );
}

import type { Clock } from '../../ports/clock';
import type { TransportProblem } from '../../ports/failures';
import type { SqlCallOptions } from '../../ports/sql-server';
import { CANCEL_TIMEOUT_MS } from './config';

export type StopReason = Extract<TransportProblem, 'timeout' | 'cancelled'>;

/** The work was stopped; its own outcome is unknown or an answer to the stopping. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  constructor(readonly reason: StopReason) {
    super(reason);
  }
}

/** Time for the driver to end a cancelled request, beyond its own time-out. */
const SETTLE_MS = CANCEL_TIMEOUT_MS + 500;

/**
 * Runs work under a deadline and the caller's signal.
 * @param work started at once unless the signal has aborted already
 * @param cancel asks the work to end; it is then given a moment to do so, that its connection goes back in good order
 * @throws Stopped, or what the work throws by itself
 */
export async function withDeadline<Value>(
  work: () => Promise<Value>,
  cancel: () => void,
  options: { readonly deadlineMs: number; readonly signal: SqlCallOptions['signal']; readonly clock: Clock },
): Promise<Value> {
  const { deadlineMs, signal, clock } = options;
  if (signal?.aborted === true) throw new Stopped('cancelled');
  const settled = new AbortController();
  let onAbort = (): void => undefined;
  const stop = new Promise<Stopped>((resolve) => {
    onAbort = () => resolve(new Stopped('cancelled'));
    clock.sleep(deadlineMs, settled.signal).then(
      () => resolve(new Stopped('timeout')),
      () => undefined,
    );
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  const running = work();
  try {
    const first = await Promise.race([running.then((value) => ({ value })), stop]);
    if (!(first instanceof Stopped)) return first.value;
    cancel();
    const patience = clock.sleep(SETTLE_MS, settled.signal).catch(() => undefined);
    await Promise.race([running.catch(() => undefined), patience]);
    throw first;
  } finally {
    settled.abort();
    signal?.removeEventListener('abort', onAbort);
    running.catch(() => undefined);
  }
}

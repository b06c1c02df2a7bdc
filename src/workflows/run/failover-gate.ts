/** Before the fence of a planned failover: the gate of readiness, the failover slot, and a look at the database. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { DatabaseProperties } from '../../model/run/failover-facts';
import type { SiteId } from '../../model/run/site';
import type { FailoverSlot } from './failover-slot';
import { readBefore } from './new-primary-checks';
import { awaitReadinessSoon, recheckReadiness } from './readiness';
import type { Run } from './run';
import { throwIfLeftBadly, until } from './until';

/** A turn is not kept longer than this for a gate that stays shut. */
const TURN_KEPT_MS = 5_000;
/** What was seen of the database before a long wait is looked at again. */
const LOOK_HOLDS_MS = 60_000;

/**
 * Mostly all is ready and no other failover under way: gate, turn and the look at the database are
 * asked for at once then, since somebody waits. Where they are not, one comes after the other.
 */
export async function passGateAndLook(
  run: Run,
  primary: SiteId,
  turn: FailoverSlot,
): Promise<DatabaseProperties | null> {
  const startedAt = Date.now();
  const looking = readBefore(run, primary);
  looking.catch(() => undefined);
  if (!(await passBothAtOnce(run, primary, turn))) await passGateInTurn(run, primary, turn);
  const before = await looking;
  return Date.now() - startedAt <= LOOK_HOLDS_MS ? before : readBefore(run, primary);
}

/** @returns false when the gate stays shut: there is no turn then */
async function passBothAtOnce(run: Run, primary: SiteId, turn: FailoverSlot): Promise<boolean> {
  const isPaused = () => run.state.paused;
  let isOpen = false;
  let isOver = false;
  const scope = new CancellationScope();
  const gate = scope.run(async () => {
    try {
      await passGate(run, () => awaitReadinessSoon(run, primary, TURN_KEPT_MS));
      isOpen = true;
    } finally {
      isOver = true;
    }
  });
  gate.catch(() => undefined);
  const waitedMs = await turn.acquire(isPaused);
  await condition(() => isOver || isPaused(), TURN_KEPT_MS);
  if (waitedMs !== null && isOpen && (await recheckReadiness(run, primary, waitedMs, isPaused))) return true;
  scope.cancel();
  await turn.release();
  await gate.catch((error) => {
    if (!isCancellation(error)) throw error;
  });
  throwIfPaused(run);
  return false;
}

/** What the gate saw is old once its turn comes late: it is looked at again, and a turn is not kept for long. */
async function passGateInTurn(run: Run, primary: SiteId, turn: FailoverSlot): Promise<void> {
  for (;;) {
    await passGate(run, () => run.watches.awaitReadiness({ spec: run.spec, primary }));
    const waitedMs = await turn.acquire(() => run.state.paused);
    throwIfPaused(run);
    if (waitedMs !== null && (await recheckReadiness(run, primary, waitedMs, () => run.state.paused))) return;
    await turn.release();
    throwIfPaused(run);
  }
}

/** Waits for the replication to be healthy and close enough behind, unless somebody pauses. */
async function passGate(run: Run, awaitReadiness: () => Promise<unknown>): Promise<void> {
  const gate = () => run.control.untilDone('Failover gate', awaitReadiness);
  const passed = await run.waits.for(`the ${run.procedure.thing} to be healthy and close enough behind`, () =>
    until(gate, () => run.state.paused),
  );
  throwIfLeftBadly(passed);
  throwIfPaused(run);
}

/** A pause is no reason to keep applications waiting behind the fence: the failover is withdrawn. */
export function throwIfPaused(run: Run): void {
  if (run.state.paused) throw new Error('the failover was paused');
}

/** Before the fence of a planned failover: the gate of readiness, the failover slot, and a look at the database. */
import { CancellationScope, condition } from '@temporalio/workflow';
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
  await passGateWithTurn(run, primary, turn);
  const before = await looking;
  return Date.now() - startedAt <= LOOK_HOLDS_MS ? before : readBefore(run, primary);
}

/** The gate, which is passed beside other work. */
class Gate {
  isOver = false;
  isOpen = false;
  readonly passed: Promise<void>;
  private readonly scope = new CancellationScope();

  constructor(run: Run, primary: SiteId) {
    this.passed = this.scope.run(() => this.pass(run, primary));
    // Awaited later: until then its failure is nobody's.
    this.passed.catch(() => undefined);
  }

  /** Nobody waits at it any more. What is cancelled is waited for. */
  async leave(): Promise<void> {
    this.scope.cancel();
    await CancellationScope.nonCancellable(() => this.passed.catch(() => undefined));
  }

  private async pass(run: Run, primary: SiteId): Promise<void> {
    try {
      await passGate(run, () => awaitReadinessSoon(run, primary, TURN_KEPT_MS));
      this.isOpen = true;
    } finally {
      this.isOver = true;
    }
  }
}

async function passGateWithTurn(run: Run, primary: SiteId, turn: FailoverSlot): Promise<void> {
  const gate = new Gate(run, primary);
  try {
    if (await passBothAtOnce(run, primary, turn, gate)) return;
    // One that is shut still is waited at: whoever was told of it is not told again.
    await passGateInTurn(run, primary, turn, gate.isOver ? undefined : gate.passed);
  } catch (error) {
    await gate.leave();
    throw error;
  }
}

/** @returns false when the gate stays shut, or is not as open as it was: there is no turn then */
async function passBothAtOnce(run: Run, primary: SiteId, turn: FailoverSlot, gate: Gate): Promise<boolean> {
  const isPaused = () => run.state.paused;
  const waitedMs = await turn.acquire(isPaused);
  await condition(() => gate.isOver || isPaused(), TURN_KEPT_MS);
  if (waitedMs !== null && gate.isOpen && (await recheckReadiness(run, primary, waitedMs, isPaused)))
    return true;
  await turn.release();
  if (gate.isOver) await gate.passed;
  throwIfPaused(run);
  return false;
}

/**
 * What the gate saw is old once its turn comes late: it is looked at again, and a turn is not kept for long.
 * @param first a gate that is waited at already
 */
async function passGateInTurn(
  run: Run,
  primary: SiteId,
  turn: FailoverSlot,
  first: Promise<void> | undefined,
): Promise<void> {
  const pass = () => passGate(run, () => run.watches.awaitReadiness({ spec: run.spec, primary }));
  for (let passing = first; ; passing = undefined) {
    await (passing ?? pass());
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

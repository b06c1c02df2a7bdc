/** Long-running requests of the Resource Manager: accepted at once, done when simulated time says so. */
import type { PlatformOperation, PlatformOperationKind } from './model';
import type { WorldState } from './state';

/** Starts an operation that succeeds after `ms`; `act` then takes effect. */
export function startArm(
  state: WorldState,
  kind: PlatformOperationKind,
  target: string,
  ms: number,
  act: () => void,
): PlatformOperation {
  const operation = state.timeline.start(kind, target);
  state.journal.detached(() =>
    state.clock.after(ms, () => {
      act();
      state.events.changed();
      state.timeline.finish(operation);
    }),
  );
  return operation;
}

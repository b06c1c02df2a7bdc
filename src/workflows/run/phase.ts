import type { StepRef } from '../../model/run/procedure';
import type { Run } from './run';

/** Enters a phase and performs its steps in order, each at a quiet point. */
export async function performSteps(run: Run, phase: string, steps: readonly StepRef[]): Promise<void> {
  run.enter(phase);
  for (const step of steps) {
    await run.control.quietPoint();
    await run.perform(step);
  }
}

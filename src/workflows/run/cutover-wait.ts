import { cutoverWait } from '../../rules/run/cutover-wait';
import type { Run } from './run';

/** Whether the cutover may begin now, and what it waits for where it may not. */
export function waitVerdict(run: Run) {
  const { state, spec } = run;
  return cutoverWait({
    now: run.now(),
    schedule: state.schedule,
    approval: state.approval,
    approvalPolicy: spec.settings.cutover.approval,
    postponedUntil: state.postponedUntil,
    paused: state.paused,
    nextAttemptAt: state.nextAttemptAt,
  });
}

import { cutoverWait } from '../../rules/run/cutover-wait';
import type { Run } from './run';

/**
 * Whether the cutover may begin now, and what it waits for where it may not.
 * @param now ISO 8601
 */
export function waitVerdict(run: Run, now: string = run.now()) {
  const { state, spec } = run;
  return cutoverWait({
    now,
    schedule: state.schedule,
    approval: state.approval,
    approvalPolicy: spec.settings.cutover.approval,
    postponedUntil: state.postponedUntil,
    paused: state.paused,
    nextAttemptAt: state.nextAttemptAt,
  });
}

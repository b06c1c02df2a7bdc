/** The checks before anything is changed. */
import { ApplicationFailure } from '@temporalio/common';
import type { PreflightOutcome } from '../../activities/run/api';
import type { PreflightReport } from '../../model/run/check';
import type { Run } from './run';

/** Preflight found blockers: nothing was changed. */
export const PREFLIGHT_BLOCKED = 'PreflightBlocked';

/**
 * @param look asks for the report
 * @param note keeps what else it found out
 * @throws ApplicationFailure of this type where something blocks the run
 */
export async function passPreflight<Outcome extends PreflightOutcome = PreflightOutcome>(
  run: Run,
  look: () => Promise<Outcome>,
  note: (outcome: Outcome) => void = () => undefined,
): Promise<void> {
  run.enter('preflight');
  run.waitingFor = 'the checks before anything is changed';
  const outcome = await look();
  run.state.preflight = outcome.report;
  note(outcome);
  run.waitingFor = '';
  if (outcome.report.blockers > 0) throw blockedBy(outcome.report);
}

function blockedBy(report: PreflightReport): ApplicationFailure {
  const blockers = report.checks
    .filter(({ severity, outcome }) => severity === 'blocker' && outcome !== 'passed')
    .filter(({ outcome }) => outcome !== 'not-applicable')
    .map(({ id, evidence }) => `${id}: ${evidence}`);
  return ApplicationFailure.create({
    type: PREFLIGHT_BLOCKED,
    nonRetryable: true,
    message: `preflight found ${report.blockers} blocker(s); nothing was changed: ${blockers.join('; ')}`,
    details: [{ remedy: 'remove the blockers and start again', report }],
  });
}

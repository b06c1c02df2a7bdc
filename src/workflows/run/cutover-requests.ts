/** Approve, postpone, change the schedule: what an operator may say about the cutover. */
import { readSchedule } from '../../rules/run/read-schedule';
import { accept, type Decision, info, refuse } from './answers';
import { refuseOtherUpdates } from './incoming';
import {
  type ApproveRequest,
  approveUpdate,
  type ChangeScheduleRequest,
  changeScheduleUpdate,
  type PostponeRequest,
  postponeUpdate,
} from './messages';
import type { Run } from './run';
import { CONTROL_UPDATES } from './run-control';
import { approveShape, changeScheduleShape, postponeShape } from './standing-request-shapes';

export function handleCutoverMessages(run: Run): void {
  run.on({
    update: approveUpdate,
    shape: approveShape,
    asked: () => 'approval',
    decide: (request) => approve(run, request),
  });
  run.on({
    update: postponeUpdate,
    shape: postponeShape,
    asked: () => 'postponement',
    decide: (request) => postpone(run, request),
  });
  run.on({
    update: changeScheduleUpdate,
    shape: changeScheduleShape,
    asked: () => 'change of the schedule',
    decide: (request) => changeSchedule(run, request),
  });
  const { name } = run.spec.settings;
  refuseOtherUpdates({
    run: 'a migration',
    updates: [approveUpdate, postponeUpdate, changeScheduleUpdate, ...CONTROL_UPDATES],
    nextStep: `sqlferry approve, postpone, schedule, pause, resume or abort ${name}`,
  });
}

function approve(run: Run, request: ApproveRequest): Decision {
  const refusal = tooLate(run);
  if (refusal !== undefined) return refusal;
  run.state.approval = {
    by: request.by,
    at: run.now(),
    ...(request.acceptDrift === true ? { acceptsDrift: true } : {}),
  };
  run.revision += 1;
  return accept(
    'approve.noted',
    run.state.phase === 'replicating'
      ? `the cutover begins as soon as schedule and ${run.procedure.thing} allow`
      : `noted; the run is still in phase ${run.state.phase}`,
    info('cutover.approved', `approved by ${request.by}${request.reason ? `: ${request.reason}` : ''}`),
  );
}

function postpone(run: Run, request: PostponeRequest): Decision {
  const refusal = tooLate(run);
  if (refusal !== undefined) return refusal;
  const until = Date.parse(request.until);
  if (until <= Date.now()) return refuse('postpone.past', 'that time is past', 'give a time in the future');
  run.state.postponedUntil = new Date(until).toISOString();
  run.revision += 1;
  const { postponedUntil } = run.state;
  return accept(
    'postpone.noted',
    `the cutover does not begin before ${postponedUntil}`,
    info('cutover.postponed', `postponed by ${request.by} until ${postponedUntil}`),
  );
}

function changeSchedule(run: Run, request: ChangeScheduleRequest): Decision {
  const refusal = tooLate(run);
  if (refusal !== undefined) return refusal;
  const read = readSchedule(request.schedule);
  if (!read.ok) {
    return refuse(
      'schedule.not-valid',
      `the schedule is not valid: ${read.problem}`,
      'give one of: as-soon-as-ready, at a time, in windows',
    );
  }
  run.state.schedule = read.schedule;
  run.state.postponedUntil = null;
  run.revision += 1;
  return accept(
    'schedule.noted',
    'the new schedule is in force',
    info('cutover.rescheduled', `schedule changed by ${request.by} to ${read.schedule.type}`),
  );
}

function tooLate(run: Run): Decision | undefined {
  if (run.state.pointOfNoReturn !== null) {
    return refuse('cutover.point-of-no-return', 'the point of no return is passed', 'let the run finish');
  }
  return undefined;
}

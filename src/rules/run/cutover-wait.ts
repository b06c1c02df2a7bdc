import { formatDuration } from '../../model/duration';
import type { CutoverSchedule } from '../../model/run/settings';
import { scheduleVerdict } from './cutover-schedule';
import type { GateReason } from './gate-reason';

/** What people and the calendar say about the cutover; the replication is not asked here. */
export interface CutoverWaitInput {
  /** ISO 8601. */
  readonly now: string;
  readonly schedule: CutoverSchedule;
  readonly approval: { readonly by: string; readonly at: string } | null;
  readonly approvalPolicy: { readonly required: boolean /** Milliseconds. */; readonly validFor: number };
  readonly postponedUntil: string | null;
  readonly paused: boolean;
  /** After a failed attempt: not before this time. */
  readonly nextAttemptAt: string | null;
}

export interface CutoverWait {
  readonly mayBegin: boolean;
  /** What is waited for, in words; empty when it may begin. */
  readonly reason: string;
  /** When to look again, ISO 8601 UTC; null when only a person can change it. */
  readonly until: string | null;
  readonly reasons: readonly GateReason[];
}

/** Pause, postponement, schedule, approval: may the cutover begin as far as people decide? */
export function cutoverWait(input: CutoverWaitInput): CutoverWait {
  const now = Date.parse(input.now);
  const reasons = [
    ...pausedReason(input),
    ...notBefore('gate.postponed', 'The cutover was postponed', input.postponedUntil, now),
    ...notBefore('gate.next-attempt', 'The last attempt failed and the next is', input.nextAttemptAt, now),
    ...scheduleReason(input, now),
    ...approvalReason(input, now),
  ];
  const times = reasons.map(({ mayChangeAt }) => mayChangeAt);
  // The latest of the times is when all may have passed; a person may act before any of them.
  const known = times.filter((time) => time !== null).map((time) => Date.parse(time));
  const onlyTime = times.every((time) => time !== null);
  return {
    mayBegin: reasons.length === 0,
    reason: reasons.map(({ reason }) => reason).join(' '),
    until: onlyTime && known.length > 0 ? new Date(Math.max(...known)).toISOString() : null,
    reasons,
  };
}

function pausedReason({ paused }: CutoverWaitInput): readonly GateReason[] {
  if (!paused) return [];
  return [
    { id: 'gate.paused', reason: 'The run is paused.', evidence: 'paused by an operator', mayChangeAt: null },
  ];
}

function notBefore(id: string, what: string, time: string | null, now: number): readonly GateReason[] {
  if (time === null || now >= Date.parse(time)) return [];
  return [{ id, reason: `${what} not before ${time}.`, evidence: `set to ${time}`, mayChangeAt: time }];
}

function scheduleReason({ schedule }: CutoverWaitInput, now: number): readonly GateReason[] {
  const { open, reason, opensAt } = scheduleVerdict(schedule, now);
  return open
    ? []
    : [{ id: 'gate.schedule', reason, evidence: `schedule ${schedule.type}`, mayChangeAt: opensAt }];
}

function approvalReason({ approval, approvalPolicy }: CutoverWaitInput, now: number): readonly GateReason[] {
  if (!approvalPolicy.required) return [];
  if (approval === null) {
    return [
      {
        id: 'gate.approval-missing',
        reason: 'The cutover waits for an approval.',
        evidence: 'no approval was given',
        mayChangeAt: null,
      },
    ];
  }
  const age = now - Date.parse(approval.at);
  // A broken time is no approval.
  if (age <= approvalPolicy.validFor) return [];
  const reason = `The approval by ${approval.by} is older than ${formatDuration(approvalPolicy.validFor)} and must be given again.`;
  return [{ id: 'gate.approval-expired', reason, evidence: `given at ${approval.at}`, mayChangeAt: null }];
}

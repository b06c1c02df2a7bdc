import type { CutoverSchedule, MaintenanceWindow } from '../../model/run/settings';
import { addDays, localDate, weekday, zonedTime } from './time-zone';

/** Where a schedule stands at a moment. */
export interface ScheduleVerdict {
  readonly open: boolean;
  /** Stable id: `schedule.as-soon-as-ready`, `schedule.at`, `schedule.windows`. */
  readonly ruleId: string;
  readonly reason: string;
  /** When it opens next, ISO 8601 UTC; null while it is open, or when it never opens. */
  readonly opensAt: string | null;
  /** When the present opening ends; null when it has no end, or is not open. */
  readonly closesAt: string | null;
}

interface Opening {
  readonly from: number;
  readonly to: number;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
/** A window returns each week; two weeks bridge one that a change to summer time swallowed. */
const DAYS_AHEAD = 15;

/** @param now milliseconds since 1970-01-01 UTC */
export function scheduleVerdict(schedule: CutoverSchedule, now: number): ScheduleVerdict {
  switch (schedule.type) {
    case 'as-soon-as-ready':
      return {
        open: true,
        ruleId: 'schedule.as-soon-as-ready',
        reason: 'The cutover may begin at any time.',
        opensAt: null,
        closesAt: null,
      };
    case 'at': {
      const at = Date.parse(schedule.time);
      const open = now >= at;
      return {
        open,
        ruleId: 'schedule.at',
        reason: open
          ? `The time of the cutover, ${iso(at)}, is reached.`
          : `The cutover is set for ${iso(at)}.`,
        opensAt: open ? null : iso(at),
        closesAt: null,
      };
    }
    case 'in-windows':
      return windowsVerdict(schedule.windows, now);
  }
}

function windowsVerdict(windows: readonly MaintenanceWindow[], now: number): ScheduleVerdict {
  const ruleId = 'schedule.windows';
  const openings = windows.flatMap((window) => openingsOf(window, now));
  const closes = openings.filter(({ from, to }) => from <= now && now < to).map(({ to }) => to);
  if (closes.length > 0) {
    const end = iso(Math.max(...closes));
    return {
      open: true,
      ruleId,
      reason: `A maintenance window is open until ${end}.`,
      opensAt: null,
      closesAt: end,
    };
  }
  const starts = openings.map(({ from }) => from).filter((from) => from > now);
  if (starts.length === 0) {
    return {
      open: false,
      ruleId,
      reason: 'No maintenance window ever opens.',
      opensAt: null,
      closesAt: null,
    };
  }
  const next = iso(Math.min(...starts));
  return {
    open: false,
    ruleId,
    reason: `The next maintenance window opens at ${next}.`,
    opensAt: next,
    closesAt: null,
  };
}

/** Openings from yesterday, whose window may last over midnight, to a good two weeks ahead. */
function openingsOf(window: MaintenanceWindow, now: number): readonly Opening[] {
  const today = localDate(now, window.timezone);
  const from = minutesOf(window.from);
  const to = minutesOf(window.to);
  const openings: Opening[] = [];
  for (let ahead = -1; ahead <= DAYS_AHEAD; ahead++) {
    const day = addDays(today, ahead);
    const name = DAYS[weekday(day)];
    if (name === undefined || !window.days.includes(name)) continue;
    const end = zonedTime(to < from ? addDays(day, 1) : day, to, window.timezone);
    const start = zonedTime(day, from, window.timezone);
    if (start < end) openings.push({ from: start, to: end });
  }
  return openings;
}

function minutesOf(clockTime: string): number {
  const [hours, minutes] = clockTime.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

const iso = (ms: number): string => new Date(ms).toISOString();

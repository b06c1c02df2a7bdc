import type { CutoverSchedule, MaintenanceWindow } from '../../model/run/settings';
import { shown } from '../../model/shown';

/**
 * Reads a schedule that came in a message. The workflow cannot use the schema of the spec file: with zod in it each
 * running workflow takes some 8 MB of the worker, since every one evaluates its modules anew.
 */
export type ReadSchedule =
  | { readonly ok: true; readonly schedule: CutoverSchedule }
  | { readonly ok: false; readonly problem: string };

/** Each is looked at whenever the run looks whether it may begin. */
const MOST_WINDOWS = 100;

const DAYS: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const CLOCK_TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
/** ISO 8601 with offset: without one the time would mean something else on each machine. */
const TIME_WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** @param value anything; never throws */
export function readSchedule(value: unknown): ReadSchedule {
  if (!isObject(value)) return wrong('give one of: as-soon-as-ready, at a time, in windows');
  switch (value.type) {
    case 'as-soon-as-ready':
      return unknownKeys(value, ['type']) ?? { ok: true, schedule: { type: 'as-soon-as-ready' } };
    case 'at':
      return unknownKeys(value, ['type', 'time']) ?? readTime(value.time);
    case 'in-windows':
      return unknownKeys(value, ['type', 'windows']) ?? readWindows(value.windows);
    default:
      return wrong(`type ${shown(value.type)} is none of: as-soon-as-ready, at, in-windows`);
  }
}

function readTime(time: unknown): ReadSchedule {
  const isTime = typeof time === 'string' && TIME_WITH_OFFSET.test(time) && !Number.isNaN(Date.parse(time));
  if (!isTime) return wrong('time must be ISO 8601 with an offset, such as 2026-12-01T22:00:00Z');
  return { ok: true, schedule: { type: 'at', time } };
}

function readWindows(windows: unknown): ReadSchedule {
  if (!Array.isArray(windows) || windows.length === 0) return wrong('windows must hold at least one window');
  if (windows.length > MOST_WINDOWS) return wrong(`windows must hold at most ${MOST_WINDOWS} windows`);
  const read: MaintenanceWindow[] = [];
  for (const [index, window] of windows.entries()) {
    const result = readWindow(window);
    if (typeof result === 'string') return wrong(`windows[${index}]: ${result}`);
    read.push(result);
  }
  return { ok: true, schedule: { type: 'in-windows', windows: read } };
}

/** @returns the window, or what is wrong with it */
function readWindow(window: unknown): MaintenanceWindow | string {
  if (!isObject(window)) return 'must be an object';
  const unknown = unknownKeys(window, ['days', 'from', 'to', 'timezone']);
  if (unknown !== undefined) return unknown.problem;
  const { days, from, to, timezone = 'UTC' } = window;
  if (!isDays(days)) return `days must hold at least one of ${DAYS.join(', ')}`;
  if (!isClockTime(from) || !isClockTime(to)) return 'from and to must be times of day such as 22:30';
  if (from === to) return `the window is empty: it ends when it begins, at ${from}`;
  if (typeof timezone !== 'string' || !isTimeZone(timezone)) {
    return `timezone ${shown(timezone)} is no IANA name such as Europe/Berlin`;
  }
  return { days, from, to, timezone };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isDays = (value: unknown): value is MaintenanceWindow['days'] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= 2 * DAYS.length &&
  value.every((day) => DAYS.includes(day));

const isClockTime = (value: unknown): value is string => typeof value === 'string' && CLOCK_TIME.test(value);

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function unknownKeys(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
): { readonly ok: false; readonly problem: string } | undefined {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  return unknown === undefined ? undefined : wrong(`${shown(unknown)} is not known here`);
}

const wrong = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem });

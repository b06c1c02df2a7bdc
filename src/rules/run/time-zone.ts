/** Times of day in IANA time zones, by Intl alone: the workflow sandbox has no other source. */

export interface LocalDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError when the zone is not known. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, made);
  return made;
}

/** What the wall clock of the zone shows at a moment, read as if it were UTC. */
function wallClock(ms: number, zone: string): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
}

/** @returns date on the calendar of the zone at a moment */
export function localDate(ms: number, zone: string): LocalDate {
  return fromUtcDays(wallClock(ms, zone));
}

export function addDays(date: LocalDate, days: number): LocalDate {
  return fromUtcDays(Date.UTC(date.year, date.month - 1, date.day) + days * DAY_MS);
}

/** @returns 0 Sunday to 6 Saturday */
export function weekday({ year, month, day }: LocalDate): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

/**
 * The moment at which the wall clock of the zone shows a time.
 * A time that the clock shows twice (end of summer time) is the first of the two; one that it skips (its
 * beginning) is as far after the change as it would be after the hour before.
 */
export function zonedTime({ year, month, day }: LocalDate, minutes: number, zone: string): number {
  const wall = Date.UTC(year, month - 1, day, 0, minutes);
  const seconds = Math.floor(wall / 1000) * 1000;
  const offsets = [wall - DAY_MS, wall + DAY_MS].map(
    (near) => wallClock(near, zone) - Math.floor(near / 1000) * 1000,
  );
  const candidates = offsets
    .map((offset) => wall - offset)
    .filter((moment) => wallClock(moment, zone) === seconds);
  const before = offsets[0] ?? 0;
  return candidates.length > 0 ? Math.min(...candidates) : wall - before;
}

function fromUtcDays(ms: number): LocalDate {
  const date = new Date(ms);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Dates as administrative statements write them. */
import { serverError } from './messages/raise';

/** `03/30/2025`, `2025-03-30`, `20250330`, with an optional time `hh:mm[:ss]`; month first (us_english). */
const forms: readonly (readonly [RegExp, (parts: readonly number[]) => readonly [number, number, number]])[] =
  [
    [/^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})/, ([month = 0, day = 0, year = 0]) => [year, month, day]],
    [/^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})/, ([year = 0, month = 0, day = 0]) => [year, month, day]],
    [/^(\d{4})(\d{2})(\d{2})/, ([year = 0, month = 0, day = 0]) => [year, month, day]],
  ];

/**
 * Milliseconds of a date text in UTC.
 * @throws 241 when it is no date
 */
export const parseServerDate = (text: string): number => {
  const trimmed = text.trim();
  for (const [form, order] of forms) {
    const match = form.exec(trimmed);
    if (match === null) continue;
    const [year, month, day] = order(match.slice(1).map(Number));
    const time = /^\s*T?\s*(?:(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?)?\s*Z?$/.exec(
      trimmed.slice(match[0].length),
    );
    if (time === null) break;
    const [hours, minutes, seconds] = [Number(time[1] ?? 0), Number(time[2] ?? 0), Number(time[3] ?? 0)];
    const value = Date.UTC(year, month - 1, day, hours, minutes, seconds);
    const back = new Date(value);
    if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || hours > 23 || minutes > 59) break;
    return value;
  }
  throw serverError(241);
};

/** FORMAT with the common .NET pictures of dates and numbers, culture en-US. */

import { SqlError } from '../errors';
import { SqlDateTime, SqlDateTimeOffset, SqlDecimal, type SqlScalar, SqlTime, type SqlType } from '../types';
import { dateParts, daysOf, TICKS_PER_MINUTE, timeParts } from '../values/calendar';
import { numberOf } from '../values/compare';
import { MONTHS, offsetText, pad, WEEKDAYS } from '../values/date-text';
import { formatDecimal, rescale } from '../values/decimals';
import { isNumeric, typeName } from '../values/typing';

/** @throws SqlError 8116 for a value that is neither a date nor a number */
export function formatValue(value: SqlScalar, type: SqlType, picture: string): string | null {
  if (value instanceof SqlDateTime) return formatDate(value.ticks, 0, picture);
  if (value instanceof SqlTime) return formatDate(value.ticks, 0, picture);
  if (value instanceof SqlDateTimeOffset) {
    return formatDate(
      value.utcTicks + BigInt(value.offsetMinutes) * TICKS_PER_MINUTE,
      value.offsetMinutes,
      picture,
    );
  }
  if (!isNumeric(type))
    throw new SqlError(
      8116,
      `Argument data type ${typeName(type)} is invalid for argument 1 of format function.`,
    );
  return formatNumber(value, picture);
}

const STANDARD_DATES: Record<string, string> = {
  d: 'M/d/yyyy',
  D: 'dddd, MMMM d, yyyy',
  f: 'dddd, MMMM d, yyyy h:mm tt',
  F: 'dddd, MMMM d, yyyy h:mm:ss tt',
  g: 'M/d/yyyy h:mm tt',
  G: 'M/d/yyyy h:mm:ss tt',
  t: 'h:mm tt',
  T: 'h:mm:ss tt',
  s: "yyyy-MM-dd'T'HH:mm:ss",
  u: "yyyy-MM-dd HH:mm:ss'Z'",
  o: "yyyy-MM-dd'T'HH:mm:ss.fffffff",
  O: "yyyy-MM-dd'T'HH:mm:ss.fffffff",
};

const DATE_TOKENS = /'[^']*'|y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|z+|K|\\./g;

function formatDate(ticks: bigint, offsetMinutes: number, picture: string): string {
  const full = STANDARD_DATES[picture] ?? picture;
  return full.replace(DATE_TOKENS, (token) => datePiece(token, ticks, offsetMinutes));
}

function datePiece(token: string, ticks: bigint, offsetMinutes: number): string {
  const { year, month, day } = dateParts(ticks);
  const time = timeParts(ticks);
  const width = token.length;
  const hour12 = time.hour % 12 === 0 ? 12 : time.hour % 12;
  switch (token[0]) {
    case "'":
      return token.slice(1, -1);
    case '\\':
      return token.slice(1);
    case 'y':
      return width <= 2 ? pad(year % 100, width) : pad(year, width);
    case 'M':
      if (width > 2) return (MONTHS[month - 1] ?? '').slice(0, width === 3 ? 3 : undefined);
      return pad(month, width);
    case 'd':
      if (width > 2) return (WEEKDAYS[daysOf(ticks) % 7] ?? '').slice(0, width === 3 ? 3 : undefined);
      return pad(day, width);
    case 'H':
      return pad(time.hour, Math.min(width, 2));
    case 'h':
      return pad(hour12, Math.min(width, 2));
    case 'm':
      return pad(time.minute, Math.min(width, 2));
    case 's':
      return pad(time.second, Math.min(width, 2));
    case 'f':
    case 'F':
      return pad(time.fraction, 7).slice(0, width);
    case 't':
      return (time.hour < 12 ? 'AM' : 'PM').slice(0, width);
    default:
      return offsetText(offsetMinutes);
  }
}

function formatNumber(value: SqlScalar, picture: string): string | null {
  const standard = /^([A-Za-z])(\d{0,2})$/.exec(picture);
  if (standard !== null) return standardNumber(value, standard[1] ?? '', standard[2] ?? '');
  return pictureNumber(value, picture);
}

function standardNumber(value: SqlScalar, letter: string, digits: string): string | null {
  const places = digits === '' ? 2 : Number(digits);
  switch (letter.toUpperCase()) {
    case 'N':
      return grouped(fixed(value, places));
    case 'F':
      return fixed(value, places);
    case 'D':
      return fixed(value, 0).replace(
        /^(-?)(\d+)$/,
        (_, sign: string, text: string) => sign + text.padStart(digits === '' ? 1 : places, '0'),
      );
    case 'C':
      return fixed(value, places).startsWith('-')
        ? `($${grouped(fixed(value, places).slice(1))})`
        : `$${grouped(fixed(value, places))}`;
    case 'P':
      return `${grouped((numberOf(value) * 100).toFixed(places))}%`;
    case 'X': {
      const text = BigInt(fixed(value, 0))
        .toString(16)
        .padStart(digits === '' ? 1 : places, '0');
      return letter === 'X' ? text.toUpperCase() : text;
    }
    case 'E':
      return numberOf(value)
        .toExponential(digits === '' ? 6 : places)
        .replace(/e([+-])(\d+)$/, (_, sign: string, text: string) => `E${sign}${text.padStart(3, '0')}`);
    case 'G':
      return value instanceof SqlDecimal ? formatDecimal(value) : String(value);
    default:
      return null;
  }
}

function fixed(value: SqlScalar, places: number): string {
  if (value instanceof SqlDecimal)
    return formatDecimal(new SqlDecimal(rescale(value.unscaled, value.scale, places), places));
  if (typeof value === 'bigint') return places === 0 ? value.toString() : `${value}.${'0'.repeat(places)}`;
  return Number(value).toFixed(places);
}

const grouped = (text: string): string =>
  text.replace(
    /^(-?)(\d+)/,
    (_, sign: string, digits: string) => sign + digits.replace(/\B(?=(\d{3})+$)/g, ','),
  );

/** `#,##0.00`, `000`, with text around it. */
function pictureNumber(value: SqlScalar, picture: string): string {
  const match = /[#0,]*[#0](?:\.[#0]*)?|\.[#0]+/.exec(picture);
  if (match === null) return picture;
  const [wholePicture = '', fraction = ''] = match[0].split('.');
  const text = fixed(value, fraction.length);
  const [rawWhole = '0', rawFraction = ''] = text.replace('-', '').split('.');
  const minimum = (wholePicture.match(/0/g) ?? []).length;
  const whole = (minimum === 0 && rawWhole === '0' ? '' : rawWhole).padStart(minimum, '0');
  const required = fraction.lastIndexOf('0') + 1;
  let tail = rawFraction;
  while (tail.length > required && tail.endsWith('0')) tail = tail.slice(0, -1);
  const number = (wholePicture.includes(',') ? grouped(whole) : whole) + (tail === '' ? '' : `.${tail}`);
  const sign = text.startsWith('-') ? '-' : '';
  return sign + picture.slice(0, match.index) + number + picture.slice(match.index + match[0].length);
}

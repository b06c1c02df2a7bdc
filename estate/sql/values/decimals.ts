/** Exact decimal arithmetic on (unscaled, scale) pairs, with SQL Server's rules for precision and scale. */
import { SqlDecimal, type SqlType } from '../types';
import { asDecimal, decimal } from './typing';
import { overflow } from './value-errors';

const POWERS: bigint[] = [1n];

export function powerOfTen(exponent: number): bigint {
  for (let at = POWERS.length; at <= exponent; at++) POWERS.push((POWERS[at - 1] ?? 1n) * 10n);
  return POWERS[exponent] ?? 1n;
}

/** Changes the scale, rounding half away from zero. */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * powerOfTen(to - from);
  return divideRounded(unscaled, powerOfTen(from - to));
}

function divideRounded(value: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return value < 0n ? -((-value + half) / divisor) : (value + half) / divisor;
}

/** @throws SqlError 8115 when the value has more digits than the type. */
export function fitDecimal(
  value: SqlDecimal,
  precision: number,
  scale: number,
  source = 'numeric',
): SqlDecimal {
  const unscaled = value.scale === scale ? value.unscaled : rescale(value.unscaled, value.scale, scale);
  const limit = powerOfTen(precision);
  if (unscaled >= limit || unscaled <= -limit) throw overflow(source, 'numeric');
  return value.scale === scale ? value : new SqlDecimal(unscaled, scale);
}

export function formatDecimal(value: SqlDecimal): string {
  const negative = value.unscaled < 0n;
  const digits = (negative ? -value.unscaled : value.unscaled).toString().padStart(value.scale + 1, '0');
  const cut = digits.length - value.scale;
  const text = value.scale === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return negative ? `-${text}` : text;
}

/** @returns undefined when the text is not a decimal number. */
export function parseDecimal(text: string): SqlDecimal | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?\s*$/.exec(text);
  if (match === null) return undefined;
  const integers = match[2] ?? '';
  const fraction = match[3] ?? '';
  if (integers === '' && fraction === '') return undefined;
  const unscaled = BigInt(`${integers}${fraction}`);
  return new SqlDecimal(match[1] === '-' ? -unscaled : unscaled, fraction.length);
}

export const decimalToNumber = (value: SqlDecimal): number => Number(formatDecimal(value));

export function compareDecimals(a: SqlDecimal, b: SqlDecimal): number {
  const scale = Math.max(a.scale, b.scale);
  const left = a.scale === scale ? a.unscaled : rescale(a.unscaled, a.scale, scale);
  const right = b.scale === scale ? b.unscaled : rescale(b.unscaled, b.scale, scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whole part, towards zero. */
export const truncateDecimal = (value: SqlDecimal): bigint => value.unscaled / powerOfTen(value.scale);

/** Result type of an operation, by "Precision, scale, and length (Transact-SQL)". */
export function decimalResult(operator: '+' | '-' | '*' | '/' | '%', left: SqlType, right: SqlType): SqlType {
  const a = asDecimal(left);
  const b = asDecimal(right);
  switch (operator) {
    case '+':
    case '-': {
      const scale = Math.max(a.scale, b.scale);
      const integers = Math.max(a.precision - a.scale, b.precision - b.scale);
      const precision = integers + scale + 1;
      return precision <= 38
        ? decimal(precision, scale)
        : decimal(38, Math.min(scale, Math.max(0, 38 - integers)));
    }
    case '*':
      return capped(a.precision + b.precision + 1, a.scale + b.scale);
    case '/': {
      const scale = Math.max(6, a.scale + b.precision + 1);
      return capped(a.precision - a.scale + b.scale + scale, scale);
    }
    case '%': {
      const scale = Math.max(a.scale, b.scale);
      return capped(Math.min(a.precision - a.scale, b.precision - b.scale) + scale, scale);
    }
  }
}

/** Multiplication and division give up scale first, but keep six places. */
function capped(precision: number, scale: number): SqlType {
  if (precision <= 38) return decimal(precision, scale);
  const integers = precision - scale;
  if (integers < 32) return decimal(38, Math.min(scale, 38 - integers));
  return decimal(38, Math.min(scale, 6));
}

/** Quotient with `scale` places, truncated as SQL Server does. */
export function divideDecimals(a: SqlDecimal, b: SqlDecimal, scale: number): bigint {
  const shift = scale - a.scale + b.scale;
  const numerator = shift >= 0 ? a.unscaled * powerOfTen(shift) : a.unscaled / powerOfTen(-shift);
  return numerator / b.unscaled;
}

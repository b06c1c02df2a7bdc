/** RAISERROR: message text with %s, %d and the like filled in. */

import { SqlError } from '../errors';
import type { TypedValue } from '../host';
import { textOf } from '../values/to-text';
import { isInteger } from '../values/typing';

const PLACES = /%([-+0 #]*)(\d+|\*)?(?:\.(\d+|\*))?(?:h|l|I64)?([diosuxX%])/g;

/** @throws SqlError 2786 when an argument's type does not fit its place */
export function formatMessage(pattern: string, args: readonly TypedValue[]): string {
  let next = 0;
  return pattern.replace(
    PLACES,
    (whole, flags: string, width: string | undefined, precision: string | undefined, letter: string) => {
      if (letter === '%') return whole === '%%' ? '%' : whole;
      const argument = args[next++];
      if (argument === undefined || argument.value === null) return pad('(null)', flags, width);
      return pad(place(argument, letter, precision, next), flags, width);
    },
  );
}

function place(
  argument: TypedValue,
  letter: string,
  precision: string | undefined,
  position: number,
): string {
  const { type, value } = argument;
  const text = value === null ? '(null)' : textOf(value, type);
  if (letter === 's')
    return precision === undefined || precision === '*' ? text : text.slice(0, Number(precision));
  if (!isInteger(type)) {
    throw new SqlError(
      2786,
      `The data type of substitution parameter ${position} does not match the expected type of the format specification.`,
    );
  }
  const number = BigInt(text);
  if (letter === 'x' || letter === 'X') {
    const hex = BigInt.asUintN(32, number).toString(16);
    return letter === 'X' ? hex.toUpperCase() : hex;
  }
  return letter === 'o' ? BigInt.asUintN(32, number).toString(8) : text;
}

function pad(text: string, flags: string, width: string | undefined): string {
  if (width === undefined || width === '*') return text;
  const size = Number(width);
  if (flags.includes('-')) return text.padEnd(size);
  return flags.includes('0') ? text.padStart(size, '0') : text.padStart(size);
}

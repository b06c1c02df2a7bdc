/** Errors that values raise, worded as SQL Server words them (sys.messages). */
import { SqlError } from '../errors';

/** @param from type name of the source, undefined for an expression. */
export function overflow(from: string | undefined, to: string): SqlError {
  const text = from === undefined ? 'expression' : from;
  return new SqlError(8115, `Arithmetic overflow error converting ${text} to data type ${to}.`, { state: 2 });
}

export const smallOverflow = (type: string, value: string): SqlError =>
  new SqlError(220, `Arithmetic overflow error for data type ${type}, value = ${value}.`, { state: 2 });

export const conversionFailed = (from: string, value: string, to: string): SqlError =>
  new SqlError(245, `Conversion failed when converting the ${from} value '${value}' to data type ${to}.`);

export const integerStringOverflow = (from: string, value: string, to: string): SqlError =>
  new SqlError(
    to === 'int' ? 248 : 244,
    `The conversion of the ${from} value '${value}' overflowed an ${to} column.`,
  );

export const errorConverting = (from: string, to: string): SqlError =>
  new SqlError(8114, `Error converting data type ${from} to ${to}.`, { state: 5 });

export const badDate = (): SqlError =>
  new SqlError(241, 'Conversion failed when converting date and/or time from character string.');

export const dateOutOfRange = (from: string, to: string): SqlError =>
  new SqlError(
    242,
    `The conversion of a ${from} data type to a ${to} data type resulted in an out-of-range value.`,
    {
      state: 3,
    },
  );

export const dateOverflow = (type: string): SqlError =>
  new SqlError(517, `Adding a value to a '${type}' column caused an overflow.`);

export const badGuid = (): SqlError =>
  new SqlError(8169, 'Conversion failed when converting from a character string to uniqueidentifier.', {
    state: 2,
  });

export const divideByZero = (): SqlError => new SqlError(8134, 'Divide by zero error encountered.');

export const typeClash = (a: string, b: string): SqlError =>
  new SqlError(206, `Operand type clash: ${a} is incompatible with ${b}`, { state: 2 });

export const incompatibleOperands = (a: string, b: string, operator: string): SqlError =>
  new SqlError(402, `The data types ${a} and ${b} are incompatible in the ${operator} operator.`);

export const implicitNotAllowed = (from: string, to: string): SqlError =>
  new SqlError(
    257,
    `Implicit conversion from data type ${from} to ${to} is not allowed. Use the CONVERT function to run this query.`,
    { state: 3 },
  );

export const explicitNotAllowed = (from: string, to: string): SqlError =>
  new SqlError(529, `Explicit conversion from data type ${from} to ${to} is not allowed.`, { state: 2 });

export const invalidArgumentType = (type: string, position: number, name: string): SqlError =>
  new SqlError(8116, `Argument data type ${type} is invalid for argument ${position} of ${name} function.`);

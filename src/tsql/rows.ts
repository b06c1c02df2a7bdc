/** Reads the fields of a driver row, with the check that the server sent what the query asked for. */
import { type Lsn, parseLsn } from '../model/sql-server/lsn';

export type DriverRow = Readonly<Record<string, unknown>>;

/** A row has not the shape that its query promises. */
export class RowShapeError extends Error {
  override readonly name = 'RowShapeError';
  constructor(column: string, wanted: string, got: unknown) {
    super(`column ${column}: expected ${wanted}, got ${got === null ? 'NULL' : typeof got}`);
  }
}

export function readText(row: DriverRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new RowShapeError(column, 'text', value);
  return value;
}

export function readBoolean(row: DriverRow, column: string): boolean {
  const value = row[column];
  if (typeof value === 'boolean') return value;
  if (value === 0 || value === 1) return value === 1;
  throw new RowShapeError(column, 'a bit', value);
}

/** int, and bigint that the driver gives as text; refuses what a double cannot hold exactly. */
export function readInteger(row: DriverRow, column: string): number {
  const value = row[column];
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw new RowShapeError(column, 'an integer below 2^53', value);
  }
  return number;
}

/** LSN that the query converted to text (promise 10: never a JavaScript number). */
export function readLsn(row: DriverRow, column: string): Lsn {
  const value = row[column];
  const lsn = typeof value === 'string' ? parseLsn(value) : undefined;
  if (lsn === undefined) throw new RowShapeError(column, 'an LSN as decimal text', value);
  return lsn;
}

/** Date and time in style 126 (ISO 8601), in the server's own time. */
export function readTime(row: DriverRow, column: string): string {
  const value = readText(row, column);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,7})?$/.test(value)) {
    throw new RowShapeError(column, 'a date and time in style 126', value);
  }
  return value;
}

/** As {@link readTime} for a value that the query gives in UTC. @returns ISO 8601 with Z, milliseconds */
export const readUtcTime = (row: DriverRow, column: string): string =>
  new Date(`${readTime(row, column).slice(0, 23)}Z`).toISOString();

/** NULL becomes null; everything else goes through `read`. A missing column counts as an error, not as NULL. */
export function nullable<Value>(
  read: (row: DriverRow, column: string) => Value,
): (row: DriverRow, column: string) => Value | null {
  return (row, column) => (row[column] === null ? null : read(row, column));
}

export const readNullableText = nullable(readText);
export const readNullableInteger = nullable(readInteger);
export const readNullableBoolean = nullable(readBoolean);
export const readNullableLsn = nullable(readLsn);
export const readNullableUtcTime = nullable(readUtcTime);

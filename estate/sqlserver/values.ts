/** SQL values from the world's own: times, LSNs, variants. */

import type { TypedValue } from '../sql/host';
import {
  SqlDateTime,
  SqlDecimal,
  type SqlScalar,
  type SqlType,
  type SqlValue,
  SqlVariant,
  ticksFromUnixMs,
} from '../sql/types';

/** Simulated milliseconds as a datetime value; undefined stays NULL. */
export const dateTime = (ms: number | undefined): SqlDateTime | null =>
  ms === undefined ? null : new SqlDateTime(ticksFromUnixMs(ms));

/** numeric(25,0). */
export const lsn = (value: bigint | undefined): SqlDecimal | null =>
  value === undefined ? null : new SqlDecimal(value, 0);

export const big = (value: number | undefined): bigint | null =>
  value === undefined || !Number.isFinite(value) ? null : BigInt(Math.round(value));

export const variant = (type: SqlType, value: SqlScalar): SqlVariant => new SqlVariant(type, value);

export const nvarcharType = (length: number | 'max'): SqlType => ({ kind: 'nvarchar', length });
export const intType: SqlType = { kind: 'int' };

export const textValue = (value: string | null, length: number | 'max' = 128): TypedValue => ({
  type: nvarcharType(length),
  value,
});
export const intValue = (value: number | null): TypedValue => ({ type: intType, value });
export const bitValue = (value: boolean | null): TypedValue => ({ type: { kind: 'bit' }, value });
export const binaryValue = (value: Uint8Array | null, length: number | 'max' = 'max'): TypedValue => ({
  type: { kind: 'varbinary', length },
  value,
});
export const variantValue = (value: SqlVariant | null): TypedValue => ({
  type: { kind: 'sql_variant' },
  value,
});

/** The text of a value as a name argument; NULL stays null. */
export const asText = (value: SqlValue | undefined): string | null => {
  if (value === null || value === undefined) return null;
  if (value instanceof SqlVariant) return asText(value.value);
  if (value instanceof SqlDecimal) return decimalText(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf16le');
  if (value instanceof SqlDateTime) return value.ticks.toString();
  return String(value);
};

const decimalText = (value: SqlDecimal): string => {
  if (value.scale === 0) return value.unscaled.toString();
  const negative = value.unscaled < 0n;
  const digits = (negative ? -value.unscaled : value.unscaled).toString().padStart(value.scale + 1, '0');
  const point = digits.length - value.scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
};

/** The whole number of a value; NULL and text without a number are null. */
export const asNumber = (value: SqlValue | undefined): number | null => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  const number = Number(asText(value));
  return Number.isFinite(number) ? Math.trunc(number) : null;
};

/** FNV-1a of a lower-cased text: stable ids for things the model does not number. */
export const stableHash = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const character of text.toLowerCase()) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash;
};

/** A stable GUID from a text. */
export const stableGuid = (text: string): string => {
  const part = (salt: string): string => stableHash(`${salt}:${text}`).toString(16).padStart(8, '0');
  const hex = (part('a') + part('b') + part('c') + part('d')).toUpperCase();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** The bytes of a GUID in SQL Server's order (first three groups little-endian). */
export const guidBytes = (guid: string): Uint8Array => {
  const hex = guid.replace(/-/g, '');
  const bytes = Buffer.from(hex, 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return Uint8Array.from(bytes);
};

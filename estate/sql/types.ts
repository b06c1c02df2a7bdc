/**
 * SQL values and types as the estate keeps them, shared by the language, the catalog and the wire.
 *
 * One JavaScript representation per SQL type, so that nothing is lost on the way to the client:
 *
 * | SQL type | JavaScript value |
 * |---|---|
 * | bit | boolean |
 * | tinyint, smallint, int | number |
 * | bigint | bigint |
 * | real, float | number |
 * | decimal, numeric, money, smallmoney | SqlDecimal (unscaled bigint and scale) |
 * | char, varchar, nchar, nvarchar, text, ntext, xml, sysname | string |
 * | binary, varbinary, image, rowversion | Uint8Array |
 * | uniqueidentifier | string, upper case with hyphens |
 * | date, datetime, smalldatetime, datetime2 | SqlDateTime: 100 ns ticks since 0001-01-01T00:00 (bigint) |
 * | time | SqlTime: 100 ns ticks since midnight (bigint) |
 * | datetimeoffset | SqlDateTimeOffset: UTC ticks and the offset in minutes |
 * | sql_variant | SqlVariant: a base type and its value |
 * | NULL | null |
 */
export type SqlType =
  | { readonly kind: 'bit' | 'tinyint' | 'smallint' | 'int' | 'bigint' }
  | { readonly kind: 'real' | 'float' | 'money' | 'smallmoney' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'char' | 'varchar' | 'nchar' | 'nvarchar'; readonly length: number | 'max' }
  | { readonly kind: 'binary' | 'varbinary'; readonly length: number | 'max' }
  | { readonly kind: 'text' | 'ntext' | 'image' | 'xml' }
  | { readonly kind: 'uniqueidentifier' }
  | { readonly kind: 'date' | 'datetime' | 'smalldatetime' }
  | { readonly kind: 'time' | 'datetime2' | 'datetimeoffset'; readonly scale: number }
  | { readonly kind: 'sql_variant' };

export class SqlDecimal {
  constructor(
    readonly unscaled: bigint,
    readonly scale: number,
  ) {}
}

export class SqlDateTime {
  /** @param ticks 100 ns units since 0001-01-01T00:00:00 */
  constructor(readonly ticks: bigint) {}
}

export class SqlTime {
  /** @param ticks 100 ns units since midnight */
  constructor(readonly ticks: bigint) {}
}

export class SqlDateTimeOffset {
  /** @param utcTicks 100 ns units since 0001-01-01T00:00:00Z; @param offsetMinutes displayed offset */
  constructor(
    readonly utcTicks: bigint,
    readonly offsetMinutes: number,
  ) {}
}

export class SqlVariant {
  constructor(
    readonly type: SqlType,
    readonly value: SqlScalar,
  ) {}
}

export type SqlScalar =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | SqlDecimal
  | SqlDateTime
  | SqlTime
  | SqlDateTimeOffset
  | SqlVariant;

export type SqlValue = SqlScalar | null;

export interface SqlColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
}

export type SqlRow = readonly SqlValue[];

/** A named, typed value: a parameter of an RPC or a T-SQL variable. */
export interface SqlParameter {
  readonly name: string; // without the @
  readonly type: SqlType;
  readonly value: SqlValue;
  readonly output: boolean;
}

/** Ticks of 1970-01-01 since 0001-01-01, in 100 ns units. */
export const UNIX_EPOCH_TICKS = 621_355_968_000_000_000n;

export const ticksFromUnixMs = (ms: number): bigint => UNIX_EPOCH_TICKS + BigInt(Math.floor(ms)) * 10_000n;

export const unixMsFromTicks = (ticks: bigint): number => Number((ticks - UNIX_EPOCH_TICKS) / 10_000n);

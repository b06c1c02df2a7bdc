/**
 * Dates and times on the wire, MS-TDS 2.2.5.5.1.8 and 2.2.5.5.1.9 (fixed: datetime, smalldatetime).
 * Inside, all of them are counted in ticks of 100 ns.
 */
import { SqlDateTime, SqlDateTimeOffset, SqlTime } from '../sql/types';
import { type ByteWriter, ProtocolError, readUint } from './bytes';

const TICKS_PER_SECOND = 10_000_000n;
const TICKS_PER_MS = 10_000n;
const TICKS_PER_MINUTE = 60n * TICKS_PER_SECOND;
export const TICKS_PER_DAY = 86_400n * TICKS_PER_SECOND;
const MAX_SCALE = 7;

/** Days from 0001-01-01 to 1900-01-01, where datetime and smalldatetime begin to count. */
const DAYS_TO_1900 = 693_595n;
/** datetime counts three-hundredths of a second. */
const DATETIME_UNITS_PER_SECOND = 300n;

const unitTicks = (scale: number): bigint => 10n ** BigInt(MAX_SCALE - scale);

const roundToUnit = (ticks: bigint, unit: bigint): bigint => ((ticks + unit / 2n) / unit) * unit;

/** Bytes of a time of this scale: 3, 4 or 5. */
export function timeLength(scale: number): number {
  if (scale <= 2) return 3;
  return scale <= 4 ? 4 : 5;
}

export function writeTime(writer: ByteWriter, value: SqlTime, scale: number): void {
  const unit = unitTicks(scale);
  writer.uint((roundToUnit(value.ticks, unit) % TICKS_PER_DAY) / unit, timeLength(scale));
}

export function readTime(bytes: Buffer, scale: number): SqlTime {
  return new SqlTime(timeTicks(bytes, scale));
}

export function writeDate(writer: ByteWriter, value: SqlDateTime): void {
  writer.uint(value.ticks / TICKS_PER_DAY, 3);
}

export function readDate(bytes: Buffer): SqlDateTime {
  return new SqlDateTime(readUint(bytes) * TICKS_PER_DAY);
}

/** Rounds the whole value first, so that 23:59:59.9999999 at scale 0 becomes the next day. */
function writeDayAndTime(writer: ByteWriter, ticks: bigint, scale: number): void {
  const unit = unitTicks(scale);
  const rounded = roundToUnit(ticks, unit);
  writer.uint((rounded % TICKS_PER_DAY) / unit, timeLength(scale));
  writer.uint(rounded / TICKS_PER_DAY, 3);
}

function timeTicks(bytes: Buffer, scale: number): bigint {
  const ticks = readUint(bytes) * unitTicks(scale);
  if (ticks >= TICKS_PER_DAY) throw new ProtocolError('time of day beyond 24 hours');
  return ticks;
}

function dayAndTimeTicks(bytes: Buffer, scale: number): bigint {
  const length = timeLength(scale);
  return (
    readUint(bytes.subarray(length, length + 3)) * TICKS_PER_DAY + timeTicks(bytes.subarray(0, length), scale)
  );
}

export function writeDateTime2(writer: ByteWriter, value: SqlDateTime, scale: number): void {
  writeDayAndTime(writer, value.ticks, scale);
}

export function readDateTime2(bytes: Buffer, scale: number): SqlDateTime {
  return new SqlDateTime(dayAndTimeTicks(bytes, scale));
}

/** The instant travels in UTC, the offset only says how to show it. */
export function writeDateTimeOffset(writer: ByteWriter, value: SqlDateTimeOffset, scale: number): void {
  writeDayAndTime(writer, value.utcTicks, scale);
  writer.i16(value.offsetMinutes);
}

export function readDateTimeOffset(bytes: Buffer, scale: number): SqlDateTimeOffset {
  const offset = bytes.readInt16LE(bytes.length - 2);
  return new SqlDateTimeOffset(dayAndTimeTicks(bytes, scale), offset);
}

export function writeDatetime(writer: ByteWriter, value: SqlDateTime): void {
  const unitsPerDay = 86_400n * DATETIME_UNITS_PER_SECOND;
  const units = (value.ticks * DATETIME_UNITS_PER_SECOND + TICKS_PER_SECOND / 2n) / TICKS_PER_SECOND;
  writer.i32(Number(units / unitsPerDay - DAYS_TO_1900));
  writer.u32(Number(units % unitsPerDay));
}

/** Rounded to milliseconds, because datetime is documented in steps of .000, .003 and .007 seconds. */
export function readDatetime(bytes: Buffer): SqlDateTime {
  const days = BigInt(bytes.readInt32LE(0)) + DAYS_TO_1900;
  const units = BigInt(bytes.readUInt32LE(4));
  const milliseconds = (units * 1000n + DATETIME_UNITS_PER_SECOND / 2n) / DATETIME_UNITS_PER_SECOND;
  return new SqlDateTime(days * TICKS_PER_DAY + milliseconds * TICKS_PER_MS);
}

export function writeSmallDatetime(writer: ByteWriter, value: SqlDateTime): void {
  const minutes = roundToUnit(value.ticks, TICKS_PER_MINUTE) / TICKS_PER_MINUTE;
  writer.u16(Number(minutes / 1440n - DAYS_TO_1900));
  writer.u16(Number(minutes % 1440n));
}

export function readSmallDatetime(bytes: Buffer): SqlDateTime {
  const days = BigInt(bytes.readUInt16LE(0)) + DAYS_TO_1900;
  return new SqlDateTime(days * TICKS_PER_DAY + BigInt(bytes.readUInt16LE(2)) * TICKS_PER_MINUTE);
}

/** Proleptic Gregorian date of a tick count, for the text that clients older than TDS 7.3 get instead. */
export function formatDate(ticks: bigint): string {
  const unixDays = Number(ticks / TICKS_PER_DAY) - 719_162;
  return new Date(unixDays * 86_400_000).toISOString().slice(0, 10);
}

export function formatTime(ticks: bigint, scale: number): string {
  const ofDay = ticks % TICKS_PER_DAY;
  const seconds = ofDay / TICKS_PER_SECOND;
  const two = (value: bigint): string => value.toString().padStart(2, '0');
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  if (scale === 0) return clock;
  return `${clock}.${(ofDay % TICKS_PER_SECOND).toString().padStart(MAX_SCALE, '0').slice(0, scale)}`;
}

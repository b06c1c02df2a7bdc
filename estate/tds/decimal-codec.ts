/** decimal, numeric, money and smallmoney on the wire, MS-TDS 2.2.5.5.1.6 and 2.2.5.5.1.2. */
import { SqlDecimal } from '../sql/types';
import { type ByteWriter, readUint } from './bytes';

const MONEY_SCALE = 4;

/** Bytes of a decimal of this precision, with the sign byte. */
export function decimalLength(precision: number): number {
  if (precision <= 9) return 5;
  if (precision <= 19) return 9;
  return precision <= 28 ? 13 : 17;
}

/** Unscaled value at another scale; digits that are lost round half away from zero, as SQL Server does. */
export function rescale(value: SqlDecimal, scale: number): bigint {
  if (scale >= value.scale) return value.unscaled * 10n ** BigInt(scale - value.scale);
  const divisor = 10n ** BigInt(value.scale - scale);
  const half = value.unscaled < 0n ? -divisor / 2n : divisor / 2n;
  return (value.unscaled + half) / divisor;
}

/** @throws RangeError when the value has more digits than the precision */
export function writeDecimal(writer: ByteWriter, value: SqlDecimal, precision: number, scale: number): void {
  const unscaled = rescale(value, scale);
  const magnitude = unscaled < 0n ? -unscaled : unscaled;
  if (magnitude >= 10n ** BigInt(precision))
    throw new RangeError(`value exceeds decimal(${precision},${scale})`);
  writer.u8(unscaled < 0n ? 0 : 1).uint(magnitude, decimalLength(precision) - 1);
}

export function readDecimal(bytes: Buffer, scale: number): SqlDecimal {
  const magnitude = readUint(bytes.subarray(1));
  return new SqlDecimal(bytes[0] === 0 ? -magnitude : magnitude, scale);
}

/** money puts the high half of the 64-bit value first. */
export function writeMoney(writer: ByteWriter, value: SqlDecimal): void {
  const unscaled = BigInt.asUintN(64, checked(rescale(value, MONEY_SCALE), 64));
  writer.u32(Number(unscaled >> 32n)).u32(Number(unscaled & 0xffff_ffffn));
}

export function writeSmallMoney(writer: ByteWriter, value: SqlDecimal): void {
  writer.i32(Number(checked(rescale(value, MONEY_SCALE), 32)));
}

function checked(value: bigint, bits: number): bigint {
  if (BigInt.asIntN(bits, value) !== value) throw new RangeError('money value out of range');
  return value;
}

export function readMoney(bytes: Buffer): SqlDecimal {
  if (bytes.length === 4) return new SqlDecimal(BigInt(bytes.readInt32LE()), MONEY_SCALE);
  return new SqlDecimal((BigInt(bytes.readInt32LE(0)) << 32n) | BigInt(bytes.readUInt32LE(4)), MONEY_SCALE);
}

import { SqlDecimal, type SqlScalar, type SqlType } from '../types';
import { isUnicode, typeName } from './typing';
import { errorConverting, explicitNotAllowed } from './value-errors';

/** Converts to binary, varbinary or image. */
export function toBinary(value: SqlScalar, from: SqlType, to: SqlType, style: number): Uint8Array {
  const bytes = bytesOf(value, from, to, style);
  if (!('length' in to) || to.length === 'max') return bytes;
  const numeric = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
  // Numbers keep their low bytes, everything else its first.
  const cut =
    bytes.length <= to.length
      ? bytes
      : numeric
        ? bytes.subarray(bytes.length - to.length)
        : bytes.subarray(0, to.length);
  if (to.kind !== 'binary' || cut.length === to.length) return cut;
  const padded = new Uint8Array(to.length);
  padded.set(cut, numeric ? to.length - cut.length : 0);
  return padded;
}

function bytesOf(value: SqlScalar, from: SqlType, to: SqlType, style: number): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') {
    if (from.kind === 'uniqueidentifier') return guidBytes(value);
    return style === 1 || style === 2 ? hexBytes(value, from, style) : textBytes(value, from);
  }
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  if (typeof value === 'bigint') return integerBytes(value, 8);
  if (typeof value === 'number') return numberBytes(value, from);
  if (value instanceof SqlDecimal) return integerBytes(value.unscaled, 8);
  throw explicitNotAllowed(typeName(from), typeName(to));
}

const textBytes = (text: string, from: SqlType): Uint8Array =>
  Buffer.from(text, isUnicode(from) ? 'utf16le' : 'latin1');

function hexBytes(text: string, from: SqlType, style: number): Uint8Array {
  const digits = style === 1 ? text.replace(/^0x/i, '') : text;
  const hasPrefix = /^0x/i.test(text);
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits) || (style === 1 && !hasPrefix)) {
    throw errorConverting(typeName(from), 'varbinary');
  }
  return Buffer.from(digits, 'hex');
}

function integerBytes(value: bigint, width: number): Uint8Array {
  const bytes = Buffer.alloc(width);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value), 0);
  return bytes;
}

function numberBytes(value: number, from: SqlType): Uint8Array {
  if (from.kind === 'float' || from.kind === 'real') {
    const bytes = Buffer.alloc(from.kind === 'float' ? 8 : 4);
    if (from.kind === 'float') bytes.writeDoubleBE(value);
    else bytes.writeFloatBE(value);
    return bytes;
  }
  const width = from.kind === 'tinyint' ? 1 : from.kind === 'smallint' ? 2 : 4;
  return integerBytes(BigInt(value), 8).subarray(8 - width);
}

/** The first three groups are stored with their low byte first. */
export function guidBytes(guid: string): Uint8Array {
  const hex = guid.replaceAll('-', '');
  const bytes = Buffer.from(hex, 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

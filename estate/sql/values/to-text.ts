import { SqlError } from '../errors';
import { SqlDateTime, SqlDateTimeOffset, SqlDecimal, type SqlScalar, SqlTime, type SqlType } from '../types';
import { TICKS_PER_MINUTE, timeParts } from './calendar';
import { formatStyle, fractionText, offsetText, pad } from './date-text';
import { formatDecimal, rescale } from './decimals';
import { isInteger, isNumeric, isUnicode, typeName } from './typing';
import { explicitNotAllowed, overflow } from './value-errors';

/** Converts to a character type: cut to its length, or padded for char and nchar. */
export function toText(value: SqlScalar, from: SqlType, to: SqlType, style: number): string {
  const text = textOf(value, from, style, to);
  if (!('length' in to) || to.length === 'max') return text;
  if (text.length > to.length) return shorten(text, from, to, to.length);
  return to.kind === 'char' || to.kind === 'nchar' ? text.padEnd(to.length) : text;
}

/** Text is cut; a number that does not fit is '*' (small integers to varchar) or error 8115. */
function shorten(text: string, from: SqlType, to: SqlType, length: number): string {
  if (!isNumeric(from)) {
    if (from.kind === 'uniqueidentifier') {
      throw new SqlError(8170, 'Insufficient result space to convert uniqueidentifier value to char.', {
        state: 2,
      });
    }
    return text.slice(0, length);
  }
  if (from.kind === 'money' || from.kind === 'smallmoney') {
    throw new SqlError(
      234,
      `There is insufficient result space to convert a money value to ${typeName(to)}.`,
    );
  }
  if (isInteger(from) && from.kind !== 'bigint' && !isUnicode(to)) return '*';
  throw overflow(isInteger(from) ? 'expression' : typeName(from), typeName(to));
}

/** Text of a value in a style, whatever its length. */
export function textOf(value: SqlScalar, from: SqlType, style = 0, to?: SqlType): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return isInteger(from) ? String(value) : floatText(value, style);
  if (value instanceof SqlDecimal)
    return from.kind === 'decimal' ? formatDecimal(value) : moneyText(value, style);
  if (value instanceof SqlDateTime) return momentText(value.ticks, from, style);
  if (value instanceof SqlTime) return timeText(value.ticks, from);
  if (value instanceof SqlDateTimeOffset) return offsetMomentText(value, from, style);
  if (value instanceof Uint8Array) return binaryText(value, style, to);
  return textOf(value.value, value.type, style, to);
}

function floatText(value: number, style: number): string {
  if (style === 1) return scientific(value, 8);
  if (style === 2) return scientific(value, 16);
  if (style === 3) return scientific(value, 17);
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  // Style 0 gives at most six digits, in scientific notation "when appropriate".
  if (exponent < -5 || exponent >= 15)
    return scientific(Number(value.toPrecision(6)), 6).replace(/\.?0+e/, 'e');
  if (Number.isInteger(value) && exponent >= 6) {
    return scientific(value, 6).replace(/\.?0+e/, 'e');
  }
  return String(Number(value.toPrecision(6)));
}

function scientific(value: number, digits: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(digits - 1).split('e');
  const power = Number(exponent);
  return `${mantissa}e${power < 0 ? '-' : '+'}${pad(Math.abs(power), 3)}`;
}

function moneyText(value: SqlDecimal, style: number): string {
  if (style === 2 || style === 126) return formatDecimal(value);
  const text = formatDecimal(new SqlDecimal(rescale(value.unscaled, value.scale, 2), 2));
  return style === 1 ? text.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',') : text;
}

/** datetime and smalldatetime default to style 0, the newer types to 121. */
function momentText(ticks: bigint, from: SqlType, style: number): string {
  const old = from.kind === 'datetime' || from.kind === 'smalldatetime';
  if (from.kind === 'date' && (style === 0 || style === 121 || style === 120 || style === 126)) {
    return styled(ticks, 23, 0, from);
  }
  if (old) return styled(from.kind === 'datetime' ? roundToMilliseconds(ticks) : ticks, style, 3, from);
  const scale = 'scale' in from ? from.scale : 7;
  return styled(ticks, style === 0 ? 121 : style, scale, from);
}

const roundToMilliseconds = (ticks: bigint): bigint => ((ticks + 5_000n) / 10_000n) * 10_000n;

function styled(ticks: bigint, style: number, scale: number, from: SqlType): string {
  const text = formatStyle(ticks, style, scale);
  if (text !== undefined) return text;
  throw new SqlError(
    281,
    `${style} is not a valid style number when converting from ${typeName(from)} to a character string.`,
  );
}

function timeText(ticks: bigint, from: SqlType): string {
  const time = timeParts(ticks);
  const scale = 'scale' in from ? from.scale : 7;
  return `${pad(time.hour)}:${pad(time.minute)}:${pad(time.second)}${fractionText(time.fraction, scale)}`;
}

function offsetMomentText(value: SqlDateTimeOffset, from: SqlType, style: number): string {
  const scale = 'scale' in from ? from.scale : 7;
  if (style === 127) return styled(value.utcTicks, 127, scale, from);
  const local = value.utcTicks + BigInt(value.offsetMinutes) * TICKS_PER_MINUTE;
  const text = styled(local, style === 0 ? 121 : style, scale, from);
  if (style === 126) return `${text}${offsetText(value.offsetMinutes)}`;
  return style === 0 || (style >= 120 && style <= 121) ? `${text} ${offsetText(value.offsetMinutes)}` : text;
}

/** Style 0 reads the bytes as characters, 1 writes 0x and hexadecimal digits, 2 only the digits. */
function binaryText(value: Uint8Array, style: number, to: SqlType | undefined): string {
  const bytes = Buffer.from(value);
  if (style === 1) return `0x${bytes.toString('hex').toUpperCase()}`;
  if (style === 2) return bytes.toString('hex').toUpperCase();
  if (style !== 0) throw explicitNotAllowed('varbinary', to === undefined ? 'varchar' : typeName(to));
  return to !== undefined && isUnicode(to) ? bytes.toString('utf16le') : bytes.toString('latin1');
}

/** Mathematical functions. */
import { SqlError } from '../errors';
import { compileUnary } from '../query/arithmetic';
import { coerce } from '../query/compile';
import type { Compiled } from '../query/environment';
import { SqlDecimal, type SqlScalar, type SqlType } from '../types';
import { convert } from '../values/convert';
import { parseDecimal, powerOfTen, rescale } from '../values/decimals';
import { decimal, FLOAT, INT, isInteger, isNumeric, isString, typeName } from '../values/typing';
import { invalidArgumentType, overflow } from '../values/value-errors';
import { type Definitions, define, numberArgument, strictCall } from './define';

/** Small integers are computed as int, text as float. */
function numeric(value: Compiled | undefined, name: string): Compiled {
  if (value === undefined || value.untyped === true) return numberArgument(value, INT);
  if (isString(value.type)) return coerce(value, FLOAT);
  if (!isNumeric(value.type)) throw invalidArgumentType(typeName(value.type), 1, name);
  if (value.type.kind === 'real') return coerce(value, FLOAT);
  return isInteger(value.type) && value.type.kind !== 'bigint' ? coerce(value, INT) : value;
}

const real = (apply: (value: number) => number) =>
  define(1, 1, ([value]) =>
    strictCall([numberArgument(value, FLOAT)], FLOAT, (number) => {
      const result = apply(Number(number));
      if (Number.isFinite(result)) return result;
      throw new SqlError(3623, 'An invalid floating point operation occurred.');
    }),
  );

/** CEILING and FLOOR keep the type, with scale 0 for decimals. */
const whole = (name: string, round: (value: number) => number, up: boolean) =>
  define(1, 1, ([first]) => {
    const value = numeric(first, name);
    const type = value.type.kind === 'decimal' ? decimal(value.type.precision, 0) : value.type;
    return strictCall([value], type, (number) => {
      if (number instanceof SqlDecimal) return wholeDecimal(number, up, type);
      return typeof number === 'number' ? round(number) : (number ?? null);
    });
  });

function wholeDecimal(value: SqlDecimal, up: boolean, type: SqlType): SqlDecimal {
  const unit = powerOfTen(value.scale);
  const truncated = value.unscaled / unit;
  const rest = value.unscaled % unit;
  const result =
    rest === 0n ? truncated : up ? truncated + (rest > 0n ? 1n : 0n) : truncated - (rest < 0n ? 1n : 0n);
  return type.kind === 'decimal' ? new SqlDecimal(result, 0) : new SqlDecimal(result * powerOfTen(4), 4);
}

export const NUMBER_FUNCTIONS: Definitions = {
  abs: define(1, 1, ([first]) => {
    const value = numeric(first, 'abs');
    const negative = compileUnary('-', value);
    return {
      type: value.type,
      nullable: value.nullable,
      evaluate: (frame) => {
        const number = value.evaluate(frame);
        return number !== null && isNegative(number) ? negative.evaluate(frame) : number;
      },
    };
  }),
  ceiling: whole('ceiling', Math.ceil, true),
  floor: whole('floor', Math.floor, false),
  round: define(2, 3, ([first, places, mode]) => {
    const value = numeric(first, 'round');
    const truncating =
      mode === undefined
        ? numberArgument({ type: INT, nullable: false, evaluate: () => 0 }, INT)
        : coerce(mode, INT);
    return strictCall([value, numberArgument(places, INT), truncating], value.type, (number, digits, cut) =>
      number === undefined ? null : roundValue(number, Number(digits), Number(cut) !== 0, value.type),
    );
  }),
  power: define(2, 2, ([first, second]) => {
    const value = numeric(first, 'power');
    return strictCall([coerce(value, FLOAT), numberArgument(second, FLOAT)], value.type, (base, exponent) => {
      const result = Number(base) ** Number(exponent);
      if (!Number.isFinite(result)) throw overflow('expression', typeName(value.type));
      return convert(result, FLOAT, value.type);
    });
  }),
  sign: define(1, 1, ([first]) => {
    const value = numeric(first, 'sign');
    return strictCall([value], value.type, (number) => {
      if (number === undefined) return null;
      const sign = isNegative(number) ? -1 : isZero(number) ? 0 : 1;
      return convert(sign, INT, value.type);
    });
  }),
  sqrt: real(Math.sqrt),
  square: real((value) => value * value),
  exp: real(Math.exp),
  log10: real(Math.log10),
  sin: real(Math.sin),
  cos: real(Math.cos),
  tan: real(Math.tan),
  asin: real(Math.asin),
  acos: real(Math.acos),
  atan: real(Math.atan),
  log: define(1, 2, ([first, base]) => {
    const args = [numberArgument(first, FLOAT), ...(base === undefined ? [] : [coerce(base, FLOAT)])];
    return strictCall(args, FLOAT, (value, radix) => {
      const result =
        radix === undefined ? Math.log(Number(value)) : Math.log(Number(value)) / Math.log(Number(radix));
      if (Number.isFinite(result)) return result;
      throw new SqlError(3623, 'An invalid floating point operation occurred.');
    });
  }),
  pi: define(0, 0, () => ({ type: FLOAT, nullable: false, evaluate: () => Math.PI })),
  rand: define(0, 1, ([seed], context) => ({
    type: FLOAT,
    nullable: true,
    evaluate: (frame) => {
      const start = seed === undefined ? null : seed.evaluate(frame);
      return start === null ? context.environment.random() : context.environment.random(Number(start));
    },
  })),
};

function isNegative(value: SqlScalar): boolean {
  if (value instanceof SqlDecimal) return value.unscaled < 0n;
  return typeof value === 'bigint' ? value < 0n : Number(value) < 0;
}

function isZero(value: SqlScalar): boolean {
  if (value instanceof SqlDecimal) return value.unscaled === 0n;
  return typeof value === 'bigint' ? value === 0n : Number(value) === 0;
}

function roundValue(value: SqlScalar, digits: number, truncating: boolean, type: SqlType): SqlScalar {
  if (typeof value === 'number' && type.kind === 'float') return roundFloat(value, digits, truncating);
  const exact = value instanceof SqlDecimal ? value : new SqlDecimal(BigInt(String(value)), 0);
  const rounded = roundDecimal(exact, digits, truncating);
  const result = value instanceof SqlDecimal ? rounded : Number(rounded.unscaled);
  return (
    convert(
      value instanceof SqlDecimal ? result : BigInt(String(rounded.unscaled)),
      value instanceof SqlDecimal ? type : { kind: 'bigint' },
      type,
    ) ?? value
  );
}

function roundFloat(value: number, digits: number, truncating: boolean): number {
  if (digits < 0) {
    const unit = 10 ** -digits;
    return (truncating ? Math.trunc(value / unit) : Math.round(value / unit)) * unit;
  }
  const parsed = parseDecimal(Math.abs(value) < 1e21 ? value.toFixed(Math.min(100, digits + 10)) : '');
  if (parsed === undefined) return value;
  const rounded = roundDecimal(parsed, digits, truncating);
  return Number(rounded.unscaled) / Number(powerOfTen(rounded.scale));
}

/** Keeps the scale, with zeros after the last place wanted. */
function roundDecimal(value: SqlDecimal, digits: number, truncating: boolean): SqlDecimal {
  if (digits >= value.scale) return value;
  const drop = value.scale - digits;
  const unit = powerOfTen(drop);
  const kept = truncating ? value.unscaled / unit : rescale(value.unscaled, drop, 0);
  return new SqlDecimal(kept * unit, value.scale);
}

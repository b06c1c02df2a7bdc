/** Operators on values: typed once when compiled. */
import type { ArithmeticOperator } from '../syntax/ast';
import { SqlDateTime, SqlDecimal, type SqlScalar, type SqlType } from '../types';
import { DAY_1900, END_OF_TIME, roundToDatetime, TICKS_PER_DAY } from '../values/calendar';
import { decimalResult, divideDecimals, fitDecimal, rescale } from '../values/decimals';
import {
  asDecimal,
  BIGINT,
  commonType,
  DATETIME,
  decimal,
  FLOAT,
  INT,
  isBinary,
  isDate,
  isInteger,
  isMoney,
  isNumeric,
  isString,
  isUnicode,
  lengthOf,
  nvarchar,
  typeName,
  varbinary,
  varchar,
} from '../values/typing';
import {
  dateOverflow,
  divideByZero,
  incompatibleOperands,
  overflow,
  typeClash,
} from '../values/value-errors';
import { coerce } from './compile';
import type { Compiled } from './environment';

const NAMES: Record<ArithmeticOperator, string> = {
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
  '/': 'divide',
  '%': 'modulo',
  '&': "'&'",
  '|': "'|'",
  '^': "'^'",
};

type Operation = (a: SqlScalar, b: SqlScalar) => SqlScalar;

function strict(type: SqlType, left: Compiled, right: Compiled, operation: Operation): Compiled {
  return {
    type,
    nullable: left.nullable || right.nullable,
    evaluate: (frame) => {
      const a = left.evaluate(frame);
      if (a === null) return null;
      const b = right.evaluate(frame);
      return b === null ? null : operation(a, b);
    },
  };
}

/** @throws SqlError 402, 206 when no such operation exists for the types. */
export function compileBinary(operator: ArithmeticOperator, left: Compiled, right: Compiled): Compiled {
  if (left.untyped === true && right.untyped !== true)
    return compileBinary(operator, typed(left, right), right);
  if (right.untyped === true && left.untyped !== true)
    return compileBinary(operator, left, typed(right, left));
  if (operator === '+' && isString(left.type) && isString(right.type)) return concatenate(left, right);
  if (operator === '+' && isBinary(left.type) && isBinary(right.type)) return concatenateBinary(left, right);
  if (isDate(left.type) || isDate(right.type)) return compileDate(operator, left, right);
  if (operator === '&' || operator === '|' || operator === '^') return compileBits(operator, left, right);
  return compileNumeric(operator, left, right);
}

const typed = (value: Compiled, other: Compiled): Compiled => ({
  type: isDate(other.type) ? DATETIME : other.type,
  nullable: true,
  evaluate: value.evaluate,
});

/** Result length is the sum, at most 8000 or 4000 places unless one operand is (max). */
export function concatenatedType(left: SqlType, right: SqlType): SqlType {
  const unicode = isUnicode(left) || isUnicode(right);
  const a = lengthOf(left);
  const b = lengthOf(right);
  if (a === 'max' || b === 'max') return unicode ? nvarchar('max') : varchar('max');
  return unicode ? nvarchar(Math.min(4000, a + b)) : varchar(Math.min(8000, a + b));
}

function concatenate(left: Compiled, right: Compiled): Compiled {
  const type = concatenatedType(left.type, right.type);
  const limit = lengthOf(type);
  return strict(type, left, right, (a, b) => {
    const text = String(a) + String(b);
    return limit === 'max' || text.length <= limit ? text : text.slice(0, limit);
  });
}

function concatenateBinary(left: Compiled, right: Compiled): Compiled {
  const a = lengthOf(left.type);
  const b = lengthOf(right.type);
  const type = varbinary(a === 'max' || b === 'max' ? 'max' : Math.min(8000, a + b));
  return strict(type, left, right, (x, y) =>
    x instanceof Uint8Array && y instanceof Uint8Array ? new Uint8Array(Buffer.concat([x, y])) : x,
  );
}

/** Only datetime and smalldatetime take + and -, with days since 1900 as the unit. */
function compileDate(operator: ArithmeticOperator, left: Compiled, right: Compiled): Compiled {
  const other = isDate(left.type) ? right : left;
  const date = isDate(left.type) ? left : right;
  const old = (type: SqlType): boolean => type.kind === 'datetime' || type.kind === 'smalldatetime';
  if (operator !== '+' && operator !== '-') {
    throw incompatibleOperands(typeName(left.type), typeName(right.type), NAMES[operator]);
  }
  if (!old(date.type) || (isDate(other.type) && !old(other.type))) {
    throw isDate(other.type)
      ? incompatibleOperands(typeName(left.type), typeName(right.type), NAMES[operator])
      : typeClash(typeName(date.type), typeName(other.type));
  }
  const zero = BigInt(DAY_1900) * TICKS_PER_DAY;
  return strict(DATETIME, coerce(left, DATETIME), coerce(right, DATETIME), (a, b) => {
    if (!(a instanceof SqlDateTime) || !(b instanceof SqlDateTime)) return a;
    const shift = b.ticks - zero;
    const ticks = operator === '+' ? a.ticks + shift : a.ticks - shift;
    if (ticks < 0n || ticks >= END_OF_TIME) throw dateOverflow('datetime');
    return new SqlDateTime(roundToDatetime(ticks));
  });
}

function compileBits(operator: '&' | '|' | '^', left: Compiled, right: Compiled): Compiled {
  const type = isBinary(left.type)
    ? right.type
    : isBinary(right.type)
      ? left.type
      : commonType(left.type, right.type);
  if (!isInteger(type))
    throw incompatibleOperands(typeName(left.type), typeName(right.type), NAMES[operator]);
  if (type.kind === 'bigint') {
    return strict(BIGINT, coerce(left, BIGINT), coerce(right, BIGINT), (a, b) =>
      bigBits(operator, BigInt(String(a)), BigInt(String(b))),
    );
  }
  const apply = (a: SqlScalar, b: SqlScalar): number => smallBits(operator, Number(a), Number(b));
  const result = strict(type, coerce(left, type), coerce(right, type), apply);
  if (type.kind !== 'bit') return result;
  return strict(type, coerce(left, type), coerce(right, type), (a, b) => apply(a, b) !== 0);
}

function bigBits(operator: '&' | '|' | '^', a: bigint, b: bigint): bigint {
  if (operator === '&') return a & b;
  return operator === '|' ? a | b : a ^ b;
}

function smallBits(operator: '&' | '|' | '^', a: number, b: number): number {
  if (operator === '&') return a & b;
  return operator === '|' ? a | b : a ^ b;
}

type NumericOperator = '+' | '-' | '*' | '/' | '%';

function compileNumeric(operator: NumericOperator, left: Compiled, right: Compiled): Compiled {
  const common = commonType(left.type, right.type);
  if (!isNumeric(common))
    throw incompatibleOperands(typeName(left.type), typeName(right.type), NAMES[operator]);
  switch (common.kind) {
    case 'float':
    case 'real':
      return strict(common, coerce(left, FLOAT), coerce(right, FLOAT), (a, b) =>
        floats(operator, Number(a), Number(b)),
      );
    case 'decimal':
      return compileDecimal(operator, left, right);
    case 'money':
    case 'smallmoney':
      return compileMoney(operator, common, left, right);
    case 'bigint':
      return strict(BIGINT, coerce(left, BIGINT), coerce(right, BIGINT), (a, b) => bigints(operator, a, b));
    default: {
      const type = common.kind === 'bit' ? INT : common;
      return strict(type, coerce(left, type), coerce(right, type), (a, b) =>
        integers(operator, Number(a), Number(b), type),
      );
    }
  }
}

function floats(operator: NumericOperator, a: number, b: number): number {
  if ((operator === '/' || operator === '%') && b === 0) throw divideByZero();
  const result = plain(operator, a, b);
  if (!Number.isFinite(result)) throw overflow('expression', 'float');
  return result;
}

function plain(operator: NumericOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
  }
}

const INTEGER_LIMITS: Partial<Record<SqlType['kind'], readonly [number, number]>> = {
  tinyint: [0, 255],
  smallint: [-32_768, 32_767],
  int: [-2_147_483_648, 2_147_483_647],
};

function integers(operator: NumericOperator, a: number, b: number, type: SqlType): number {
  if ((operator === '/' || operator === '%') && b === 0) throw divideByZero();
  const result = Math.trunc(plain(operator, a, b));
  const [low, high] = INTEGER_LIMITS[type.kind] ?? [-2_147_483_648, 2_147_483_647];
  if (result < low || result > high) throw overflow('expression', type.kind);
  return result === 0 ? 0 : result;
}

const BIGINT_LIMIT = 1n << 63n;

function bigints(operator: NumericOperator, left: SqlScalar, right: SqlScalar): bigint {
  const a = BigInt(String(left));
  const b = BigInt(String(right));
  if ((operator === '/' || operator === '%') && b === 0n) throw divideByZero();
  const result = bigPlain(operator, a, b);
  if (result < -BIGINT_LIMIT || result >= BIGINT_LIMIT) throw overflow('expression', 'bigint');
  return result;
}

function bigPlain(operator: NumericOperator, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
  }
}

/** A whole-number literal has only as many digits as are written. */
function exactType(value: Compiled): SqlType {
  if (value.literalDigits !== undefined) return decimal(value.literalDigits, 0);
  if (isString(value.type)) return decimal(38, 0);
  const { precision, scale } = asDecimal(value.type);
  return decimal(precision, scale);
}

function compileDecimal(operator: NumericOperator, left: Compiled, right: Compiled): Compiled {
  const leftType = isString(left.type) ? exactType(right) : exactType(left);
  const rightType = isString(right.type) ? exactType(left) : exactType(right);
  const type = decimalResult(operator, leftType, rightType);
  const { precision, scale } = asDecimal(type);
  return strict(type, coerce(left, leftType), coerce(right, rightType), (a, b) => {
    if (!(a instanceof SqlDecimal) || !(b instanceof SqlDecimal)) return a;
    return fitDecimal(exact(operator, a, b, scale), precision, scale, 'expression');
  });
}

function exact(operator: NumericOperator, a: SqlDecimal, b: SqlDecimal, scale: number): SqlDecimal {
  if ((operator === '/' || operator === '%') && b.unscaled === 0n) throw divideByZero();
  if (operator === '*') return new SqlDecimal(a.unscaled * b.unscaled, a.scale + b.scale);
  if (operator === '/') return new SqlDecimal(divideDecimals(a, b, scale), scale);
  const common = Math.max(a.scale, b.scale);
  const x = rescale(a.unscaled, a.scale, common);
  const y = rescale(b.unscaled, b.scale, common);
  const result = operator === '+' ? x + y : operator === '-' ? x - y : x % y;
  return new SqlDecimal(result, common);
}

function compileMoney(operator: NumericOperator, type: SqlType, left: Compiled, right: Compiled): Compiled {
  return strict(type, coerce(left, type), coerce(right, type), (a, b) => {
    if (!(a instanceof SqlDecimal) || !(b instanceof SqlDecimal)) return a;
    const value = exact(operator, a, b, 4);
    const unscaled = rescale(value.unscaled, value.scale, 4);
    const limit = type.kind === 'money' ? BIGINT_LIMIT : 1n << 31n;
    if (unscaled >= limit || unscaled < -limit) throw overflow('expression', type.kind);
    return new SqlDecimal(unscaled, 4);
  });
}

/** @throws SqlError 8117 for a type without the operator. */
export function compileUnary(operator: '-' | '+' | '~', operand: Compiled): Compiled {
  if (operator === '+') return operand;
  if (operator === '~') return complement(operand);
  if (isMoney(operand.type))
    return compileBinary(
      '-',
      coerce({ type: INT, nullable: false, evaluate: () => 0 }, operand.type),
      operand,
    );
  if (operand.type.kind === 'decimal') {
    return {
      type: operand.type,
      nullable: operand.nullable,
      evaluate: (frame) => {
        const value = operand.evaluate(frame);
        return value instanceof SqlDecimal ? new SqlDecimal(-value.unscaled, value.scale) : null;
      },
    };
  }
  return compileBinary(
    '-',
    { type: { kind: 'tinyint' }, nullable: false, evaluate: () => 0 },
    widened(operand),
  );
}

const widened = (operand: Compiled): Compiled =>
  operand.type.kind === 'tinyint' ? coerce(operand, { kind: 'smallint' }) : operand;

function complement(operand: Compiled): Compiled {
  if (!isInteger(operand.type))
    throw incompatibleOperands(typeName(operand.type), typeName(operand.type), "'~'");
  return {
    type: operand.type,
    nullable: operand.nullable,
    evaluate: (frame) => {
      const value = operand.evaluate(frame);
      if (value === null) return null;
      if (typeof value === 'bigint') return ~value;
      if (typeof value === 'boolean') return !value;
      return operand.type.kind === 'tinyint' ? ~Number(value) & 0xff : ~Number(value);
    },
  };
}

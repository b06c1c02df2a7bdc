/** Aggregate functions: result types and accumulators. */
import { SqlDecimal, type SqlScalar, type SqlType, type SqlValue } from '../types';
import { comparerFor, type HashKey, hashKey, numberOf } from '../values/compare';
import { divideDecimals, fitDecimal, rescale } from '../values/decimals';
import { asDecimal, BIGINT, decimal, FLOAT, INT, isInteger, isMoney, MONEY } from '../values/typing';
import { overflow } from '../values/value-errors';

export interface Accumulator {
  add(value: SqlScalar): void;
  result(): SqlValue;
}

/** Result type of SUM and AVG; undefined when the type cannot be added (error 8117). */
export function sumType(type: SqlType, average: boolean): SqlType | undefined {
  switch (type.kind) {
    case 'tinyint':
    case 'smallint':
    case 'int':
      return INT;
    case 'bigint':
      return BIGINT;
    case 'decimal':
      return decimal(38, average ? Math.max(type.scale, 6) : type.scale);
    case 'money':
    case 'smallmoney':
      return MONEY;
    case 'float':
    case 'real':
      return FLOAT;
    default:
      return undefined;
  }
}

/** @param name lower-case name of the function; @param input type of the argument; @param result its result type. */
export function accumulator(name: string, input: SqlType, result: SqlType): Accumulator {
  switch (name) {
    case 'count':
      return counter((count) => count);
    case 'count_big':
      return counter((count) => BigInt(count));
    case 'min':
      return extreme(input, -1);
    case 'max':
      return extreme(input, 1);
    case 'sum':
    case 'avg':
      return adder(name === 'avg', input, result);
    case 'checksum_agg':
      return checksum();
    default:
      return deviation(name);
  }
}

export function distinctAccumulator(inner: Accumulator): Accumulator {
  const seen = new Set<HashKey>();
  return {
    add(value) {
      const key = hashKey(value);
      if (seen.has(key)) return;
      seen.add(key);
      inner.add(value);
    },
    result: () => inner.result(),
  };
}

function counter(finish: (count: number) => SqlValue): Accumulator {
  let count = 0;
  return {
    add() {
      count++;
    },
    result: () => finish(count),
  };
}

function extreme(type: SqlType, sign: number): Accumulator {
  const compare = comparerFor(type);
  let best: SqlValue = null;
  return {
    add(value) {
      if (best === null || compare(value, best) * sign > 0) best = value;
    },
    result: () => best,
  };
}

function adder(average: boolean, input: SqlType, result: SqlType): Accumulator {
  if (result.kind === 'float') return floatAdder(average);
  if (result.kind === 'decimal' || isMoney(result)) return decimalAdder(average, asDecimal(result));
  return isInteger(input) ? integerAdder(average, result) : floatAdder(average);
}

function integerAdder(average: boolean, result: SqlType): Accumulator {
  let sum = 0n;
  let count = 0n;
  const limit = result.kind === 'bigint' ? 1n << 63n : 1n << 31n;
  return {
    add(value) {
      sum += BigInt(Number.isSafeInteger(value) ? Number(value) : String(value));
      count++;
    },
    result() {
      if (count === 0n) return null;
      if (sum >= limit || sum < -limit) throw overflow('expression', result.kind);
      const value = average ? sum / count : sum;
      return result.kind === 'bigint' ? value : Number(value);
    },
  };
}

function decimalAdder(average: boolean, result: { precision: number; scale: number }): Accumulator {
  let sum = 0n;
  let scale = 0;
  let count = 0n;
  return {
    add(value) {
      if (!(value instanceof SqlDecimal)) return;
      if (value.scale > scale) {
        sum = rescale(sum, scale, value.scale);
        scale = value.scale;
      }
      sum += rescale(value.unscaled, value.scale, scale);
      count++;
    },
    result() {
      if (count === 0n) return null;
      const total = new SqlDecimal(sum, scale);
      const value = average
        ? new SqlDecimal(divideDecimals(total, new SqlDecimal(count, 0), result.scale), result.scale)
        : total;
      return fitDecimal(value, result.precision, result.scale, 'expression');
    },
  };
}

function floatAdder(average: boolean): Accumulator {
  let sum = 0;
  let count = 0;
  return {
    add(value) {
      sum += numberOf(value);
      count++;
    },
    result: () => (count === 0 ? null : average ? sum / count : sum),
  };
}

function deviation(name: string): Accumulator {
  const values: number[] = [];
  const population = name.endsWith('p');
  return {
    add(value) {
      values.push(numberOf(value));
    },
    result() {
      const divisor = values.length - (population ? 0 : 1);
      if (divisor <= 0) return null;
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / divisor;
      return name.startsWith('var') ? variance : Math.sqrt(variance);
    },
  };
}

function checksum(): Accumulator {
  let sum = 0;
  return {
    add(value) {
      sum ^= Number(value);
    },
    result: () => sum,
  };
}

import { compileBinary } from '../query/arithmetic';
import { coerce } from '../query/compile';
import type { Compiled } from '../query/environment';
import { EMPTY_FRAME } from '../query/frame';
import type { ArithmeticOperator } from '../syntax/ast';
import type { SqlType, SqlValue } from '../types';
import type { SessionState } from './state';

/** Value of an expression at a type; text is cut to the type's length, as in every assignment to a variable. */
export const coerceValue = (value: Compiled, type: SqlType): SqlValue =>
  coerce(value, type).evaluate(EMPTY_FRAME);

/** `SET @v = x` and `SET @v += x`. @throws SqlError 137, 206, 257 and conversion errors */
export function assignVariable(
  state: SessionState,
  name: string,
  operator: ArithmeticOperator | undefined,
  value: Compiled,
): void {
  const variable = state.variable(name);
  const current: Compiled = { type: variable.type, nullable: true, evaluate: () => variable.value };
  const result = operator === undefined ? value : compileBinary(operator, current, value);
  variable.value = coerceValue(result, variable.type);
}

/** Helpers to define scalar functions. */
import { coerce } from '../query/compile';
import type { CompileContext, Compiled } from '../query/environment';
import type { SqlScalar, SqlType, SqlValue } from '../types';
import { isString, nvarchar, typeName } from '../values/typing';
import { invalidArgumentType } from '../values/value-errors';

export interface FunctionDefinition {
  readonly minimum: number;
  readonly maximum: number;
  bind(args: readonly Compiled[], context: CompileContext): Compiled;
}

export type Definitions = Readonly<Record<string, FunctionDefinition>>;

export const define = (
  minimum: number,
  maximum: number,
  bind: (args: readonly Compiled[], context: CompileContext) => Compiled,
): FunctionDefinition => ({ minimum, maximum, bind });

/** NULL in, NULL out. */
export function strictCall(
  args: readonly Compiled[],
  type: SqlType,
  apply: (...values: readonly SqlScalar[]) => SqlValue,
  nullable = args.some((argument) => argument.nullable),
): Compiled {
  return {
    type,
    nullable,
    evaluate: (frame) => {
      const values: SqlScalar[] = [];
      for (const argument of args) {
        const value = argument.evaluate(frame);
        if (value === null) return null;
        values.push(value);
      }
      return apply(...values);
    },
  };
}

/** A text argument; other types are converted as SQL Server does, sql_variant is error 8116. */
export function textArgument(value: Compiled | undefined, position: number, name: string): Compiled {
  if (value === undefined) return NULL_TEXT;
  if (value.type.kind === 'sql_variant') throw invalidArgumentType(typeName(value.type), position, name);
  return isString(value.type) && value.untyped !== true ? value : coerce(value, nvarchar(4000));
}

export function numberArgument(value: Compiled | undefined, type: SqlType): Compiled {
  return value === undefined ? { type, nullable: true, evaluate: () => null } : coerce(value, type);
}

const NULL_TEXT: Compiled = { type: nvarchar(1), nullable: true, evaluate: () => null };

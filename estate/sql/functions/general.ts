/** Logical, conversion, error and system functions that need no server. */
import { randomUUID } from 'node:crypto';
import { SqlError } from '../errors';
import { coerce, meet } from '../query/compile';
import { comparison } from '../query/conditions';
import type { CaughtError, CompileContext, Compiled } from '../query/environment';
import type { SqlType, SqlValue } from '../types';
import { hashKey } from '../values/compare';
import { convert } from '../values/convert';
import { BIGINT, decimal, FLOAT, GUID, INT, isDate, isNumeric, MONEY, nvarchar } from '../values/typing';
import { type Definitions, define, numberArgument, textArgument } from './define';
import { formatValue } from './format';

const caught = (type: SqlType, pick: (error: CaughtError) => SqlValue) =>
  define(0, 0, (_, context) => ({
    type,
    nullable: true,
    evaluate: () => {
      const error = context.environment.caught;
      return error === undefined ? null : pick(error);
    },
  }));

/** The first argument fixes the type of ISNULL; NULL literals take the other's. */
function bindIsNull([value, replacement]: readonly Compiled[]): Compiled {
  if (value === undefined || replacement === undefined)
    throw new SqlError(174, 'The isnull function requires 2 argument(s).', { severity: 15 });
  const type = value.untyped === true ? replacement.type : value.type;
  const first = coerce(value, type);
  const second = coerce(replacement, type);
  return {
    type,
    nullable: replacement.nullable,
    evaluate: (frame) => first.evaluate(frame) ?? second.evaluate(frame),
  };
}

function bindCoalesce(args: readonly Compiled[]): Compiled {
  if (args.every((argument) => argument.untyped === true)) {
    throw new SqlError(
      4127,
      'At least one of the arguments to COALESCE must be an expression that is not the NULL constant.',
    );
  }
  const type = meet(args);
  const values = args.map((argument) => coerce(argument, type));
  return {
    type,
    nullable: values.every((value) => value.nullable),
    evaluate: (frame) => {
      for (const value of values) {
        const result = value.evaluate(frame);
        if (result !== null) return result;
      }
      return null;
    },
  };
}

function bindNullIf([left, right]: readonly Compiled[]): Compiled {
  if (left === undefined || right === undefined || left.untyped === true) {
    throw new SqlError(
      4151,
      'The type of the first argument to NULLIF cannot be the NULL constant because the type of the first argument has to be known.',
    );
  }
  const equal = comparison('=', left, right);
  return {
    type: left.type,
    nullable: true,
    evaluate: (frame) => (equal(frame) === true ? null : left.evaluate(frame)),
  };
}

function bindChoose([index, ...choices]: readonly Compiled[]): Compiled {
  const type = meet(choices);
  const values = choices.map((choice) => coerce(choice, type));
  const position = numberArgument(index, INT);
  return {
    type,
    nullable: true,
    evaluate: (frame) => values[Number(position.evaluate(frame) ?? 0) - 1]?.evaluate(frame) ?? null,
  };
}

function extreme(args: readonly Compiled[], operator: '<' | '>'): Compiled {
  const type = meet(args);
  const values = args.map((argument) => coerce(argument, type));
  return {
    type,
    nullable: true,
    evaluate: (frame) => {
      let best: SqlValue = null;
      for (const value of values) {
        const candidate = value.evaluate(frame);
        if (candidate === null) continue;
        const held = best;
        const better =
          held === null ||
          comparison(
            operator,
            { type, nullable: false, evaluate: () => candidate },
            { type, nullable: false, evaluate: () => held },
          )(frame) === true;
        if (better) best = candidate;
      }
      return best;
    },
  };
}

/** Stable hash; its values differ from SQL Server's, whose algorithm is not published. */
function checksum(values: readonly SqlValue[]): number {
  let hash = 17;
  for (const value of values) {
    for (const char of String(hashKey(value))) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) | 0;
  }
  return hash;
}

function isNumericText(value: SqlValue, type: SqlType): number {
  if (value === null) return 0;
  if (isNumeric(type)) return 1;
  const text = String(value).trim();
  if (text === '' || isDate(type)) return 0;
  return [FLOAT, decimal(38, 10), MONEY].some((target) => canConvert(text, target)) ? 1 : 0;
}

function canConvert(text: string, type: SqlType): boolean {
  try {
    convert(text, nvarchar('max'), type);
    return true;
  } catch {
    return false;
  }
}

export const GENERAL_FUNCTIONS: Definitions = {
  isnull: define(2, 2, bindIsNull),
  coalesce: define(2, 254, bindCoalesce),
  nullif: define(2, 2, bindNullIf),
  choose: define(2, 254, bindChoose),
  greatest: define(1, 254, (args) => extreme(args, '>')),
  least: define(1, 254, (args) => extreme(args, '<')),
  newid: define(0, 0, () => ({ type: GUID, nullable: false, evaluate: () => randomUUID().toUpperCase() })),
  checksum: define(1, 254, (args) => ({
    type: INT,
    nullable: false,
    evaluate: (frame) => checksum(args.map((argument) => argument.evaluate(frame))),
  })),
  binary_checksum: define(1, 254, (args) => ({
    type: INT,
    nullable: false,
    evaluate: (frame) => checksum(args.map((argument) => argument.evaluate(frame))),
  })),
  isnumeric: define(1, 1, ([value]) => ({
    type: INT,
    nullable: false,
    evaluate: (frame) => (value === undefined ? 0 : isNumericText(value.evaluate(frame), value.type)),
  })),
  format: define(2, 3, ([value, pattern]) => {
    const text = textArgument(pattern, 2, 'format');
    return {
      type: nvarchar(4000),
      nullable: true,
      evaluate: (frame) => {
        const input = value?.evaluate(frame) ?? null;
        const picture = text.evaluate(frame);
        if (input === null || picture === null || value === undefined) return null;
        return formatValue(input, value.type, String(picture));
      },
    };
  }),
  error_number: caught(INT, (error) => error.number),
  error_message: caught(nvarchar(4000), (error) => error.message),
  error_severity: caught(INT, (error) => error.severity),
  error_state: caught(INT, (error) => error.state),
  error_line: caught(INT, (error) => error.line),
  error_procedure: caught(nvarchar(128), (error) => (error.procedure === '' ? null : error.procedure)),
  xact_state: define(0, 0, (_, context) => ({
    type: { kind: 'smallint' },
    nullable: false,
    evaluate: () => context.environment.transactionState,
  })),
  scope_identity: define(0, 0, (_, context: CompileContext) => ({
    type: decimal(38, 0),
    nullable: true,
    evaluate: () => convert(context.environment.scopeIdentity ?? null, BIGINT, decimal(38, 0)),
  })),
  rowcount_big: define(0, 0, (_, context) => ({
    type: BIGINT,
    nullable: false,
    evaluate: () => BigInt(context.environment.rowCount),
  })),
};

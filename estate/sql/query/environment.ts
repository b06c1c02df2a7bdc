/** What compiled queries ask of the session that runs them. */
import type { ObjectName, RowSource, ScalarFunction, TypedValue } from '../host';
import type { CallExpression } from '../syntax/ast';
import type { SqlColumn, SqlDateTime, SqlRow, SqlType, SqlValue } from '../types';
import type { Frame, Scope } from './frame';

export interface Variable {
  readonly type: SqlType;
  value: SqlValue;
}

/** A table or view whose rows can be read. */
export interface TableAccess {
  readonly columns: readonly SqlColumn[];
  readonly schema: string;
  readonly database: string;
  rows(): Iterable<SqlRow>;
  /** Number of rows, when it is known without reading them. */
  readonly size?: number;
  readonly primaryKey?: readonly string[];
  /** Row with this primary key, values in the order and types of the key's columns. */
  lookup?(key: readonly SqlValue[]): SqlRow | undefined;
}

/** The error that a CATCH block handles. */
export interface CaughtError {
  readonly number: number;
  readonly message: string;
  readonly severity: number;
  readonly state: number;
  readonly line: number;
  readonly procedure: string;
}

export interface Environment {
  readonly now: SqlDateTime;
  /** @throws SqlError 137 for an undeclared variable */
  variable(name: string): Variable;
  /** @throws SqlError 137 for an unknown @@name */
  global(name: string): TypedValue;
  scalarFunction(name: ObjectName): ScalarFunction | undefined;
  table(name: ObjectName): TableAccess | undefined;
  tableVariable(name: string): TableAccess | undefined;
  tableFunction(name: ObjectName, args: readonly TypedValue[]): RowSource | undefined;
  readonly caught: CaughtError | undefined;
  readonly transactionState: -1 | 0 | 1;
  readonly scopeIdentity: bigint | undefined;
  readonly rowCount: number;
  /** Next pseudo-random number in [0, 1); deterministic for a session. */
  random(seed?: number): number;
}

/** A compiled expression: its type is known before any row is read. */
export interface Compiled {
  readonly type: SqlType;
  readonly nullable: boolean;
  evaluate(frame: Frame): SqlValue;
  /** The literal NULL, which takes the type of whatever it meets. */
  readonly untyped?: boolean;
  /** Digits of a whole-number literal: it meets decimals with these, not with the ten of int. */
  readonly literalDigits?: number;
  /** Column name when the expression is a plain column. */
  readonly name?: string;
}

export type Condition = (frame: Frame) => boolean | null;

/** Rows of a view are read once for a statement, so that all its parts see the same. */
export type ViewCache = Map<string, readonly SqlRow[]>;

export interface CompileContext {
  readonly environment: Environment;
  readonly scope: Scope;
  readonly ctes: ReadonlyMap<string, CteBinding>;
  readonly views: ViewCache;
  /** Present while the select list, HAVING and ORDER BY of a query are compiled. */
  readonly grouping?: Grouping;
  /** Told every result row of the outermost SELECT as it is computed (assignment to variables). */
  readonly onRow?: (row: SqlRow, columns: readonly SqlColumn[]) => void;
}

export interface CteBinding {
  bind(scope: Scope | undefined): BoundQuery;
}

/** A query ready to run; `parent` is the frame of the row around it. */
export interface BoundQuery {
  readonly columns: readonly SqlColumn[];
  run(parent: Frame | undefined): readonly SqlRow[];
}

export interface AggregateSlot {
  readonly call: CallExpression;
  readonly argument: Compiled | undefined;
  readonly type: SqlType;
  readonly order: readonly CompiledOrder[];
  readonly separator: Compiled | undefined;
}

export interface CompiledOrder {
  readonly value: Compiled;
  readonly descending: boolean;
}

export interface WindowSlot {
  readonly call: CallExpression;
  readonly args: readonly Compiled[];
  readonly partition: readonly Compiled[];
  readonly order: readonly CompiledOrder[];
  readonly type: SqlType;
}

/** Collects the aggregates and window functions of one query level. */
export interface Grouping {
  readonly grouped: boolean;
  /** Normalised texts of the GROUP BY expressions. */
  readonly keys: ReadonlySet<string>;
  readonly aggregates: AggregateSlot[];
  readonly windows: WindowSlot[];
  /** Window functions may not nest. */
  readonly insideWindow: boolean;
}

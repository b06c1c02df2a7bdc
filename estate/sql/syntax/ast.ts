/** Syntax tree of the part of Transact-SQL that the engine runs. Made by the parser, never changed afterwards. */
import type { SqlError } from '../errors';
import type { AdministrativeStatement, ObjectName } from '../host';
import type { TableAccess } from '../query/environment';
import type { SqlType, SqlValue } from '../types';

export type Expression = ValueExpression | Predicate;

export type ValueExpression =
  | { readonly kind: 'literal'; readonly type: SqlType; readonly value: SqlValue }
  | { readonly kind: 'null' }
  /** DEFAULT in a VALUES list, or as an argument. */
  | { readonly kind: 'default' }
  | { readonly kind: 'column'; readonly path: readonly string[] }
  /** Name without the @, lower case. */
  | { readonly kind: 'variable'; readonly name: string }
  /** Name with the @@, upper case. */
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: '-' | '+' | '~'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | CallExpression
  | {
      readonly kind: 'case';
      readonly operand?: Expression;
      readonly branches: readonly { readonly when: Expression; readonly result: Expression }[];
      readonly otherwise?: Expression;
    }
  | {
      readonly kind: 'cast';
      readonly operand: Expression;
      readonly type: SqlType;
      readonly style?: Expression;
      /** TRY_CAST and TRY_CONVERT give NULL instead of an error. */
      readonly attempt: boolean;
    }
  | { readonly kind: 'at-time-zone'; readonly operand: Expression; readonly zone: Expression }
  | { readonly kind: 'subquery'; readonly query: Query };

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^';
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export interface CallExpression {
  readonly kind: 'call';
  readonly name: ObjectName;
  readonly args: readonly Expression[];
  readonly distinct: boolean;
  /** COUNT(*) */
  readonly star: boolean;
  readonly over?: WindowSpecification;
  /** STRING_AGG(...) WITHIN GROUP (ORDER BY ...) */
  readonly withinGroup?: readonly OrderItem[];
}

export interface WindowSpecification {
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly OrderItem[];
  readonly frame?: WindowFrame;
}

export interface WindowFrame {
  readonly unit: 'rows' | 'range';
  /** Offsets from the current row; undefined = unbounded. */
  readonly start: number | undefined;
  readonly end: number | undefined;
}

export type Predicate =
  | {
      readonly kind: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'quantified';
      readonly operator: ComparisonOperator;
      readonly quantifier: 'any' | 'all';
      readonly left: Expression;
      readonly query: Query;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | {
      readonly kind: 'between';
      readonly operand: Expression;
      readonly low: Expression;
      readonly high: Expression;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'in-list';
      readonly operand: Expression;
      readonly items: readonly Expression[];
      readonly negated: boolean;
    }
  | {
      readonly kind: 'in-query';
      readonly operand: Expression;
      readonly query: Query;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'like';
      readonly operand: Expression;
      readonly pattern: Expression;
      readonly escape?: Expression;
      readonly negated: boolean;
    }
  | { readonly kind: 'is-null'; readonly operand: Expression; readonly negated: boolean }
  | {
      readonly kind: 'distinct-from';
      readonly left: Expression;
      readonly right: Expression;
      readonly negated: boolean;
    }
  | { readonly kind: 'exists'; readonly query: Query };

const PREDICATES: ReadonlySet<string> = new Set<Predicate['kind']>([
  'comparison',
  'quantified',
  'and',
  'or',
  'not',
  'between',
  'in-list',
  'in-query',
  'like',
  'is-null',
  'distinct-from',
  'exists',
]);

/** T-SQL has no boolean values: a predicate may stand only where a condition is expected. */
export const isPredicate = (expression: Expression): expression is Predicate =>
  PREDICATES.has(expression.kind);

export interface Query {
  readonly ctes: readonly CommonTableExpression[];
  readonly body: QueryBody;
  readonly orderBy: readonly OrderItem[];
  readonly offset?: Expression;
  readonly fetch?: Expression;
}

export interface CommonTableExpression {
  readonly name: string;
  readonly columns?: readonly string[];
  readonly query: Query;
}

export interface OrderItem {
  readonly expression: Expression;
  readonly descending: boolean;
}

export type QueryBody =
  | SelectBody
  | SetOperationBody
  | ValuesBody
  | { readonly kind: 'nested'; readonly query: Query };

export interface SetOperationBody {
  readonly kind: 'set-operation';
  readonly operator: 'union' | 'union-all' | 'except' | 'intersect';
  readonly left: QueryBody;
  readonly right: QueryBody;
}

export interface ValuesBody {
  readonly kind: 'values';
  readonly rows: readonly (readonly Expression[])[];
}

export interface SelectBody {
  readonly kind: 'select';
  readonly distinct: boolean;
  readonly top?: TopClause;
  readonly items: readonly SelectItem[];
  readonly into?: ObjectName;
  readonly from?: TableSource;
  readonly where?: Expression;
  readonly groupBy: readonly Expression[];
  readonly having?: Expression;
}

export interface TopClause {
  readonly count: Expression;
  readonly percent: boolean;
  readonly withTies: boolean;
}

export type SelectItem =
  | { readonly kind: 'star'; readonly qualifier: readonly string[] }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly alias?: string }
  | {
      readonly kind: 'assignment';
      readonly variable: string;
      readonly operator?: ArithmeticOperator;
      readonly expression: Expression;
    };

export type TableSource =
  | { readonly kind: 'table'; readonly name: ObjectName; readonly alias?: string; readonly line: number }
  | { readonly kind: 'table-variable'; readonly name: string; readonly alias?: string }
  /** Not written by the parser: a table already found, put in by UPDATE, DELETE and OUTPUT. */
  | { readonly kind: 'given'; readonly access: TableAccess; readonly name: string; readonly alias?: string }
  | {
      readonly kind: 'table-function';
      readonly name: ObjectName;
      readonly args: readonly Expression[];
      readonly alias?: string;
      readonly columns?: readonly string[];
      readonly line: number;
    }
  | {
      readonly kind: 'derived';
      readonly query: Query;
      readonly alias: string;
      readonly columns?: readonly string[];
    }
  | {
      readonly kind: 'join';
      readonly join: 'inner' | 'left' | 'right' | 'full' | 'cross';
      readonly left: TableSource;
      readonly right: TableSource;
      readonly on?: Expression;
    }
  | {
      readonly kind: 'apply';
      readonly outer: boolean;
      readonly left: TableSource;
      readonly right: TableSource;
    };

export interface ColumnDefinition {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean | undefined;
  readonly identity?: { readonly seed: bigint; readonly increment: bigint };
  readonly defaultExpression?: { readonly text: string };
  readonly defaultName?: string;
}

export interface TableShape {
  readonly columns: readonly ColumnDefinition[];
  readonly primaryKey: readonly string[];
  readonly primaryKeyName?: string;
}

/** `SET c = expression`, `SET c += expression`, `SET @v = expression`, `SET @v = c = expression`. */
export interface Assignment {
  readonly column?: readonly string[];
  readonly variable?: string;
  readonly operator?: ArithmeticOperator;
  readonly expression: Expression;
}

export interface OutputClause {
  readonly items: readonly SelectItem[];
  readonly into?: TableTarget;
  readonly intoColumns?: readonly string[];
}

export type TableTarget =
  | { readonly kind: 'table'; readonly name: ObjectName; readonly line: number }
  | { readonly kind: 'table-variable'; readonly name: string; readonly line: number };

export interface ExecuteArgument {
  /** Without the @; undefined = positional. */
  readonly name?: string;
  readonly value: Expression;
  readonly output: boolean;
}

export interface Positioned {
  readonly line: number;
}

export type Statement = Positioned &
  (
    | { readonly kind: 'query'; readonly query: Query }
    | {
        readonly kind: 'insert';
        readonly target: TableTarget;
        readonly columns?: readonly string[];
        readonly top?: TopClause;
        readonly output?: OutputClause;
        readonly source:
          | { readonly kind: 'query'; readonly query: Query }
          | { readonly kind: 'default-values' };
      }
    | {
        readonly kind: 'update';
        readonly target: TableTarget;
        readonly top?: TopClause;
        readonly ctes: readonly CommonTableExpression[];
        readonly assignments: readonly Assignment[];
        readonly output?: OutputClause;
        readonly from?: TableSource;
        readonly where?: Expression;
      }
    | {
        readonly kind: 'delete';
        readonly target: TableTarget;
        readonly top?: TopClause;
        readonly ctes: readonly CommonTableExpression[];
        readonly output?: OutputClause;
        readonly from?: TableSource;
        readonly where?: Expression;
      }
    | { readonly kind: 'truncate-table'; readonly name: ObjectName }
    | { readonly kind: 'create-table'; readonly name: ObjectName; readonly shape: TableShape }
    | { readonly kind: 'drop-table'; readonly names: readonly ObjectName[]; readonly ifExists: boolean }
    | {
        readonly kind: 'alter-table-add';
        readonly name: ObjectName;
        readonly columns: readonly ColumnDefinition[];
      }
    | { readonly kind: 'create-index'; readonly table: ObjectName }
    | { readonly kind: 'drop-index' }
    | {
        readonly kind: 'declare';
        readonly variables: readonly {
          readonly name: string;
          readonly type: SqlType;
          readonly value?: Expression;
        }[];
      }
    | { readonly kind: 'declare-table'; readonly name: string; readonly shape: TableShape }
    | {
        readonly kind: 'set-variable';
        readonly name: string;
        readonly operator?: ArithmeticOperator;
        readonly value: Expression;
      }
    | {
        readonly kind: 'set-option';
        readonly names: readonly string[];
        readonly value: string | Expression;
        /** Of IDENTITY_INSERT. */
        readonly table?: ObjectName;
      }
    | {
        readonly kind: 'if';
        readonly condition: Expression;
        readonly consequence: Statement;
        readonly otherwise?: Statement;
      }
    | { readonly kind: 'while'; readonly condition: Expression; readonly body: Statement }
    | { readonly kind: 'block'; readonly statements: readonly Statement[] }
    | { readonly kind: 'try'; readonly body: readonly Statement[]; readonly handler: readonly Statement[] }
    | { readonly kind: 'break' }
    | { readonly kind: 'continue' }
    | { readonly kind: 'return'; readonly value?: Expression }
    | { readonly kind: 'print'; readonly value: Expression }
    | {
        readonly kind: 'raiserror';
        readonly message: Expression;
        readonly severity: Expression;
        readonly state: Expression;
        readonly args: readonly Expression[];
        readonly options: readonly string[];
      }
    | {
        readonly kind: 'throw';
        readonly error?: {
          readonly number: Expression;
          readonly message: Expression;
          readonly state: Expression;
        };
      }
    | { readonly kind: 'waitfor'; readonly until: 'delay' | 'time'; readonly value: Expression }
    | {
        readonly kind: 'execute';
        readonly procedure: ObjectName | { readonly variable: string };
        readonly args: readonly ExecuteArgument[];
        readonly returnVariable?: string;
      }
    | { readonly kind: 'execute-text'; readonly parts: readonly Expression[] }
    | { readonly kind: 'use'; readonly database: string }
    | { readonly kind: 'begin-transaction'; readonly name?: string | { readonly variable: string } }
    | { readonly kind: 'commit' }
    | { readonly kind: 'rollback'; readonly name?: string | { readonly variable: string } }
    | { readonly kind: 'save'; readonly name: string | { readonly variable: string } }
    | { readonly kind: 'administrative'; readonly statement: AdministrativeStatement }
    /** Known to T-SQL, refused by the estate: fails only when its turn comes. */
    | { readonly kind: 'refused'; readonly error: SqlError }
    | { readonly kind: 'empty' }
  );

export interface Batch {
  readonly statements: readonly Statement[];
  /** True when a host's parser made a part of it, so that the tree belongs to that host. */
  readonly administrative: boolean;
}

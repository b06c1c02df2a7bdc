/** Where expressions find their columns: scopes when they are compiled, frames when they run. */
import { SqlError } from '../errors';
import type { SqlColumn, SqlRow, SqlValue } from '../types';

/** The row (and, for grouped queries, the aggregates and window values) that an expression is evaluated over. */
export class Frame {
  aggregates: readonly SqlValue[] = [];
  windows: readonly SqlValue[] = [];

  constructor(
    public row: SqlRow,
    readonly parent: Frame | undefined,
  ) {}
}

export const EMPTY_FRAME = new Frame([], undefined);

export interface ScopeSource {
  /** Alias, or the name of a table without one; lower case. */
  readonly alias: string;
  /** Lower-case schema and database of a table without an alias, for `dbo.t.c`. */
  readonly schema?: string;
  readonly database?: string;
  readonly columns: readonly SqlColumn[];
  /** Index of the source's first column in the joined row. */
  readonly offset: number;
}

export interface ResolvedColumn {
  /** Number of frames to go outwards. */
  readonly depth: number;
  readonly index: number;
  readonly column: SqlColumn;
}

/** Names visible in one query level. */
export class Scope {
  readonly sources: ScopeSource[] = [];
  /** Set when the level cannot be computed once: it reads an outer row, or a recursive member's working table. */
  correlated = false;
  /** Columns before this index are not visible (ON clauses of joins that nest to the right). */
  base = 0;
  width = 0;

  constructor(readonly parent?: Scope) {}

  add(source: Omit<ScopeSource, 'offset'>): ScopeSource {
    if (this.sources.some((other) => sameExposedName(other, source))) {
      throw new SqlError(
        1013,
        `The objects "${source.alias}" and "${source.alias}" in the FROM clause have the same exposed names. Use correlation names to distinguish them.`,
      );
    }
    const placed = { ...source, offset: this.width };
    this.sources.push(placed);
    this.width += source.columns.length;
    return placed;
  }

  /** Marks this level and every one around it as not computable once. */
  markVolatile(): void {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent)
      scope.correlated = true;
  }

  /** @throws SqlError 207, 209, 4104 */
  resolve(path: readonly string[]): ResolvedColumn {
    let depth = 0;
    const crossed: Scope[] = [];
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const found = scope.find(path);
      if (found !== undefined) {
        for (const inner of crossed) inner.correlated = true;
        return { depth, ...found };
      }
      crossed.push(scope);
      depth++;
    }
    throw unknownColumn(path);
  }

  private find(path: readonly string[]): { index: number; column: SqlColumn } | undefined {
    const name = (path[path.length - 1] ?? '').toLowerCase();
    const qualified = path.length > 1;
    let match: { index: number; column: SqlColumn } | undefined;
    for (const source of this.sources) {
      if (source.offset < this.base || (qualified && !matchesQualifier(source, path))) continue;
      const at = source.columns.findIndex((column) => column.name.toLowerCase() === name);
      const column = source.columns[at];
      if (column === undefined) {
        if (qualified) throw invalidColumn(path);
        continue;
      }
      if (match !== undefined) throw new SqlError(209, `Ambiguous column name '${path[path.length - 1]}'.`);
      match = { index: source.offset + at - this.base, column };
    }
    return match;
  }

  /** Sources that `t.*` means. @throws SqlError 107 */
  matching(qualifier: readonly string[]): readonly ScopeSource[] {
    if (qualifier.length === 0) return this.sources;
    const found = this.sources.filter((source) => matchesQualifier(source, [...qualifier, '*']));
    if (found.length > 0) return found;
    throw new SqlError(
      107,
      `The column prefix '${qualifier.join('.')}' does not match with a table name or alias name used in the query.`,
      { severity: 15 },
    );
  }
}

function sameExposedName(a: Omit<ScopeSource, 'offset'>, b: Omit<ScopeSource, 'offset'>): boolean {
  return a.alias !== '' && a.alias === b.alias && a.schema === b.schema && a.database === b.database;
}

function matchesQualifier(source: ScopeSource, path: readonly string[]): boolean {
  const [alias, schema, database] = [...path]
    .reverse()
    .slice(1)
    .map((part) => part.toLowerCase());
  if (alias !== source.alias) return false;
  if (schema !== undefined && schema !== source.schema) return false;
  return database === undefined || database === source.database;
}

const invalidColumn = (path: readonly string[]): SqlError =>
  new SqlError(207, `Invalid column name '${path[path.length - 1]}'.`);

function unknownColumn(path: readonly string[]): SqlError {
  if (path.length === 1) return invalidColumn(path);
  return new SqlError(4104, `The multi-part identifier "${path.join('.')}" could not be bound.`);
}

/** Parser of CREATE TABLE's column list, shared by ALTER TABLE ADD and table variables. */
import { SqlError } from '../errors';
import type { ColumnDefinition, TableShape } from './ast';
import type { Cursor } from './cursor';
import { parseExpression, parseType } from './expressions';
import { skipParentheses } from './queries';

interface ColumnResult {
  readonly column: ColumnDefinition;
  readonly primaryKey: boolean;
  readonly primaryKeyName?: string;
}

interface TableConstraint {
  /** Columns of a primary key; none for other constraints. */
  readonly key: readonly string[];
  readonly name?: string;
}

/** `( column type ..., PRIMARY KEY (...), UNIQUE (...) )` */
export function parseTableShape(cursor: Cursor): TableShape {
  const columns: ColumnDefinition[] = [];
  let primaryKey: TableConstraint = { key: [] };
  cursor.expect('(');
  do {
    if (cursor.at(')')) break;
    const constraint = parseTableConstraint(cursor);
    if (constraint !== undefined) {
      if (constraint.key.length > 0) primaryKey = constraint;
      continue;
    }
    const { column, primaryKey: inline, primaryKeyName } = parseColumn(cursor);
    columns.push(column);
    if (inline) primaryKey = constraintOf([column.name], primaryKeyName);
  } while (cursor.accept(','));
  cursor.expect(')');
  const { key, name } = primaryKey;
  return {
    columns: keyColumnsNotNull(columns, key),
    primaryKey: key,
    ...(name === undefined ? {} : { primaryKeyName: name }),
  };
}

const constraintOf = (key: readonly string[], name: string | undefined): TableConstraint =>
  name === undefined ? { key } : { key, name };

function keyColumnsNotNull(columns: readonly ColumnDefinition[], key: readonly string[]): ColumnDefinition[] {
  const names = new Set(key.map((name) => name.toLowerCase()));
  for (const name of key) {
    if (columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) continue;
    throw new SqlError(1911, `Column name '${name}' does not exist in the target table or view.`);
  }
  return columns.map((column) =>
    names.has(column.name.toLowerCase()) ? { ...column, nullable: false } : column,
  );
}

/** @returns undefined when a column follows. */
function parseTableConstraint(cursor: Cursor): TableConstraint | undefined {
  const name = cursor.accept('CONSTRAINT') ? cursor.identifier() : undefined;
  if (cursor.accept('PRIMARY', 'KEY')) {
    acceptClustering(cursor);
    const names = parseKeyColumns(cursor);
    acceptIndexOptions(cursor);
    return constraintOf(names, name);
  }
  if (cursor.accept('UNIQUE')) {
    acceptClustering(cursor);
    parseKeyColumns(cursor);
    acceptIndexOptions(cursor);
    return { key: [] };
  }
  if (cursor.accept('CHECK')) {
    skipParentheses(cursor);
    return { key: [] };
  }
  if (cursor.accept('FOREIGN', 'KEY')) {
    skipParentheses(cursor);
    acceptReferences(cursor);
    return { key: [] };
  }
  if (!cursor.at('INDEX')) return undefined;
  cursor.next();
  cursor.identifier();
  cursor.accept('UNIQUE');
  acceptClustering(cursor);
  parseKeyColumns(cursor);
  return { key: [] };
}

function acceptReferences(cursor: Cursor): void {
  cursor.expect('REFERENCES');
  cursor.objectName();
  if (cursor.at('(')) skipParentheses(cursor);
  while (cursor.accept('ON')) {
    cursor.next();
    if (cursor.accept('NO')) cursor.expect('ACTION');
    else if (!cursor.accept('CASCADE') && cursor.accept('SET')) cursor.next();
  }
}

function acceptClustering(cursor: Cursor): void {
  if (!cursor.accept('CLUSTERED')) cursor.accept('NONCLUSTERED');
}

function acceptIndexOptions(cursor: Cursor): void {
  if (cursor.accept('WITH')) skipParentheses(cursor);
  if (cursor.accept('ON')) cursor.identifier();
}

export function parseKeyColumns(cursor: Cursor): string[] {
  cursor.expect('(');
  const names: string[] = [];
  do {
    names.push(cursor.identifier());
    if (!cursor.accept('ASC')) cursor.accept('DESC');
  } while (cursor.accept(','));
  cursor.expect(')');
  return names;
}

interface ColumnDraft {
  nullable: boolean | undefined;
  identity?: { seed: bigint; increment: bigint };
  defaultExpression?: { text: string };
  primaryKey: boolean;
  primaryKeyName?: string;
  defaultName?: string;
  /** Name of the constraint that follows. */
  pendingName?: string;
}

export function parseColumn(cursor: Cursor): ColumnResult {
  const name = cursor.identifier();
  if (cursor.accept('AS')) {
    throw new SqlError(40510, "Statement 'computed column' is not supported in this version of SQL Server.", {
      line: cursor.peek().line,
    });
  }
  refuseRowVersion(cursor);
  const type = parseType(cursor);
  const draft: ColumnDraft = { nullable: undefined, primaryKey: false };
  while (parseColumnOption(cursor, draft));
  const { primaryKey, primaryKeyName, nullable, pendingName: _pending, ...rest } = draft;
  const notNull = primaryKey || draft.identity !== undefined ? false : nullable;
  const column = { name, type, nullable: notNull, ...rest };
  return { column, primaryKey, ...(primaryKeyName === undefined ? {} : { primaryKeyName }) };
}

/** Its values come from a counter of the database, which the log would have to ship: refused rather than left NULL. */
function refuseRowVersion(cursor: Cursor): void {
  const { text, line } = cursor.peek();
  if (!/^(rowversion|timestamp)$/i.test(text)) return;
  throw new SqlError(40510, "Statement 'rowversion column' is not supported in this version of SQL Server.", {
    line,
  });
}

function parseColumnOption(cursor: Cursor, draft: ColumnDraft): boolean {
  if (cursor.accept('NOT', 'NULL')) draft.nullable = false;
  else if (cursor.accept('NULL')) draft.nullable = true;
  else if (cursor.accept('IDENTITY')) draft.identity = parseIdentity(cursor);
  else if (cursor.accept('CONSTRAINT')) draft.pendingName = cursor.identifier();
  else if (cursor.accept('DEFAULT')) {
    draft.defaultExpression = parseDefault(cursor);
    if (draft.pendingName !== undefined) draft.defaultName = draft.pendingName;
    delete draft.pendingName;
  } else if (cursor.accept('PRIMARY', 'KEY')) {
    draft.primaryKey = true;
    if (draft.pendingName !== undefined) draft.primaryKeyName = draft.pendingName;
    delete draft.pendingName;
    acceptClustering(cursor);
    acceptIndexOptions(cursor);
  } else if (cursor.accept('UNIQUE')) acceptClustering(cursor);
  else if (cursor.accept('CHECK')) skipParentheses(cursor);
  else if (cursor.accept('COLLATE')) cursor.identifier();
  else if (cursor.accept('ROWGUIDCOL') || cursor.accept('SPARSE')) return true;
  else if (cursor.accept('FOREIGN', 'KEY') || cursor.at('REFERENCES')) acceptReferences(cursor);
  else if (cursor.accept('WITH', 'VALUES')) return true;
  else return false;
  return true;
}

function parseIdentity(cursor: Cursor): { seed: bigint; increment: bigint } {
  if (!cursor.accept('(')) return { seed: 1n, increment: 1n };
  const seed = parseSigned(cursor);
  cursor.expect(',');
  const increment = parseSigned(cursor);
  cursor.expect(')');
  return { seed, increment };
}

function parseSigned(cursor: Cursor): bigint {
  const negative = cursor.accept('-');
  const token = cursor.next();
  if (token.kind !== 'number' || !/^\d+$/.test(token.text)) cursor.fail(token);
  return negative ? -BigInt(token.text) : BigInt(token.text);
}

/** DEFAULT is kept as text, because the log ships table definitions as plain data. */
function parseDefault(cursor: Cursor): { text: string } {
  const start = cursor.mark();
  parseExpression(cursor);
  return { text: cursor.textBetween(start, cursor.mark()) };
}

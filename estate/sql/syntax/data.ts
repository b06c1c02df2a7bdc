/** Parser of queries and of the statements that change user tables. */
import type { ObjectName } from '../host';
import type {
  Assignment,
  ColumnDefinition,
  CommonTableExpression,
  OutputClause,
  Statement,
  TableTarget,
} from './ast';
import type { ParseContext } from './batch';
import type { Cursor } from './cursor';
import { parseCondition, parseExpression } from './expressions';
import {
  acceptHints,
  acceptOptionClause,
  assignmentOperator,
  parseCtes,
  parseNames,
  parseQuery,
  parseQueryAfterWith,
  parseSelectItems,
  parseTableSources,
  parseTop,
} from './queries';
import { parseColumn, parseKeyColumns, parseTableShape } from './tables';

/** @returns undefined when another statement stands here. */
export function parseData(context: ParseContext): Statement | undefined {
  const { cursor } = context;
  const { keyword, line, text, kind } = cursor.peek();
  if (kind === 'symbol' && text === '(') return { kind: 'query', query: parseQuery(cursor), line };
  switch (keyword) {
    case 'SELECT':
      return { kind: 'query', query: parseQuery(cursor), line };
    case 'WITH':
      return parseWith(cursor, line);
    case 'INSERT':
      return parseInsert(cursor, [], line);
    case 'UPDATE':
      return cursor.at('UPDATE', 'STATISTICS') ? undefined : parseUpdate(cursor, [], line);
    case 'DELETE':
      return parseDelete(cursor, [], line);
    case 'TRUNCATE':
      cursor.next();
      cursor.expect('TABLE');
      return { kind: 'truncate-table', name: cursor.objectName(), line };
    case 'CREATE':
      return parseCreate(cursor, line);
    case 'DROP':
      return parseDrop(cursor, line);
    case 'ALTER':
      return parseAlter(cursor, line);
    default:
      return undefined;
  }
}

function parseWith(cursor: Cursor, line: number): Statement {
  cursor.next();
  const ctes = parseCtes(cursor);
  if (cursor.at('INSERT')) return parseInsert(cursor, ctes, line);
  if (cursor.at('UPDATE')) return parseUpdate(cursor, ctes, line);
  if (cursor.at('DELETE')) return parseDelete(cursor, ctes, line);
  return { kind: 'query', query: parseQueryAfterWith(cursor, ctes), line };
}

function parseTarget(cursor: Cursor): TableTarget {
  const token = cursor.peek();
  if (token.kind === 'variable') {
    cursor.next();
    return { kind: 'table-variable', name: token.text.slice(1).toLowerCase(), line: token.line };
  }
  const name = cursor.objectName();
  acceptHints(cursor);
  return { kind: 'table', name, line: token.line };
}

function parseInsert(cursor: Cursor, ctes: readonly CommonTableExpression[], line: number): Statement {
  cursor.expect('INSERT');
  const top = parseTop(cursor);
  cursor.accept('INTO');
  const target = parseTarget(cursor);
  const columns = cursor.at('(') && !cursor.at('(', 'SELECT') ? parseNames(cursor) : undefined;
  const output = parseOutput(cursor);
  const base = {
    kind: 'insert',
    target,
    line,
    ...(top === undefined ? {} : { top }),
    ...(columns === undefined ? {} : { columns }),
    ...(output === undefined ? {} : { output }),
  } as const;
  if (cursor.accept('DEFAULT', 'VALUES')) return { ...base, source: { kind: 'default-values' } };
  const query = cursor.at('WITH') ? parseQuery(cursor) : parseQueryAfterWith(cursor, ctes);
  return { ...base, source: { kind: 'query', query } };
}

function parseUpdate(cursor: Cursor, ctes: readonly CommonTableExpression[], line: number): Statement {
  cursor.expect('UPDATE');
  const top = parseTop(cursor);
  const target = parseTarget(cursor);
  cursor.expect('SET');
  const assignments = [parseAssignment(cursor)];
  while (cursor.accept(',')) assignments.push(parseAssignment(cursor));
  const output = parseOutput(cursor);
  const from = cursor.accept('FROM') ? parseTableSources(cursor) : undefined;
  const where = cursor.accept('WHERE') ? parseCondition(cursor) : undefined;
  acceptOptionClause(cursor);
  return {
    kind: 'update',
    target,
    ctes,
    assignments,
    line,
    ...(top === undefined ? {} : { top }),
    ...(output === undefined ? {} : { output }),
    ...(from === undefined ? {} : { from }),
    ...(where === undefined ? {} : { where }),
  };
}

function parseAssignment(cursor: Cursor): Assignment {
  const token = cursor.peek();
  let variable: string | undefined;
  if (token.kind === 'variable') {
    cursor.next();
    variable = token.text.slice(1).toLowerCase();
    if (cursor.at('=') && isColumnAssignment(cursor)) cursor.next();
    else return withOperator(cursor, { variable });
  }
  const column = [cursor.identifier()];
  while (cursor.accept('.')) column.push(cursor.identifier());
  return withOperator(cursor, variable === undefined ? { column } : { column, variable });
}

/** `@v = column = expression` */
const isColumnAssignment = (cursor: Cursor): boolean => {
  const [name, symbol] = [cursor.peek(1), cursor.peek(2)];
  return (
    (name.kind === 'identifier' || name.kind === 'quoted-identifier') &&
    assignmentOperator(symbol.text) !== undefined
  );
};

function withOperator(cursor: Cursor, target: { column?: readonly string[]; variable?: string }): Assignment {
  const compound = assignmentOperator(cursor.peek().text);
  if (compound === undefined) cursor.fail();
  cursor.next();
  const expression = cursor.accept('DEFAULT') ? ({ kind: 'default' } as const) : parseExpression(cursor);
  return compound === '=' ? { ...target, expression } : { ...target, operator: compound, expression };
}

function parseDelete(cursor: Cursor, ctes: readonly CommonTableExpression[], line: number): Statement {
  cursor.expect('DELETE');
  const top = parseTop(cursor);
  cursor.accept('FROM');
  const target = parseTarget(cursor);
  const output = parseOutput(cursor);
  const from = cursor.accept('FROM') ? parseTableSources(cursor) : undefined;
  const where = cursor.accept('WHERE') ? parseCondition(cursor) : undefined;
  acceptOptionClause(cursor);
  return {
    kind: 'delete',
    target,
    ctes,
    line,
    ...(top === undefined ? {} : { top }),
    ...(output === undefined ? {} : { output }),
    ...(from === undefined ? {} : { from }),
    ...(where === undefined ? {} : { where }),
  };
}

function parseOutput(cursor: Cursor): OutputClause | undefined {
  if (!cursor.accept('OUTPUT')) return undefined;
  const items = parseSelectItems(cursor);
  if (!cursor.accept('INTO')) return { items };
  const into = parseTarget(cursor);
  return cursor.at('(') ? { items, into, intoColumns: parseNames(cursor) } : { items, into };
}

function parseCreate(cursor: Cursor, line: number): Statement | undefined {
  if (cursor.accept('CREATE', 'TABLE')) {
    const name = cursor.objectName();
    const shape = parseTableShape(cursor);
    skipStorageOptions(cursor);
    return { kind: 'create-table', name, shape, line };
  }
  return parseCreateIndex(cursor, line);
}

/** ON filegroup, TEXTIMAGE_ON, WITH (DATA_COMPRESSION = PAGE): storage that the estate does not model. */
function skipStorageOptions(cursor: Cursor): void {
  while (cursor.accept('ON') || cursor.accept('TEXTIMAGE_ON')) cursor.identifier();
  if (!cursor.accept('WITH')) return;
  cursor.expect('(');
  for (let depth = 1; depth > 0; ) {
    const token = cursor.next();
    if (token.kind === 'end') cursor.fail(token);
    if (token.text === '(' && token.kind === 'symbol') depth++;
    if (token.text === ')' && token.kind === 'symbol') depth--;
  }
}

function parseCreateIndex(cursor: Cursor, line: number): Statement | undefined {
  const mark = cursor.mark();
  cursor.expect('CREATE');
  cursor.accept('UNIQUE');
  if (!cursor.accept('CLUSTERED')) cursor.accept('NONCLUSTERED');
  if (!cursor.accept('INDEX')) {
    cursor.rewind(mark);
    return undefined;
  }
  cursor.identifier();
  cursor.expect('ON');
  const table = cursor.objectName();
  parseKeyColumns(cursor);
  if (cursor.accept('INCLUDE')) parseNames(cursor);
  if (cursor.accept('WHERE')) parseCondition(cursor);
  skipStorageOptions(cursor);
  if (cursor.accept('ON')) cursor.identifier();
  return { kind: 'create-index', table, line };
}

function parseDrop(cursor: Cursor, line: number): Statement | undefined {
  if (cursor.accept('DROP', 'TABLE')) {
    const ifExists = cursor.accept('IF', 'EXISTS');
    const names: ObjectName[] = [cursor.objectName()];
    while (cursor.accept(',')) names.push(cursor.objectName());
    return { kind: 'drop-table', names, ifExists, line };
  }
  if (!cursor.accept('DROP', 'INDEX')) return undefined;
  cursor.accept('IF', 'EXISTS');
  cursor.objectName();
  if (cursor.accept('ON')) cursor.objectName();
  return { kind: 'drop-index', line };
}

/** Only ALTER TABLE ... ADD column; other forms are left to the refusal of unknown text. */
function parseAlter(cursor: Cursor, line: number): Statement | undefined {
  if (!cursor.at('ALTER', 'TABLE')) return undefined;
  const mark = cursor.mark();
  cursor.accept('ALTER', 'TABLE');
  const name = cursor.objectName();
  if (!cursor.accept('ADD') || cursor.at('CONSTRAINT')) {
    cursor.rewind(mark);
    return undefined;
  }
  cursor.accept('COLUMN');
  const columns: ColumnDefinition[] = [];
  do columns.push(parseColumn(cursor).column);
  while (cursor.accept(','));
  return { kind: 'alter-table-add', name, columns, line };
}

/** Parser of SELECT: common table expressions, set operations, table sources. */
import { SqlError } from '../errors';
import type {
  ArithmeticOperator,
  CommonTableExpression,
  Expression,
  OrderItem,
  Query,
  QueryBody,
  SelectBody,
  SelectItem,
  TableSource,
  TopClause,
} from './ast';
import type { Cursor } from './cursor';
import { parseCondition, parseExpression, parseList, parseOrderItems } from './expressions';

/** Parses `[WITH ...] SELECT ... [UNION ...] [ORDER BY ...] [OFFSET ...] [OPTION (...)]`. */
export function parseQuery(cursor: Cursor): Query {
  const ctes = cursor.accept('WITH') ? parseCtes(cursor) : [];
  return parseQueryAfterWith(cursor, ctes);
}

export function parseQueryAfterWith(cursor: Cursor, ctes: readonly CommonTableExpression[]): Query {
  const body = parseSetOperations(cursor);
  const orderBy: OrderItem[] = cursor.accept('ORDER', 'BY') ? parseOrderItems(cursor) : [];
  const offset = orderBy.length > 0 && cursor.accept('OFFSET') ? parseRowCount(cursor) : undefined;
  const fetch = offset !== undefined && cursor.accept('FETCH') ? parseFetch(cursor) : undefined;
  refuseForClause(cursor);
  acceptOptionClause(cursor);
  return {
    ctes,
    body,
    orderBy,
    ...(offset === undefined ? {} : { offset }),
    ...(fetch === undefined ? {} : { fetch }),
  };
}

function parseRowCount(cursor: Cursor): Expression {
  const count = parseExpression(cursor);
  if (!cursor.accept('ROWS')) cursor.expect('ROW');
  return count;
}

function parseFetch(cursor: Cursor): Expression {
  if (!cursor.accept('NEXT')) cursor.expect('FIRST');
  const count = parseRowCount(cursor);
  cursor.expect('ONLY');
  return count;
}

/** FOR XML and FOR JSON are outside the estate; 40510-like refusals name the statement instead of guessing a result. */
function refuseForClause(cursor: Cursor): void {
  if (!cursor.at('FOR', 'XML') && !cursor.at('FOR', 'JSON') && !cursor.at('FOR', 'BROWSE')) return;
  const clause = `FOR ${cursor.peek(1).keyword}`;
  throw new SqlError(40510, `Statement '${clause}' is not supported in this version of SQL Server.`, {
    severity: 15,
    line: cursor.peek().line,
  });
}

export function acceptOptionClause(cursor: Cursor): void {
  if (!cursor.accept('OPTION')) return;
  skipParentheses(cursor);
}

/** Consumes a balanced parenthesis; hints change nothing here. */
export function skipParentheses(cursor: Cursor): void {
  cursor.expect('(');
  let depth = 1;
  while (depth > 0) {
    const token = cursor.next();
    if (token.kind === 'end') cursor.fail(token);
    if (token.kind !== 'symbol') continue;
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
  }
}

export function parseCtes(cursor: Cursor): CommonTableExpression[] {
  const ctes: CommonTableExpression[] = [];
  do {
    const name = cursor.identifier();
    const columns = cursor.at('(') ? parseNames(cursor) : undefined;
    cursor.expect('AS', '(');
    const query = cursor.nested(() => parseQuery(cursor));
    cursor.expect(')');
    ctes.push({ name, query, ...(columns === undefined ? {} : { columns }) });
  } while (cursor.accept(','));
  return ctes;
}

/** `(a, b, c)` */
export function parseNames(cursor: Cursor): string[] {
  cursor.expect('(');
  const names = [cursor.identifier()];
  while (cursor.accept(',')) names.push(cursor.identifier());
  cursor.expect(')');
  return names;
}

/** INTERSECT binds tighter than UNION and EXCEPT. */
function parseSetOperations(cursor: Cursor): QueryBody {
  let left = parseIntersections(cursor);
  for (;;) {
    if (cursor.accept('UNION')) {
      const operator = cursor.accept('ALL') ? 'union-all' : 'union';
      left = { kind: 'set-operation', operator, left, right: parseIntersections(cursor) };
    } else if (cursor.accept('EXCEPT')) {
      left = { kind: 'set-operation', operator: 'except', left, right: parseIntersections(cursor) };
    } else return left;
  }
}

function parseIntersections(cursor: Cursor): QueryBody {
  let left = parseQueryTerm(cursor);
  while (cursor.accept('INTERSECT')) {
    left = { kind: 'set-operation', operator: 'intersect', left, right: parseQueryTerm(cursor) };
  }
  return left;
}

function parseQueryTerm(cursor: Cursor): QueryBody {
  if (cursor.at('(')) {
    return cursor.nested(() => {
      cursor.expect('(');
      const query = parseQuery(cursor);
      cursor.expect(')');
      return { kind: 'nested', query };
    });
  }
  if (cursor.accept('VALUES')) return { kind: 'values', rows: parseValueRows(cursor) };
  return parseSelect(cursor);
}

export function parseValueRows(cursor: Cursor): Expression[][] {
  const rows: Expression[][] = [];
  do {
    cursor.expect('(');
    const row: Expression[] = [];
    do row.push(cursor.accept('DEFAULT') ? { kind: 'default' } : parseExpression(cursor));
    while (cursor.accept(','));
    cursor.expect(')');
    rows.push(row);
  } while (cursor.accept(','));
  return rows;
}

function parseSelect(cursor: Cursor): SelectBody {
  cursor.expect('SELECT');
  const distinct = cursor.accept('DISTINCT');
  if (!distinct) cursor.accept('ALL');
  const top = parseTop(cursor);
  const items = parseSelectItems(cursor);
  const into = cursor.accept('INTO') ? cursor.objectName() : undefined;
  const from = cursor.accept('FROM') ? parseTableSources(cursor) : undefined;
  const where = cursor.accept('WHERE') ? parseCondition(cursor) : undefined;
  const groupBy = cursor.accept('GROUP', 'BY') ? parseGroupBy(cursor) : [];
  const having = cursor.accept('HAVING') ? parseCondition(cursor) : undefined;
  return {
    kind: 'select',
    distinct,
    items,
    groupBy,
    ...(top === undefined ? {} : { top }),
    ...(into === undefined ? {} : { into }),
    ...(from === undefined ? {} : { from }),
    ...(where === undefined ? {} : { where }),
    ...(having === undefined ? {} : { having }),
  };
}

/** `GROUP BY ()` is one group over everything, like no GROUP BY at all. */
function parseGroupBy(cursor: Cursor): Expression[] {
  if (cursor.accept('(', ')')) return [];
  return parseList(cursor);
}

export function parseTop(cursor: Cursor): TopClause | undefined {
  if (!cursor.accept('TOP')) return undefined;
  const count = parseTopCount(cursor);
  const percent = cursor.accept('PERCENT');
  const withTies = cursor.accept('WITH', 'TIES');
  return { count, percent, withTies };
}

function parseTopCount(cursor: Cursor): Expression {
  if (cursor.accept('(')) {
    const count = parseExpression(cursor);
    cursor.expect(')');
    return count;
  }
  const token = cursor.peek();
  // Without parentheses only a constant or a variable may stand here, so `TOP 5 *` is not a product.
  if (token.kind !== 'number' && token.kind !== 'variable') cursor.fail();
  cursor.next();
  if (token.kind === 'variable') return { kind: 'variable', name: token.text.slice(1).toLowerCase() };
  return { kind: 'literal', type: { kind: 'bigint' }, value: BigInt(token.text.split('.')[0] || '0') };
}

export function parseSelectItems(cursor: Cursor): SelectItem[] {
  const items = [parseSelectItem(cursor)];
  while (cursor.accept(',')) items.push(parseSelectItem(cursor));
  return items;
}

function parseSelectItem(cursor: Cursor): SelectItem {
  if (cursor.accept('*')) return { kind: 'star', qualifier: [] };
  const star = parseQualifiedStar(cursor);
  if (star !== undefined) return star;
  const assigned = parseAssignedItem(cursor);
  if (assigned !== undefined) return assigned;
  const expression = parseExpression(cursor);
  const alias = parseColumnAlias(cursor);
  return alias === undefined ? { kind: 'expression', expression } : { kind: 'expression', expression, alias };
}

function parseQualifiedStar(cursor: Cursor): SelectItem | undefined {
  if (!cursor.atIdentifier()) return undefined;
  const mark = cursor.mark();
  const qualifier = [cursor.identifier()];
  while (cursor.accept('.')) {
    if (cursor.accept('*')) return { kind: 'star', qualifier };
    if (!cursor.atIdentifier()) break;
    qualifier.push(cursor.identifier());
  }
  cursor.rewind(mark);
  return undefined;
}

/** `@v = expression`, `@v += expression`, `alias = expression` */
function parseAssignedItem(cursor: Cursor): SelectItem | undefined {
  const token = cursor.peek();
  const operator = cursor.peek(1);
  if (operator.kind !== 'symbol') return undefined;
  if (token.kind === 'variable' && !token.text.startsWith('@@')) {
    const compound = assignmentOperator(operator.text);
    if (compound === undefined) return undefined;
    cursor.next();
    cursor.next();
    const item = { kind: 'assignment', variable: token.text.slice(1).toLowerCase() } as const;
    const expression = parseExpression(cursor);
    return compound === '=' ? { ...item, expression } : { ...item, operator: compound, expression };
  }
  if (operator.text !== '=' || !(cursor.atIdentifier() || token.kind === 'string')) return undefined;
  const alias = token.kind === 'string' ? cursor.next().text : cursor.identifier();
  cursor.next();
  return { kind: 'expression', expression: parseExpression(cursor), alias };
}

/** '=' or the arithmetic operator of a compound assignment. */
export function assignmentOperator(symbol: string): '=' | ArithmeticOperator | undefined {
  if (symbol === '=') return '=';
  if (symbol.length !== 2 || symbol[1] !== '=') return undefined;
  const operator = symbol[0] ?? '';
  return '+-*/%&|^'.includes(operator) ? (operator as ArithmeticOperator) : undefined;
}

function parseColumnAlias(cursor: Cursor): string | undefined {
  const explicit = cursor.accept('AS');
  if (cursor.peek().kind === 'string') return cursor.next().text;
  if (explicit) return cursor.identifier();
  return atAlias(cursor) ? cursor.identifier() : undefined;
}

/** THROW is not reserved, but begins a statement. */
const atAlias = (cursor: Cursor): boolean => cursor.atIdentifier() && cursor.peek().keyword !== 'THROW';

export function parseTableSources(cursor: Cursor): TableSource {
  let left = parseJoins(cursor);
  while (cursor.accept(',')) left = { kind: 'join', join: 'cross', left, right: parseJoins(cursor) };
  return left;
}

function parseJoins(cursor: Cursor): TableSource {
  return parseJoinTail(cursor, parseTablePrimary(cursor));
}

function parseJoinTail(cursor: Cursor, first: TableSource): TableSource {
  let left = first;
  for (;;) {
    if (cursor.accept('CROSS', 'JOIN')) {
      left = { kind: 'join', join: 'cross', left, right: parseTablePrimary(cursor) };
    } else if (cursor.accept('CROSS', 'APPLY')) {
      left = { kind: 'apply', outer: false, left, right: parseTablePrimary(cursor) };
    } else if (cursor.accept('OUTER', 'APPLY')) {
      left = { kind: 'apply', outer: true, left, right: parseTablePrimary(cursor) };
    } else {
      const join = acceptJoin(cursor);
      if (join === undefined) return left;
      const right = parseJoinRight(cursor);
      cursor.expect('ON');
      left = { kind: 'join', join, left, right, on: parseCondition(cursor) };
    }
  }
}

/** `a JOIN b JOIN c ON ... ON ...` nests to the right: b JOIN c comes first. */
function parseJoinRight(cursor: Cursor): TableSource {
  const primary = parseTablePrimary(cursor);
  if (cursor.at('ON')) return primary;
  return cursor.nested(() => {
    let left = primary;
    while (!cursor.at('ON')) {
      if (cursor.accept('CROSS', 'JOIN')) {
        left = { kind: 'join', join: 'cross', left, right: parseTablePrimary(cursor) };
        continue;
      }
      const join = acceptJoin(cursor);
      if (join === undefined) cursor.fail();
      const right = parseJoinRight(cursor);
      cursor.expect('ON');
      left = { kind: 'join', join, left, right, on: parseCondition(cursor) };
    }
    return left;
  });
}

function acceptJoin(cursor: Cursor): 'inner' | 'left' | 'right' | 'full' | undefined {
  const mark = cursor.mark();
  const kind = acceptJoinKind(cursor);
  if (kind !== 'inner') cursor.accept('OUTER');
  for (const hint of ['HASH', 'LOOP', 'MERGE', 'REMOTE']) if (cursor.at(hint, 'JOIN')) cursor.next();
  if (cursor.accept('JOIN')) return kind;
  cursor.rewind(mark);
  return undefined;
}

function acceptJoinKind(cursor: Cursor): 'inner' | 'left' | 'right' | 'full' {
  if (cursor.accept('LEFT')) return 'left';
  if (cursor.accept('RIGHT')) return 'right';
  if (cursor.accept('FULL')) return 'full';
  cursor.accept('INNER');
  return 'inner';
}

function parseTablePrimary(cursor: Cursor): TableSource {
  const token = cursor.peek();
  if (cursor.at('(')) return parseParenthesizedSource(cursor);
  if (token.kind === 'variable') {
    cursor.next();
    const alias = parseTableAlias(cursor);
    acceptHints(cursor);
    const base = { kind: 'table-variable', name: token.text.slice(1).toLowerCase() } as const;
    return alias === undefined ? base : { ...base, alias };
  }
  refuseRemoteRowset(cursor);
  const name = cursor.objectName();
  if (cursor.at('(') && !cursor.at('(', 'NOLOCK')) return parseTableFunction(cursor, name, token.line);
  acceptHints(cursor);
  const alias = parseTableAlias(cursor);
  acceptHints(cursor);
  refusePivot(cursor);
  const base = { kind: 'table', name, line: token.line } as const;
  return alias === undefined ? base : { ...base, alias };
}

/** Nothing is remote here: ad hoc queries are blocked as they are by default, and no linked server answers. */
function refuseRemoteRowset(cursor: Cursor): void {
  const { line, keyword } = cursor.peek();
  const remote = keyword === 'OPENROWSET' || keyword === 'OPENDATASOURCE';
  if (remote && cursor.peek(1).text === '(' && cursor.peek(2).kind === 'string') {
    throw new SqlError(
      15281,
      "SQL Server blocked access to STATEMENT 'OpenRowset/OpenDatasource' of component 'Ad Hoc Distributed Queries' because this component is turned off as part of the security configuration for this server. A system administrator can enable the use of 'Ad Hoc Distributed Queries' by using sp_configure. For more information about enabling 'Ad Hoc Distributed Queries', search for 'Surface Area Configuration' in SQL Server Books Online.",
      { line },
    );
  }
  if (keyword !== 'OPENQUERY') return;
  cursor.next();
  cursor.expect('(');
  throw new SqlError(
    7202,
    `Could not find server '${cursor.identifier()}' in sys.servers. Verify that the correct server name was specified. If necessary, execute the stored procedure sp_addlinkedserver to add the server to sys.servers.`,
    { severity: 11, state: 2, line },
  );
}

function refusePivot(cursor: Cursor): void {
  if (!cursor.at('PIVOT') && !cursor.at('UNPIVOT') && !cursor.at('TABLESAMPLE')) return;
  const token = cursor.peek();
  throw new SqlError(40510, `Statement '${token.keyword}' is not supported in this version of SQL Server.`, {
    severity: 15,
    line: token.line,
  });
}

function parseTableFunction(
  cursor: Cursor,
  name: ReturnType<Cursor['objectName']>,
  line: number,
): TableSource {
  cursor.expect('(');
  const args: Expression[] = [];
  if (!cursor.at(')')) {
    do args.push(cursor.accept('DEFAULT') ? { kind: 'default' } : parseExpression(cursor));
    while (cursor.accept(','));
  }
  cursor.expect(')');
  const alias = parseTableAlias(cursor);
  const columns = alias !== undefined && cursor.at('(') ? parseNames(cursor) : undefined;
  return {
    kind: 'table-function',
    name,
    args,
    line,
    ...(alias === undefined ? {} : { alias }),
    ...(columns === undefined ? {} : { columns }),
  };
}

function parseParenthesizedSource(cursor: Cursor): TableSource {
  return cursor.nested(() => {
    const mark = cursor.mark();
    cursor.expect('(');
    if (!cursor.at('SELECT') && !cursor.at('WITH') && !cursor.at('VALUES') && !opensQuery(cursor)) {
      const inner = parseTableSources(cursor);
      cursor.expect(')');
      return inner;
    }
    cursor.rewind(mark);
    return parseDerived(cursor);
  });
}

/** `((SELECT ...) UNION ...)`: only parentheses before the SELECT. */
function opensQuery(cursor: Cursor): boolean {
  let ahead = 0;
  while (cursor.peek(ahead).kind === 'symbol' && cursor.peek(ahead).text === '(') ahead++;
  return ahead > 0 && cursor.peek(ahead).keyword === 'SELECT';
}

function parseDerived(cursor: Cursor): TableSource {
  cursor.expect('(');
  const query = parseQuery(cursor);
  cursor.expect(')');
  const alias = parseTableAlias(cursor);
  if (alias === undefined) cursor.fail();
  const columns = cursor.at('(') ? parseNames(cursor) : undefined;
  return { kind: 'derived', query, alias, ...(columns === undefined ? {} : { columns }) };
}

function parseTableAlias(cursor: Cursor): string | undefined {
  if (cursor.accept('AS')) return cursor.identifier();
  return atAlias(cursor) && !cursor.at('OFFSET') ? cursor.identifier() : undefined;
}

/** `WITH (NOLOCK, INDEX(...))` and the old `(NOLOCK)`: readers see committed rows whatever the hint says. */
export function acceptHints(cursor: Cursor): void {
  if (cursor.at('WITH', '(')) {
    cursor.next();
    skipParentheses(cursor);
  } else if (cursor.at('(', 'NOLOCK', ')')) {
    skipParentheses(cursor);
  }
}

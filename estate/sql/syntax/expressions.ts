/** Parser of expressions and search conditions, by precedence climbing. */
import { SqlError } from '../errors';
import type { ObjectName, Token } from '../host';
import type { SqlType } from '../types';
import { FLOAT, typeFromName, varchar } from '../values/typing';
import type {
  ArithmeticOperator,
  CallExpression,
  ComparisonOperator,
  Expression,
  OrderItem,
  WindowFrame,
  WindowSpecification,
} from './ast';
import { isPredicate } from './ast';
import { type Cursor, nameFromParts } from './cursor';
import { binaryLiteral, negatedLiteral, numberLiteral, stringLiteral } from './literals';
import { parseQuery } from './queries';

/** Parses a value expression; a condition here is a syntax error. */
export function parseExpression(cursor: Cursor): Expression {
  const token = cursor.peek();
  const expression = parseAdditive(cursor);
  if (isPredicate(expression)) cursor.fail(token);
  return expression;
}

/** Parses a search condition; a value here is error 4145. */
export function parseCondition(cursor: Cursor): Expression {
  const condition = parseOr(cursor);
  if (isPredicate(condition)) return condition;
  const near = cursor.peek();
  throw new SqlError(
    4145,
    `An expression of non-boolean type specified in a context where a condition is expected, near '${near.text}'.`,
    { severity: 15, line: near.line },
  );
}

function parseOr(cursor: Cursor): Expression {
  let left = parseAnd(cursor);
  while (cursor.at('OR')) {
    requireCondition(cursor, left);
    cursor.next();
    const right = parseAnd(cursor);
    requireCondition(cursor, right);
    left = { kind: 'or', left, right };
  }
  return left;
}

function parseAnd(cursor: Cursor): Expression {
  let left = parseNot(cursor);
  while (cursor.at('AND')) {
    requireCondition(cursor, left);
    cursor.next();
    const right = parseNot(cursor);
    requireCondition(cursor, right);
    left = { kind: 'and', left, right };
  }
  return left;
}

function requireCondition(cursor: Cursor, expression: Expression): void {
  if (!isPredicate(expression)) cursor.fail();
}

function parseNot(cursor: Cursor): Expression {
  if (!cursor.accept('NOT')) return parsePredicate(cursor);
  return cursor.nested(() => {
    const operand = parseNot(cursor);
    requireCondition(cursor, operand);
    return { kind: 'not', operand };
  });
}

const COMPARISONS: ReadonlyMap<string, ComparisonOperator> = new Map([
  ['=', '='],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
  ['!<', '>='],
  ['!>', '<='],
]);

function parsePredicate(cursor: Cursor): Expression {
  if (cursor.at('EXISTS', '(')) {
    cursor.next();
    return { kind: 'exists', query: parenthesizedQuery(cursor) };
  }
  const left = parseAdditive(cursor);
  if (isPredicate(left)) return left;
  const operator = comparisonAt(cursor);
  if (operator !== undefined) return parseComparison(cursor, operator, left);
  if (cursor.accept('IS')) return parseIs(cursor, left);
  const negated = cursor.at('NOT') && isRangeWord(cursor.peek(1)) && cursor.accept('NOT');
  if (cursor.accept('BETWEEN')) {
    const low = parseExpression(cursor);
    cursor.expect('AND');
    return { kind: 'between', operand: left, low, high: parseExpression(cursor), negated };
  }
  if (cursor.accept('LIKE')) {
    const pattern = parseExpression(cursor);
    if (!cursor.accept('ESCAPE')) return { kind: 'like', operand: left, pattern, negated };
    return { kind: 'like', operand: left, pattern, escape: parseExpression(cursor), negated };
  }
  return cursor.accept('IN') ? parseIn(cursor, left, negated) : left;
}

const isRangeWord = (token: Token): boolean => ['BETWEEN', 'LIKE', 'IN'].includes(token.keyword);

function comparisonAt(cursor: Cursor): ComparisonOperator | undefined {
  const token = cursor.peek();
  return token.kind === 'symbol' ? COMPARISONS.get(token.text) : undefined;
}

function parseComparison(cursor: Cursor, operator: ComparisonOperator, left: Expression): Expression {
  cursor.next();
  const all = cursor.at('ALL', '(');
  if (all || cursor.at('ANY', '(') || cursor.at('SOME', '(')) {
    cursor.next();
    const query = parenthesizedQuery(cursor);
    return { kind: 'quantified', operator, quantifier: all ? 'all' : 'any', left, query };
  }
  return { kind: 'comparison', operator, left, right: parseExpression(cursor) };
}

function parseIs(cursor: Cursor, left: Expression): Expression {
  const negated = cursor.accept('NOT');
  if (cursor.accept('DISTINCT', 'FROM')) {
    return { kind: 'distinct-from', left, right: parseExpression(cursor), negated };
  }
  cursor.expect('NULL');
  return { kind: 'is-null', operand: left, negated };
}

function parseIn(cursor: Cursor, operand: Expression, negated: boolean): Expression {
  if (atQueryInParentheses(cursor)) {
    return { kind: 'in-query', operand, query: parenthesizedQuery(cursor), negated };
  }
  cursor.expect('(');
  const items = parseList(cursor);
  cursor.expect(')');
  return { kind: 'in-list', operand, items, negated };
}

export function parseList(cursor: Cursor): Expression[] {
  const items = [parseExpression(cursor)];
  while (cursor.accept(',')) items.push(parseExpression(cursor));
  return items;
}

export const atQueryInParentheses = (cursor: Cursor): boolean =>
  cursor.at('(', 'SELECT') || cursor.at('(', 'WITH');

function parenthesizedQuery(cursor: Cursor) {
  cursor.expect('(');
  const query = cursor.nested(() => parseQuery(cursor));
  cursor.expect(')');
  return query;
}

const ADDITIVE = new Set(['+', '-', '&', '|', '^']);
const MULTIPLICATIVE = new Set(['*', '/', '%']);

function parseAdditive(cursor: Cursor): Expression {
  return parseChain(cursor, ADDITIVE, parseMultiplicative);
}

function parseMultiplicative(cursor: Cursor): Expression {
  return parseChain(cursor, MULTIPLICATIVE, parseUnary);
}

function parseChain(
  cursor: Cursor,
  operators: ReadonlySet<string>,
  parseOperand: (cursor: Cursor) => Expression,
): Expression {
  let left = parseOperand(cursor);
  for (;;) {
    const token = cursor.peek();
    if (token.kind !== 'symbol' || !operators.has(token.text)) return left;
    if (isPredicate(left)) cursor.fail();
    cursor.next();
    const right = parseOperand(cursor);
    if (isPredicate(right)) cursor.fail(token);
    left = { kind: 'binary', operator: token.text as ArithmeticOperator, left, right };
  }
}

function parseUnary(cursor: Cursor): Expression {
  const token = cursor.peek();
  if (token.kind === 'symbol' && (token.text === '-' || token.text === '+' || token.text === '~')) {
    const operator = token.text;
    cursor.next();
    return cursor.nested(() => {
      const operand = parseUnary(cursor);
      if (isPredicate(operand)) cursor.fail(token);
      return negatedLiteral(operator, operand) ?? { kind: 'unary', operator, operand };
    });
  }
  return parsePostfix(cursor);
}

function parsePostfix(cursor: Cursor): Expression {
  let expression = parsePrimary(cursor);
  for (;;) {
    if (cursor.accept('COLLATE')) cursor.identifier();
    else if (cursor.accept('AT', 'TIME', 'ZONE')) {
      expression = { kind: 'at-time-zone', operand: expression, zone: parsePrimary(cursor) };
    } else return expression;
  }
}

function parsePrimary(cursor: Cursor): Expression {
  const token = cursor.peek();
  switch (token.kind) {
    case 'string':
      cursor.next();
      return stringLiteral(token);
    case 'number':
      cursor.next();
      return numberLiteral(token);
    case 'binary':
      cursor.next();
      return binaryLiteral(token);
    case 'variable':
      cursor.next();
      return token.text.startsWith('@@')
        ? { kind: 'global', name: token.text.toUpperCase() }
        : { kind: 'variable', name: token.text.slice(1).toLowerCase() };
    case 'symbol':
      return token.text === '(' ? parseParentheses(cursor) : cursor.fail();
    case 'identifier':
    case 'quoted-identifier':
      return parseWord(cursor, token);
    case 'end':
      return cursor.fail();
  }
}

function parseParentheses(cursor: Cursor): Expression {
  return cursor.nested((): Expression => {
    if (atQueryInParentheses(cursor)) return { kind: 'subquery', query: parenthesizedQuery(cursor) };
    cursor.expect('(');
    const inner = parseOr(cursor);
    cursor.expect(')');
    return inner;
  });
}

function parseWord(cursor: Cursor, token: Token): Expression {
  switch (token.keyword) {
    case 'NULL':
      cursor.next();
      return { kind: 'null' };
    case 'CASE':
      return cursor.nested(() => parseCase(cursor));
    case 'CAST':
    case 'TRY_CAST':
      if (cursor.peek(1).text === '(') return parseCast(cursor, token.keyword === 'TRY_CAST');
      break;
    case 'CONVERT':
    case 'TRY_CONVERT':
      return parseConvert(cursor, token.keyword === 'TRY_CONVERT');
    case 'IIF':
      if (cursor.peek(1).text === '(') return parseIif(cursor);
      break;
    case 'CURRENT_TIMESTAMP':
    case 'CURRENT_USER':
    case 'SESSION_USER':
    case 'SYSTEM_USER':
    case 'USER':
      cursor.next();
      return call({ object: token.text }, []);
    case 'COALESCE':
    case 'NULLIF':
    case 'LEFT':
    case 'RIGHT':
      if (cursor.peek(1).text !== '(') cursor.fail();
      cursor.next();
      return parseCall(cursor, { object: token.text });
  }
  return parseNameOrCall(cursor);
}

const call = (name: ObjectName, args: readonly Expression[]): CallExpression => ({
  kind: 'call',
  name,
  args,
  distinct: false,
  star: false,
});

function parseNameOrCall(cursor: Cursor): Expression {
  const parts: (string | undefined)[] = [cursor.identifier()];
  while (cursor.accept('.')) {
    if (parts.length === 4) cursor.fail();
    parts.push(cursor.at('.') ? undefined : cursor.identifier());
  }
  if (cursor.at('(')) return parseCall(cursor, nameFromParts(parts));
  return { kind: 'column', path: parts.filter((part): part is string => part !== undefined) };
}

function parseCall(cursor: Cursor, name: ObjectName): Expression {
  return cursor.nested(() => {
    cursor.expect('(');
    const base = parseArguments(cursor, name);
    const withinGroup = cursor.accept('WITHIN', 'GROUP') ? parseWithinGroup(cursor) : undefined;
    const over = cursor.accept('OVER') ? parseWindow(cursor) : undefined;
    return {
      ...base,
      ...(withinGroup === undefined ? {} : { withinGroup }),
      ...(over === undefined ? {} : { over }),
    };
  });
}

function parseArguments(cursor: Cursor, name: ObjectName): CallExpression {
  if (cursor.accept(')')) return call(name, []);
  if (cursor.accept('*')) {
    cursor.expect(')');
    return { ...call(name, []), star: true };
  }
  const distinct = cursor.accept('DISTINCT');
  if (!distinct) cursor.accept('ALL');
  const trimming = parseTrimPrefix(cursor, name);
  if (trimming !== undefined) return trimming;
  const args = [parseArgument(cursor)];
  while (cursor.accept(',')) args.push(parseArgument(cursor));
  if (name.schema === undefined && name.object.toUpperCase() === 'TRIM' && cursor.accept('FROM')) {
    args.unshift(parseExpression(cursor));
  }
  cursor.expect(')');
  return { ...call(name, args), distinct };
}

/** `TRIM(LEADING 'x' FROM text)` (SQL Server 2022); kept as TRIM(text, characters, side). */
function parseTrimPrefix(cursor: Cursor, name: ObjectName): CallExpression | undefined {
  if (name.object.toUpperCase() !== 'TRIM' || name.schema !== undefined) return undefined;
  const side = ['LEADING', 'TRAILING', 'BOTH'].find(
    (word) => cursor.at(word) && cursor.peek(1).kind === 'string',
  );
  if (side === undefined) return undefined;
  cursor.next();
  const characters = parseExpression(cursor);
  cursor.expect('FROM');
  const text = parseExpression(cursor);
  cursor.expect(')');
  return call(name, [text, characters, { kind: 'literal', type: varchar(8), value: side }]);
}

function parseArgument(cursor: Cursor): Expression {
  if (cursor.accept('DEFAULT')) return { kind: 'default' };
  return parseExpression(cursor);
}

function parseWithinGroup(cursor: Cursor): OrderItem[] {
  cursor.expect('(', 'ORDER', 'BY');
  const order = parseOrderItems(cursor);
  cursor.expect(')');
  return order;
}

function parseWindow(cursor: Cursor): WindowSpecification {
  cursor.expect('(');
  const partitionBy = cursor.accept('PARTITION', 'BY') ? parseList(cursor) : [];
  const orderBy = cursor.accept('ORDER', 'BY') ? parseOrderItems(cursor) : [];
  const frame = parseFrame(cursor);
  cursor.expect(')');
  return { partitionBy, orderBy, ...(frame === undefined ? {} : { frame }) };
}

function parseFrame(cursor: Cursor): WindowFrame | undefined {
  const rows = cursor.accept('ROWS');
  if (!rows && !cursor.accept('RANGE')) return undefined;
  const unit = rows ? 'rows' : 'range';
  if (!cursor.accept('BETWEEN')) return { unit, start: parseBound(cursor), end: 0 };
  const start = parseBound(cursor);
  cursor.expect('AND');
  return { unit, start, end: parseBound(cursor) };
}

function parseBound(cursor: Cursor): number | undefined {
  if (cursor.accept('CURRENT', 'ROW')) return 0;
  if (cursor.accept('UNBOUNDED')) {
    if (!cursor.accept('PRECEDING')) cursor.expect('FOLLOWING');
    return undefined;
  }
  const token = cursor.next();
  if (token.kind !== 'number' || !/^\d+$/.test(token.text)) cursor.fail(token);
  if (cursor.accept('PRECEDING')) return -Number(token.text);
  cursor.expect('FOLLOWING');
  return Number(token.text);
}

export function parseOrderItems(cursor: Cursor): OrderItem[] {
  const items: OrderItem[] = [];
  do {
    const expression = parseExpression(cursor);
    const descending = cursor.accept('DESC');
    if (!descending) cursor.accept('ASC');
    items.push({ expression, descending });
  } while (cursor.accept(','));
  return items;
}

function parseCase(cursor: Cursor): Expression {
  cursor.expect('CASE');
  const operand = cursor.at('WHEN') ? undefined : parseExpression(cursor);
  const branches: { when: Expression; result: Expression }[] = [];
  while (cursor.accept('WHEN')) {
    const when = operand === undefined ? parseCondition(cursor) : parseExpression(cursor);
    cursor.expect('THEN');
    branches.push({ when, result: parseExpression(cursor) });
  }
  if (branches.length === 0) cursor.fail();
  const otherwise = cursor.accept('ELSE') ? parseExpression(cursor) : undefined;
  cursor.expect('END');
  return {
    kind: 'case',
    branches,
    ...(operand === undefined ? {} : { operand }),
    ...(otherwise === undefined ? {} : { otherwise }),
  };
}

function parseCast(cursor: Cursor, attempt: boolean): Expression {
  cursor.next();
  cursor.expect('(');
  const operand = cursor.nested(() => parseExpression(cursor));
  cursor.expect('AS');
  const type = castLength(cursor, () => parseType(cursor));
  cursor.expect(')');
  return { kind: 'cast', operand, type, attempt };
}

function parseConvert(cursor: Cursor, attempt: boolean): Expression {
  cursor.next();
  cursor.expect('(');
  const type = castLength(cursor, () => parseType(cursor));
  cursor.expect(',');
  const operand = cursor.nested(() => parseExpression(cursor));
  const style = cursor.accept(',') ? parseExpression(cursor) : undefined;
  cursor.expect(')');
  return { kind: 'cast', operand, type, attempt, ...(style === undefined ? {} : { style }) };
}

/** Without a length, character and binary types have 30 places in CAST and CONVERT, 1 elsewhere. */
function castLength(cursor: Cursor, parse: () => SqlType): SqlType {
  const start = cursor.mark();
  const type = parse();
  const sized = cursor.mark() - start > 1;
  return !sized && 'length' in type && type.length === 1 ? { kind: type.kind, length: 30 } : type;
}

function parseIif(cursor: Cursor): Expression {
  cursor.next();
  cursor.expect('(');
  return cursor.nested((): Expression => {
    const when = parseCondition(cursor);
    cursor.expect(',');
    const result = parseExpression(cursor);
    cursor.expect(',');
    const otherwise = parseExpression(cursor);
    cursor.expect(')');
    return { kind: 'case', branches: [{ when, result }], otherwise };
  });
}

/** Parses a data type: `nvarchar(max)`, `decimal(10, 2)`, `sys.sysname`, `double precision`. */
export function parseType(cursor: Cursor): SqlType {
  const token = cursor.peek();
  if (cursor.accept('DOUBLE', 'PRECISION')) return FLOAT;
  if (cursor.accept('NATIONAL')) {
    const name = cursor.identifier();
    return typeFromName(`n${name}`, parseTypeArguments(cursor), token.line);
  }
  let name = cursor.identifier();
  if (cursor.accept('.')) name = cursor.identifier();
  if (/^(char|character|nchar)$/i.test(name) && cursor.accept('VARYING')) {
    name = name.toLowerCase() === 'nchar' ? 'nvarchar' : 'varchar';
  }
  return typeFromName(name, parseTypeArguments(cursor), token.line);
}

function parseTypeArguments(cursor: Cursor): (number | 'max')[] {
  const args: (number | 'max')[] = [];
  if (!cursor.accept('(')) return args;
  do {
    const token = cursor.next();
    if (token.keyword === 'MAX') args.push('max');
    else if (token.kind === 'number' && /^\d{1,5}$/.test(token.text)) args.push(Number(token.text));
    else cursor.fail(token);
  } while (cursor.accept(','));
  cursor.expect(')');
  return args;
}

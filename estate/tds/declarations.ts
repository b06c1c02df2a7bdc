/**
 * Parameters of sp_executesql and prepared statements: `@p1 int, @p2 decimal(18,4) OUTPUT`.
 * Clients may send the values without names (JDBC, go-mssqldb), then the declaration gives them by position.
 */
import { SqlError } from '../sql/errors';
import type { SqlParameter } from '../sql/types';
import { bind, type RpcParameter } from './rpc';

interface DeclaredParameter {
  readonly name: string;
  readonly hasDefault: boolean;
}

/** Names in order, without the @. */
export function declaredParameters(declaration: string): DeclaredParameter[] {
  const declared: DeclaredParameter[] = [];
  for (const part of splitAtCommas(declaration)) {
    const match = /^\s*@([^\s(,=]+)/.exec(part);
    if (match?.[1] !== undefined) declared.push({ name: match[1], hasDefault: part.includes('=') });
  }
  return declared;
}

/** Splits at commas outside parentheses, quotes and brackets. */
function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'") quote = "'";
    else if (character === '[') quote = ']';
    else if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * Values under their declared names.
 * @throws SqlError 8178 for a missing value, 8145 for a name that is not declared, 8144 for too many
 */
export function bindToDeclaration(
  statement: string,
  declaration: string,
  values: readonly RpcParameter[],
): SqlParameter[] {
  const declared = declaredParameters(declaration);
  const names = values.map((value, position) => {
    const wanted =
      value.name === '' ? declared[position] : declared.find((one) => sameName(one.name, value.name));
    if (wanted === undefined) throw surplus(value);
    return wanted.name;
  });
  for (const { name, hasDefault } of declared) {
    if (!hasDefault && !names.includes(name)) throw missing(statement, declaration, name);
  }
  return values.flatMap((value, position) => {
    const name = names[position];
    return name === undefined || value.useDefault ? [] : [bind(value, name)];
  });
}

function surplus(value: RpcParameter): SqlError {
  if (value.name === '') {
    return new SqlError(8144, 'Procedure or function has too many arguments specified.', { state: 2 });
  }
  return new SqlError(8145, `@${value.name} is not a parameter for procedure .`, { state: 2 });
}

function missing(statement: string, declaration: string, name: string): SqlError {
  return new SqlError(
    8178,
    `The parameterized query '(${declaration})${statement}' expects the parameter '@${name}', which was not supplied.`,
    { state: 1 },
  );
}

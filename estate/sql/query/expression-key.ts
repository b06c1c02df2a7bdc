import { SqlError } from '../errors';
import type { Expression } from '../syntax/ast';
import type { ResolvedColumn, Scope } from './frame';

/** Text that is equal for expressions that mean the same: columns by position, names without case. */
export function expressionKey(expression: Expression, scope: Scope): string {
  return JSON.stringify(expression, (_, value: unknown) => normalise(value, scope));
}

function normalise(value: unknown, scope: Scope): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || !('kind' in value)) return value;
  if (value.kind !== 'column' || !('path' in value) || !Array.isArray(value.path)) return value;
  const path = value.path.map(String);
  const resolved = tryResolve(path, scope);
  return resolved === undefined ? path.join('.').toLowerCase() : `#${resolved.depth}.${resolved.index}`;
}

/** Columns inside a subquery belong to scopes that are not open here: they stay as written. */
function tryResolve(path: readonly string[], scope: Scope): ResolvedColumn | undefined {
  try {
    return scope.resolve(path);
  } catch (error) {
    if (error instanceof SqlError) return undefined;
    throw error;
  }
}

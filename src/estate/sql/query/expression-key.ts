import type { Expression } from '../syntax/ast';
import type { Scope } from './frame';

/** Text that is equal for expressions that mean the same: columns by position, names without case. */
export function expressionKey(expression: Expression, scope: Scope): string {
  return JSON.stringify(expression, (_, value: unknown) => normalise(value, scope));
}

function normalise(value: unknown, scope: Scope): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || !('kind' in value)) return value;
  if (value.kind !== 'column' || !('path' in value) || !Array.isArray(value.path)) return value;
  const { depth, index } = scope.resolve(value.path.map(String));
  return `#${depth}.${index}`;
}

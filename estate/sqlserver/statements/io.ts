/** What a statement that runs may use, and checks that several statements share. */
import { SqlError, SqlErrors } from '../../sql/errors';
import type { StatementOutput, TypedValue } from '../../sql/host';
import type { SessionContext } from '../context';
import { sameName } from '../context';
import { serverError } from '../messages/raise';
import type { Text } from '../syntax/ast';
import { asText } from '../values';

export interface StatementIo {
  readonly output: StatementOutput;
  readonly signal: AbortSignal;
  readonly evaluate: (expression: unknown) => TypedValue;
}

/** Value of a literal or variable; NULL is the empty string. */
export const resolveText = (io: StatementIo, text: Text): string =>
  text.kind === 'literal' ? text.text : (asText(io.evaluate(text.expression).value) ?? '');

/** @throws 35208 outside master: AG statements run nowhere else */
export const requireMaster = (context: SessionContext): void => {
  if (!sameName(context.database, 'master')) throw serverError(35208);
};

/** @throws 15247 without the permission */
export const requirePermission = (context: SessionContext, permission: string): void => {
  if (!context.may(permission)) throw serverError(15247);
};

/** Sends the cause and then the statement's own failure (5069, 3013), as the server does. */
export const failWith = (cause: unknown, closing: SqlError): never => {
  if (cause instanceof SqlErrors) {
    const numbers = cause.errors.map((error) => error.number);
    throw numbers.includes(closing.number) ? cause : new SqlErrors([...cause.errors, closing]);
  }
  if (cause instanceof SqlError)
    throw cause.number === closing.number ? cause : new SqlErrors([cause, closing]);
  throw cause;
};

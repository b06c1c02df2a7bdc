/** RAISERROR and THROW. */
import { SqlError } from '../errors';
import type { Expression, Statement } from '../syntax/ast';
import { INT, isInteger, nvarchar } from '../values/typing';
import { markRaised, markThrown } from './failures';
import { formatMessage } from './messages';
import { sendInfo } from './output';
import { evaluateAs, evaluateExpression, type RunContext } from './runner';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** Severity up to 10 is a message, 19 and above needs WITH LOG, 20 and above ends the session. */
export function raiseError(statement: Of<'raiserror'>, context: RunContext): void {
  const { state } = context;
  const number = (expression: Expression): number => Number(evaluateAs(expression, INT, state) ?? 0);
  const args = statement.args.map((argument) => evaluateExpression(argument, state));
  const message = evaluateExpression(statement.message, state);
  const severity = number(statement.severity);
  const mark = Math.min(Math.max(number(statement.state), 1), 255);
  const known = isInteger(message.type);
  const id = known ? Number(message.value ?? 50_000) : 50_000;
  const text = known
    ? `Error ${id}, severity ${severity}, state ${mark} was raised, but no message with that error number was found in sys.messages.`
    : formatMessage(String(message.value ?? ''), args);
  if (known) throw new SqlError(18054, text, { line: statement.line });
  if (severity > 18 && !statement.options.includes('LOG')) {
    throw new SqlError(
      2754,
      'Error severity levels greater than 18 can only be specified by members of the sysadmin role, using the WITH LOG option.',
    );
  }
  if (severity <= 10) {
    sendInfo(
      context.output,
      text,
      statement.line,
      statement.options.includes('NOWAIT'),
      Math.max(severity, 0),
      mark,
      id,
    );
    state.lastError = statement.options.includes('SETERROR') ? id : 0;
    return;
  }
  throw markRaised(new SqlError(id, text, { severity, state: mark, line: statement.line }));
}

/** Without arguments the error of the CATCH block is thrown again. @throws SqlError 10704 outside CATCH, 35100 for a number below 50000 */
export function throwError(statement: Of<'throw'>, context: RunContext): void {
  const { state } = context;
  if (statement.error === undefined) {
    const { caught } = state;
    if (caught === undefined) {
      throw new SqlError(
        10704,
        'To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW statement inside a CATCH block, or add error parameters to the THROW statement.',
        { severity: 15 },
      );
    }
    throw markThrown(new SqlError(caught.number, caught.message, caught));
  }
  const number = Number(evaluateAs(statement.error.number, INT, state) ?? 0);
  if (number < 50_000) {
    throw new SqlError(
      35100,
      `Error number ${number} in the THROW statement is outside the valid range. Specify an error number in the valid range of 50000 to 2147483647.`,
    );
  }
  const text = String(evaluateAs(statement.error.message, nvarchar(2048), state) ?? '');
  const mark = Number(evaluateAs(statement.error.state, { kind: 'tinyint' }, state) ?? 1);
  throw markThrown(new SqlError(number, text, { severity: 16, state: mark, line: statement.line }));
}

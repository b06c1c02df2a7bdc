import { SqlError } from '../errors';
import type { ObjectName } from '../host';
import type { TableColumn } from '../storage';
import type { Statement } from '../syntax/ast';
import { formatName } from '../syntax/cursor';
import { INT } from '../values/typing';
import { evaluateAs, type RunContext } from './runner';

/** SET options: those that change results are kept, the rest is accepted as it is. */
export function setOption(statement: Extract<Statement, { kind: 'set-option' }>, context: RunContext): void {
  const { state } = context;
  state.rowCount = 0;
  const on = statement.value === 'ON';
  const { options } = state;
  for (const name of statement.names) {
    switch (name) {
      case 'NOCOUNT':
        options.noCount = on;
        break;
      case 'XACT_ABORT':
        options.xactAbort = on;
        break;
      case 'IMPLICIT_TRANSACTIONS':
      case 'ANSI_DEFAULTS':
        options.implicitTransactions = on;
        break;
      case 'FMTONLY':
        options.fmtOnly = on;
        break;
      case 'NOEXEC':
        options.noExec = on;
        break;
      case 'PARSEONLY':
        options.parseOnly = on;
        break;
      case 'SHOWPLAN_ALL':
      case 'SHOWPLAN_TEXT':
      case 'SHOWPLAN_XML':
        if (on)
          throw new SqlError(
            40510,
            `Statement 'SET ${name}' is not supported in this version of SQL Server.`,
          );
        break;
      case 'IDENTITY_INSERT':
        setIdentityInsert(statement.table, on, context);
        break;
      case 'DATEFORMAT':
        requireDateFormat(statement.value);
        break;
      case 'LANGUAGE':
        requireLanguage(statement.value);
        break;
      case 'LOCK_TIMEOUT':
        options.lockTimeout = numberOf(statement.value, context);
        break;
      case 'ROWCOUNT':
        options.rowCount = Math.max(0, numberOf(statement.value, context));
        break;
    }
  }
}

/** @throws SqlError 1088 (no such table), 8106 (no identity column) */
function setIdentityInsert(name: ObjectName | undefined, on: boolean, { state }: RunContext): void {
  if (name !== undefined) {
    const columns: readonly TableColumn[] | undefined = state.table(name)?.columns;
    if (columns === undefined) {
      throw new SqlError(
        1088,
        `Cannot find the object "${formatName(name)}" because it does not exist or you do not have permissions.`,
        { state: 11 },
      );
    }
    if (!columns.some((column) => column.identity !== undefined)) {
      throw new SqlError(
        8106,
        `Table '${formatName(name)}' does not have the identity property. Cannot perform SET operation.`,
      );
    }
  }
  state.options.identityInsert = on;
}

type OptionValue = Extract<Statement, { kind: 'set-option' }>['value'];

const wordOf = (value: OptionValue): string | undefined => {
  if (typeof value === 'string') return value.toLowerCase();
  if (value.kind === 'literal') return String(value.value).toLowerCase();
  return undefined;
};

const notHere = (statement: string): SqlError =>
  new SqlError(40510, `Statement '${statement}' is not supported in this version of SQL Server.`);

/** Dates are read as month, day, year. Another order is refused, not ignored. @throws SqlError 2741, 40510 */
function requireDateFormat(value: OptionValue): void {
  const word = wordOf(value);
  if (word === undefined || word === 'mdy') return;
  if (!['dmy', 'ymd', 'ydm', 'myd', 'dym'].includes(word)) {
    throw new SqlError(2741, `SET DATEFORMAT date order '${word}' is invalid.`);
  }
  throw notHere(`SET DATEFORMAT ${word}`);
}

/** @throws SqlError 40510 for a language whose dates or messages differ from us_english */
function requireLanguage(value: OptionValue): void {
  const word = wordOf(value);
  if (word === undefined || word === 'us_english' || word === 'english') return;
  throw notHere(`SET LANGUAGE ${word}`);
}

function numberOf(value: Extract<Statement, { kind: 'set-option' }>['value'], context: RunContext): number {
  if (typeof value === 'string')
    throw new SqlError(102, `Incorrect syntax near '${value}'.`, { severity: 15 });
  return Number(evaluateAs(value, INT, context.state) ?? 0);
}

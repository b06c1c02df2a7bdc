import { SqlError } from '../errors';
import type { Statement } from '../syntax/ast';
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
        options.identityInsert = on;
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

function numberOf(value: Extract<Statement, { kind: 'set-option' }>['value'], context: RunContext): number {
  if (typeof value === 'string')
    throw new SqlError(102, `Incorrect syntax near '${value}'.`, { severity: 15 });
  return Number(evaluateAs(value, INT, context.state) ?? 0);
}

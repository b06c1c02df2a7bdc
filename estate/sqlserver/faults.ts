/** Scripted faults around one request. */

import type { SqlFaultAction } from '../faults/rules';
import { SqlError } from '../sql/errors';
import type { TdsOutput, TdsRequest } from '../tds/backend';
import type { SessionContext } from './context';
import { messageDefinition } from './messages/catalogue';

/** What the fault patterns are matched against. */
export const requestText = (request: TdsRequest): string =>
  request.kind === 'procedure' ? `EXEC ${request.name}` : request.sql;

/** Drivers check a pooled connection with this and set options with that: neither is anybody's statement. */
const isHousekeeping = (text: string): boolean =>
  text.trim() === 'SELECT 1;' ||
  text.startsWith('set ansi_nulls on\n') ||
  /^(set |SET )[a-z_ ]+;?$/i.test(text.trim());

const scriptedError = (action: Extract<SqlFaultAction, { kind: 'error' }>): SqlError =>
  new SqlError(action.number, action.message ?? messageDefinition(action.number)?.text ?? 'Scripted fault.', {
    severity: action.severity,
    state: action.state,
  });

/** Takes everything and sends nothing: the statement runs on, the client hears no more. */
const deaf = (output: TdsOutput): TdsOutput => ({
  columns: () => undefined,
  row: () => undefined,
  endRows: () => undefined,
  affected: () => undefined,
  info: () => undefined,
  error: () => undefined,
  useDatabase: () => undefined,
  outputParameter: () => undefined,
  returnStatus: () => undefined,
  transaction: () => undefined,
  flush: () => undefined,
  drop: (how) => output.drop(how),
});

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });

type Run = (output: TdsOutput, signal: AbortSignal) => Promise<void>;

/**
 * Runs a request under the fault registry.
 * @throws what the request throws, or the scripted error
 */
export const withFaults = async (
  context: SessionContext,
  text: string,
  output: TdsOutput,
  signal: AbortSignal,
  run: Run,
): Promise<void> => {
  const action = isHousekeeping(text)
    ? undefined
    : context.world.faults.matchSql({
        instance: context.instanceName,
        login: context.loginName,
        statement: text,
      });
  if (action === undefined) return run(output, signal);
  switch (action.kind) {
    case 'hang':
      return untilAborted(signal);
    case 'slow':
      await context.world.clock.sleep(action.ms, signal);
      return run(output, signal);
    case 'error':
      // After its effect nothing of the statement's own answer reaches the client, only the error.
      if (action.when === 'after') await run(deaf(output), signal);
      throw scriptedError(action);
    case 'drop':
      return runAndDrop(action, output, signal, run);
  }
};

const runAndDrop = async (
  action: Extract<SqlFaultAction, { kind: 'drop' }>,
  output: TdsOutput,
  signal: AbortSignal,
  run: Run,
): Promise<void> => {
  // The effect must not be cancelled by the very hang-up that follows it.
  const lasting = new AbortController().signal;
  switch (action.when) {
    case 'before':
      break;
    case 'during':
      output.drop(action.how);
      await run(deaf(output), lasting);
      return;
    case 'after':
      await run(deaf(output), lasting);
      break;
  }
  output.drop(action.how);
  if (action.how === 'hang') await untilAborted(signal);
};

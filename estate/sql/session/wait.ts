import { SqlError } from '../errors';
import type { Statement } from '../syntax/ast';
import { SqlDateTime, SqlTime } from '../types';
import { TICKS_PER_DAY, timeOf } from '../values/calendar';
import { convert } from '../values/convert';
import { isString } from '../values/typing';
import { evaluateExpression, type RunContext } from './runner';

/** WAITFOR DELAY and WAITFOR TIME, in the host's time. @throws SqlError 148 for a text that is no time */
export async function waitFor(
  statement: Extract<Statement, { kind: 'waitfor' }>,
  context: RunContext,
): Promise<void> {
  const ticks = timeTicks(statement, context);
  const now = timeOf(context.state.now.ticks);
  const wanted = statement.until === 'delay' ? ticks : (ticks - now + TICKS_PER_DAY) % TICKS_PER_DAY;
  const milliseconds = Number(wanted / 10_000n);
  const { host, signal } = context;
  if (host.sleep !== undefined) return host.sleep(milliseconds, signal);
  return sleep(milliseconds, signal);
}

function timeTicks(statement: Extract<Statement, { kind: 'waitfor' }>, context: RunContext): bigint {
  const { type, value } = evaluateExpression(statement.value, context.state);
  if (value instanceof SqlDateTime) return timeOf(value.ticks);
  if (!isString(type) || value === null) throw badTime(String(value));
  try {
    const time = convert(value, type, { kind: 'time', scale: 7 });
    return time instanceof SqlTime ? time.ticks : 0n;
  } catch {
    throw badTime(String(value));
  }
}

const badTime = (text: string): SqlError =>
  new SqlError(148, `Incorrect time syntax in time string '${text}' used with WAITFOR.`, { severity: 15 });

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Builds errors and informational messages from the catalogue. */
import { SqlError } from '../../sql/errors';
import type { TdsMessage } from '../../tds/backend';
import { formatMessage, messageDefinition } from './catalogue';

type Argument = string | number | bigint;

/** An error of the catalogue. @param state the message's state; most of the product's are 1. */
export const serverError = (number: number, args: readonly Argument[] = [], state = 1): SqlError => {
  const definition = messageDefinition(number);
  const text = definition === undefined ? `Error ${number}.` : formatMessage(definition.text, args);
  return new SqlError(number, text, { severity: definition?.severity ?? 16, state });
};

/** An informational message of the catalogue (severity 10 and below). */
export const serverInfo = (number: number, args: readonly Argument[] = [], state = 1): TdsMessage => {
  const definition = messageDefinition(number);
  const text = definition === undefined ? `Message ${number}.` : formatMessage(definition.text, args);
  return { number, severity: Math.min(definition?.severity ?? 0, 10), state, message: text };
};

/** PRINT-like output: number 0, severity 0. */
export const printed = (message: string): TdsMessage => ({ number: 0, severity: 0, state: 1, message });

/** The wire's form of an error that a request goes on after. */
export const asMessage = (error: SqlError): TdsMessage => ({
  number: error.number,
  severity: error.severity,
  state: error.state,
  message: error.message,
  line: error.line,
  ...(error.procedure === '' ? {} : { procedure: error.procedure }),
});

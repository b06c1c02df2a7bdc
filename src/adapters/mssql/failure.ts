/** Driver errors become SqlServerFailure: all server errors, the cause first, and what happened to the transport. */
import { type ServerErrorDetail, SqlServerFailure, type TransportProblem } from '../../ports/failures';
import { scrub } from './scrub';

/** Fields that mssql and tedious put on their errors; none is guaranteed. */
interface DriverError extends Error {
  readonly code?: unknown;
  readonly number?: unknown;
  readonly class?: unknown;
  readonly state?: unknown;
  readonly originalError?: unknown;
  /** What tedious reported, where mssql made an error of its own from an event of the connection. */
  readonly info?: unknown;
  readonly precedingErrors?: unknown;
  readonly errors?: unknown;
}

export interface FailureContext {
  readonly server: string;
  readonly statementId: string;
  readonly secrets: readonly string[];
}

/** Codes of node:tls and OpenSSL for a handshake or certificate that was refused. */
const TLS_CODES =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_)/;

/** The server is there but takes no logins now: starting, pausing, shutting down, or busy failing over in Azure. */
const NOT_READY_NUMBERS: ReadonlySet<number> = new Set([
  6005, 17142, 17187, 17191, 18401, 40197, 40501, 40540, 40613, 49918, 49919, 49920,
]);

/** Codes of mssql, tedious and the socket for a connection that ended under a request. */
const LOST_CODES: ReadonlySet<string> = new Set([
  ...['ESOCKET', 'ECLOSE', 'ECONNCLOSED', 'ENOTOPEN', 'EINVALIDSTATE'],
  ...['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
]);

/**
 * mssql keeps no code of an error that it does not recognise as one (another realm's), only its text; tedious gives none to
 * an answer that ends in its middle (stream-parser: "unexpected end of message stream").
 */
const LOST_MESSAGE =
  /\b(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)\b|socket hang up|unexpected end of message stream/;

/** From this severity on the server ends the connection. */
const FATAL_SEVERITY = 20;

/**
 * A connection could not be made.
 * @param loginErrors errors that the server sent while it refused the login, in its order: the driver itself keeps only
 *   the text of the last
 */
export function connectFailure(
  error: unknown,
  loginErrors: readonly ServerErrorDetail[],
  context: Omit<FailureContext, 'statementId'>,
): SqlServerFailure {
  const errors = distinct(loginErrors).map((detail) => scrubDetail(detail, context.secrets));
  return failure({ ...context, statementId: 'connect' }, errors, connectProblem(error, errors), error);
}

/** A request failed on a connection that stood. */
export function requestFailure(error: unknown, context: FailureContext): SqlServerFailure {
  const errors = serverErrors(error).map((detail) => scrubDetail(detail, context.secrets));
  const isFatal = errors.some((detail) => detail.severity >= FATAL_SEVERITY);
  const transport = isFatal ? 'connection-lost' : requestProblem(error);
  return failure(context, errors, transport, error);
}

/** The deadline passed or the caller gave up. */
export function stoppedFailure(
  reason: Extract<TransportProblem, 'timeout' | 'cancelled'>,
  context: FailureContext,
  detail: string,
): SqlServerFailure {
  return new SqlServerFailure(
    context.server,
    context.statementId,
    [],
    reason,
    `${context.server}: ${context.statementId}: ${detail}`,
  );
}

function failure(
  context: FailureContext,
  errors: readonly ServerErrorDetail[],
  transport: TransportProblem | undefined,
  error: unknown,
): SqlServerFailure {
  const told = errors.map((detail) => `${detail.message} (Msg ${detail.number}, state ${detail.state})`);
  const text = told.length > 0 ? told.join(' ') : scrub(plainMessage(error), context.secrets);
  return new SqlServerFailure(
    context.server,
    context.statementId,
    errors,
    transport,
    `${context.server}: ${context.statementId}: ${text}`,
  );
}

/**
 * Errors of a request in the order of the server. mssql keeps the last on the error itself and those before it in
 * precedingErrors; BACKUP, for one, sends the cause (3201) before its summary (3013).
 */
export function serverErrors(error: unknown): ServerErrorDetail[] {
  if (!isDriverError(error)) return [];
  const preceding = Array.isArray(error.precedingErrors) ? error.precedingErrors : [];
  return [...preceding, error].flatMap((one: unknown) => serverErrorOf(one));
}

function serverErrorOf(error: unknown): ServerErrorDetail[] {
  if (!isDriverError(error) || typeof error.number !== 'number' || typeof error.class !== 'number') return [];
  return [
    {
      number: error.number,
      severity: error.class,
      state: typeof error.state === 'number' ? error.state : 0,
      message: error.message,
    },
  ];
}

function connectProblem(error: unknown, errors: readonly ServerErrorDetail[]): TransportProblem {
  if (errors.some((detail) => NOT_READY_NUMBERS.has(detail.number))) return 'unreachable';
  if (errors.length > 0) return 'login-failed';
  const chain = causes(error);
  const codes = chain.map((one) => one.code);
  if (codes.includes('ELOGIN') || codes.includes('EFEDAUTH')) return 'login-failed';
  if (codes.includes('EENCRYPT')) return 'tls';
  if (codes.some((code) => typeof code === 'string' && TLS_CODES.test(code))) return 'tls';
  // tedious gives a certificate refused during the handshake inside PRELOGIN without its code in some cases.
  if (chain.some((one) => /certificate|altname/i.test(one.message))) return 'tls';
  return 'unreachable';
}

function requestProblem(error: unknown): TransportProblem | undefined {
  const codes = causes(error).map((one) => one.code);
  if (codes.includes('ECANCEL')) return 'cancelled';
  // TimeoutError: all connections of the pool were busy for too long.
  if (codes.includes('ETIMEOUT') || causes(error).some((one) => one.name === 'TimeoutError'))
    return 'timeout';
  const isLost = causes(error).some(
    (one) => (typeof one.code === 'string' && LOST_CODES.has(one.code)) || LOST_MESSAGE.test(one.message),
  );
  return isLost ? 'connection-lost' : undefined;
}

/** The error with all that it wraps: originalError and info (mssql), cause (tedious), errors and precedingErrors. */
function causes(error: unknown, depth = 0): DriverError[] {
  if (!isDriverError(error) || depth > 8) return [];
  const inner = [error.originalError, error.info, error.cause, error.errors, error.precedingErrors].flat();
  return [error, ...inner.flatMap((one) => causes(one, depth + 1))];
}

/** AggregateError has no message of its own; tedious tells of it as "Could not connect (sequence)", without its code. */
function plainMessage(error: unknown): string {
  const chain = causes(error);
  const text = chain.find((one) => one.message !== '')?.message ?? 'the driver gave no reason';
  const code = chain.map((one) => one.code).find((one) => typeof one === 'string' && SOCKET_CODE.test(one));
  return text.replace(/ - Could not connect \(sequence\)$/, code === undefined ? '' : ` (${String(code)})`);
}

/** Codes of the operating system; ESOCKET and ECLOSE are the driver's own. */
const SOCKET_CODE =
  /^E(CONNREFUSED|CONNRESET|HOSTUNREACH|HOSTDOWN|NETUNREACH|TIMEDOUT|ADDRNOTAVAIL|ACCES|PERM)$/;

function distinct(errors: readonly ServerErrorDetail[]): ServerErrorDetail[] {
  return [...new Map(errors.map((detail) => [`${detail.number}/${detail.state}`, detail])).values()];
}

const scrubDetail = (detail: ServerErrorDetail, secrets: readonly string[]): ServerErrorDetail => ({
  ...detail,
  message: scrub(detail.message, secrets),
});

/** By shape: `instanceof Error` fails for errors of another realm. */
const isDriverError = (value: unknown): value is DriverError =>
  typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';

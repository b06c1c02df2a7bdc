/** From what the Azure SDKs throw to AzureFailure: typed, one sentence, without tokens and signatures. */
import { AzureFailure, SecretFailure, type TransportProblem } from '../../ports/failures';
import { scrub } from './scrub';

export interface ArmErrorBody {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** What matters of an HTTP answer that is no success. */
export interface ErrorAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The finer form that some Azure services send beside it. */
  readonly retryAfterMs?: string | undefined;
  readonly body: string | undefined;
}

/** An answer of Azure that refuses. */
export function refusal(operation: string, answer: ErrorAnswer, nowMs: number): AzureFailure {
  const { code, message } = readErrorBody(answer.body);
  const text = message ?? `Azure answered HTTP ${answer.status}`;
  const retryAfterMs = parseMs(answer.retryAfterMs) ?? parseRetryAfter(answer.retryAfter, nowMs);
  const prefix = code === undefined ? `HTTP ${answer.status}` : code;
  return new AzureFailure(
    operation,
    answer.status,
    code,
    transportOfStatus(answer.status),
    retryAfterMs,
    scrub(`${operation}: ${prefix}: ${text}`),
  );
}

/**
 * An error that came instead of an answer.
 * @param aborted whether the caller's own signal is aborted: only then it is a cancellation.
 */
export function toAzureFailure(
  operation: string,
  error: unknown,
  aborted: boolean,
): AzureFailure | SecretFailure {
  if (error instanceof AzureFailure || error instanceof SecretFailure) return error;
  const text = entraReason(scrub(error instanceof Error ? error.message : String(error)));
  const outage = aborted ? undefined : outageOf(error);
  const transport = outage === undefined ? transportOf(error, aborted) : transportOfStatus(outage);
  return new AzureFailure(operation, outage, undefined, transport, undefined, `${operation}: ${text}`);
}

/**
 * HTTP status of an Entra ID that is down or busy, wherever @azure/identity keeps it: `statusCode` of an
 * AuthenticationError, `status` of MSAL's ServerError below, one of the `errors` of a chain.
 */
function outageOf(error: unknown, depth = 0): number | undefined {
  if (!isRecord(error) || depth > 3) return undefined;
  const outage = [error.statusCode, error.status].find(
    (status) => typeof status === 'number' && isOutage(status),
  );
  if (typeof outage === 'number') return outage;
  const below = [error.cause, ...(Array.isArray(error.errors) ? error.errors : [])];
  return below.map((one) => outageOf(one, depth + 1)).find((status) => status !== undefined);
}

const isOutage = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** Entra ID's sentence out of what @azure/identity wraps around it: error lists, time stamps, trace ids. */
const entraReason = (text: string): string =>
  /AADSTS\d+: .*?(?=\s+Trace ID:|$)/s.exec(text)?.[0].trim() ?? text;

/** ARM wraps as `{"error":{"code","message"}}`; some resource providers leave the wrapper out. */
export function readErrorBody(body: string | undefined): ArmErrorBody {
  const parsed = parseJson(body);
  const inner = isRecord(parsed) && isRecord(parsed.error) ? parsed.error : parsed;
  if (!isRecord(inner)) return { code: undefined, message: undefined };
  const { code, message } = inner;
  return {
    code: typeof code === 'string' ? code : undefined,
    message: typeof message === 'string' ? message : undefined,
  };
}

/** Retry-After: seconds or an HTTP date (RFC 9110 10.2.3). @returns milliseconds, or undefined when it says nothing. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1_000 : undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function parseMs(value: string | undefined): number | undefined {
  const ms = Number(value ?? Number.NaN);
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

function transportOfStatus(status: number): TransportProblem | undefined {
  switch (status) {
    case 401:
    case 403:
      return 'unauthorized';
    case 429:
      return 'throttled';
    default:
      return undefined;
  }
}

const UNREACHABLE = [
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
];
const LOST = ['ECONNRESET', 'EPIPE', 'PARSE_ERROR', 'ECONNABORTED', 'HPE_INVALID_CONSTANT'];
const TLS =
  /^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(GET|VERIFY)|EPROTO$|HOSTNAME_MISMATCH)/;

function transportOf(error: unknown, aborted: boolean): TransportProblem | undefined {
  if (aborted) return 'cancelled';
  const { name, code, message } = describe(error);
  // @azure/identity wraps the reason in its own message.
  const seen = `${code} ${message}`;
  if (name === 'AbortError' || code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') return 'timeout';
  if (TLS.test(code) || /self.signed certificate|unable to (get|verify)[\w ]*certificate/i.test(message))
    return 'tls';
  if (
    UNREACHABLE.some((one) => seen.includes(one)) ||
    /network_error|endpoints_resolution_error/.test(message)
  )
    return 'unreachable';
  if (LOST.includes(code)) return 'connection-lost';
  if (/Authentication|CredentialUnavailable/.test(name)) return 'login-failed';
  return undefined;
}

function describe(error: unknown): { name: string; code: string; message: string } {
  if (!isRecord(error)) return { name: '', code: '', message: String(error) };
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return { name: text(error.name), code: text(error.code), message: text(error.message) };
}

export function parseJson(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

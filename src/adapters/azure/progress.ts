/** What the answers of a long-running operation mean (ARM: "Track asynchronous Azure operations"). */
import type { OperationProgress } from '../../ports/managed-instance';
import type { Answer } from './arm-client';
import { isRecord, parseRetryAfter } from './failures';
import { scrub } from './scrub';
import type { OpenedOperation } from './sealing';

/** How an operation goes on: `running` still lacks the sealed state, which only the port can make. */
export type Step =
  | { readonly status: 'running'; readonly state: OpenedOperation; readonly detail: string }
  | Exclude<OperationProgress, { status: 'running' }>;

/**
 * Answer to the first request. Both polling headers may be there: Azure-AsyncOperation is preferred, and the status
 * code does not count while one of them is there.
 */
export function afterBegin(operation: string, answer: Answer): Step {
  const status = answer.header('azure-asyncoperation') ?? answer.header('operation-location');
  const location = answer.header('location');
  const detail = operationName(answer.body) ?? operation;
  if (status !== undefined)
    return { status: 'running', state: { mode: 'status', url: status, operation }, detail };
  if (answer.status !== 202) return { status: 'succeeded' };
  if (location !== undefined)
    return { status: 'running', state: { mode: 'location', url: location, operation }, detail };
  return {
    status: 'lost',
    reason: `Azure accepted ${operation} without an address at which it can be followed`,
  };
}

/** Answer to a poll. */
export function afterPoll(state: OpenedOperation, answer: Answer): Step {
  return state.mode === 'status' ? fromStatus(state, answer) : fromLocation(state, answer);
}

/** Only Succeeded, Failed and Canceled are final; anything else, known or not, is still running. */
function fromStatus(state: OpenedOperation, answer: Answer): Step {
  const body = isRecord(answer.body) ? answer.body : {};
  const status = typeof body.status === 'string' ? body.status : '';
  switch (status.toLowerCase()) {
    case 'succeeded':
      return { status: 'succeeded' };
    case 'failed':
    case 'canceled':
    case 'cancelled':
      return { status: 'failed', ...operationError(body.error, status) };
    default:
      return { status: 'running', state, detail: status || 'no status' };
  }
}

/** 202 while it runs, and it may move; the result or its absence afterwards. */
function fromLocation(state: OpenedOperation, answer: Answer): Step {
  if (answer.status !== 202) return { status: 'succeeded' };
  const url = answer.header('location') ?? state.url;
  return { status: 'running', state: { ...state, url }, detail: 'accepted' };
}

function operationError(error: unknown, status: string): { code: string; message: string } {
  const { code, message } = isRecord(error) ? error : {};
  return {
    code: typeof code === 'string' && code !== '' ? code : `Operation${status}`,
    message: scrub(typeof message === 'string' ? message : `Azure reports the operation as ${status}`),
  };
}

const operationName = (body: unknown): string | undefined =>
  isRecord(body) && typeof body.operation === 'string' ? body.operation : undefined;

/** @returns milliseconds until the next poll: Azure's wish, else `ownMs`. */
export const pollDelay = (answer: Answer, nowMs: number, ownMs: number): number =>
  parseRetryAfter(answer.header('retry-after'), nowMs) ?? ownMs;

/** Scripted faults of the Azure side: what the registry says about a request, put into effect. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ArmFaultAction } from '../faults/rules';
import type { ScriptedFailure } from './context';
import type { HttpRequest, HttpResponse } from './http';

/** What becomes of the connection instead of an answer. */
export type Drop = 'fin' | 'rst' | 'hang';

export type Outcome =
  | { readonly kind: 'answer'; readonly response: HttpResponse }
  | { readonly kind: 'drop'; readonly how: Drop };

export interface FaultSource {
  /** Asked once per request; undefined = nothing happens to it. */
  matchArm(context: { readonly method: string; readonly path: string }): ArmFaultAction | undefined;
}

type Handler = (request: HttpRequest, failure?: ScriptedFailure) => Promise<HttpResponse>;

/**
 * Passes a request through the fault registry.
 * @param refused told when a fault kept the request from being handled, with the status that it got
 */
export async function throughFaults(
  faults: FaultSource,
  request: HttpRequest,
  handle: Handler,
  refused: (reason: string) => Promise<void>,
): Promise<Outcome> {
  const path = request.target.split('?', 1)[0] ?? '';
  const action = faults.matchArm({ method: request.method, path });
  if (action === undefined) return answer(await handle(request));
  switch (action.kind) {
    case 'status':
      await refused(`${action.status} ${action.code}`);
      return answer(scriptedStatus(action));
    case 'drop':
      await refused('connection dropped');
      return { kind: 'drop', how: action.how };
    case 'lost-response':
      await handle(request);
      return { kind: 'drop', how: action.how };
    case 'failed-operation':
      return answer(
        await handle(request, {
          code: action.code,
          message: action.message ?? 'The operation failed.',
          takesEffect: action.takesEffect,
        }),
      );
    case 'slow':
      await delay(action.ms);
      return answer(await handle(request));
    default:
      return action satisfies never;
  }
}

const answer = (response: HttpResponse): Outcome => ({ kind: 'answer', response });

function scriptedStatus(action: Extract<ArmFaultAction, { kind: 'status' }>): HttpResponse {
  const message = action.message ?? 'The service is unable to process the request at this time.';
  return {
    status: action.status,
    headers: retryAfter(action.retryAfter),
    body: { error: { code: action.code, message } },
  };
}

/** Retry-After has whole seconds (RFC 9110 §10.2.3); parts of one go into the header that Azure SDKs also read. */
function retryAfter(seconds: number | undefined): Record<string, string> {
  if (seconds === undefined) return {};
  const whole = { 'retry-after': String(Math.ceil(seconds)) };
  return Number.isInteger(seconds)
    ? whole
    : { ...whole, 'retry-after-ms': String(Math.round(seconds * 1000)) };
}

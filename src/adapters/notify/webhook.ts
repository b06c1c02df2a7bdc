import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Clock } from '../../ports/clock';
import type { Notification } from '../../ports/notifier';
import { withinTime } from '../time-limit';

export interface WebhookTarget {
  readonly url: URL;
  readonly clock: Clock;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly ca: string | undefined;
}

/**
 * POSTs a notification as JSON. Redirects are not followed.
 * @throws Error without the URL, when the answer is no 2xx or does not come in time.
 */
export function postWebhook(target: WebhookTarget, notification: Notification): Promise<void> {
  return withinTime(target.clock, target.timeoutMs, ({ signal }) => post(target, notification, signal));
}

async function post(
  { url, ca }: WebhookTarget,
  notification: Notification,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({ source: 'sqlferry', ...notification });
  const outgoing = request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    signal,
    ...(ca === undefined ? {} : { ca }),
  });
  // A break in the middle of the answer reaches the response; without a listener it would end the process as well.
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw new Error(`it answered HTTP ${status}`);
}

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Notification } from '../../ports/notifier';

export interface WebhookTarget {
  readonly url: URL;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly ca: string | undefined;
}

/**
 * POSTs a notification as JSON. Redirects are not followed.
 * @throws Error without the URL, when the answer is no 2xx or does not come in time.
 */
export async function postWebhook(target: WebhookTarget, notification: Notification): Promise<void> {
  const body = JSON.stringify({ source: 'sqlferry', ...notification });
  const outgoing = request(target.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    signal: AbortSignal.timeout(target.timeoutMs),
    ...(target.ca === undefined ? {} : { ca: target.ca }),
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

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { HookMessage, HookReply } from '../../model/run/hook-message';
import type { WebhookHook } from '../../model/run/hooks';
import type { SecretReference } from '../../model/secret-reference';
import type { Clock } from '../../ports/clock';
import { SettingFailure } from '../../ports/failures';
import type { HookCallOptions } from '../../ports/hooks';
import type { SecretsPort } from '../../ports/secrets';
import { type TimeLimit, withinTime } from '../time-limit';
import { BoundedText, firstLine, MOST_BYTES_READ } from './text';

/** What one call needs, secrets read. */
interface Prepared {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signingKey: string | undefined;
  readonly ca: string | undefined;
  readonly secrets: readonly string[];
}

/** POSTs the message as JSON. Redirects are not followed. @throws SecretFailure, SettingFailure */
export async function callWebhook(
  hook: WebhookHook,
  message: HookMessage,
  options: HookCallOptions,
  clock: Clock,
): Promise<HookReply> {
  const prepared = await prepare(hook, options.secrets);
  const body = JSON.stringify(message);
  const call = async ({ signal, isOver }: TimeLimit): Promise<HookReply> => {
    try {
      return await post(prepared, body, message, signal, clock);
    } catch (error) {
      options.signal.throwIfAborted();
      if (isOver()) return { kind: 'no-answer', reason: 'no answer in time' };
      return { kind: 'no-answer', reason: transportReason(error, prepared.secrets) };
    }
  };
  return withinTime(clock, options.timeoutMs, call, options.signal);
}

async function prepare(hook: WebhookHook, secrets: SecretsPort): Promise<Prepared> {
  const address = isReference(hook.url) ? (await secrets.read(hook.url)).trim() : hook.url;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:') {
    throw new SettingFailure(`the url of hook ${hook.name}`, `hook ${hook.name}: its url is no https URL`);
  }
  const headers: Record<string, string> = {};
  for (const [name, reference] of Object.entries(hook.headers)) {
    headers[name] = (await secrets.read(reference)).trim();
  }
  const signingKey = hook.signWith === undefined ? undefined : (await secrets.read(hook.signWith)).trim();
  return {
    url,
    headers,
    signingKey,
    ca: hook.caFile === undefined ? undefined : await readAuthorities(hook.name, hook.caFile),
    secrets: [
      // `Bearer TOKEN`: an answer may repeat the token alone.
      ...Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/)]),
      ...(signingKey === undefined ? [] : [signingKey]),
      ...(isReference(hook.url) ? secretPartsOf(url, address) : []),
      // The query of a URL is often its key.
      ...[...url.searchParams.values()],
    ],
  };
}

/** An address that is a secret as a whole: servers like to repeat the path that they do not know. */
function secretPartsOf(url: URL, address: string): readonly string[] {
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  const raw = [address, url.href, `${url.pathname}${url.search}`, url.pathname, url.search, ...segments];
  return raw.flatMap((part) => [part, decoded(part)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A URL of a spec begins with https; what is no URL is a reference, as the schema saw to. */
const isReference = (url: string): url is SecretReference => !/^https:/i.test(url);

async function readAuthorities(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new SettingFailure(`caFile of hook ${name}`, `hook ${name}: ${file} cannot be read`);
  }
}

async function post(
  { url, headers, signingKey, ca, secrets }: Prepared,
  body: string,
  message: HookMessage,
  signal: AbortSignal,
  clock: Pick<Clock, 'now'>,
): Promise<HookReply> {
  const outgoing = request(url, {
    method: 'POST',
    agent: false,
    signal,
    ...(ca === undefined ? {} : { ca }),
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'sqlferry',
      'idempotency-key': message.idempotencyKey,
      'x-sqlferry-phase': message.phase,
      ...signature(signingKey, body, Math.floor(clock.now() / 1_000)),
    },
  });
  // A break in the middle of the answer reaches the response; without a listener it would end the process as well.
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response', { signal })) as [IncomingMessage];
  const text = await readStart(response);
  return { kind: 'http', status: response.statusCode ?? 0, text: firstLine(text, secrets) };
}

/** HMAC over time and body, so that a receiver can refuse both a forged and an old call. */
function signature(key: string | undefined, body: string, seconds: number): Record<string, string> {
  if (key === undefined) return {};
  const digest = createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex');
  return { 'x-sqlferry-timestamp': String(seconds), 'x-sqlferry-signature': `sha256=${digest}` };
}

/** The status is the answer: a body that breaks off takes nothing from it. */
async function readStart(response: IncomingMessage): Promise<string> {
  const kept = new BoundedText();
  let size = 0;
  try {
    for await (const chunk of response) {
      kept.add(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size >= MOST_BYTES_READ) break;
    }
  } catch {
    // What came is kept.
  }
  response.destroy();
  return kept.text;
}

function transportReason(error: unknown, secrets: readonly string[]): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const text = error instanceof Error ? error.message : String(error);
  return firstLine(code === undefined || text.includes(code) ? text : `${code}: ${text}`, secrets);
}

/** Web hooks against a real HTTPS server with an authority of its own. */
import { createHmac } from 'node:crypto';
import { systemClock } from '../../../src/adapters/clock';
import { createHooks } from '../../../src/adapters/hooks';
import { FakeAzure } from '../azure/fake-azure';
import { calling, MESSAGE, webhook } from './hook-parts';

const NOW = Date.parse('2026-11-01T00:00:00Z');
const hooks = createHooks({ clock: { ...systemClock, now: () => NOW } });

let receiver: FakeAzure;
let caFile: string;
beforeEach(async () => {
  receiver = await FakeAzure.start();
  ({ caFile } = receiver);
});
afterEach(() => receiver.stop());

test('POSTs the message with its key, the headers from secrets, and a signature over time and body', async () => {
  receiver.handler = () => ({ status: 200, body: { ok: true } });
  const hook = webhook({
    url: 'env:HOOK_URL',
    headers: { Authorization: 'env:TOKEN' },
    signWith: 'env:KEY',
    caFile,
  });
  const secrets = {
    'env:HOOK_URL': `${receiver.origin}/hooks/drain`,
    'env:TOKEN': 'Bearer t0ken-value',
    'env:KEY': 'signing-key',
  };
  expect(await hooks.call(hook, MESSAGE, calling(secrets))).toMatchObject({ kind: 'http', status: 200 });
  const [request] = receiver.requests;
  expect(request).toMatchObject({ method: 'POST', url: '/hooks/drain', body: MESSAGE });
  expect(request?.headers).toMatchObject({
    authorization: 'Bearer t0ken-value',
    'idempotency-key': MESSAGE.idempotencyKey,
    'content-type': 'application/json',
    'x-sqlferry-phase': 'beforeFailover',
    'x-sqlferry-timestamp': String(NOW / 1_000),
  });
  const expected = createHmac('sha256', 'signing-key')
    .update(`${NOW / 1_000}.${JSON.stringify(MESSAGE)}`)
    .digest('hex');
  expect(request?.headers['x-sqlferry-signature']).toBe(`sha256=${expected}`);
});

test.each([
  ['Route POST:/services/T0/B0-s3cret not found', 'path of a secret address'],
  ['no route B0-s3cret', 'a part of that path'],
  ['invalid token t0ken-value', 'the token alone, without its scheme'],
])('%j repeats %s: it is masked', async (body) => {
  receiver.handler = () => ({ status: 404, body });
  const hook = webhook({ url: 'env:HOOK_URL', headers: { Authorization: 'env:TOKEN' }, caFile });
  const secrets = {
    'env:HOOK_URL': `${receiver.origin}/services/T0/B0-s3cret`,
    'env:TOKEN': 'Bearer t0ken-value',
  };
  const text = JSON.stringify(await hooks.call(hook, MESSAGE, calling(secrets)));
  expect(text).toContain('********');
  expect(text).not.toMatch(/s3cret|t0ken/);
});

test('an answer is one bounded line without the secrets that were sent', async () => {
  receiver.handler = () => ({
    status: 409,
    body: `sessions are open, you sent s3cret-token to https://host/path?sig=abc ${'x'.repeat(900)}`,
  });
  const hook = webhook({ url: receiver.origin, headers: { 'X-Token': 'env:TOKEN' }, caFile });
  const reply = await hooks.call(hook, MESSAGE, calling({ 'env:TOKEN': 's3cret-token' }));
  expect(reply).toMatchObject({
    kind: 'http',
    status: 409,
    text: expect.stringContaining('sessions are open'),
  });
  const text = JSON.stringify(reply);
  expect(text).not.toContain('s3cret-token');
  expect(text).not.toContain('sig=abc');
  expect(text.length).toBeLessThan(300);
});

test.each([
  ['breaks the connection', { drop: true }],
  ['never answers', { hang: true }],
])('a receiver that %s gives no answer', async (_name, answer) => {
  receiver.handler = () => answer;
  const hook = webhook({ url: `${receiver.origin}/hidden?key=s3cret`, caFile });
  const reply = await hooks.call(hook, MESSAGE, calling({}, 400));
  expect(reply.kind).toBe('no-answer');
  expect(JSON.stringify(reply)).not.toContain('s3cret');
});

test('a certificate of an unknown authority is no answer, and nothing was sent', async () => {
  receiver.handler = () => ({ status: 200 });
  expect(await hooks.call(webhook({ url: receiver.origin }), MESSAGE, calling())).toMatchObject({
    kind: 'no-answer',
  });
  expect(receiver.requests).toEqual([]);
});

test('a redirect is not followed', async () => {
  receiver.handler = () => ({ status: 307, headers: { location: `${receiver.origin}/elsewhere` } });
  const reply = await hooks.call(webhook({ url: receiver.origin, caFile }), MESSAGE, calling());
  expect(reply).toMatchObject({ kind: 'http', status: 307 });
  expect(receiver.requests).toHaveLength(1);
});

test('a call that is cancelled rejects, so that nobody takes it for an answer', async () => {
  receiver.handler = () => ({ hang: true });
  const stop = new AbortController();
  const call = hooks.call(
    webhook({ url: receiver.origin, caFile }),
    MESSAGE,
    calling({}, 20_000, stop.signal),
  );
  stop.abort(new Error('cancelled'));
  await expect(call).rejects.toThrow('cancelled');
});

test('what the inventory of secrets does not hold, or is no https URL, is said by name and not by value', async () => {
  const hook = webhook({ url: 'env:HOOK_URL' });
  await expect(hooks.call(hook, MESSAGE, calling())).rejects.toMatchObject({ name: 'SecretFailure' });
  const plain = calling({ 'env:HOOK_URL': 'http://insecure.example/key' });
  await expect(hooks.call(hook, MESSAGE, plain)).rejects.toMatchObject({
    name: 'SettingFailure',
    message: expect.not.stringContaining('insecure'),
  });
  const lost = webhook({ url: receiver.origin, caFile: `${caFile}.absent` });
  await expect(hooks.call(lost, MESSAGE, calling())).rejects.toMatchObject({ name: 'SettingFailure' });
});

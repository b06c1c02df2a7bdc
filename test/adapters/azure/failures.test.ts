import { parseRetryAfter, refusal, toAzureFailure } from '../../../src/adapters/azure/failures';
import { scrub } from '../../../src/adapters/azure/scrub';

const NOW = Date.parse('2026-11-22T10:00:00Z');

describe('Retry-After', () => {
  test.each([
    ['5', 5_000],
    ['0', 0],
    ['Sun, 22 Nov 2026 10:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['-1', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %j ms', (value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected);
  });
});

describe('errors that came instead of an answer', () => {
  const coded = (code: string, name = 'RestError') =>
    Object.assign(new Error(`failed: ${code}`), { code, name });
  test.each([
    ['ENOTFOUND', 'unreachable'],
    ['ECONNREFUSED', 'unreachable'],
    ['ECONNRESET', 'connection-lost'],
    ['ETIMEDOUT', 'timeout'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['SOMETHING_ELSE', undefined],
  ])('%s is %s', (code, transport) => {
    expect(toAzureFailure('op', coded(code), false)).toMatchObject({ transport, status: undefined });
  });

  const named = (name: string, more: object) => Object.assign(new Error('no token'), { name, ...more });
  test.each([
    ['AuthenticationError', { statusCode: 503 }, 503, undefined],
    ['AuthenticationRequiredError', { cause: named('ServerError', { status: 500 }) }, 500, undefined],
    [
      'AggregateAuthenticationError',
      { errors: [named('X', {}), named('Y', { statusCode: 504 })] },
      504,
      undefined,
    ],
    ['AuthenticationError', { statusCode: 429 }, 429, 'throttled'],
    ['AuthenticationError', { statusCode: 401 }, undefined, 'login-failed'],
    [
      'AuthenticationRequiredError',
      { cause: named('ServerError', { status: 400 }) },
      undefined,
      'login-failed',
    ],
  ])('Entra ID: %s %j has status %s and is %s', (name, more, status, transport) => {
    expect(toAzureFailure('get-token', named(name, more), false)).toMatchObject({ status, transport });
  });

  test('an abort is a cancellation only when the caller aborted', () => {
    const abort = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(toAzureFailure('op', abort, true)).toMatchObject({ transport: 'cancelled' });
    expect(toAzureFailure('op', abort, false)).toMatchObject({ transport: 'timeout' });
  });
});

test('a refusal without a JSON body still says what is known', () => {
  const failure = refusal('put-link', { status: 502, retryAfter: undefined, body: '<html>Bad Gateway' }, NOW);
  expect(failure).toMatchObject({
    status: 502,
    code: undefined,
    message: 'put-link: HTTP 502: Azure answered HTTP 502',
  });
});

test('what could be a secret is taken out of messages', () => {
  const text = scrub(
    'GET https://m.example/op/1?t=1&s=SIG failed; Authorization: Bearer abc.def client_secret=hush&x token eyJab.cd-e.f',
  );
  expect(text).not.toMatch(/SIG|abc\.def|hush|eyJ/);
  expect(text).toContain('https://m.example/op/1?...');
  expect(scrub('x'.repeat(5_000)).length).toBeLessThan(2_100);
});

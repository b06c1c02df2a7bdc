import { whenTemporalAnswers } from '../../src/temporal/await-server';
import { explain } from '../../src/temporal/connection';

const TARGET = {
  address: '127.0.0.1:1',
  namespace: 'default',
  connectionOptions: { address: '127.0.0.1:1' },
};

test.each([
  ['14 UNAVAILABLE: connect ECONNREFUSED 127.0.0.1:1', true],
  ['Failed to connect before the deadline', true],
  ['16 UNAUTHENTICATED: jwt expired', false],
  ['7 PERMISSION_DENIED: permission denied', false],
  ['Namespace default is not found', false],
  ['TLS handshake failed', false],
])('%s: may pass by itself: %s', (text, isSilent) => {
  expect(explain(TARGET, new Error(text))).toMatchObject({ isSilent, name: 'TemporalConnectionFailure' });
});

test('the end that is asked for comes at once, and nothing is begun', async () => {
  const stop = new AbortController();
  const begin = jest.fn();
  const waiting = whenTemporalAnswers(TARGET, { log: () => stop.abort(), signal: stop.signal }, begin);
  expect(await waiting).toBeUndefined();
  expect(begin).not.toHaveBeenCalled();
});

test('whoever was asked to end before begins nothing', async () => {
  const signal = AbortSignal.abort();
  const begin = jest.fn();
  expect(await whenTemporalAnswers(TARGET, { log: () => undefined, signal }, begin)).toBeUndefined();
  expect(begin).not.toHaveBeenCalled();
});

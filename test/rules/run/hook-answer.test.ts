import type { HookReply } from '../../../src/model/run/hook-message';
import { HOOK_PHASES } from '../../../src/model/run/hook-phases';
import { afterHook, judgeHook } from '../../../src/rules/run/hook-answer';

const http = (status: number): HookReply => ({ kind: 'http', status, text: 'busy' });
const exit = (code: number): HookReply => ({ kind: 'exit', code, text: '' });

test.each<[HookReply, string]>([
  [http(200), 'passed'],
  [http(204), 'passed'],
  [http(301), 'failed'],
  [http(400), 'refused'],
  [http(404), 'refused'],
  [http(408), 'again'],
  [http(409), 'refused'],
  [http(425), 'again'],
  [http(429), 'again'],
  [http(500), 'again'],
  [http(503), 'again'],
  [exit(0), 'passed'],
  [exit(1), 'refused'],
  [exit(75), 'again'],
  [exit(126), 'failed'],
  [exit(127), 'failed'],
  [{ kind: 'no-answer', reason: 'no answer in time' }, 'again'],
  [{ kind: 'not-allowed', reason: 'the worker runs no commands' }, 'failed'],
])('%j is %s', (reply, kind) => {
  expect(judgeHook(reply).kind).toBe(kind);
});

test('the reason holds the answer and what it said', () => {
  expect(judgeHook(http(409)).reason).toBe('HTTP 409: busy');
  expect(judgeHook(exit(3)).reason).toBe('exit code 3');
});

describe('a veto', () => {
  const ending = { onFailure: 'veto', forced: false } as const;

  test.each(HOOK_PHASES)('%s: exists before the point of no return and never behind it', (phase) => {
    const mayRefuse = phase === 'beforeFailover' || phase === 'whenFenced';
    expect(afterHook({ ...ending, phase, outcome: 'refused' })).toBe(mayRefuse ? 'withdraw' : 'tell');
    expect(afterHook({ ...ending, phase, outcome: 'failed' })).toBe(mayRefuse ? 'withdraw' : 'tell');
    expect(afterHook({ ...ending, phase, outcome: 'passed' })).toBe('go-on');
  });

  test('a refusal is heard whatever the hook may do when it is silent', () => {
    const quiet = { phase: 'beforeFailover', onFailure: 'tell', forced: false } as const;
    expect(afterHook({ ...quiet, outcome: 'refused' })).toBe('withdraw');
    expect(afterHook({ ...quiet, outcome: 'failed' })).toBe('tell');
  });

  test('a forced failover hears a refusal, and does not wait for the silent', () => {
    const forced = { phase: 'beforeFailover', onFailure: 'veto', forced: true } as const;
    expect(afterHook({ ...forced, outcome: 'refused' })).toBe('withdraw');
    expect(afterHook({ ...forced, outcome: 'failed' })).toBe('tell');
  });
});

/** A message and hooks for tests of the adapters. */
import type { HookMessage } from '../../../src/model/run/hook-message';
import { type CommandHook, hookSchema, type WebhookHook } from '../../../src/model/run/hooks';
import { SecretFailure } from '../../../src/ports/failures';
import type { HookCallOptions } from '../../../src/ports/hooks';

export const MESSAGE: HookMessage = {
  version: 1,
  source: 'sqlferry',
  run: 'sales',
  workflowId: 'sqlferry-sales',
  database: 'Sales',
  hook: 'drain',
  phase: 'beforeFailover',
  kind: 'planned-failover',
  from: { side: 'server', name: 'sql1', host: 'sql1.example.com', port: 1433 },
  to: { side: 'instance', name: 'mi-west', host: null, port: 1433 },
  idempotencyKey: 'sqlferry-sales/failover-1/beforeFailover/drain',
  time: '2026-11-01T00:00:00.000Z',
  reason: null,
  evidence: null,
};

export function webhook(parts: object): WebhookHook {
  const hook = hookSchema.parse({ name: 'drain', type: 'webhook', ...parts });
  if (hook.type !== 'webhook') throw new Error('not a web hook');
  return hook;
}

export function command(executable: string, args: readonly string[] = []): CommandHook {
  const hook = hookSchema.parse({ name: 'drain', type: 'command', executable, args });
  if (hook.type !== 'command') throw new Error('not a command');
  return hook;
}

/** @param secrets by reference */
export const calling = (
  secrets: Readonly<Record<string, string>> = {},
  timeoutMs = 20_000,
  signal: AbortSignal = new AbortController().signal,
): HookCallOptions => ({
  timeoutMs,
  signal,
  secrets: {
    read: async (reference) => {
      const value = secrets[reference];
      if (value === undefined) throw new SecretFailure(reference, `${reference} is not set`);
      return value;
    },
  },
});

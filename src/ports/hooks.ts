import type { HookMessage, HookReply } from '../model/run/hook-message';
import type { Hook } from '../model/run/hooks';
import type { SecretsPort } from './secrets';

export interface HookCallOptions {
  readonly secrets: SecretsPort;
  /** Milliseconds for this call. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Calls a hook once. Rejects with SecretFailure, and with the signal's reason when aborted. */
export interface HooksPort {
  call(hook: Hook, message: HookMessage, options: HookCallOptions): Promise<HookReply>;
}

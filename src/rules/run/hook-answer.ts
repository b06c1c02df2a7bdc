/** What the answer of a hook means. */
import type { HookReply } from '../../model/run/hook-message';
import { type HookPhase, MAY_VETO } from '../../model/run/hook-phases';

export type HookVerdict =
  | { readonly kind: 'passed' | 'refused' | 'failed'; readonly reason: string }
  /** Worth another call while there is time. */
  | { readonly kind: 'again'; readonly reason: string };

/** Of sysexits.h: try again later. */
const EX_TEMPFAIL = 75;
/** What a shell says of a program that it cannot run or find: no decision of anybody. */
const NOT_RUN: readonly number[] = [126, 127];
/** Request timeout, too early, too many requests: the same request may succeed (RFC 9110, 8470, 6585). */
const LATER: readonly number[] = [408, 425, 429];

export function judgeHook(reply: HookReply): HookVerdict {
  switch (reply.kind) {
    case 'http':
      return judgeStatus(reply.status, said(`HTTP ${reply.status}`, reply.text));
    case 'exit':
      return judgeExit(reply.code, said(`exit code ${reply.code}`, reply.text));
    case 'no-answer':
      return { kind: 'again', reason: reply.reason };
    case 'not-allowed':
      return { kind: 'failed', reason: reply.reason };
  }
}

function judgeStatus(status: number, reason: string): HookVerdict {
  if (status >= 200 && status < 300) return { kind: 'passed', reason };
  if (status >= 500 || LATER.includes(status)) return { kind: 'again', reason };
  if (status >= 400) return { kind: 'refused', reason };
  // A redirect is not followed: the address is the one that somebody wrote down.
  return { kind: 'failed', reason };
}

function judgeExit(code: number, reason: string): HookVerdict {
  if (code === 0) return { kind: 'passed', reason };
  if (code === EX_TEMPFAIL) return { kind: 'again', reason };
  if (NOT_RUN.includes(code)) return { kind: 'failed', reason };
  return { kind: 'refused', reason };
}

const said = (what: string, text: string): string => (text === '' ? what : `${what}: ${text}`);

export interface HookEnding {
  readonly phase: HookPhase;
  readonly outcome: 'passed' | 'refused' | 'failed';
  readonly onFailure: 'veto' | 'tell';
  /** A person forces: a hook that does not answer must not stand between them and a disaster. */
  readonly forced: boolean;
}

/**
 * What follows from how a hook ended. A veto exists before the point of no return and never behind it; a refusal is
 * heard always, silence only where the hook was given that weight.
 */
export function afterHook({ phase, outcome, onFailure, forced }: HookEnding): 'go-on' | 'withdraw' | 'tell' {
  if (outcome === 'passed') return 'go-on';
  if (!MAY_VETO.includes(phase)) return 'tell';
  if (outcome === 'refused') return 'withdraw';
  return onFailure === 'veto' && !forced ? 'withdraw' : 'tell';
}

/** The steps of a link on the real adapters, without Temporal: for plans, and for steps one by one. */

import type { LinkContext } from '../../src/activities/link/context';
import type { ApplyContext } from '../../src/activities/run/apply-effect';
import { randomStateKey } from '../../src/adapters/azure';
import { systemClock } from '../../src/adapters/clock';
import type { ResolvedLink } from '../../src/model/link/spec';
import { LinkPortsPool } from '../../src/worker/link-ports';

export interface OpenedSteps {
  readonly context: LinkContext;
  readonly apply: ApplyContext;
  close(): Promise<void>;
}

/** @param env where the spec's secrets are */
export async function openSteps(spec: ResolvedLink, env: NodeJS.ProcessEnv): Promise<OpenedSteps> {
  const pool = new LinkPortsPool({
    env,
    clock: systemClock,
    stateKeys: [randomStateKey()],
    warn: () => undefined,
  });
  const ports = await pool.open(spec);
  const { signal } = new AbortController();
  const secrets = await pool.secrets(spec);
  return {
    context: { ports, spec, clock: systemClock, signal, secret: (reference) => secrets.read(reference) },
    apply: {
      ports,
      clock: systemClock,
      signal,
      pollMs: 25,
      reporter: {
        report: () => undefined,
        saveOperation: () => undefined,
        resumable: undefined,
        mayHaveSent: false,
        resumeState: undefined,
        saveResumeState: () => undefined,
        noteUnanswered: () => undefined,
      },
    },
    close: () => pool.close(),
  };
}

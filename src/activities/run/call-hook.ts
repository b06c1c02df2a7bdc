/** Calls one hook until it answers or its time is over. */
import type { HookMessage, HookRecord } from '../../model/run/hook-message';
import { hooksOf } from '../../model/run/hook-phases';
import { growingPause, pacingOf } from '../../model/run/pacing';
import { otherSiteOf } from '../../model/run/site';
import type { Clock } from '../../ports/clock';
import type { HooksPort } from '../../ports/hooks';
import { judgeHook } from '../../rules/run/hook-answer';
import type { ActivityReporter } from './activity-boundary';
import type { HookInput } from './failover-api';
import { NeedsPerson } from './failures';
import type { BoundTopology } from './topology';

interface HookCalls {
  readonly hooks: HooksPort;
  readonly clock: Clock;
}

/** Opens no ports: a hook is to be called also while a site does not answer. */
export async function callHook(
  { hooks, clock }: HookCalls,
  topology: BoundTopology,
  reporter: ActivityReporter,
  input: HookInput,
): Promise<HookRecord> {
  const { spec, address } = input;
  const { phase, index } = address;
  const secrets = await topology.secrets(spec);
  const hook = hooksOf(spec.settings, phase)[index];
  if (hook === undefined) {
    const remedy = 'report it: the run asks for a hook that its spec does not hold';
    throw new NeedsPerson('HookMissing', `the spec has no hook ${index} of ${phase}`, remedy);
  }
  const began = clock.now();
  const message = messageOf(topology, hook.name, input);
  const { signal } = reporter;
  for (let tries = 1; ; tries += 1) {
    const timeoutMs = Math.max(1, hook.timeout - (clock.now() - began));
    const verdict = judgeHook(await hooks.call(hook, message, { secrets, timeoutMs, signal }));
    const pause = growingPause(pacingOf(spec.settings.polling).hook, tries);
    const isOver = clock.now() - began + pause >= hook.timeout;
    if (verdict.kind !== 'again' || isOver) {
      return {
        at: new Date(began).toISOString(),
        phase,
        hook: hook.name,
        outcome: verdict.kind === 'again' ? 'failed' : verdict.kind,
        reason: verdict.reason,
        tries,
        durationMs: clock.now() - began,
      };
    }
    reporter.report({
      version: 1,
      activity: 'hook',
      waitingFor: `hook ${hook.name}: ${verdict.reason}; it is called again`,
      observedAt: new Date(clock.now()).toISOString(),
    });
    await clock.sleep(pause, signal);
  }
}

function messageOf(
  topology: BoundTopology,
  hook: string,
  { spec, address, occasion }: HookInput,
): HookMessage {
  const { to, ...known } = occasion;
  const { settings } = spec;
  const from = otherSiteOf(topology.sites(spec), to).id;
  return {
    version: 1,
    source: 'sqlferry',
    run: settings.name,
    database: settings.database,
    hook,
    phase: address.phase,
    from: topology.party(spec, from),
    to: topology.party(spec, to),
    ...known,
  };
}

import { HOOK_PHASES, type HookPhase, hooksOf } from '../../model/run/hook-phases';
import type { Hook } from '../../model/run/hooks';
import type { RunSettings } from '../../model/run/run-spec';

/** A hook that a failover or cutover would call. */
export interface PlannedHook {
  readonly phase: HookPhase;
  readonly name: string;
  /** What is called, one line; of an address without its query, which often is a key. */
  readonly calls: string;
}

/** Hooks in the order in which they are called; those of whenWithdrawn only where nothing crosses. */
export const plannedHooks = (migration: Pick<RunSettings, 'hooks'>): readonly PlannedHook[] =>
  HOOK_PHASES.flatMap((phase) =>
    hooksOf(migration, phase).map((hook) => ({ phase, name: hook.name, calls: callOf(hook) })),
  );

const callOf = (hook: Hook): string =>
  hook.type === 'webhook'
    ? `POST ${hook.url.replace(/\?.*$/s, '?...')}`
    : [hook.executable, ...hook.args.map((argument) => JSON.stringify(argument))].join(' ');

import { jsonBytes } from '../json-bytes';
import type { SiteId } from './site';

/** One change that a run made, or found already made, in the order of the run. */
export interface JournalEntry {
  readonly at: string;
  readonly phase: string;
  readonly stepId: string;
  /** Replica of the availability group that the step was about; absent where there is one server only. */
  readonly server?: string;
  readonly title: string;
  readonly outcome: 'done' | 'already-done' | 'undone';
  readonly effects: readonly JournalEffect[];
  /** Facts that prove the outcome, one sentence. */
  readonly evidence: string;
  readonly durationMs: number;
}

export interface JournalEffect {
  readonly kind: 'tsql' | 'arm';
  readonly on: SiteId | 'azure';
  /** Name in the inventory of the SQL Server that it runs on, where the availability group has several. */
  readonly server?: string;
  /** The same text that `plan` prints. */
  readonly display: string;
  /** What would undo it, as text; absent where nothing can. */
  readonly undo?: string;
  /** It stands for so many, whose text is not kept; absent: for itself. */
  readonly omitted?: number;
}

/**
 * The effect of a step that was about one replica: what it did at a site without replicas, or in Azure, is not told of it.
 * @param server name of the replica; undefined where the site has one server
 * @param hasReplicas whether a site may have several servers
 */
export function onReplica(
  effect: JournalEffect,
  server: string | undefined,
  hasReplicas: (site: SiteId) => boolean,
): JournalEffect {
  const { on } = effect;
  return server === undefined || on === 'azure' || !hasReplicas(on) ? effect : { ...effect, server };
}

/** One result of an activity may be two megabytes; what was looked at before the step takes its part. */
const EFFECTS_BYTES = 256 * 1024;

/** The first ones, as far as they fit into a history; how many came after them is said in their place. */
export function boundedEffects(effects: readonly JournalEffect[]): readonly JournalEffect[] {
  let bytes = 0;
  const tooMany = effects.findIndex((effect) => {
    bytes += jsonBytes(effect);
    return bytes > EFFECTS_BYTES;
  });
  if (tooMany === -1) return effects;
  const rest = effects.slice(tooMany);
  return [...effects.slice(0, tooMany), ...inPlaceOf(rest, 'too long for a history')];
}

/** One effect that says how many it stands for. */
export function inPlaceOf(effects: readonly JournalEffect[], why: string): readonly JournalEffect[] {
  const [first] = effects;
  if (first === undefined) return [];
  const { kind, on } = first;
  const omitted = effects.reduce((sum, effect) => sum + (effect.omitted ?? 1), 0);
  return [{ kind, on, omitted, display: `-- ${omitted} statement(s) or request(s), not kept here: ${why}` }];
}

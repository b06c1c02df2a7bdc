import type { RunningEstate } from '../../../estate/estate';

/** What the world itself recorded: the independent witness of the demo. */
export interface Proof {
  /** Changes of the world that were made more than once, though the run wanted each once. */
  readonly duplicateSideEffects: number;
  /** Milliseconds during which the platform itself was at work (seeding, operations, backups). */
  readonly platformMs: number;
}

/** Statements that a run may repeat by design. */
const REPEATABLE = /^\s*(BACKUP\s+LOG|USE\s|DECLARE\s+@kill)/i;

export function readProof(estate: RunningEstate, applicationLogin: string): Proof {
  const seen = new Map<string, number>();
  for (const effect of estate.world.effects()) {
    if (effect.outcome !== 'effect' || effect.actor === applicationLogin) continue;
    if (effect.surface === 'control' || REPEATABLE.test(effect.text)) continue;
    const key = `${effect.surface} ${effect.instance} ${effect.text.split('?', 1)[0]} ${effect.changes.join(';')}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  const duplicateSideEffects = [...seen.values()].reduce((sum, count) => sum + count - 1, 0);
  return { duplicateSideEffects, platformMs: Math.round(estate.world.timeline.busy().realMs) };
}

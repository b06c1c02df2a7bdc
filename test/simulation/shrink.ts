/** The fewest faults of a schedule with which it still breaks the same rule. */
import type { Fault } from './faults';
import { type Outcome, runSchedule, type ScheduleOptions } from './schedule';

/** Drops faults as long as the rule stays broken: halves first, then smaller parts, at last single ones. */
export async function shrink(found: Outcome): Promise<Outcome> {
  const rule = found.violations[0]?.rule;
  if (rule === undefined) return found;
  let best = found;
  for (let size = Math.ceil(best.faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let from = 0;
    while (from < best.faults.length) {
      const fewer = [...best.faults.slice(0, from), ...best.faults.slice(from + size)];
      const outcome = await attempt({ seed: found.seed, story: found.story, faults: fewer });
      if (outcome.violations[0]?.rule === rule) best = { ...outcome, faults: fewer };
      else from += size;
    }
  }
  return best;
}

const attempt = (options: ScheduleOptions & { readonly faults: readonly Fault[] }): Promise<Outcome> =>
  runSchedule(options);

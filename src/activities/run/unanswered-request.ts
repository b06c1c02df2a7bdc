import { effectPacingOf } from '../../model/run/pacing';
import { type Effect, effectDisplay } from '../../model/statement';
import type { ApplyContext } from './apply-effect';

export interface ToDo {
  /** Evidence that nothing is to be done. */
  readonly settled: string | undefined;
  readonly effects: readonly Effect[];
}

/**
 * Looks what is to be done. When an attempt before this one may have sent a request that nobody heard of again, its
 * effect is awaited for a while, so that it is not sent a second time to effect.
 * @param resumed the last request of the earlier attempts is known, and came to its end
 */
export async function awaitUnansweredRequest(
  look: () => Promise<ToDo>,
  resumed: boolean,
  context: ApplyContext,
): Promise<ToDo> {
  const { reporter } = context;
  const seen = await look();
  if (!reporter.mayHaveSent) return seen;
  const quiet = resumed || !asksAzure(seen) ? seen : await awaitEffect(look, seen, context);
  // Had it come to anything, it would show by now: later attempts need not wait for it once more.
  reporter.noteUnanswered(false);
  return quiet;
}

async function awaitEffect(
  look: () => Promise<ToDo>,
  before: ToDo,
  { clock, signal, pollMs }: ApplyContext,
): Promise<ToDo> {
  let seen = before;
  const first = planOf(seen);
  const deadline = clock.now() + effectPacingOf(pollMs).silenceMs;
  while (clock.now() < deadline && planOf(seen) === first) {
    await clock.sleep(pollMs, signal);
    seen = await look();
  }
  return seen;
}

const asksAzure = ({ effects }: ToDo): boolean => effects.some((effect) => effect.kind === 'arm');

const planOf = ({ effects }: ToDo): string => effects.map(effectDisplay).join('\n');

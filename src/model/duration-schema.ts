import { z } from 'zod';
import { type DurationMs, LONGEST_DURATION_MS, parseDuration } from './duration';
import { shown } from './shown';

/**
 * Schema of a duration: text such as `15m` in files, milliseconds afterwards. Apart from duration.ts, so that the
 * command line and the workflows can write durations without loading zod.
 */
export const durationSchema = z
  .string()
  .transform((text, context): DurationMs => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms <= LONGEST_DURATION_MS) return ms;
    const message =
      ms === undefined
        ? `${shown(text)} is no duration; write for example 30s, 15m, 6h or 2d`
        : `${shown(text)} is too long: a duration is at most ${LONGEST_DURATION_MS / 86_400_000}d (ten years)`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ description: 'Duration such as 30s, 15m, 6h or 2d' });

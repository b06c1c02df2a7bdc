import { z } from 'zod';
import { type DurationMs, parseDuration } from './duration';

/**
 * Schema of a duration: text such as `15m` in files, milliseconds afterwards. Apart from duration.ts, so that the
 * command line and the workflows can write durations without loading zod.
 */
export const durationSchema = z
  .string()
  .transform((text, context): DurationMs => {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    context.addIssue({
      code: 'custom',
      message: `"${text}" is no duration; write for example 30s, 15m, 6h or 2d`,
    });
    return z.NEVER;
  })
  .meta({ description: 'Duration such as 30s, 15m, 6h or 2d' });

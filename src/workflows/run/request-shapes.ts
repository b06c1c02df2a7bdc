/** Shapes of the requests that every run understands, whatever its topology. */
import type { Request } from './answers';
import { exactly, type Fields, LONGEST_REASON, name, optional, text } from './shapes';

export const BY_AND_REASON: Fields<Request> = {
  by: name('the name of whoever asks'),
  reason: optional(text(LONGEST_REASON)),
};

export const requestShape = exactly<Request>(BY_AND_REASON);

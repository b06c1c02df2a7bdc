/** How often something is tried again for which applications wait. */

/** For so long it is tried often. */
const OFTEN_FOR_MS = 30 * 60_000;
/** Then rarely: Temporal ends a workflow with 51,200 events, and here no new history can begin. */
const LONGEST_PAUSE_MS = 10 * 60_000;

/**
 * @param since when it was tried first, milliseconds
 * @param oftenMs longest pause while it is tried often
 */
export const longestPause = (since: number, oftenMs: number): number =>
  Date.now() - since < OFTEN_FOR_MS ? oftenMs : LONGEST_PAUSE_MS;

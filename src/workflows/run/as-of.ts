/**
 * The time by which a query judges. In a workflow time stands still between its tasks: a query would answer for hours what
 * was so at the last one. So whoever asks says when that is.
 */

/** Who asks may say so; older clients do not. */
export interface StatusAsked {
  /** ISO 8601. */
  readonly now: string;
}

/**
 * @param asked as it came: anybody may send a query
 * @returns milliseconds since 1970-01-01 UTC: what was said, but never before the last task of the workflow, whose time is
 * that of the server
 */
export function asOf(asked: unknown): number {
  const { now } = (typeof asked === 'object' && asked !== null ? asked : {}) as { readonly now?: unknown };
  const said = typeof now === 'string' ? Date.parse(now) : Number.NaN;
  return Number.isFinite(said) ? Math.max(said, Date.now()) : Date.now();
}

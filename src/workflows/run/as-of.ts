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
 * Judges by the time that was said, but never by one before the last task of the workflow, whose time is that of the server.
 * @param asked as it came: anybody may send a query
 * @param look takes milliseconds since 1970-01-01 UTC
 * @returns what was seen, with the time by which it was judged, where one was said
 */
export function asOf<Seen extends object>(
  asked: unknown,
  look: (now: number) => Seen,
): Seen & { readonly asOf?: string } {
  const { now } = (typeof asked === 'object' && asked !== null ? asked : {}) as { readonly now?: unknown };
  const said = typeof now === 'string' ? Date.parse(now) : Number.NaN;
  if (!Number.isFinite(said)) return look(Date.now());
  const judgedAt = Math.max(said, Date.now());
  return { ...look(judgedAt), asOf: new Date(judgedAt).toISOString() };
}

/** The answer of a hook as one short line that may stand in a history. */

/** Read of an answer; the rest is thrown away. */
export const MOST_BYTES_READ = 64 * 1_024;
const LONGEST_LINE = 200;
/** A shorter secret would mask ordinary words. */
const SHORTEST_SECRET = 4;

/** @param secrets values that were sent along: a receiver may repeat them */
export function firstLine(text: string, secrets: readonly string[] = []): string {
  const masked = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    // The whole before its parts.
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, '********'), text);
  const line =
    masked
      .split(/[\r\n]+/)
      .map((each) => each.replaceAll(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, ' ').trim())
      .find((each) => each !== '') ?? '';
  const clean = line
    .replaceAll(/\b(Bearer|Basic)\s+\S+/gi, '$1 ...')
    .replaceAll(/(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]*/gi, '$1?...')
    .replaceAll(/\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '<token>');
  return clean.length > LONGEST_LINE ? `${clean.slice(0, LONGEST_LINE - 1)}…` : clean;
}

/** Keeps the beginning of a stream and lets the rest go by, so that a writer is never held up. */
export class BoundedText {
  private readonly chunks: Buffer[] = [];
  private size = 0;

  add(chunk: Buffer): void {
    const room = MOST_BYTES_READ - this.size;
    if (room <= 0) return;
    const kept = chunk.subarray(0, room);
    this.chunks.push(kept);
    this.size += kept.length;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

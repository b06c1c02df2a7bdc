/** LIKE patterns as regular expressions: %, _, [set], [^set], ESCAPE. */
import { SqlError } from '../errors';

const CACHE = new Map<string, RegExp>();
const CACHE_SIZE = 256;

/** @throws SqlError 506 for an escape of more than one character. */
export function likeMatcher(pattern: string, escapeMark: string | undefined): RegExp {
  if (escapeMark !== undefined && escapeMark.length !== 1) {
    throw new SqlError(
      506,
      `The invalid escape character "${escapeMark}" was specified in a LIKE predicate.`,
    );
  }
  const key = `${escapeMark ?? ''}\u0000${pattern}`;
  const cached = CACHE.get(key);
  if (cached !== undefined) return cached;
  const matcher = new RegExp(`^(?:${likeSource(pattern, escapeMark)})$`, 'i');
  if (CACHE.size >= CACHE_SIZE) CACHE.clear();
  CACHE.set(key, matcher);
  return matcher;
}

/** Regular expression text of a pattern; PATINDEX uses it without the anchors. */
export function likeSource(pattern: string, escapeMark?: string): string {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    if (char === escapeMark) source += literalSource(pattern[++at] ?? '');
    else if (char === '%') source += '[\\s\\S]*';
    else if (char === '_') source += '[\\s\\S]';
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2);
      const set = end < 0 ? undefined : setSource(pattern.slice(at + 1, end), escapeMark);
      source += set ?? '(?!)';
      at = end < 0 ? pattern.length : end;
    } else source += literalSource(char);
  }
  return source;
}

const literalSource = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function setSource(set: string, escapeMark: string | undefined): string {
  const negated = set.startsWith('^');
  const body = negated ? set.slice(1) : set;
  let source = '';
  for (let at = 0; at < body.length; at++) {
    const char = body[at] ?? '';
    if (char === escapeMark) source += literalSource(body[++at] ?? '');
    else if (char === '-' && at > 0 && at < body.length - 1) source += '-';
    else source += literalSource(char);
  }
  return `[${negated ? '^' : ''}${orderedRanges(source)}]`;
}

/** A range written backwards matches nothing in SQL Server, and is a syntax error in JavaScript. */
const orderedRanges = (source: string): string =>
  source.replace(/([^\\])-([^\\])/g, (range, low: string, high: string) =>
    low <= high ? range : `${low}${high}`,
  );

/** Longest part of a value that a message repeats. */
const LONGEST_SHOWN = 80;

/** Characters that move the cursor, begin a line, or turn the direction of what follows; halves of pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** True for a text that is one line and cannot steer a terminal. */
export const isPrintable = (text: string): boolean => text.search(UNPRINTABLE) === -1;

/** A value that came from outside, as a message may repeat it: JSON, one line, bounded. Never throws. */
export function shown(value: unknown, longest = LONGEST_SHOWN): string {
  const json = jsonOf(value, longest).replace(UNPRINTABLE, escaped);
  return json.length > longest ? `${json.slice(0, longest)}…` : json;
}

function jsonOf(value: unknown, longest: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, longest));
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  try {
    return JSON.stringify(value) ?? 'nothing';
  } catch {
    return `a value of type ${typeof value}`;
  }
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

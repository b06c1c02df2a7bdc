/**
 * Shapes of what comes in from outside, checked by hand: with zod each running workflow would take some 8 MB of its
 * worker. A shape gives back what it was given, or throws; it never mends and never guesses.
 */
import { LONGEST_DURATION_MS } from '../../model/duration';
import { jsonBytes } from '../../model/json-bytes';
import { isPrintable, shown } from '../../model/shown';

/** @param at where the value stands, for the message: `spec.migration.name` */
export type Shape<T> = (value: unknown, at: string) => T;

/** Names the field, what was got, and what may stand there. */
export class MalformedInput extends TypeError {
  override readonly name = 'MalformedInput';
}

/** Stands for what could not be decoded; no shape takes it. */
export class Unreadable {
  toJSON(): string {
    return 'data that cannot be read';
  }
}

export const LONGEST_NAME = 200;
export const LONGEST_REASON = 1_000;

const malformed = (at: string, allowed: string, value: unknown): MalformedInput =>
  new MalformedInput(
    `${at} must be ${allowed}; ${value === undefined ? 'it was left out' : `got ${shown(value)}`}`,
  );

/** A shape of what is tested in one go. */
const tested =
  <T>(allowed: string, holds: (value: unknown) => boolean): Shape<T> =>
  (value, at) => {
    if (holds(value)) return value as T;
    throw malformed(at, allowed, value);
  };

/** One line for people: nothing in it can begin a line of its own or steer a terminal. */
export const text = (longest: number): Shape<string> =>
  tested(
    `text of at most ${longest} characters without control characters`,
    (value) => typeof value === 'string' && value.length <= longest && isPrintable(value),
  );

/** As `text`, and somebody or something is named by it. */
export const name = (what = 'a name', longest = LONGEST_NAME): Shape<string> =>
  tested(
    `${what}: 1 to ${longest} characters without control characters`,
    (value) =>
      typeof value === 'string' && value.trim() !== '' && value.length <= longest && isPrintable(value),
  );

/** Of whatever length and signs: made by a run, or quoted where it is used. */
export const anyText: Shape<string> = tested('text', (value) => typeof value === 'string');

export const matching = (form: RegExp, allowed: string): Shape<string> =>
  tested(allowed, (value) => typeof value === 'string' && form.test(value));

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** From here on a date has more than four digits of a year, and is no such text any more. */
const YEAR_10000_MS = Date.UTC(10_000, 0, 1);

const isTime = (text: string): boolean => TIME.test(text) && Date.parse(text) < YEAR_10000_MS;

/** ISO 8601 with an offset: without one it would mean another time on each machine. */
export const time: Shape<string> = tested(
  'a time in ISO 8601 with an offset, such as 2026-12-01T22:00:00Z',
  (value) => typeof value === 'string' && isTime(value),
);

export const yesOrNo: Shape<boolean> = tested('true or false', (value) => typeof value === 'boolean');

/** What can only be said or left out. */
export const yes: Shape<true> = tested('true, or be left out', (value) => value === true);

export function number(least: number, most: number): Shape<number> {
  return tested(
    `a number from ${least} to ${most}`,
    (value) => typeof value === 'number' && value >= least && value <= most,
  );
}

export const wholeNumber = (least: number, most: number): Shape<number> =>
  tested(
    `a whole number from ${least} to ${most}`,
    (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  );

/** Levels of lists and objects in each other; a spec has about six. */
const DEEPEST = 50;

/**
 * As the shape, and no bigger: what is handed on unseen would be carried, and sent, for years.
 * @param mostBytes of its JSON
 */
export const bounded =
  <T>(shape: Shape<T>, mostBytes: number): Shape<T> =>
  (value, at) => {
    if (depthOf(value, DEEPEST + 1) > DEEPEST) throw malformed(at, `at most ${DEEPEST} levels deep`, 'more');
    if (jsonBytes(value) > mostBytes) throw malformed(at, `at most ${mostBytes} bytes of JSON`, 'more');
    return shape(value, at);
  };

/** @param most what is deeper is not looked at */
function depthOf(value: unknown, most: number): number {
  if (most === 0 || typeof value !== 'object' || value === null) return 0;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, most - 1));
  return deepest + 1;
}

/** Milliseconds. Bounded, so that every date that is reckoned with it is one. */
export const duration = (least = 0): Shape<number> => number(least, LONGEST_DURATION_MS);

/** @param words with what each of them means, where its name does not say it; or the words alone */
export function oneOf<Word extends string>(
  words: readonly Word[] | Readonly<Record<Word, string>>,
): Shape<Word> {
  const meanings: readonly (readonly [string, string])[] = isList(words)
    ? words.map((word) => [word, ''] as const)
    : Object.entries<string>(words).map(
        ([word, means]) => [word, means === '' ? '' : ` (${means})`] as const,
      );
  const allowed = meanings.map(([word, means]) => `"${word}"${means}`).join(' or ');
  return tested(allowed, (value) => meanings.some(([word]) => word === value));
}

const isList = <T>(value: readonly T[] | object): value is readonly T[] => Array.isArray(value);

export const optional =
  <T>(shape: Shape<T>): Shape<T | undefined> =>
  (value, at) =>
    value === undefined ? undefined : shape(value, at);

export const nullable =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value, at) =>
    value === null ? null : shape(value, at);

/** Of a spec or a state. */
export const versionOne: Shape<1> = (value, at) => {
  if (value === 1) return value;
  throw new MalformedInput(`${at} must be 1: this worker reads no other version`);
};

/** For what is only handed on, to be read by whoever made it. */
export const anything: Shape<unknown> = (value) => value;

/** An object whose insides are handed on, or only shown. */
export const anyObject = <T extends object>(): Shape<T> => tested('an object', isObject);

export function list<T>(shape: Shape<T>, least = 0, most = 1_000): Shape<T[]> {
  const allowed = `a list of ${least} to ${most} entries`;
  return (value, at) => {
    if (!Array.isArray(value) || value.length < least || value.length > most)
      throw malformed(at, allowed, value);
    value.forEach((one: unknown, index) => {
      shape(one, `${at}[${index}]`);
    });
    return value as T[];
  };
}

/** A shape for each field; a field that need not be there takes `undefined`. */
export type Fields<T> = {
  readonly [Key in keyof T]-?: object extends Pick<T, Key> ? Shape<T[Key] | undefined> : Shape<T[Key]>;
};

/** All that may stand there: a field more is a mistake, perhaps a misspelt one that was meant to hold something back. */
export function exactly<T extends object>(fields: Fields<T>): Shape<T> {
  const known = Object.keys(fields);
  const check = including(fields);
  return (value, at) => {
    if (isObject(value)) {
      const unknown = Object.keys(value).find((key) => !known.includes(key));
      if (unknown !== undefined) {
        throw new MalformedInput(`${at}: ${shown(unknown)} is not known; known are ${known.join(', ')}`);
      }
    }
    return check(value, at);
  };
}

/** What must stand there at least: whoever wrote it may know more. */
export function including<T extends object>(fields: Fields<T>): Shape<T> {
  const shapes = Object.entries<Shape<unknown>>(fields);
  return (value, at) => {
    if (!isObject(value)) throw malformed(at, 'an object', value);
    for (const [key, shape] of shapes) {
      const within = ROOTS.includes(at) ? key : `${at}.${key}`;
      shape(Object.hasOwn(value, key) ? value[key] : undefined, within);
    }
    return value as T;
  };
}

/** What comes in as a whole: its fields are named without it. */
const ROOTS: readonly string[] = ['the request', 'the signal', 'the input'];

/** Messages told apart by `kind`. */
export function byKind<T extends { readonly kind: string }>(
  shapes: Readonly<Record<T['kind'], Shape<unknown>>>,
): Shape<T> {
  const kind = including<{ readonly kind: T['kind'] }>({
    kind: oneOf<T['kind']>(Object.keys(shapes) as T['kind'][]),
  });
  return (value, at) => shapes[kind(value, at).kind](value, at) as T;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Unreadable)
  );
}

import { shown } from './shown';

/**
 * The choice for a word of a closed set. A word that is none of them is an error: it is never taken for one of the
 * others, whatever the types promise of data that came from outside.
 * @param what the word is, for the message: `type of a failover`
 * @throws RangeError
 */
export function byWord<Word extends string, Choice>(
  what: string,
  word: Word,
  choices: Readonly<Record<Word, Choice>>,
): Choice {
  if (Object.hasOwn(choices, word)) return choices[word];
  throw new RangeError(`${what}: ${shown(word)} is none of ${Object.keys(choices).join(', ')}`);
}

/** For the end of a `switch` that names every word. @throws RangeError */
export function unknownWord(what: string, word: never): never {
  throw new RangeError(`${what}: ${shown(word)} is not known`);
}

/**
 * Keeps the state that is carried from one history to the next small, in bytes: Temporal takes no payload above two
 * megabytes, and warns of one above 256 KB. What is left out stands in the histories before.
 */

import { jsonBytes } from '../../model/json-bytes';
import { inPlaceOf, type JournalEntry } from '../../model/run/journal';
import { withoutDetails } from './failover-record';
import type { LeftOutOfState, RunState, StartedStep } from './state';

/** All of the state, as far as what an undo needs leaves room. */
export const STATE_BYTES = 512 * 1024;
/** The journal alone, which a query answers whole. */
export const JOURNAL_BYTES = 256 * 1024;
/** What an undo needs may take this much: with the spec it still fits into one payload. */
export const UNDO_BYTES = 1_400 * 1024;

/** Entries that the shape of a list takes. */
const LONGEST_LIST = 1_000;

const EVENTS_LEFT = 10;
const ATTEMPTS_LEFT = 3;
const FAILOVERS_LEFT = 3;
const IN_HISTORY = 'the history of the run holds it';

const NOTHING: LeftOutOfState = {
  statements: 0,
  journalEntries: 0,
  events: 0,
  attempts: 0,
  failovers: 0,
  checks: 0,
  undo: [],
};

/** Phases that come again and again. */
export const isRepeated = ({ phase }: { readonly phase: string }): boolean =>
  phase === 'replicating' || phase === 'cutover';

interface Shortened<T> {
  readonly list: T[];
  /** Bytes that are still too many; not above 0 when it is enough. */
  readonly excess: number;
  /** Entries that were shortened or left out. */
  readonly count: number;
}

/** @param shorten gives back the same entry where nothing can be saved; undefined leaves it out */
function shortenOldest<T>(
  list: readonly T[],
  excess: number,
  shorten: (one: T, index: number) => T | undefined,
): Shortened<T> {
  let left = excess;
  let count = 0;
  const kept = list.flatMap((one, index): T[] => {
    if (left <= 0) return [one];
    const shorter = shorten(one, index);
    if (shorter === one) return [one];
    count += 1;
    left -= jsonBytes(one) + 1 - (shorter === undefined ? 0 : jsonBytes(shorter) + 1);
    return shorter === undefined ? [] : [shorter];
  });
  return { list: kept, excess: left, count };
}

const withoutText = (entry: JournalEntry): JournalEntry => {
  if (entry.effects.every(({ omitted }) => omitted !== undefined)) return entry;
  const shorter = { ...entry, effects: inPlaceOf(entry.effects, IN_HISTORY) };
  return jsonBytes(shorter) < jsonBytes(entry) ? shorter : entry;
};

/** One way to save room: takes what is too many, gives back what is still too many. */
type Saving = (state: RunState, excess: number) => number;

const note = (state: RunState, what: Exclude<keyof LeftOutOfState, 'undo'>, count: number): void => {
  if (count === 0) return;
  const known = state.leftOutOfState ?? NOTHING;
  state.leftOutOfState = { ...known, [what]: known[what] + count };
};

const journalTexts =
  (isMeant: (entry: JournalEntry) => boolean): Saving =>
  (state, excess) => {
    const shorter = shortenOldest(state.journal, excess, (entry) =>
      isMeant(entry) ? withoutText(entry) : entry,
    );
    state.journal = shorter.list;
    note(state, 'statements', shorter.count);
    return shorter.excess;
  };

const journalEntries =
  (isMeant: (entry: JournalEntry) => boolean): Saving =>
  (state, excess) => {
    const shorter = shortenOldest(state.journal, excess, (entry) => (isMeant(entry) ? undefined : entry));
    state.journal = shorter.list;
    note(state, 'journalEntries', shorter.count);
    return shorter.excess;
  };

const events: Saving = (state, excess) => {
  const last = state.events.length - EVENTS_LEFT;
  const shorter = shortenOldest(state.events, excess, (one, index) => (index < last ? undefined : one));
  state.events = shorter.list;
  note(state, 'events', shorter.count);
  return shorter.excess;
};

const attempts: Saving = (state, excess) => {
  const last = state.attempts.length - ATTEMPTS_LEFT;
  const shorter = shortenOldest(state.attempts, excess, (one, index) => (index < last ? undefined : one));
  state.attempts = shorter.list;
  if (shorter.count > 0) state.earlierAttempts = (state.earlierAttempts ?? 0) + shorter.count;
  note(state, 'attempts', shorter.count);
  return shorter.excess;
};

const failovers =
  (shorten: 'details' | 'all'): Saving =>
  (state, excess) => {
    const { protection } = state;
    if (protection === null) return excess;
    const last = protection.failovers.length - FAILOVERS_LEFT;
    protection.failoverCount ??= protection.failovers.length;
    const shorter = shortenOldest(protection.failovers, excess, (record, index) => {
      if (shorten === 'all') return index < last ? undefined : record;
      const less = withoutDetails(record);
      return jsonBytes(less) < jsonBytes(record) ? less : record;
    });
    protection.failovers = shorter.list;
    note(state, 'failovers', shorter.count);
    return shorter.excess;
  };

/** What was checked before the run and around its failovers: what passed says least. */
const checks: Saving = (state, excess) => {
  let left = excess;
  const { preflight } = state;
  if (preflight !== null) {
    const shorter = shortenOldest(preflight.checks, left, (check) =>
      check.outcome === 'passed' ? undefined : check,
    );
    state.preflight = { ...preflight, checks: shorter.list };
    note(state, 'checks', shorter.count);
    left = shorter.excess;
  }
  if (state.hookCalls !== undefined) {
    const shorter = shortenOldest(state.hookCalls, left, () => undefined);
    state.hookCalls = shorter.list;
    note(state, 'checks', shorter.count);
    left = shorter.excess;
  }
  return left;
};

const always = (): boolean => true;
const isOnce = (entry: JournalEntry): boolean => !isRepeated(entry);

/** In this order, the oldest first within each, until it is enough. Nothing that an undo needs. */
const SAVINGS: readonly Saving[] = [
  journalTexts(isRepeated),
  journalEntries(isRepeated),
  journalTexts(isOnce),
  events,
  attempts,
  failovers('details'),
  failovers('all'),
  checks,
  journalEntries(always),
];

const FOR_JOURNAL: readonly Saving[] = [
  journalTexts(isRepeated),
  journalTexts(isOnce),
  journalEntries(always),
];

function save(state: RunState, savings: readonly Saving[], excess: number): void {
  let left = excess;
  for (const saving of savings) {
    if (left <= 0) return;
    left = saving(state, left);
  }
}

/** After each entry: a query answers the whole journal, long before a new history begins. */
export function boundJournal(state: RunState, limit = JOURNAL_BYTES): void {
  save(state, FOR_JOURNAL, jsonBytes(state.journal) - limit);
}

/**
 * Before the state goes into a new history. @returns a state that takes at most `limit` bytes, or, where what an undo
 * needs takes more, that and little besides; never more than a payload may have
 */
export function boundState<State extends RunState>(
  given: State,
  limit = STATE_BYTES,
  undoLimit = UNDO_BYTES,
): State {
  const { protection } = given;
  const state: State = withoutOldest({
    ...given,
    protection: protection === null ? null : { ...protection },
  });
  leaveOutUndo(state, undoLimit);
  let excess = jsonBytes(state) - limit;
  // What is said of what was left out takes room, too.
  while (excess > 0) {
    save(state, SAVINGS, excess);
    const left = jsonBytes(state) - limit;
    if (left >= excess) return state;
    excess = left;
  }
  return state;
}

/**
 * A list that grew without a bound of its own keeps its newest entries: the next history takes no longer one, and nothing
 * would go on with what stands. But what an undo needs stays whole.
 */
const withoutOldest = <State extends RunState>(state: State): State => ({
  ...(newest(state) as State),
  startedSteps: state.startedSteps,
});

function newest(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > LONGEST_LIST ? value.slice(-LONGEST_LIST) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, newest(one)]));
}

/** Copies alone: without what was there before anything else, nothing could be taken down. The longest one first. */
function leaveOutUndo(state: RunState, limit: number): void {
  for (;;) {
    if (jsonBytes(state.startedSteps) <= limit) return;
    const longest = state.startedSteps
      .filter(({ mayBeLeft }) => mayBeLeft === true)
      .reduce<StartedStep | undefined>(
        (most, one) => (most !== undefined && jsonBytes(most) >= jsonBytes(one) ? most : one),
        undefined,
      );
    if (longest === undefined) return;
    state.startedSteps = state.startedSteps.filter((one) => one !== longest);
    const known = state.leftOutOfState ?? NOTHING;
    state.leftOutOfState = { ...known, undo: [...known.undo, longest.stepId] };
  }
}

/** For people, one sentence each. */
export function leftOutSentences({ leftOutOfState }: RunState): readonly string[] {
  if (leftOutOfState === undefined) return [];
  const { undo, ...counts } = leftOutOfState;
  const parts = [
    [counts.statements, 'statements of journal entries'],
    [counts.journalEntries, 'journal entries'],
    [counts.events, 'events'],
    [counts.attempts, 'attempts'],
    [counts.failovers, 'records of failovers, or their details'],
    [counts.checks, 'checks and hooks'],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  const said = parts.length === 0 ? [] : [`${parts.join(', ')}: not kept for want of room; ${IN_HISTORY}`];
  return [...said, ...undoSentences(leftOutOfState)];
}

const undoSentences = ({ undo }: LeftOutOfState): readonly string[] =>
  undo.map((stepId) => `${stepId}: copied more than fits; an abort leaves it, and ${IN_HISTORY}`);

/** What an abort has to leave, because what it would need was too long. */
export const notUndoable = ({ leftOutOfState }: RunState): readonly string[] =>
  leftOutOfState === undefined ? [] : undoSentences(leftOutOfState);

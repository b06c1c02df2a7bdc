/** What is added to a state as a run goes on; of what repeats the newest entries are kept: the histories hold all. */
import type { Health } from '../../activities/run/api';
import { inPlaceOf, type JournalEntry } from '../../model/run/journal';
import { type FailoverRecord, withoutDetails } from './failover-record';
import type { CutoverAttempt, PhaseTimes, RunEvent } from './messages';
import type { Protection, RunState } from './state';
import { boundJournal, isRepeated } from './state-size';

/** What is kept of what repeats; `state-size` sees to it that it is not too long, either. */
const JOURNAL_KEPT = 100;
const EVENTS_KEPT = 60;
/** Events of one code that messages of others cause. */
const OF_OTHERS_KEPT = 3;
const ATTEMPTS_KEPT = 20;
const PHASES_KEPT = 60;
/** Characters of a message. */
const LONGEST_TEXT = 400;

/** Characters of a statement that is kept each time. */
const LONGEST_REPEATED = 1_000;
const AS_BEFORE = 'the same as in the entry of this title before it';

/** Failovers kept in the state; older ones have workflows of their own. */
const FAILOVERS_KEPT = 20;

export function addFailover(protection: Protection, record: FailoverRecord): void {
  protection.failovers = [...protection.failovers.map(withoutDetails), record].slice(-FAILOVERS_KEPT);
  protection.failoverCount = (protection.failoverCount ?? protection.failovers.length - 1) + 1;
}

/** @returns its record as it is now, where it is kept */
export const failoverOf = (
  { failovers }: Protection,
  workflow: string | undefined,
): FailoverRecord | undefined =>
  failovers.findLast(({ workflowId, type }) => workflowId === workflow && type !== 'outside');

/** What became known of a failover since its record was made. Swaps by others have no workflow of their own, but a time. */
export function replaceFailover(protection: Protection, record: FailoverRecord): void {
  protection.failovers = protection.failovers.map((kept) =>
    kept.workflowId === record.workflowId && kept.startedAt === record.startedAt ? record : kept,
  );
}

/** A site that does not answer has no lag; the last one that was seen is remembered. */
export function noteHealth(state: RunState, health: Health): void {
  state.health = health;
  if (health.lagSeconds !== null) state.lastLag = health;
}

/** Keeps the state small enough to be carried over for years. */
export function addEvent(state: RunState, event: RunEvent): void {
  state.events.push({ ...event, message: shortened(event.message) });
  if (state.events.length > EVENTS_KEPT) state.events.splice(0, state.events.length - EVENTS_KEPT);
}

/** An event of the same code and words is kept still. */
export const isTold = ({ events }: RunState, { code, message }: RunEvent): boolean =>
  events.some((event) => event.code === code && event.message === shortened(message));

/** What others send, however much, pushes nothing else out: of each code the newest ones are kept. */
export function addEventOfOthers(state: RunState, event: RunEvent): void {
  const isSuch = ({ code }: RunEvent): boolean => code === event.code;
  if (state.events.filter(isSuch).length >= OF_OTHERS_KEPT)
    state.events.splice(state.events.findIndex(isSuch), 1);
  addEvent(state, event);
}

/** Log backups and attempts repeat for ever: of those only the newest entries are kept. */
export function addJournalEntry(state: RunState, entry: JournalEntry): void {
  state.journal.push(isRepeated(entry) ? withoutWhatIsKept(state, entry) : entry);
  if (state.journal.length > JOURNAL_KEPT) state.journal.splice(oldestRepeated(state.journal), 1);
  boundJournal(state);
}

/** A long statement that comes again and again is kept once, in the oldest entry that is kept. */
function withoutWhatIsKept({ journal }: RunState, entry: JournalEntry): JournalEntry {
  const isLong = entry.effects.some(({ display }) => display.length > LONGEST_REPEATED);
  if (!isLong) return entry;
  const text = JSON.stringify(entry.effects);
  const isKept = journal.some(
    (kept) => kept.title === entry.title && isRepeated(kept) && JSON.stringify(kept.effects) === text,
  );
  return isKept ? { ...entry, effects: inPlaceOf(entry.effects, AS_BEFORE) } : entry;
}

export function addPhase(state: RunState, phase: PhaseTimes): void {
  state.phases.push(phase);
  if (state.phases.length > PHASES_KEPT) state.phases.splice(oldestRepeated(state.phases), 1);
}

export function addAttempt(state: RunState, attempt: CutoverAttempt): void {
  state.attempts.push({ ...attempt, reason: shortened(attempt.reason) });
  if (state.attempts.length <= ATTEMPTS_KEPT) return;
  state.attempts.shift();
  state.earlierAttempts = (state.earlierAttempts ?? 0) + 1;
}

/** All attempts of the run, also those that are not kept. */
export const attemptsMade = (state: RunState): number => (state.earlierAttempts ?? 0) + state.attempts.length;

/** Phases that come again and again come after those that come once. */
const oldestRepeated = (entries: readonly { readonly phase: string }[]): number =>
  Math.max(entries.findIndex(isRepeated), 0);

/** The history and the notifications hold the whole text. */
const shortened = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;

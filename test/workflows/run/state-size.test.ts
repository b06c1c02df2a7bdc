/** The state goes into each new history: Temporal warns of payloads above 256 KB. */

import { toJournalEffect } from '../../../src/activities/run/run-step';
import { logBackupEffect } from '../../../src/activities/sql-server/steps/log-backup';
import type { JournalEntry } from '../../../src/model/run/journal';
import { initialLinkOwn } from '../../../src/workflows/link/state';
import { initialState } from '../../../src/workflows/run/state';
import {
  addAttempt,
  addEvent,
  addJournalEntry,
  addPhase,
  attemptsMade,
} from '../../../src/workflows/run/state-entries';
import { linkSpec } from '../../support/link-spec';

const AT = '2026-11-01T00:00:00.000Z';
/** The longest name of a database, and a long path. */
const spec = (() => {
  const given = linkSpec();
  const { logBackups } = given.settings;
  const directory = `//backup/${'folder/'.repeat(20)}`;
  return {
    ...given,
    settings: { ...given.settings, database: 'D'.repeat(128), logBackups: { ...logBackups, directory } },
  };
})();

const entry = (phase: JournalEntry['phase'], stepId: string): JournalEntry => ({
  at: AT,
  phase,
  stepId,
  title: 'Log backup',
  outcome: 'done',
  effects: [toJournalEffect(logBackupEffect('server', spec, AT))],
  evidence: 'The last log backup is 15 minutes old; one is due every 15 minutes. (log-backup.cadence)',
  durationMs: 12_345,
});

/** Years of log backups, attempts and long messages. */
function worst() {
  const state = initialState(spec, initialLinkOwn(spec));
  for (const id of ['server.master-key', 'server.availability-group'])
    addJournalEntry(state, entry('trust', id));
  addPhase(state, { phase: 'preflight', startedAt: AT, endedAt: AT });
  for (let round = 0; round < 1_000; round += 1) {
    addPhase(state, { phase: round % 2 ? 'cutover' : 'replicating', startedAt: AT, endedAt: AT });
    addJournalEntry(state, entry(round % 2 ? 'cutover' : 'replicating', `round ${round}`));
    addEvent(state, { at: AT, severity: 'critical', code: 'log-backup.alarm', message: 'm'.repeat(5_000) });
    addAttempt(state, { startedAt: AT, endedAt: AT, outcome: 'withdrawn', reason: 'r'.repeat(5_000) });
  }
  return state;
}

test('after years it leaves room for the report of the checks and the facts before each step', () => {
  expect(JSON.stringify(worst()).length).toBeLessThan(150_000);
});

test('what comes once stays, of what repeats the newest', () => {
  const { journal, phases, events, attempts } = worst();
  expect(journal.slice(0, 2).map(({ stepId }) => stepId)).toEqual([
    'server.master-key',
    'server.availability-group',
  ]);
  expect(journal.at(-1)?.stepId).toBe('round 999');
  expect(journal[2]?.stepId).toBe('round 902');
  expect(phases[0]?.phase).toBe('preflight');
  expect(phases.at(-1)?.phase).toBe('cutover');
  expect(events.every(({ message }) => message.length === 400 && message.endsWith('…'))).toBe(true);
  expect(attempts.length).toBeLessThan(100);
});

test('a long statement that repeats is kept once, whatever was dropped before it', () => {
  const { journal } = worst();
  const whole = journal
    .slice(2)
    .filter(({ effects }) => effects.some(({ display }) => display.includes('BACKUP')));
  expect(whole).toHaveLength(1);
  expect(journal.at(-1)?.effects).toEqual([
    expect.objectContaining({ omitted: 1, display: expect.stringContaining('the same as in the entry') }),
  ]);
});

test('attempts are counted, kept or not: every so many the run waits for a person', () => {
  expect(attemptsMade(worst())).toBe(1_000);
});

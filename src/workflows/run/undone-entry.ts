import type { JournalEffect, JournalEntry } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { StartedStep } from './state';

/** What stands in the journal for a step that was undone. @param unreached servers on which it is left to do */
export function undoneEntry(
  when: Pick<JournalEntry, 'at' | 'phase'>,
  { stepId, server }: Pick<StartedStep, 'stepId' | 'server'>,
  effects: readonly JournalEffect[],
  unreached: readonly PendingOnServer[],
): JournalEntry {
  const left = unreached.map((pending) => pending.server).join(', ');
  return {
    ...when,
    stepId,
    ...(server === undefined ? {} : { server }),
    title: server === undefined ? `Undo ${stepId}` : `Undo ${stepId} (${server})`,
    outcome: 'undone',
    effects,
    evidence: `the state before the step is back${left === '' ? '' : `, but for ${left}: no answer`}`,
    durationMs: 0,
  };
}

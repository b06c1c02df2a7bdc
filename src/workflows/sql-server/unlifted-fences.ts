/**
 * Logins of the fence on replicas that did not answer when it was lifted. Nobody waits for such a replica: it is
 * remembered, people are told what to send there, and the watch of the link opens it as soon as it answers. Without such a
 * replica nothing here makes a command.
 */
import { isCancellation } from '@temporalio/workflow';
import type { LiftedFence } from '../../activities/run/api';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { Run } from '../run/run';
import type { FailoverRecord } from '../run/standing-messages';
import type { UnliftedFence } from '../run/state';

/** Remembers replicas on which logins may be disabled still; `tellUnliftedFences` tells people. */
export function noteUnliftedFences(run: Run, fences: readonly PendingOnServer[] | undefined): void {
  if (fences === undefined || fences.length === 0) return;
  const known = run.state.unliftedFences ?? [];
  run.state.unliftedFences = [
    ...known.filter(({ server }) => !fences.some((fence) => fence.server === server)),
    ...fences.map((fence): UnliftedFence => {
      const earlier = known.find(({ server }) => server === fence.server);
      return { ...fence, since: earlier?.since ?? run.now(), told: earlier?.told ?? false };
    }),
  ];
}

/** Told once for each replica, when nobody waits for it any more. */
export async function tellUnliftedFences(run: Run): Promise<void> {
  const untold = (run.state.unliftedFences ?? []).filter(({ told }) => !told);
  if (untold.length === 0) return;
  markTold(run);
  for (const { server, logins, statement } of untold) {
    await run.notify(
      'critical',
      'fence.not-lifted',
      `${server} does not answer: ${logins.join(', ')} may be disabled there still, and would be locked out if it led the group`,
      `nothing while it is away: it is opened as soon as it answers; by hand on ${server}: ${statement}`,
    );
  }
}

/** Somebody told people already. */
export function markTold({ state }: Run): void {
  if (state.unliftedFences === undefined) return;
  state.unliftedFences = state.unliftedFences.map((fence) => ({ ...fence, told: true }));
}

/** The failover told people; from here on the watch of the link looks after them. */
export function adoptUnliftedFences(
  run: Run,
  { unliftedFences }: Pick<FailoverRecord, 'unliftedFences'>,
): void {
  noteUnliftedFences(run, unliftedFences);
  markTold(run);
}

/** What the watch of the link, or an abort, opened. */
export async function noteLiftedFences(run: Run, fences: readonly LiftedFence[]): Promise<void> {
  const closed = run.state.unliftedFences ?? [];
  const left = closed.filter(({ server }) => !fences.some((fence) => fence.server === server));
  if (left.length > 0) run.state.unliftedFences = left;
  else delete run.state.unliftedFences;
  for (const { server, effects } of fences) {
    const done =
      effects.length === 0 ? 'the logins of the fence are open' : 'the logins of the fence are opened';
    const evidence = `${server} answers again: ${done}`;
    if (effects.length > 0) {
      const title = `Open the logins of the fence (${server})`;
      run.journal(
        { id: 'server.admit-applications', title, phase: run.state.phase, server },
        'done',
        effects,
        evidence,
        0,
      );
    }
    await run.notify('info', 'fence.lifted', evidence, 'nothing');
  }
}

/** One more attempt where no watch follows. @returns what is left to people, a sentence for each replica */
export async function liftOnceMore(run: Run): Promise<readonly string[]> {
  const { unliftedFences } = run.state;
  if (unliftedFences === undefined) return [];
  try {
    const fences = unliftedFences.map(({ server, logins, statement }) => ({ server, logins, statement }));
    const opened = await run.fewAttempts.liftRemainingFences({ spec: run.spec, fences });
    await noteLiftedFences(run, opened);
  } catch (error) {
    // What could not be tried is left to people as well.
    if (isCancellation(error)) throw error;
  }
  return (run.state.unliftedFences ?? []).map(
    ({ server, logins, statement }) =>
      `${server} did not answer when the fence was lifted, ${logins.join(', ')} may be disabled there; send there: ${statement}`,
  );
}

/** A side that is not the primary is meant to be closed. */
export const forgetUnliftedFences = ({ state }: Run): void => {
  delete state.unliftedFences;
};

/** `the fence is lifted`, with the replicas on which it is not. */
export function fenceIsLifted({ state }: Run): string {
  const { unliftedFences = [] } = state;
  if (unliftedFences.length === 0) return 'the fence is lifted';
  const servers = unliftedFences.map(({ server }) => server).join(', ');
  return `the fence is lifted, but for ${servers} (no answer; opened as soon as there is one)`;
}

/**
 * Copying of objects outside of the database begins again and again. What an abort has to undo of it is one entry for
 * each step, however often it began: a state that is carried over for years must not grow with it.
 */
import { addUpFacts, copyOrder, madeOfFacts } from '../../rules/sql-server/added-facts';
import type { RunState, StartedStep } from '../run/state';

/** A beginning is over, whatever became of it: it joins those of the same step. */
export function joinBegun(state: RunState): void {
  const joined: StartedStep[] = [];
  for (const begun of state.startedSteps.map(narrowed)) {
    const place = joined.findIndex((other) => isSameKind(other, begun));
    const first = joined[place];
    const sum = first === undefined ? undefined : addUpFacts(begun.stepId, first.before, begun.before);
    if (first === undefined || sum === undefined) joined.push(begun);
    else joined[place] = { ...first, before: sum };
  }
  state.startedSteps = inOrder(joined);
}

/** Facts from right after a failure tell what was made; where they do not tell it all, it stays uncertain. */
function narrowed(begun: StartedStep): StartedStep {
  const { after, ...rest } = begun;
  if (after === undefined || after === null) return begun;
  const made = madeOfFacts(begun.stepId, begun.before, after);
  return made === undefined ? begun : { ...rest, before: made };
}

/** What is certain is not mixed with what is not: an undo leaves the one, and takes the other away. */
function isSameKind(one: StartedStep, other: StartedStep): boolean {
  if (copyOrder(one.stepId) === undefined) return false;
  return (
    one.stepId === other.stepId && one.server === other.server && certaintyOf(one) === certaintyOf(other)
  );
}

function certaintyOf({ before, after }: StartedStep): 'certain' | 'partly' | 'none' {
  if (after === null) return 'none';
  return hasUncertainReplica(before) ? 'partly' : 'certain';
}

function hasUncertainReplica(facts: unknown): boolean {
  if (typeof facts !== 'object' || facts === null || !('replicas' in facts)) return false;
  const { replicas } = facts;
  return Array.isArray(replicas) && replicas.some((replica) => replica?.isUncertain === true);
}

/** The copies among themselves: a job that belongs to a login is given back before it, whichever came first. */
function inOrder(begun: readonly StartedStep[]): StartedStep[] {
  const orderOf = ({ stepId }: StartedStep): number => copyOrder(stepId) ?? -1;
  const copies = begun.filter((one) => orderOf(one) >= 0).sort((a, b) => orderOf(a) - orderOf(b));
  return begun.map((one) => (orderOf(one) < 0 ? one : (copies.shift() ?? one)));
}

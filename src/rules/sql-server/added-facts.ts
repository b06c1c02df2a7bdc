/** Which steps can be begun again and again while a database replicates, and how what they found adds up. */
import {
  addUpJobChanges,
  addUpJobs,
  addUpLogins,
  addUpPasswords,
  type JobChangesUndo,
  type JobsUndo,
  type LoginsUndo,
  madeOfJobChanges,
  madeOfJobs,
  madeOfLogins,
  madeOfPasswords,
  type PasswordsUndo,
} from './undo-facts';

interface Kind<Facts> {
  /** Where it stands among the steps that copy: jobs belong to logins, so they are given back first. */
  readonly order: number;
  /** Field that its facts have. */
  readonly field: keyof Facts & string;
  readonly add: (first: Facts, later: Facts) => Facts;
  readonly made: (before: Facts, after: Facts) => Facts;
}

interface AnyKind {
  readonly order: number;
  readonly isFacts: (facts: unknown) => boolean;
  readonly add: (first: unknown, later: unknown) => unknown;
  readonly made: (before: unknown, after: unknown) => unknown;
}

/** Closes over the type of the facts. They are what this very step observed, and went through history as JSON. */
const kind = <Facts>({ order, field, add, made }: Kind<Facts>): AnyKind => ({
  order,
  isFacts: (facts) => typeof facts === 'object' && facts !== null && field in facts,
  add: (first, later) => add(first as Facts, later as Facts),
  made: (before, after) => made(before as Facts, after as Facts),
});

const KINDS: Readonly<Record<string, AnyKind>> = {
  logins: kind<LoginsUndo>({ order: 0, field: 'sids', add: addUpLogins, made: madeOfLogins }),
  'login-passwords': kind<PasswordsUndo>({
    order: 1,
    field: 'differing',
    add: addUpPasswords,
    made: madeOfPasswords,
  }),
  'agent-jobs': kind<JobsUndo>({ order: 2, field: 'missing', add: addUpJobs, made: madeOfJobs }),
  'agent-job-changes': kind<JobChangesUndo>({
    order: 3,
    field: 'differing',
    add: addUpJobChanges,
    made: madeOfJobChanges,
  }),
};

/** `<side>.<name>` */
const kindOf = (stepId: string): AnyKind | undefined => KINDS[stepId.slice(stepId.indexOf('.') + 1)];

/** Place among the steps that copy, undefined for any other step. */
export const copyOrder = (stepId: string): number | undefined => kindOf(stepId)?.order;

/** @returns facts whose undo is the undo of both; undefined where they do not add up */
export function addUpFacts(stepId: string, first: unknown, later: unknown): unknown {
  const found = kindOf(stepId);
  if (found === undefined || !found.isFacts(first) || !found.isFacts(later)) return undefined;
  return found.add(first, later);
}

/** @returns what a beginning that failed halfway made; undefined where that cannot be told here */
export function madeOfFacts(stepId: string, before: unknown, after: unknown): unknown {
  const found = kindOf(stepId);
  if (found === undefined || !found.isFacts(before) || !found.isFacts(after)) return undefined;
  return found.made(before, after);
}

/** What was found when the objects of both sides were compared, in words for people. */
import type {
  Login,
  ObjectFinding,
  ReportedKind,
  ReportedObject,
} from '../../model/sql-server/instance-objects';
import { sameName } from '../names';
import { judgeJobs } from './job-comparison';
import { judgeLogin, planLogins, type RoleChange, type Selection, selectLogins } from './login-plan';
import { nestedRoleFindings } from './nested-roles';
import type { ObjectsInput } from './objects-input';

/** One sentence for each kind that is not copied. */
const REMEDIES: Readonly<Record<ReportedKind, string>> = {
  'linked-server':
    'make it there by hand: the passwords of its remote logins cannot be read, and an instance reaches SQL Server, SQL Database and Synapse alone',
  credential: 'make it there by hand: its secret cannot be read',
  operator: 'make it there by hand (sp_add_operator), if jobs are to tell somebody',
  'mail-profile':
    'set Database Mail up there by hand; jobs of an instance use the profile AzureManagedInstance_dbmail_profile',
  message: 'add it there (sp_addmessage), if the application raises it by number',
  'server-trigger': 'make it there by hand, if it holds for the other server as well',
};

/** What is only shown, on both sides. */
export interface ReportedOnBoth {
  readonly primary: readonly ReportedObject[];
  readonly other: readonly ReportedObject[];
}

/** Everything that was looked at, with what a person can do. Pure: the same input gives the same findings. */
export function findObjects(input: ObjectsInput, reported: ReportedOnBoth): readonly ObjectFinding[] {
  return [...loginFindings(input), ...jobFindings(input), ...reportedFindings(input, reported)];
}

function loginFindings(input: ObjectsInput): readonly ObjectFinding[] {
  const selection = selectLogins(input);
  const { roles, rolesOfLogins } = planLogins(input);
  return [
    ...selection.logins.map((login) => loginFinding(login, input)),
    ...roles.map((role) => roleFinding(role, input)),
    ...nestedRoleFindings(input, rolesOfLogins),
    ...unselectedFindings(selection, input),
  ];
}

function loginFinding(login: Login, input: ObjectsInput): ObjectFinding {
  const there = input.names.other;
  const verdict = judgeLogin(login, input);
  switch (verdict.kind) {
    case 'same':
      return same('login', login.name);
    case 'impossible':
      return uncopyable('login', login.name, verdict.detail, verdict.remedy);
    case 'missing':
      return copyable('login', login.name, 'missing', `${there} has no such login`);
    case 'pair': {
      const what = [...(verdict.password === 'differs' ? ['password'] : []), ...verdict.what];
      return what.length === 0
        ? same('login', login.name)
        : copyable('login', login.name, 'differs', `on ${there}: ${what.join(', ')}`);
    }
    default:
      return verdict satisfies never;
  }
}

function roleFinding({ name, present }: RoleChange, { names }: ObjectsInput): ObjectFinding {
  const there = names.other;
  return present === null
    ? copyable('login', name, 'missing', `${there} has no server role of this name`)
    : copyable('login', name, 'differs', `on ${there}: permissions of the server role`);
}

/** Who was asked for or needed, and is no login that could be copied. */
function unselectedFindings(
  { unknown, orphans, owner }: Selection,
  { names }: ObjectsInput,
): readonly ObjectFinding[] {
  const here = names.primary;
  return [
    ...unknown.map((name) =>
      uncopyable(
        'login',
        name,
        `${here} has no login of this name`,
        'correct instanceObjects.logins.include',
      ),
    ),
    ...orphans.map((name) =>
      remark(
        'login',
        name,
        `a user of the database without a login on ${here} (an orphan)`,
        'map it to a login (ALTER USER ... WITH LOGIN), or drop it',
      ),
    ),
    ...(owner === undefined ? [] : [ownerRemark(owner, names.other)]),
  ];
}

const ownerRemark = (owner: string, there: string): ObjectFinding =>
  remark(
    'login',
    owner,
    `it owns the database, and ${there} does not know it`,
    'give the database another owner after the failover (ALTER AUTHORIZATION ON DATABASE)',
  );

function jobFindings(input: ObjectsInput): readonly ObjectFinding[] {
  const there = input.names.other;
  return judgeJobs(input).flatMap(({ name, verdict }): readonly ObjectFinding[] => {
    const job = input.primary.jobs.find((candidate) => sameName(candidate.name, name));
    const operator = job?.notifiesOperator
      ? [
          remark(
            'job',
            name,
            'it tells an operator when it ends, which is not copied',
            `make the operator on ${there} and name it in the job there`,
          ),
        ]
      : [];
    switch (verdict.kind) {
      case 'same':
        return [same('job', name), ...operator];
      case 'missing':
        return [copyable('job', name, 'missing', `${there} has no such job`), ...operator];
      case 'differs':
        return [copyable('job', name, 'differs', `on ${there}: ${verdict.what.join(', ')}`), ...operator];
      case 'impossible':
        return [uncopyable('job', name, verdict.detail, verdict.remedy)];
      default:
        return verdict satisfies never;
    }
  });
}

function reportedFindings({ names }: ObjectsInput, reported: ReportedOnBoth): readonly ObjectFinding[] {
  return reported.primary.map(({ kind, name }) => {
    const isThere = reported.other.some((other) => other.kind === kind && sameName(other.name, name));
    return isThere
      ? same(kind, name)
      : remark(kind, name, `${names.other} has none of this name; it is not copied`, REMEDIES[kind]);
  });
}

const same = (kind: ObjectFinding['kind'], name: string): ObjectFinding => ({
  kind,
  name,
  state: 'same',
  detail: '',
  remedy: '',
  copyable: false,
});

const remark = (
  kind: ObjectFinding['kind'],
  name: string,
  detail: string,
  remedy: string,
): ObjectFinding => ({ kind, name, state: 'remark', detail, remedy, copyable: false });

const uncopyable = (
  kind: ObjectFinding['kind'],
  name: string,
  detail: string,
  remedy: string,
): ObjectFinding => ({ kind, name, state: 'cannot-be-copied', detail, remedy, copyable: false });

const copyable = (
  kind: ObjectFinding['kind'],
  name: string,
  state: 'missing' | 'differs',
  detail: string,
): ObjectFinding => ({ kind, name, state, detail, remedy: '', copyable: true });

/** Which logins and jobs of one side belong on the other one, what is missing there, and what cannot be brought there. */

import { opposite } from '../../model/link/change';
import type {
  DatabaseUser,
  Job,
  Login,
  LoginSettings,
  ObjectFinding,
  ReportedKind,
  ReportedObject,
  ServerPermission,
  SideObjects,
} from '../../model/link/instance-objects';
import type { InstanceObjects } from '../../model/link/instance-objects-spec';
import { bySide } from '../../model/side';
import type { Side } from '../../model/statement';
import { includesName, sameName } from '../names';
import { nestedRoleFindings } from './nested-roles';
import { samePermissions } from './server-permissions';

/** Compared within one activity: of a password only this much leaves it. */
export type PasswordState =
  | 'same'
  | 'differs'
  | 'unreadable'
  /** The replicas of the primary side differ: nobody knows which password is right. */
  | 'disputed';

export interface ObjectsInput {
  readonly objects: InstanceObjects;
  /** Side that is the primary: what it has is right. */
  readonly primarySide: Side;
  /** Names of both sides in the inventory, for messages. */
  readonly names: Readonly<Record<Side, string>>;
  readonly primary: SideObjects;
  readonly other: SideObjects;
  /** Users of the database on the primary. */
  readonly users: readonly DatabaseUser[];
  /** The database of the link: nothing is copied before the other side has it. */
  readonly database: string;
  /** By SID, of the logins that both sides have; of the primary's others `unreadable` where its hash is hidden. */
  readonly passwords: ReadonlyMap<string, PasswordState>;
  /** Logins by which sqlferry itself connects, on either side. */
  readonly ownLogins: readonly string[];
  /** Logins of the fence: whether they are open is a matter of the role, not of copying. */
  readonly fencedLogins: readonly string[];
}

/** A login that belongs on the other side, with the settings that it is to have there. */
export interface CopiedLogin {
  readonly name: string;
  readonly sid: string;
  readonly wanted: LoginSettings;
  /** On the primary; what is wanted differs from it while that database is not there. */
  readonly defaultDatabase: string;
}

export interface ChangedLogin extends CopiedLogin {
  readonly present: LoginSettings;
  /** Names of what differs, for people. */
  readonly what: readonly string[];
}

export interface RoleChange {
  readonly name: string;
  /** Null where there is no such role. */
  readonly present: readonly ServerPermission[] | null;
  readonly wanted: readonly ServerPermission[];
}

export interface LoginPlan {
  readonly missing: readonly CopiedLogin[];
  readonly changed: readonly ChangedLogin[];
  /** Logins of the other side that belong to the selection, as they are. */
  readonly there: readonly Login[];
  /** User-defined server roles that a login needs and the other side lacks, or has with other permissions. */
  readonly roles: readonly RoleChange[];
  /** Names of the server roles of all that are copied or there. */
  readonly rolesOfLogins: readonly string[];
  /** Logins whose password differs. */
  readonly otherPassword: readonly Pick<CopiedLogin, 'name' | 'sid'>[];
}

const SA_SID = '01';
/** Made by the setup of the server, different on each. */
const OF_THE_SYSTEM = /^(?:##.*##$|NT AUTHORITY\\|NT SERVICE\\)/i;

interface Selection {
  readonly logins: readonly Login[];
  /** Named in the spec, and not on the primary. */
  readonly unknown: readonly string[];
  /** Users of the database whose login is nowhere on the primary. */
  readonly orphans: readonly string[];
  /** Owner of the database that is no SQL login. */
  readonly owner: string | undefined;
}

/**
 * A database mostly belongs to whoever made it, often by a login of Windows. Applications do not need that one, so it
 * holds no failover.
 */
const isForeignOwner = ({ name, sid }: DatabaseUser, { logins }: SideObjects): boolean =>
  sameName(name, 'dbo') && logins.some((login) => login.sid === sid && login.kind !== 'sql');

/** The logins of the primary that belong on the other side, whether they can be brought there or not. */
export function selectLogins({ objects, primary, users, ownLogins }: ObjectsInput): Selection {
  const { ofDatabase, include, exclude } = objects.logins;
  const ofUsers = users.filter((user) => !isForeignOwner(user, primary));
  const sids = new Set(ofDatabase ? ofUsers.map(({ sid }) => sid) : []);
  const isWanted = ({ name, sid }: Login): boolean => sids.has(sid) || includesName(include, name);
  const isOurs = ({ name, sid }: Login): boolean =>
    sid !== SA_SID &&
    !OF_THE_SYSTEM.test(name) &&
    !includesName(exclude, name) &&
    // A login that connects sqlferry must not get another password beneath it.
    !includesName(ownLogins, name);
  const known = new Set(primary.logins.map(({ sid }) => sid));
  return {
    logins: primary.logins.filter((login) => isWanted(login) && isOurs(login)),
    unknown: include.filter((name) => !primary.logins.some((login) => sameName(login.name, name))),
    orphans: ofDatabase ? users.filter(({ sid }) => !known.has(sid)).map(({ name }) => name) : [],
    owner: ofDatabase
      ? primary.logins.find(({ sid }) =>
          users.some((user) => user.sid === sid && isForeignOwner(user, primary)),
        )?.name
      : undefined,
  };
}

/** What copying is to do for logins. Those that cannot be copied are left out: {@link findObjects} names them. */
export function planLogins(input: ObjectsInput): LoginPlan {
  const verdicts = selectLogins(input).logins.map((login) => judgeLogin(login, input));
  const missing = verdicts.flatMap((verdict) => (verdict.kind === 'missing' ? [verdict.login] : []));
  const pairs = verdicts.flatMap((verdict) => (verdict.kind === 'pair' ? [verdict] : []));
  const copied = [...missing, ...pairs.map(({ login }) => login)];
  const needed = copied.flatMap(({ wanted }) => wanted.roles);
  return {
    missing,
    changed: pairs.flatMap(({ login, present, what }) =>
      what.length === 0 ? [] : [{ ...login, present: settingsOf(present), what }],
    ),
    there: pairs.map(({ present }) => present),
    roles: input.primary.roles
      .filter(({ name }) => includesName(needed, name))
      .map(({ name, permissions }): RoleChange => {
        const present = input.other.roles.find((role) => sameName(role.name, name))?.permissions ?? null;
        return { name, present, wanted: permissions };
      })
      .filter(({ present, wanted }) => present === null || !samePermissions(present, wanted)),
    rolesOfLogins: needed,
    otherPassword: pairs.flatMap(({ login, password }) =>
      password === 'differs' ? [{ name: login.name, sid: login.sid }] : [],
    ),
  };
}

type LoginVerdict =
  | { readonly kind: 'missing'; readonly login: CopiedLogin }
  | {
      readonly kind: 'pair';
      readonly login: CopiedLogin;
      readonly present: Login;
      readonly password: PasswordState;
      readonly what: readonly string[];
    }
  /** An Entra login that stands on both sides. */
  | { readonly kind: 'same' }
  | { readonly kind: 'impossible'; readonly detail: string; readonly remedy: string };

function judgeLogin(login: Login, input: ObjectsInput): LoginVerdict {
  if (login.kind !== 'sql') return judgeForeign(login, input);
  const { names, primarySide, other, passwords } = input;
  const there = names[opposite(primarySide)];
  const named = other.logins.filter(({ name }) => sameName(name, login.name));
  // A server that tells cases apart may have several of one name.
  const twin = named.find(({ sid }) => sid === login.sid) ?? named[0];
  const holder = other.logins.find(({ sid }) => sid === login.sid);
  if (twin !== undefined && twin.sid !== login.sid) {
    return impossible(
      `${there} has a login of this name with another SID, so its user in the database would be an orphan`,
      `if nobody needs it there, drop it on ${there}, and it is copied at the next look; else exclude it and map its user after the failover (ALTER USER ... WITH LOGIN)`,
    );
  }
  if (twin === undefined && holder !== undefined) {
    return impossible(
      `its SID belongs to the login ${holder.name} on ${there}`,
      `rename that login on ${there} (ALTER LOGIN ... WITH NAME), or drop it if nobody needs it`,
    );
  }
  const password = passwords.get(login.sid) ?? 'unreadable';
  if (password === 'unreadable') {
    return impossible(
      'its password hash cannot be read or compared',
      'give the logins of sqlferry on both sides CONTROL SERVER or sysadmin, or exclude this login and bring it over by hand with its SID',
    );
  }
  if (password === 'disputed') {
    return impossible(
      `its password differs between the replicas of the group, or cannot be compared there`,
      'give it the same password on every replica (ALTER LOGIN ... WITH PASSWORD = 0x... HASHED); it is copied then',
    );
  }
  const wanted = wantedSettings(login, twin, input);
  const { sid, defaultDatabase } = login;
  const copied = { name: twin?.name ?? login.name, sid, wanted, defaultDatabase };
  if (twin === undefined) return { kind: 'missing', login: copied };
  return { kind: 'pair', login: copied, present: twin, password, what: differences(twin, wanted) };
}

/** Logins that no password makes: of Windows, Entra, certificates and keys. */
function judgeForeign(login: Login, { names, primarySide, other }: ObjectsInput): LoginVerdict {
  const to = opposite(primarySide);
  const isThere = other.logins.some(({ name, sid }) => sameName(name, login.name) && sid === login.sid);
  if (isThere) return { kind: 'same' };
  switch (login.kind) {
    case 'windows-user':
    case 'windows-group':
      return bySide(to, {
        source: impossible(
          'a login of Windows is made by the domain of its server',
          `make it on ${names[to]} (CREATE LOGIN ... FROM WINDOWS)`,
        ),
        target: impossible(
          'a managed instance has no logins of Windows',
          `make a login of Microsoft Entra for the same person or group on ${names[to]} (CREATE LOGIN ... FROM EXTERNAL PROVIDER), map the user after the failover, and exclude it here`,
        ),
      });
    case 'external':
      return impossible(
        'a login of Microsoft Entra is not made from a copy',
        `make it on ${names[to]} (CREATE LOGIN ... FROM EXTERNAL PROVIDER) where that server knows Entra, or exclude it`,
      );
    default:
      return impossible(
        'it is mapped to a certificate or a key',
        `bring certificate and login to ${names[to]} by hand, or exclude it`,
      );
  }
}

const impossible = (detail: string, remedy: string): LoginVerdict => ({ kind: 'impossible', detail, remedy });

/**
 * Settings that a login is to have on the other side. A login of the fence is born disabled there, and stays as it is
 * when it is there already: it is opened where the primary is, and the state of the fence must not be copied along.
 */
function wantedSettings(login: Login, twin: Login | undefined, input: ObjectsInput): LoginSettings {
  const { other, fencedLogins } = input;
  const isFenced = includesName(fencedLogins, login.name);
  const hasDefault = other.databases.some((name) => sameName(name, login.defaultDatabase));
  return {
    ...settingsOf(login),
    isDisabled: isFenced ? (twin?.isDisabled ?? true) : login.isDisabled,
    defaultDatabase: hasDefault ? login.defaultDatabase : 'master',
  };
}

export const settingsOf = (login: LoginSettings): LoginSettings => ({
  isDisabled: login.isDisabled,
  defaultDatabase: login.defaultDatabase,
  defaultLanguage: login.defaultLanguage,
  isPolicyChecked: login.isPolicyChecked,
  isExpirationChecked: login.isExpirationChecked,
  connect: login.connect,
  roles: login.roles,
  permissions: login.permissions,
});

/** @returns the names of what differs, in words */
export function differences(present: LoginSettings, wanted: LoginSettings): readonly string[] {
  const roles = (settings: LoginSettings): string =>
    settings.roles
      .map((role) => role.toLowerCase())
      .sort()
      .join('\n');
  const checks: readonly (readonly [string, boolean])[] = [
    [wanted.isDisabled ? 'is to be disabled' : 'is to be enabled', present.isDisabled === wanted.isDisabled],
    ['default database', sameName(present.defaultDatabase, wanted.defaultDatabase)],
    ['default language', present.defaultLanguage === wanted.defaultLanguage],
    ['CHECK_POLICY', present.isPolicyChecked === wanted.isPolicyChecked],
    ['CHECK_EXPIRATION', present.isExpirationChecked === wanted.isExpirationChecked],
    ['CONNECT SQL', present.connect === wanted.connect],
    ['server roles', roles(present) === roles(wanted)],
    ['server permissions', samePermissions(present.permissions, wanted.permissions)],
  ];
  return checks.flatMap(([what, isSame]) => (isSame ? [] : [what]));
}

/** Subsystems of job steps that a managed instance runs (T-SQL differences page, "SQL Server Agent"). */
const ON_INSTANCES = ['TSQL', 'SSIS', 'POWERSHELL', 'SNAPSHOT', 'LOGREADER', 'DISTRIBUTION'];

export type JobVerdict =
  | { readonly kind: 'same' | 'missing' }
  | { readonly kind: 'differs'; readonly what: readonly string[] }
  | { readonly kind: 'impossible'; readonly detail: string; readonly remedy: string };

export interface JudgedJob {
  readonly name: string;
  readonly verdict: JobVerdict;
}

/** The jobs that the spec names, each compared with that of the primary. */
export function judgeJobs(input: ObjectsInput): readonly JudgedJob[] {
  const copied = new Set(
    selectLogins(input)
      .logins.filter((login) => ['missing', 'pair'].includes(judgeLogin(login, input).kind))
      .map(({ name }) => name.toLowerCase()),
  );
  return input.objects.jobs.include.map((name) => ({ name, verdict: judgeJob(name, input, copied) }));
}

function judgeJob(name: string, input: ObjectsInput, copied: ReadonlySet<string>): JobVerdict {
  const { primary, other, primarySide, names } = input;
  const to = opposite(primarySide);
  const job = primary.jobs.find((candidate) => sameName(candidate.name, name));
  if (job === undefined) {
    return {
      kind: 'impossible',
      detail: `${names[primarySide]} has no job of this name`,
      remedy: 'correct instanceObjects.jobs.include',
    };
  }
  const unsupported = bySide(to, { source: [], target: job.steps.flatMap(whyNotOnInstance) });
  if (unsupported.length > 0) {
    return {
      kind: 'impossible',
      detail: unsupported.join('; '),
      remedy: `write these steps anew for ${names[to]}, as T-SQL or SSIS for example, or let the job run elsewhere and take it off instanceObjects.jobs.include`,
    };
  }
  const elsewhere = whyNotInDatabases(job, input);
  if (elsewhere !== undefined) return elsewhere;
  const owner = whyNotOwned(job, input, copied);
  if (owner !== undefined) return owner;
  const twin = other.jobs.find((candidate) => sameName(candidate.name, name));
  if (twin === undefined) return { kind: 'missing' };
  const what = [
    ...jobDifferences(job, twin),
    ...(twin.isEnabled ? [`it is enabled on ${names[to]}, too`] : []),
  ];
  return what.length === 0 ? { kind: 'same' } : { kind: 'differs', what };
}

/** @returns why a managed instance would not run this step; empty when it does */
export function whyNotOnInstance(step: Job['steps'][number]): readonly string[] {
  const named = `step ${step.id} (${step.name})`;
  if (!ON_INSTANCES.includes(step.subsystem.toUpperCase())) {
    return [`${named} is of the subsystem ${step.subsystem}, which a managed instance does not run`];
  }
  if (step.usesProxy) return [`${named} runs under a proxy, which a managed instance does not have`];
  if (step.outputFile !== null) return [`${named} writes to a file of the server`];
  return [];
}

/** sp_add_jobstep takes a step of T-SQL for a database that is there alone (14262). */
function whyNotInDatabases(
  job: Job,
  { names, primarySide, other, database: linked }: ObjectsInput,
): JobVerdict | undefined {
  const there = names[opposite(primarySide)];
  const missing = job.steps.flatMap(({ id, name, subsystem, database }) =>
    subsystem.toUpperCase() === 'TSQL' &&
    database !== null &&
    !includesName([...other.databases, linked], database)
      ? [`step ${id} (${name}) runs in the database ${database}, which ${there} does not have`]
      : [],
  );
  if (missing.length === 0) return undefined;
  return {
    kind: 'impossible',
    detail: missing.join('; '),
    remedy: `bring that database to ${there} first, or take the job off instanceObjects.jobs.include`,
  };
}

/** Never given to somebody else: a job of `sa` may do everything. */
function whyNotOwned(
  job: Job,
  { names, primarySide, other }: ObjectsInput,
  copied: ReadonlySet<string>,
): JobVerdict | undefined {
  const there = names[opposite(primarySide)];
  if (job.owner === null) {
    return {
      kind: 'impossible',
      detail: 'its owner is no login any more',
      remedy: `give it another owner on ${names[primarySide]} (sp_update_job @owner_login_name)`,
    };
  }
  const { owner } = job;
  const isThere =
    job.isOwnedBySa ||
    // One that is named as the owner is and may do everything is somebody else.
    other.logins.some(({ name, sid }) => sameName(name, owner) && sid !== SA_SID) ||
    copied.has(owner.toLowerCase());
  if (isThere) return undefined;
  return {
    kind: 'impossible',
    detail: `its owner ${owner} is no login on ${there}`,
    remedy: `name ${owner} under instanceObjects.logins.include, or give the job another owner`,
  };
}

/** @returns the names of the parts that differ; whether it is enabled is a matter of the role */
export function jobDifferences(job: Job, twin: Job): readonly string[] {
  const text = (value: unknown): string => JSON.stringify(value);
  const steps = ({ steps: all }: Job): string => text([...all].sort((a, b) => a.id - b.id));
  const schedules = ({ schedules: all }: Job): string =>
    text(
      all
        .map(({ id: _numberOfItsServer, ...schedule }) => schedule)
        .sort((a, b) => (text(a) < text(b) ? -1 : 1)),
    );
  const checks: readonly (readonly [string, boolean])[] = [
    ['steps', steps(job) === steps(twin)],
    ['schedules', schedules(job) === schedules(twin)],
    ['description', job.description === twin.description],
    ['category', sameName(job.category, twin.category)],
    ['owner', job.isOwnedBySa === twin.isOwnedBySa && sameName(job.owner ?? '', twin.owner ?? '')],
    ['start step', job.startStep === twin.startStep],
    ['event log', job.notifyEventLog === twin.notifyEventLog],
    ['deletion after a run', job.deleteLevel === twin.deleteLevel],
    ['target server', twin.hasTarget],
  ];
  return checks.flatMap(([what, isSame]) => (isSame ? [] : [what]));
}

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

/** Everything that was looked at, with what a person can do. Pure: the same input gives the same findings. */
export function findObjects(
  input: ObjectsInput,
  reported: Readonly<Record<Side, readonly ReportedObject[]>>,
): readonly ObjectFinding[] {
  return [...loginFindings(input), ...jobFindings(input), ...reportedFindings(input, reported)];
}

function loginFindings(input: ObjectsInput): readonly ObjectFinding[] {
  const { names, primarySide } = input;
  const there = names[opposite(primarySide)];
  const selection = selectLogins(input);
  const plan = planLogins(input);
  const found = selection.logins.map((login): ObjectFinding => {
    const verdict = judgeLogin(login, input);
    switch (verdict.kind) {
      case 'same':
        return same('login', login.name);
      case 'impossible':
        return {
          kind: 'login',
          name: login.name,
          state: 'cannot-be-copied',
          detail: verdict.detail,
          remedy: verdict.remedy,
          copyable: false,
        };
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
  });
  const roles = plan.roles.map(({ name, present }) =>
    present === null
      ? copyable('login', name, 'missing', `${there} has no server role of this name`)
      : copyable('login', name, 'differs', `on ${there}: permissions of the server role`),
  );
  const unknown = selection.unknown.map(
    (name): ObjectFinding => ({
      kind: 'login',
      name,
      state: 'cannot-be-copied',
      detail: `${names[primarySide]} has no login of this name`,
      remedy: 'correct instanceObjects.logins.include',
      copyable: false,
    }),
  );
  const orphans = selection.orphans.map((name) =>
    remark(
      'login',
      name,
      `a user of the database without a login on ${names[primarySide]} (an orphan)`,
      'map it to a login (ALTER USER ... WITH LOGIN), or drop it',
    ),
  );
  const owner =
    selection.owner === undefined
      ? []
      : [
          remark(
            'login',
            selection.owner,
            `it owns the database, and ${there} does not know it`,
            'give the database another owner after the failover (ALTER AUTHORIZATION ON DATABASE)',
          ),
        ];
  return [
    ...found,
    ...roles,
    ...nestedRoleFindings(input, plan.rolesOfLogins),
    ...unknown,
    ...orphans,
    ...owner,
  ];
}

function jobFindings(input: ObjectsInput): readonly ObjectFinding[] {
  const there = input.names[opposite(input.primarySide)];
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
        return [
          {
            kind: 'job',
            name,
            state: 'cannot-be-copied',
            detail: verdict.detail,
            remedy: verdict.remedy,
            copyable: false,
          },
        ];
      default:
        return verdict satisfies never;
    }
  });
}

function reportedFindings(
  { names, primarySide }: ObjectsInput,
  reported: Readonly<Record<Side, readonly ReportedObject[]>>,
): readonly ObjectFinding[] {
  const to = opposite(primarySide);
  return reported[primarySide].map(({ kind, name }) => {
    const isThere = reported[to].some((other) => other.kind === kind && sameName(other.name, name));
    return isThere
      ? same(kind, name)
      : remark(kind, name, `${names[to]} has none of this name; it is not copied`, REMEDIES[kind]);
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

const copyable = (
  kind: ObjectFinding['kind'],
  name: string,
  state: 'missing' | 'differs',
  detail: string,
): ObjectFinding => ({ kind, name, state, detail, remedy: '', copyable: true });

/** Which agent jobs of the primary belong on the other side, and what keeps one from being brought there. */
import { byWord } from '../../model/by-word';
import type { Job } from '../../model/sql-server/instance-objects';
import type { Platform } from '../../model/sql-server/spec';
import { includesName, sameName } from '../names';
import { judgeLogin, SA_SID, selectLogins } from './login-plan';
import type { ObjectsInput } from './objects-input';

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
  const { primary, other, otherPlatform, names } = input;
  const job = primary.jobs.find((candidate) => sameName(candidate.name, name));
  if (job === undefined) {
    return {
      kind: 'impossible',
      detail: `${names.primary} has no job of this name`,
      remedy: 'correct instanceObjects.jobs.include',
    };
  }
  const unsupported = job.steps.flatMap((step) => whyNotOn(otherPlatform, step));
  if (unsupported.length > 0) {
    return {
      kind: 'impossible',
      detail: unsupported.join('; '),
      remedy: `write these steps anew for ${names.other}, as T-SQL or SSIS for example, or let the job run elsewhere and take it off instanceObjects.jobs.include`,
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
    ...(twin.isEnabled ? [`it is enabled on ${names.other}, too`] : []),
  ];
  return what.length === 0 ? { kind: 'same' } : { kind: 'differs', what };
}

/** @returns why the platform would not run this step; empty when it does */
export const whyNotOn = (platform: Platform, step: Job['steps'][number]): readonly string[] =>
  byWord('platform', platform, { 'sql-server': () => [], 'managed-instance': whyNotOnInstance })(step);

function whyNotOnInstance(step: Job['steps'][number]): readonly string[] {
  const named = `step ${step.id} (${step.name})`;
  if (!ON_INSTANCES.includes(step.subsystem.toUpperCase())) {
    return [`${named} is of the subsystem ${step.subsystem}, which a managed instance does not run`];
  }
  if (step.usesProxy) return [`${named} runs under a proxy, which a managed instance does not have`];
  if (step.outputFile !== null) return [`${named} writes to a file of the server`];
  return [];
}

/** sp_add_jobstep takes a step of T-SQL for a database that is there alone (14262). */
function whyNotInDatabases(job: Job, { names, other, database: own }: ObjectsInput): JobVerdict | undefined {
  const there = names.other;
  const missing = job.steps.flatMap(({ id, name, subsystem, database }) =>
    subsystem.toUpperCase() === 'TSQL' &&
    database !== null &&
    !includesName([...other.databases, own], database)
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
  { names, other }: ObjectsInput,
  copied: ReadonlySet<string>,
): JobVerdict | undefined {
  const there = names.other;
  if (job.owner === null) {
    return {
      kind: 'impossible',
      detail: 'its owner is no login any more',
      remedy: `give it another owner on ${names.primary} (sp_update_job @owner_login_name)`,
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

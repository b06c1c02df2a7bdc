/**
 * Jobs of SQL Server Agent: copied disabled to the side that is not the primary, and switched where the roles swap.
 * Facts hold names alone: the command of a step may hold a password.
 */
import { otherSiteOf, type SiteId } from '../../../model/run/site';
import type { Job } from '../../../model/sql-server/instance-objects';
import { type Platform, sqlServerSite } from '../../../model/sql-server/spec';
import type { Effect } from '../../../model/statement';
import { SqlServerFailure, type TransportProblem } from '../../../ports/failures';
import type { SqlServerPort } from '../../../ports/sql-server';
import { requireSite } from '../../../ports/sql-server-ports';
import { includesName, sameName } from '../../../rules/names';
import { jobDifferences, judgeJobs, whyNotOn } from '../../../rules/sql-server/job-comparison';
import {
  type JobChangesUndo,
  keptOfJobChanges,
  madeOfJobChanges,
  madeOfJobs,
} from '../../../rules/sql-server/undo-facts';
import {
  addJobCategory,
  createJob,
  deleteJob,
  deleteJobCategory,
  enableJob,
  replaceJob,
} from '../../../tsql/agent-jobs';
import { readJobCategories, readJobs } from '../../../tsql/queries/agent-jobs';
import { NeedsPerson } from '../../run/failures';
import { defineSqlServerStep, readAt, type SqlServerContext, type SqlServerStep } from '../context';
import { lookAtObjects } from '../instance-objects';
import { readAgentJobs } from '../observe/instance-objects';

interface JobFacts {
  readonly missing: readonly string[];
  readonly missingCategories: readonly string[];
  readonly there: readonly string[];
}

/** Creates the jobs that are missing. @param on side that is not the primary */
export function agentJobs(on: SiteId): SqlServerStep {
  return defineSqlServerStep<JobFacts>({
    id: `${on}.agent-jobs`,
    async observe(context) {
      const input = await lookAtObjects(context, otherSiteOf(context.spec.sites, on).id);
      const judged = judgeJobs(input);
      const missing = namesOf(judged, 'missing');
      const categories = new Set(
        input.primary.jobs.filter(({ name }) => includesName(missing, name)).map(({ category }) => category),
      );
      return {
        missing,
        missingCategories: [...categories].filter((name) => !includesName(input.other.jobCategories, name)),
        there: [...namesOf(judged, 'same'), ...namesOf(judged, 'differs')],
      };
    },
    settled({ missing, there }, { spec }) {
      if (missing.length > 0) return undefined;
      const where = sqlServerSite(spec, on).name;
      return there.length === 0 ? `no jobs belong on ${where}` : `${there.join(', ')}: on ${where}`;
    },
    async effects({ missing, missingCategories }, context) {
      const jobs = await readAgentJobs(otherPort(context, on), missing, context.signal);
      return [
        ...missingCategories.map(
          (name): Effect => ({
            kind: 'tsql',
            on,
            statement: addJobCategory(name),
            undo: deleteJobCategory(name).display,
          }),
        ),
        ...jobs.map(
          (job): Effect => ({
            kind: 'tsql',
            on,
            statement: createJob(job),
            undo: deleteJob(job.name).display,
          }),
        ),
      ];
    },
    made: madeOfJobs,
    async undo(before, _now, context) {
      const [jobs, categories] = await Promise.all([
        readAt(context, on, readJobs(before.missing)),
        readAt(context, on, readJobCategories()),
      ]);
      const made = before.missingCategories.filter((name) =>
        categories.some((category) => sameName(category.name, name)),
      );
      return [
        ...jobs.map(({ name }): Effect => ({ kind: 'tsql', on, statement: deleteJob(name) })),
        ...made.map((name): Effect => ({ kind: 'tsql', on, statement: deleteJobCategory(name) })),
      ];
    },
  });
}

interface ChangeFacts {
  readonly differing: readonly { readonly name: string; readonly what: readonly string[] }[];
  readonly missingCategories: readonly string[];
}

/** Brings jobs that are there in line, and disables them. What they were is not kept, so nothing undoes it. */
export function jobChanges(on: SiteId): SqlServerStep {
  return defineSqlServerStep<ChangeFacts>({
    id: `${on}.agent-job-changes`,
    async observe(context) {
      const input = await lookAtObjects(context, otherSiteOf(context.spec.sites, on).id);
      const differing = judgeJobs(input).flatMap(({ name, verdict }) =>
        verdict.kind === 'differs' ? [{ name, what: verdict.what }] : [],
      );
      const categories = new Set(
        input.primary.jobs
          .filter((job) => differing.some(({ name }) => sameName(name, job.name)))
          .map(({ category }) => category),
      );
      return {
        differing,
        missingCategories: [...categories].filter((name) => !includesName(input.other.jobCategories, name)),
      };
    },
    settled: ({ differing }) =>
      differing.length === 0 ? 'the jobs that are there are as on the primary, and disabled' : undefined,
    async effects({ differing, missingCategories }, context) {
      const names = differing.map(({ name }) => name);
      const [wanted, present] = await Promise.all([
        readAgentJobs(otherPort(context, on), names, context.signal),
        readAgentJobs(requireSite(context.ports, on), names, context.signal),
      ]);
      return [
        ...missingCategories.map((name): Effect => ({ kind: 'tsql', on, statement: addJobCategory(name) })),
        ...wanted.flatMap((job) => replaceEffects(on, job, present)),
      ];
    },
    kept: keptOfJobChanges,
    made: madeOfJobChanges,
    async undo(before: JobChangesUndo, now, { spec }) {
      const replaced = before.differing
        .map(({ name }) => name)
        .filter((name) => !now.differing.some((other) => sameName(other.name, name)));
      if (replaced.length === 0) return [];
      throw new NeedsPerson(
        'AgentJobReplaced',
        `on ${sqlServerSite(spec, on).name} the job(s) ${replaced.join(', ')} stay as they are on the other side, and disabled`,
        'bring them back from your own scripts, if they were others before',
      );
    },
  });
}

function replaceEffects(on: SiteId, job: Job, present: readonly Job[]): readonly Effect[] {
  const twin = present.find(({ name }) => sameName(name, job.name));
  return twin === undefined ? [] : [{ kind: 'tsql', on, statement: replaceJob(job, twin) }];
}

interface EnableFacts {
  /** Jobs that are to run: those that are enabled on the former primary, or all that are named where it is silent. */
  readonly toRun: readonly string[];
  readonly there: readonly { readonly name: string; readonly isEnabled: boolean }[];
  /** Jobs that run here now, and can run on the other side. */
  readonly movable: readonly string[];
  /** Jobs that are to run, and are not what they are on the former primary: somebody accepted that, or nobody looked. */
  readonly differing: readonly { readonly name: string; readonly what: readonly string[] }[];
}

/** Named jobs of the former primary; undefined where it is silent and may be. */
type FormerJobs = (context: SqlServerContext, on: SiteId) => Promise<readonly Job[] | undefined>;

/** On the new primary, before they are disabled on the former one: what was off there on purpose stays off. */
function defineEnabling(on: SiteId, name: 'enable-jobs' | 'enable-jobs-after-loss', formerJobs: FormerJobs) {
  return defineSqlServerStep<EnableFacts>({
    id: `${on}.${name}`,
    async observe(context) {
      const names = jobNames(context);
      const [here, former] = await Promise.all([
        readAgentJobs(requireSite(context.ports, on), names, context.signal),
        formerJobs(context, on),
      ]);
      const toRun = former === undefined ? names : jobsToRun(names, former, platformOf(context, on));
      return {
        toRun,
        movable: jobsToRun(names, here, platformOf(context, otherSiteOf(context.spec.sites, on).id)),
        there: here.map(({ name, isEnabled }) => ({ name, isEnabled })),
        differing: former === undefined ? [] : differingJobs(toRun, former, here),
      };
    },
    assume(facts, { spec }, before) {
      // The way back of a drill: what runs here now is switched off by the way there.
      const isBack = before.includes(`${otherSiteOf(spec.sites, on).id}.${name}`);
      const toRun = isBack ? facts.movable : facts.toRun;
      // The copy before it brings them in line.
      return { ...facts, toRun, there: toRun.map((job) => ({ name: job, isEnabled: false })), differing: [] };
    },
    settled(facts, { spec }) {
      if (namesToEnable(facts).length > 0) return undefined;
      throwIfLeftDisabled(facts, sqlServerSite(spec, on).name);
      const running = enabledOf(facts.there);
      return running.length === 0
        ? `no jobs are to run on ${sqlServerSite(spec, on).name}`
        : `${running.join(', ')} enabled on ${sqlServerSite(spec, on).name}`;
    },
    effects: async (facts) =>
      namesToEnable(facts).map((name): Effect => ({ kind: 'tsql', on, statement: enableJob(name, true) })),
  });
}

/** All jobs that were on at the former primary, which has to answer. */
export const enableJobs = (on: SiteId): SqlServerStep => defineEnabling(on, 'enable-jobs', readFormer);

/** After a forced failover nobody may ever answer again: then all jobs that are named run. */
export const enableJobsAfterLoss = (on: SiteId): SqlServerStep =>
  defineEnabling(on, 'enable-jobs-after-loss', readFormerIfItAnswers);

/** A read that fails tells nothing of what was off on purpose: it is tried again, then a person is told. */
function readFormer(context: SqlServerContext, on: SiteId): Promise<readonly Job[]> {
  return readAgentJobs(otherPort(context, on), jobNames(context), context.signal);
}

/** No answer from a server that may be lost; one that refuses is there. */
const NO_ANSWER: ReadonlySet<TransportProblem> = new Set<TransportProblem>([
  'unreachable',
  'timeout',
  'connection-lost',
]);

async function readFormerIfItAnswers(
  context: SqlServerContext,
  on: SiteId,
): Promise<readonly Job[] | undefined> {
  try {
    return await readFormer(context, on);
  } catch (error) {
    const transport = error instanceof SqlServerFailure ? error.transport : undefined;
    if (transport !== undefined && NO_ANSWER.has(transport)) return undefined;
    throw error;
  }
}

/** A job that the former primary does not have, or has in a form that cannot be here, is left as it is. */
function jobsToRun(names: readonly string[], former: readonly Job[], platform: Platform): readonly string[] {
  return names.filter((name) => {
    const job = former.find((candidate) => sameName(candidate.name, name));
    if (job === undefined || !job.isEnabled) return false;
    return job.steps.every((step) => whyNotOn(platform, step).length === 0);
  });
}

function differingJobs(
  toRun: readonly string[],
  former: readonly Job[],
  here: readonly Job[],
): EnableFacts['differing'] {
  return toRun.flatMap((name) => {
    const wanted = former.find((job) => sameName(job.name, name));
    const present = here.find((job) => sameName(job.name, name));
    if (wanted === undefined || present === undefined) return [];
    const what = jobDifferences(wanted, present);
    return what.length === 0 ? [] : [{ name, what }];
  });
}

/** A job of which only a part was copied does harm when it runs. */
const namesToEnable = ({ toRun, there, differing }: EnableFacts): readonly string[] =>
  there
    .filter(({ name, isEnabled }) => !isEnabled && includesName(toRun, name) && !isNamed(differing, name))
    .map(({ name }) => name);

const isNamed = (list: readonly { readonly name: string }[], wanted: string): boolean =>
  list.some(({ name }) => sameName(name, wanted));

/** @throws NeedsPerson once all others run */
function throwIfLeftDisabled({ there, differing }: EnableFacts, where: string): void {
  const left = differing.filter(({ name }) =>
    there.some((job) => sameName(job.name, name) && !job.isEnabled),
  );
  if (left.length === 0) return;
  throw new NeedsPerson(
    'AgentJobDiffers',
    `on ${where} these stay disabled, since they differ from those of the former primary: ${left
      .map(({ name, what }) => `${name} (${what.join(', ')})`)
      .join('; ')}`,
    `mend them on ${where}, then enable them`,
  );
}

interface DisableFacts {
  /** Jobs that are enabled here. */
  readonly enabled: readonly string[];
  /** Jobs that are enabled on the other side. */
  readonly elsewhere: readonly string[];
  /** Of those that are enabled here, what can run on the other side. */
  readonly movable: readonly string[];
  /** Of those that are enabled on the other side, what can run here. */
  readonly comes: readonly string[];
}

/**
 * On the former primary, whose database takes no writes any more. A job that does not run on the new one stays on: it would
 * run nowhere, and the way back, which asks what runs there, would leave it off.
 */
export function disableJobs(on: SiteId): SqlServerStep {
  return defineSqlServerStep<DisableFacts>({
    id: `${on}.disable-jobs`,
    async observe(context) {
      const names = jobNames(context);
      const other = otherSiteOf(context.spec.sites, on).id;
      const [here, there] = await Promise.all([
        readAgentJobs(requireSite(context.ports, on), names, context.signal),
        readAgentJobs(requireSite(context.ports, other), names, context.signal),
      ]);
      return {
        enabled: enabledOf(here),
        elsewhere: enabledOf(there),
        movable: jobsToRun(names, here, platformOf(context, other)),
        comes: jobsToRun(names, there, platformOf(context, on)),
      };
    },
    assume(facts, { spec }, before) {
      // The way back of a drill: the way there brings them here.
      if (before.includes(`${on}.enable-jobs`))
        return { ...facts, enabled: facts.comes, elsewhere: facts.comes };
      const other = otherSiteOf(spec.sites, on).id;
      const areSwitchedOn = ['enable-jobs', 'enable-jobs-after-loss'].some((name) =>
        before.includes(`${other}.${name}`),
      );
      return areSwitchedOn ? { ...facts, elsewhere: [...facts.elsewhere, ...facts.movable] } : facts;
    },
    settled(facts, { spec }) {
      if (namesToDisable(facts).length > 0) return undefined;
      const where = sqlServerSite(spec, on).name;
      if (facts.enabled.length === 0) return `no named job is enabled on ${where}`;
      const there = sqlServerSite(spec, otherSiteOf(spec.sites, on).id).name;
      return `${facts.enabled.join(', ')} enabled on ${where} still: not running on ${there}`;
    },
    effects: async (facts) =>
      namesToDisable(facts).map((name): Effect => ({ kind: 'tsql', on, statement: enableJob(name, false) })),
  });
}

const namesToDisable = ({ enabled, elsewhere }: DisableFacts): readonly string[] =>
  enabled.filter((name) => includesName(elsewhere, name));

const enabledOf = (jobs: EnableFacts['there']): readonly string[] =>
  jobs.filter(({ isEnabled }) => isEnabled).map(({ name }) => name);

const otherPort = ({ ports, spec }: SqlServerContext, on: SiteId): SqlServerPort =>
  requireSite(ports, otherSiteOf(spec.sites, on).id);

const jobNames = ({ spec }: SqlServerContext): readonly string[] =>
  spec.settings.instanceObjects?.jobs.include ?? [];

const platformOf = ({ spec }: SqlServerContext, site: SiteId): Platform => sqlServerSite(spec, site).platform;

const namesOf = (judged: ReturnType<typeof judgeJobs>, kind: 'missing' | 'same' | 'differs') =>
  judged.filter(({ verdict }) => verdict.kind === kind).map(({ name }) => name);

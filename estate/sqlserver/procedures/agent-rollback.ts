/** What procedures of msdb changed belongs to the transaction of their session, as any other change of tables does. */
import type { ProcedureCall } from '../../sql/host';
import type { AgentState, Category, Job, Operator, Schedule } from './agent-state';
import type { Procedure } from './server';

/** The same procedure, whose changes go with a rollback. Runs of jobs are no part of a transaction. */
export const withRollback =
  (procedure: Procedure): Procedure =>
  async (context, call) => {
    const { agent } = context.state;
    const before = remember(agent);
    try {
      return await procedure(context, call);
    } finally {
      forgetOnRollback(agent, before, call);
    }
  };

interface Remembered {
  /** Jobs themselves, since those who run one hold on to it, and what they were. */
  readonly jobs: ReadonlyMap<string, { readonly job: Job; readonly was: Job; readonly mark: string }>;
  readonly schedules: ReadonlyMap<number, Schedule>;
  readonly operators: ReadonlyMap<string, Operator>;
  readonly categories: readonly Category[];
}

const copyOf = (job: Job): Job => ({ ...job, steps: [...job.steps], schedules: new Set(job.schedules) });

/** Of what a definition is made; how it runs is left out. */
const markOf = ({ running: _running, activity: _activity, ...job }: Job): string =>
  JSON.stringify({ ...job, schedules: [...job.schedules] });

const remember = ({ jobs, schedules, operators, categories }: AgentState): Remembered => ({
  jobs: new Map([...jobs].map(([id, job]) => [id, { job, was: copyOf(job), mark: markOf(job) }])),
  schedules: new Map(schedules),
  operators: new Map(operators),
  categories,
});

/** Only what this call changed goes back: other sessions may have changed the rest meanwhile. */
function forgetOnRollback(agent: AgentState, before: Remembered, call: ProcedureCall): void {
  const undo = [
    ...jobsToRestore(agent, before),
    ...entriesToRestore(agent.schedules, before.schedules),
    ...entriesToRestore(agent.operators, before.operators),
  ];
  const { categories } = before;
  if (agent.categories !== categories) {
    undo.push(() => {
      agent.categories = categories;
    });
  }
  if (undo.length > 0) call.onRollback(() => undo.forEach((action) => void action()));
}

function jobsToRestore(agent: AgentState, before: Remembered): (() => void)[] {
  const made = [...agent.jobs.keys()].filter((id) => !before.jobs.has(id));
  const changed = [...before.jobs].filter(([id, { mark }]) => {
    const now = agent.jobs.get(id);
    return now === undefined || markOf(now) !== mark;
  });
  return [
    ...made.map((id) => () => void agent.jobs.delete(id)),
    ...changed.map(([id, { job, was }]) => () => {
      const { steps, schedules, running: _running, activity: _activity, ...rest } = was;
      Object.assign(job, rest);
      job.steps.splice(0, job.steps.length, ...steps);
      job.schedules.clear();
      for (const schedule of schedules) job.schedules.add(schedule);
      agent.jobs.set(id, job);
    }),
  ];
}

function entriesToRestore<Key, Entry>(now: Map<Key, Entry>, before: ReadonlyMap<Key, Entry>): (() => void)[] {
  const made = [...now.keys()].filter((key) => !before.has(key));
  const gone = [...before].filter(([key, entry]) => now.get(key) !== entry);
  return [
    ...made.map((key) => () => void now.delete(key)),
    ...gone.map(
      ([key, entry]) =>
        () =>
          void now.set(key, entry),
    ),
  ];
}

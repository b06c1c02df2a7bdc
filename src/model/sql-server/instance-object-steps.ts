/** The steps around objects outside of the database, as tables. Part of a run only when its spec has `instanceObjects`. */
import { byWord } from '../by-word';
import type { LinkPhase, LinkSite, StepRef } from '../link/procedure';
import { otherSite } from '../side';

export const INSTANCE_OBJECT_STEP_IDS = [
  'instance.logins',
  'instance.login-passwords',
  'instance.agent-jobs',
  'instance.agent-job-changes',
  'instance.enable-jobs',
  'instance.enable-jobs-after-loss',
  'instance.disable-jobs',
  'server.logins',
  'server.login-passwords',
  'server.agent-jobs',
  'server.agent-job-changes',
  'server.enable-jobs',
  'server.enable-jobs-after-loss',
  'server.disable-jobs',
] as const;
export type InstanceObjectStepId = (typeof INSTANCE_OBJECT_STEP_IDS)[number];

const NAMES: Readonly<Record<LinkSite, string>> = { server: 'SQL Server', instance: 'instance' };

/**
 * Copies from the present primary to the other side.
 * @param to the other side
 */
export const copySteps = (to: LinkSite): readonly StepRef[] => [
  step(`${to}.logins`, 'replicating', `Logins on the ${NAMES[to]}`),
  step(`${to}.login-passwords`, 'replicating', `Passwords of logins on the ${NAMES[to]}`),
  step(`${to}.agent-jobs`, 'replicating', `Agent jobs on the ${NAMES[to]}`),
  step(`${to}.agent-job-changes`, 'replicating', `Changes of agent jobs on the ${NAMES[to]}`),
];

export interface JobSwitch {
  readonly on: StepRef;
  /** After `on`: which jobs are to run is read from the former primary. */
  readonly off: StepRef;
}

/**
 * Jobs run where the primary is.
 * @param by after a forced failover the former primary may be silent
 */
export function jobSwitch(primary: LinkSite, by: 'planned' | 'forced' = 'planned'): JobSwitch {
  const former = otherSite(primary);
  const enable = byWord('type of a failover', by, {
    planned: 'enable-jobs',
    forced: 'enable-jobs-after-loss',
  } as const);
  return {
    on: step(`${primary}.${enable}`, 'cutover', `Enable the jobs on the ${NAMES[primary]}`),
    off: step(`${former}.disable-jobs`, 'cutover', `Disable the jobs on the ${NAMES[former]}`),
  };
}

/** What a cutover has in addition: the logins were copied disabled, and the jobs move. */
export const cutoverAdditions = (): readonly StepRef[] => {
  const { on, off } = jobSwitch('instance');
  return [
    {
      id: 'instance.admit-applications',
      phase: 'cutover',
      title: 'Admit the applications to the instance',
      repeats: 'once',
    },
    on,
    off,
  ];
};

/** True for the steps that move jobs: applications do not wait for them. */
export const movesJobs = (stepId: string): boolean =>
  /\.(?:enable|disable)-jobs(?:-after-loss)?$/.test(stepId);

const step = (id: InstanceObjectStepId, phase: LinkPhase, title: string): StepRef => ({
  id,
  phase,
  title,
  repeats: 'once',
});

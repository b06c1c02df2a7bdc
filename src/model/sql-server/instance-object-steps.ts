/** The steps around objects outside of the database, as tables. Part of a run only when its spec has `instanceObjects`. */
import { byWord } from '../by-word';
import type { LinkSite } from '../link/side';
import { otherSite, siteName } from '../link/side';
import type { FailoverType, StepRef } from '../run/procedure';

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

/** Copies go on beside the replication; jobs move with the roles. */
export type InstanceObjectStep = StepRef<InstanceObjectStepId, 'replicating' | 'cutover'>;

/**
 * Copies from the present primary to the other side.
 * @param to the other side
 */
export const copySteps = (to: LinkSite): readonly InstanceObjectStep[] => [
  step(`${to}.logins`, 'replicating', `Logins on the ${siteName(to)}`),
  step(`${to}.login-passwords`, 'replicating', `Passwords of logins on the ${siteName(to)}`),
  step(`${to}.agent-jobs`, 'replicating', `Agent jobs on the ${siteName(to)}`),
  step(`${to}.agent-job-changes`, 'replicating', `Changes of agent jobs on the ${siteName(to)}`),
];

export interface JobSwitch {
  readonly on: InstanceObjectStep;
  /** After `on`: which jobs are to run is read from the former primary. */
  readonly off: InstanceObjectStep;
}

/**
 * Jobs run where the primary is.
 * @param by after a forced failover the former primary may be silent
 */
export function jobSwitch(primary: LinkSite, by: FailoverType = 'planned'): JobSwitch {
  const former = otherSite(primary);
  const enable = byWord('type of a failover', by, {
    planned: 'enable-jobs',
    forced: 'enable-jobs-after-loss',
  } as const);
  return {
    on: step(`${primary}.${enable}`, 'cutover', `Enable the jobs on the ${siteName(primary)}`),
    off: step(`${former}.disable-jobs`, 'cutover', `Disable the jobs on the ${siteName(former)}`),
  };
}

const step = (
  id: InstanceObjectStepId,
  phase: InstanceObjectStep['phase'],
  title: string,
): InstanceObjectStep => ({
  id,
  phase,
  title,
  repeats: 'once',
});

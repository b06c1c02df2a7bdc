/** The steps around objects outside of the database, as tables. Part of a run only when its spec has `instanceObjects`. */
import { byWord } from '../by-word';
import type { FailoverType, StepRef } from '../run/procedure';
import type { Site, SiteId } from '../run/site';

const KINDS = [
  'logins',
  'login-passwords',
  'agent-jobs',
  'agent-job-changes',
  'enable-jobs',
  'enable-jobs-after-loss',
  'disable-jobs',
] as const;
type Kind = (typeof KINDS)[number];

export type InstanceObjectStepId<Id extends SiteId = SiteId> = `${Id}.${Kind}`;

/** Copies go on beside the replication; jobs move with the roles. */
export type InstanceObjectStep<Id extends SiteId = SiteId> = StepRef<
  InstanceObjectStepId<Id>,
  'replicating' | 'cutover'
>;

/** A site of a topology whose ids are known. */
type SiteOf<Id extends SiteId> = Pick<Site, 'label'> & { readonly id: Id };

/** Of each site, in the order of a list of steps. */
export const instanceObjectStepIds = <Id extends SiteId>(
  ...sites: readonly Id[]
): readonly InstanceObjectStepId<Id>[] =>
  sites.flatMap((site) => KINDS.map((kind): InstanceObjectStepId<Id> => `${site}.${kind}`));

/** Copies from the present primary to the other site. */
export const copySteps = <Id extends SiteId>({
  id,
  label,
}: SiteOf<Id>): readonly InstanceObjectStep<Id>[] => [
  step<Id>(`${id}.logins`, 'replicating', `Logins on the ${label}`),
  step<Id>(`${id}.login-passwords`, 'replicating', `Passwords of logins on the ${label}`),
  step<Id>(`${id}.agent-jobs`, 'replicating', `Agent jobs on the ${label}`),
  step<Id>(`${id}.agent-job-changes`, 'replicating', `Changes of agent jobs on the ${label}`),
];

export interface JobSwitch<Id extends SiteId = SiteId> {
  readonly on: InstanceObjectStep<Id>;
  /** After `on`: which jobs are to run is read from the former primary. */
  readonly off: InstanceObjectStep<Id>;
}

/**
 * Jobs run where the primary is.
 * @param by after a forced failover the former primary may be silent
 */
export function jobSwitch<Id extends SiteId>(
  primary: SiteOf<Id>,
  former: SiteOf<Id>,
  by: FailoverType = 'planned',
): JobSwitch<Id> {
  const enable = byWord('type of a failover', by, {
    planned: 'enable-jobs',
    forced: 'enable-jobs-after-loss',
  } as const);
  return {
    on: step<Id>(`${primary.id}.${enable}`, 'cutover', `Enable the jobs on the ${primary.label}`),
    off: step<Id>(`${former.id}.disable-jobs`, 'cutover', `Disable the jobs on the ${former.label}`),
  };
}

const step = <Id extends SiteId>(
  id: InstanceObjectStepId<Id>,
  phase: InstanceObjectStep['phase'],
  title: string,
): InstanceObjectStep<Id> => ({
  id,
  phase,
  title,
  repeats: 'once',
});

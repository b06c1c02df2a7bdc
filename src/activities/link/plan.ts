import type { CutoverRoute } from '../../model/link/facts';
import { instanceIsFirst } from '../../model/link/initial-primary';
import {
  askedFor,
  establishing,
  establishingFromInstance,
  forReplicas,
  linkProcedure,
} from '../../model/link/procedure';
import { groupMembers } from '../../model/link/replicas';
import type { ResolvedLink } from '../../model/link/spec';
import type { LinkStep, LinkStepId } from '../../model/link/step';
import { type PlannedHook, plannedHooks } from '../run/plan-hooks';
import { type PlannedStep as PlannedStepOf, planStep } from '../run/plan-step';
import type { LinkContext } from './context';
import { LINK_TOPOLOGY } from './topology';

export type PlannedStep = PlannedStepOf<LinkStep>;

export interface LinkPlan {
  readonly migration: string;
  readonly database: string;
  readonly server: string;
  readonly instance: string;
  readonly route: CutoverRoute;
  /** Present where the instance leads the link first. */
  readonly initialPrimary?: 'instance';
  readonly steps: readonly PlannedStep[];
  /** Called around the cutover, or around failovers; absent: none. */
  readonly hooks?: readonly PlannedHook[];
}

/**
 * Walks the procedure that a run walks, with the steps that a run performs, and only asks what they would do
 * (promise 4). Reads both instances and Azure; changes nothing.
 */
export async function planLinkMigration(
  context: Omit<LinkContext, 'secret'>,
  route: CutoverRoute,
): Promise<LinkPlan> {
  const { settings } = context.spec;
  const steps: PlannedStep[] = [];
  const hasObjects = settings.instanceObjects !== undefined;
  const procedure = instanceIsFirst(context.spec)
    ? establishingFromInstance(hasObjects)
    : settings.purpose === 'disaster-recovery'
      ? establishing(settings.seeding.keepLog, hasObjects)
      : linkProcedure(route, settings.cutover.afterwards, settings.seeding.keepLog, askedFor(settings));
  const servers = groupMembers(context.spec).map(({ name }) => name);
  for (const step of forReplicas(procedure, servers)) {
    const before = steps.map(({ stepId }) => stepId);
    steps.push(await planStep(LINK_TOPOLOGY, step, context, { before }));
  }
  const hooks = plannedHooks(settings);
  return {
    migration: settings.name,
    database: settings.database,
    server: settings.server,
    instance: settings.instance,
    route,
    ...(instanceIsFirst(context.spec) ? { initialPrimary: 'instance' as const } : {}),
    steps: steps.map((step) => keepIfNotMade(step, procedure, steps, context.spec)),
    ...(hooks.length === 0 ? {} : { hooks }),
  };
}

/** What stands there already is not this run's to drop; the run decides the same (`takeDownSteps`). */
function keepIfNotMade(
  planned: PlannedStep,
  procedure: readonly LinkStep[],
  steps: readonly PlannedStep[],
  spec: ResolvedLink,
): PlannedStep {
  const madeBy = procedure.find(({ id }) => id === planned.stepId)?.madeBy;
  const isMade = (id: LinkStepId): boolean =>
    steps.some(({ stepId, settled }) => stepId === id && settled === null);
  if (madeBy === undefined || madeBy.some(isMade)) return planned;
  return {
    ...planned,
    effects: [],
    settled: `${spec.names.availabilityGroup} stood there before the run and stays`,
  };
}

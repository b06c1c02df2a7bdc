/** The phases of setting up a link, each with the steps that its spec and its versions ask for. */

import { instanceIsFirst } from '../../model/link/initial-primary';
import { askedFor, establishingFromInstance, forReplicas, linkProcedure } from '../../model/link/procedure';
import { groupMembers } from '../../model/link/replicas';
import { type LinkPhase, type LinkStep, stepsOfPhase } from '../../model/link/step';
import { performSteps } from '../run/phase';
import type { LinkRun } from './state';

/** Steps of one phase; none before preflight has told the route. */
export function phaseSteps({ spec, state }: LinkRun, phase: LinkPhase): readonly LinkStep[] {
  const { route } = state;
  if (route === null) return [];
  const { cutover, seeding } = spec.settings;
  const procedure = instanceIsFirst(spec)
    ? establishingFromInstance()
    : linkProcedure(route, cutover.afterwards, seeding.keepLog, askedFor(spec.settings));
  const servers = groupMembers(spec).map(({ name }) => name);
  return stepsOfPhase(forReplicas(procedure, servers), phase);
}

export const performPhase = (run: LinkRun, phase: LinkPhase): Promise<void> =>
  performSteps(run, phase, phaseSteps(run, phase));

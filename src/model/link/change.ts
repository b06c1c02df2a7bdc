/** What can be asked of a link that stands, as data: the same for its plan and for its run. */
import { unknownWord } from '../by-word';
import { otherSite } from '../side';
import {
  type FailoverType,
  failoverProcedure,
  type LinkSite,
  REMOVAL,
  repairProcedure,
  type StepRef,
} from './procedure';

export { otherSite, siteName, siteOption } from '../side';

export type LinkChange =
  | { readonly kind: 'failover'; readonly type: FailoverType; readonly to: LinkSite }
  /** A planned failover there, and one back. */
  | { readonly kind: 'drill'; readonly to: LinkSite }
  | { readonly kind: 'repair'; readonly survivor: LinkSite }
  | { readonly kind: 'removal' };

/**
 * The steps of a change in the order of its run (promise 4), also those that only some runs need: which of them a run
 * leaves out stands in the notes of its plan.
 */
export function changeProcedure(change: LinkChange): readonly StepRef[] {
  switch (change.kind) {
    case 'failover':
      return failoverSteps(change.type, change.to);
    case 'drill':
      return [...failoverSteps('planned', change.to), ...failoverSteps('planned', otherSite(change.to))];
    case 'repair':
      return [...repairProcedure(change.survivor), ...admission(change.survivor)];
    case 'removal':
      return REMOVAL;
    default:
      return unknownWord('change of a link', change);
  }
}

/** An old primary that still answers is fenced by a forced failover as by a planned one. */
function failoverSteps(type: FailoverType, to: LinkSite): readonly StepRef[] {
  const { fence } = failoverProcedure('planned', to);
  const { forward } = failoverProcedure(type, to);
  return fence === null ? forward : [fence, ...forward];
}

/** Letting the applications in where the primary is: the last step of a failover to that side. */
export const admission = (primary: LinkSite): readonly StepRef[] =>
  failoverProcedure('planned', primary).forward.slice(-1);

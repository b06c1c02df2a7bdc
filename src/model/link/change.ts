/** What can be asked of a link that stands, as data: the same for its plan and for its run. */
import { unknownWord } from '../by-word';
import { opposite } from '../side';
import {
  type FailoverType,
  failoverProcedure,
  type LinkSide,
  type LinkStepInfo,
  REMOVAL,
  repairProcedure,
} from './procedure';

export { opposite, sideName, sideOption } from '../side';

export type LinkChange =
  | { readonly kind: 'failover'; readonly type: FailoverType; readonly to: LinkSide }
  /** A planned failover there, and one back. */
  | { readonly kind: 'drill'; readonly to: LinkSide }
  | { readonly kind: 'repair'; readonly survivor: LinkSide }
  | { readonly kind: 'removal' };

/**
 * The steps of a change in the order of its run (promise 3), also those that only some runs need: which of them a run
 * leaves out stands in the notes of its plan.
 */
export function changeProcedure(change: LinkChange): readonly LinkStepInfo[] {
  switch (change.kind) {
    case 'failover':
      return failoverSteps(change.type, change.to);
    case 'drill':
      return [...failoverSteps('planned', change.to), ...failoverSteps('planned', opposite(change.to))];
    case 'repair':
      return [...repairProcedure(change.survivor), ...admission(change.survivor)];
    case 'removal':
      return REMOVAL;
    default:
      return unknownWord('change of a link', change);
  }
}

/** An old primary that still answers is fenced by a forced failover as by a planned one. */
function failoverSteps(type: FailoverType, to: LinkSide): readonly LinkStepInfo[] {
  const { fence } = failoverProcedure('planned', to);
  const { forward } = failoverProcedure(type, to);
  return fence === null ? forward : [fence, ...forward];
}

/** Letting the applications in where the primary is: the last step of a failover to that side. */
export const admission = (primary: LinkSide): readonly LinkStepInfo[] =>
  failoverProcedure('planned', primary).forward.slice(-1);

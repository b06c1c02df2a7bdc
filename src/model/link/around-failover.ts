/** Settings of what surrounds a failover, as a run reads them: it may have begun before they existed. */
import type { AfterFailover } from './around-failover-schema';

/** Inputs of runs that older workers began lack these; such a run goes on as it began. */
interface MaybeOld {
  readonly failover: { readonly atOnce?: number };
  readonly afterFailover?: AfterFailover;
}

/** @returns how many failovers of the instance may be under way at once; undefined: this run takes no turns */
export const failoversAtOnce = ({ failover }: MaybeOld): number | undefined => failover.atOnce;

/** @returns undefined for a run that knows no checks */
export const afterFailoverOf = ({ afterFailover }: MaybeOld): AfterFailover | undefined => afterFailover;

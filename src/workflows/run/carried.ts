/** One step, several activities: what the one that gave up may have sent travels to the next one (promise 1). */
import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { ActivityFailure } from '@temporalio/workflow';
import type { Carried, TakesOver } from '../../activities/run/carried';

export class CarriedOver {
  private carried: Carried | undefined;

  /** Calls an activity of the step. @param call gets what is to be added to the input */
  async into<T>(call: (carried: TakesOver) => Promise<T>): Promise<T> {
    try {
      return await call(this.carried === undefined ? {} : { carried: this.carried });
    } catch (error) {
      this.carried = carriedBy(error, this.carried);
      throw error;
    }
  }
}

/** @param former what the activity itself took over; it goes on where the failure says nothing */
export function carriedBy(error: unknown, former: Carried | undefined): Carried | undefined {
  if (!(error instanceof ActivityFailure)) return former;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) {
    const [detail] = cause.details ?? [];
    return carriedIn(detail) ?? former;
  }
  if (cause instanceof TimeoutFailure) return carriedByHeartbeat(cause.lastHeartbeatDetails, former);
  return former;
}

function carriedIn(detail: unknown): Carried | undefined {
  if (typeof detail !== 'object' || detail === null || !('carried' in detail)) return undefined;
  const { carried } = detail;
  const isOurs = typeof carried === 'object' && carried !== null && 'mayHaveSent' in carried;
  return isOurs ? (carried as Carried) : undefined;
}

/** Its worker died: it says nothing more, but what it said last. */
function carriedByHeartbeat(heartbeat: unknown, former: Carried | undefined): Carried {
  const isOurs = typeof heartbeat === 'object' && heartbeat !== null && 'version' in heartbeat;
  if (!isOurs) return { ...former, mayHaveSent: true };
  const { operation } = heartbeat as Pick<Carried, 'operation'>;
  return { ...(operation === undefined ? {} : { operation }), mayHaveSent: true };
}

/** Notifications that are under way: nobody waits for them, and none is lost when the workflow ends. */
import { CancellationScope } from '@temporalio/workflow';
import type { RunSteps } from '../../activities/run/api';
import { until } from './until';

export type Notice = Parameters<RunSteps['notifyPerson']>[0];

/** A workflow that ends waits this long for what people are told last. */
const ENDS_WITHIN_MS = 60_000;
/** More than that are not carried over: whoever told so much at once told it before. */
const CARRIED_OVER = 20;

export class Notices {
  private readonly underWay = new Map<Notice, Promise<void>>();

  /**
   * @param deliver an activity, with all its attempts
   * @param failed hears of one that could not be delivered
   */
  constructor(
    private readonly deliver: (notification: Notice) => Promise<void>,
    private readonly failed: (notification: Notice) => void,
  ) {}

  /** Begins to deliver it. A cancellation of the run is no reason not to tell people. */
  send(notification: Notice): void {
    const delivery = CancellationScope.nonCancellable(() => this.deliver(notification))
      .catch(() => this.failed(notification))
      .finally(() => this.underWay.delete(notification));
    this.underWay.set(notification, delivery);
  }

  /** Waits for all of them, a while at most, or until there is a reason to leave. */
  async delivered(leave: () => boolean = () => false, withinMs = ENDS_WITHIN_MS): Promise<void> {
    if (this.underWay.size === 0) return;
    const all = () => Promise.all(this.underWay.values());
    await until(all, leave, { withinMs, graceMs: () => 0 });
  }

  /** What was not delivered yet, for a new history to send: at least once is the promise. */
  get left(): readonly Notice[] {
    return carriedOver([...this.underWay.keys()]);
  }
}

/** The oldest first. What people must know is not pushed out by what they may know. */
export function carriedOver(all: readonly Notice[]): readonly Notice[] {
  const isCritical = ({ severity }: Notice): boolean => severity === 'critical';
  const newest = all.toReversed();
  const byWeight = [...newest.filter(isCritical), ...newest.filter((one) => !isCritical(one))];
  const kept = new Set(byWeight.slice(0, CARRIED_OVER));
  return all.filter((one) => kept.has(one));
}

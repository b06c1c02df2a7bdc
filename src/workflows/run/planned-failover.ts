/** A planned failover: nothing committed is lost (promise 6). */
import { CancellationScope } from '@temporalio/workflow';
import type { DatabaseProperties } from '../../model/run/failover-facts';
import type { FailoverPlan } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';
import { passGateAndLook, throwIfPaused } from './failover-gate';
import { FailoverHooks } from './failover-hooks';
import { tellCrossed, tellParent, tellPlace } from './failover-news';
import type { FailoverRecord } from './failover-record';
import { type LeftBehind, leftBehind, resultOf } from './failover-result';
import { FailoverSlot } from './failover-slot';
import { fenceAndCatchUp, isFenced, liftFence, reasonOf, swapRoles } from './fence-and-swap';
import { occasionOf, runPostFailover, withPostFailover } from './post-failover';
import type { Preemption } from './preemption';
import type { Run } from './run';
import type { FailoverInput } from './standing-messages';
import { hasObjects, passObjectsGate, switchObjects } from './unreplicated-objects';

/** Gate, slot, fence, catch-up, swap, proof. Before the point of no return everything that fails withdraws it. */
export function failOverPlanned(run: Run, input: FailoverInput, way: Preemption): Promise<FailoverRecord> {
  return new PlannedFailover(run, input, way).carryOut();
}

class PlannedFailover {
  private readonly startedAt: string;
  private readonly plan: FailoverPlan;
  private readonly primary: SiteId;
  private readonly slot: FailoverSlot;
  private readonly hooks: FailoverHooks;
  private before: DatabaseProperties | null = null;

  constructor(
    private readonly run: Run,
    private readonly input: FailoverInput,
    private readonly way: Preemption,
  ) {
    const { request } = input;
    this.startedAt = run.now();
    this.plan = run.procedure.failover(input.spec, 'planned', request.to);
    this.primary = run.otherSite(request.to).id;
    this.slot = new FailoverSlot(run, tellPlace);
    this.hooks = new FailoverHooks(run, occasionOf(run.workflowId, request));
  }

  async carryOut(): Promise<FailoverRecord> {
    try {
      await this.run.control.abortable(() => this.way.until(() => this.approach()));
    } catch (error) {
      return this.withdraw(error);
    }
    return this.goForward();
  }

  /** Up to the point of no return. */
  private async approach(): Promise<void> {
    const { run, primary } = this;
    const isPaused = (): boolean => run.state.paused;
    if (hasObjects(run)) {
      const { acceptDrift, by } = this.input.request;
      const acceptedBy = () => (acceptDrift === true ? by : null);
      await passObjectsGate(run, primary, { acceptedBy, mustLeave: isPaused });
      throwIfPaused(run);
    }
    this.before = await passGateAndLook(run, primary, this.slot);
    await this.hooks.mayRefuse('beforeFailover', isPaused);
    throwIfPaused(run);
    tellParent({ kind: 'fencing' }).catch(() => undefined);
    await fenceAndCatchUp(run, {
      plan: this.plan,
      primary,
      throwIfHeld: () => throwIfPaused(run),
      whenFenced: () => this.hooks.mayRefuse('whenFenced', isPaused),
    });
  }

  private async withdraw(error: unknown): Promise<FailoverRecord> {
    const { run, plan, way } = this;
    const reason = reasonOf(error, run);
    const wasFenced = isFenced(run, plan);
    // An abort has nothing more to ask for, and must not end the wait for a fence that cannot be lifted yet.
    run.state.forwardOnly = 'the failover is being withdrawn';
    let isWithdrawn = false;
    let isGivenBack = false;
    await CancellationScope.nonCancellable(async () => {
      // The forced failover fences an old primary that answers again, and calls the hooks: nothing is given back for it.
      isWithdrawn = await way.orLeave(() => liftFence(run, plan));
      await this.slot.release();
      if (isWithdrawn) isGivenBack = await way.orLeave(() => this.hooks.withdrawn(reason));
    });
    const { primary } = this;
    if (!isWithdrawn) return this.leave({ fenceOn: isFenced(run, plan) ? primary : null, why: reason });
    const end = wasFenced ? run.fences.sentence : 'nobody was fenced out';
    const withdrawn = resultOf(run, this.input, this.startedAt, 'withdrawn', `${reason}; ${end}`);
    const left = isGivenBack ? {} : { preempted: { fenceOn: null } };
    return withPostFailover({ ...withdrawn, ...left }, run, this.hooks);
  }

  /** Behind the point of no return. */
  private async goForward(): Promise<FailoverRecord> {
    const { run, plan, way } = this;
    const { to } = this.input.request;
    const summary = `the ${run.site(to).label} is the primary; nothing was lost`;
    const done = () => resultOf(run, this.input, this.startedAt, 'done', summary);
    let isCrossed = false;
    await CancellationScope.nonCancellable(async () => {
      isCrossed = await way.orLeave(() => swapRoles(run, { plan, to }));
      await this.slot.release();
      if (!isCrossed) return;
      tellCrossed(done);
      await way.orLeave(async () => {
        await runPostFailover(run, this.hooks, { site: to, before: this.before, replicates: true });
        await switchObjects(run, to);
      });
    });
    return isCrossed
      ? withPostFailover(done(), run, this.hooks)
      : this.leave({ fenceOn: this.primary, why: null });
  }

  /** A forced failover goes on from here. */
  private leave(left: LeftBehind): FailoverRecord {
    const { run, input, startedAt, way } = this;
    return withPostFailover(leftBehind(run, input, startedAt, way, left), run, this.hooks);
  }
}

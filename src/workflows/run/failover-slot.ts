/** A failover's slot among those of the resource that limits them: asked for, waited for, given back. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { unknownWord } from '../../model/by-word';
import { formatDuration } from '../../model/duration';
import { growingPause, pacingOf } from '../../model/run/pacing';
import type { SlotGiver } from '../../model/run/procedure';
import type { SlotRequest } from '../../rules/run/failover-slots';
import {
  type SlotMessage,
  type SlotNews,
  slotNewsSignal,
  slotSignal,
  slotsWorkflowId,
} from './failover-slot-messages';
import { failoverSlots } from './failover-slots';
import { onSignal } from './incoming';
import type { Run } from './run';
import { slotNewsShape } from './slot-shapes';
import { throwIfLeftBadly, until } from './until';
import type { OpenWait } from './waits';

/** The one who gives slots may end between the look whether it runs and the message to it. */
const TRIES = 5;

export class FailoverSlot {
  private granted = false;
  private request: SlotRequest | undefined;
  /** Words of its own: what leads up to the failover may wait beside it. */
  private wait: OpenWait | undefined;
  private isPlaceTold = false;
  private requests = 0;
  private readonly limit: number;
  /** Undefined: nothing limits the failovers, and there is nobody to ask. */
  private readonly giver: SlotGiver | undefined;

  /** @param onPlace hears for whom this one waits, and null once it waits no more; nothing where it did not wait */
  constructor(
    private readonly run: Run,
    private readonly onPlace: (place: string | null) => void = () => undefined,
  ) {
    this.limit = run.spec.settings.failover.atOnce;
    this.giver = run.procedure.slotGiver?.(run.spec);
    if (this.giver === undefined) return;
    const hear = (news: SlotNews) => this.hear(news);
    onSignal(slotNewsSignal, slotNewsShape, hear, (why) => run.noteIgnored(why));
  }

  private hear(news: SlotNews): void {
    switch (news.kind) {
      case 'granted':
        if (this.isOfThisRequest(news)) this.granted = true;
        return;
      case 'waiting':
        if (!this.isOfThisRequest(news) || this.granted) return;
        this.wait?.say(news.place);
        this.isPlaceTold = true;
        this.onPlace(news.place);
        return;
      case 'ping':
        return;
      default:
        unknownWord('news about slots', news);
    }
  }

  /** One that was on its way when the slot was given back is not for the request that came after. */
  private isOfThisRequest({ attempt }: { readonly attempt: number }): boolean {
    return attempt === this.request?.attempt;
  }

  /**
   * Waits for the slot of this failover. Nothing is fenced meanwhile.
   * @returns how long it waited, in milliseconds; null when `mustLeave` held first, and then there is no slot
   */
  async acquire(mustLeave: () => boolean): Promise<number | null> {
    if (this.giver === undefined) return mustLeave() ? null : 0;
    const began = Date.now();
    const request = this.newRequest(false);
    for (let tries = 1; ; tries += 1) {
      await this.ask(this.giver, request);
      await condition(
        () => this.granted || mustLeave(),
        growingPause(pacingOf(this.run.spec.settings.polling).slot, tries),
      );
      if (!this.granted && !mustLeave()) continue;
      this.endWait();
      if (this.granted) return Date.now() - began;
      await this.release();
      return null;
    }
  }

  /**
   * As `acquire`, for a forced failover: whoever does not give it a slot in time is not waited for.
   * @param withinMs how long it may wait, with all that is asked for it
   */
  async acquireUnconditionally(withinMs: number): Promise<void> {
    const { giver } = this;
    if (giver === undefined) return;
    const request = this.newRequest(true);
    const asking = async () => {
      await this.ask(giver, request);
      await condition(() => this.granted);
    };
    const asked = await until(asking, () => false, { withinMs, graceMs: () => 0 });
    throwIfLeftBadly(asked);
    this.endWait();
    if (this.granted) return;
    // Nobody waits for it to get there.
    this.tell({ kind: 'go-ahead', request }).catch(() => undefined);
    this.run.logEvent(
      'warning',
      'failover.slot-not-awaited',
      `no failover slot came free within ${formatDuration(withinMs)}; the forced failover goes ahead, beside the other failovers of the ${giver.label}`,
    );
  }

  /** Gives the slot, or the wish for one, back. Can be called at any time, and again. */
  async release(): Promise<void> {
    this.wait?.end();
    this.wait = undefined;
    const { request } = this;
    if (request === undefined) return;
    this.request = undefined;
    this.granted = false;
    const { workflowId, runId } = request;
    await CancellationScope.nonCancellable(() => this.tell({ kind: 'leave', key: { workflowId, runId } }));
  }

  private endWait(): void {
    this.wait?.end();
    this.wait = undefined;
    // Mostly a slot is free: a message about nothing would cost a workflow task on both sides while people wait.
    if (!this.isPlaceTold) return;
    this.isPlaceTold = false;
    this.onPlace(null);
  }

  private newRequest(forced: boolean): SlotRequest {
    const { workflowId, runId } = workflowInfo();
    const { name, database } = this.run.spec.settings;
    this.granted = false;
    this.requests += 1;
    const attempt = this.requests;
    this.request = { workflowId, runId, name, database, limit: this.limit, forced, attempt };
    return this.request;
  }

  /** Begins the workflow that gives the slots with this request, or sends the request to the one that runs. */
  private async ask(giver: SlotGiver, request: SlotRequest): Promise<void> {
    if (!this.granted) {
      this.wait ??= this.run.waits.begin();
      this.wait.say(`a failover slot of the ${giver.label}`);
    }
    for (let tries = 1; tries <= TRIES && !this.granted; tries += 1) {
      if (await this.begin(giver, request)) return;
      if (await this.tell({ kind: 'ask', request })) return;
      await sleep(pacingOf(this.run.spec.settings.polling).slotGiverGoneMs);
    }
  }

  /** @returns false when it runs already */
  private async begin({ resource, name }: SlotGiver, first: SlotRequest): Promise<boolean> {
    try {
      // It serves others, too: neither the end nor a cancellation of this workflow is meant for it.
      await CancellationScope.nonCancellable(() =>
        startChild(failoverSlots, {
          workflowId: slotsWorkflowId(resource),
          args: [{ resource, first }],
          parentClosePolicy: 'ABANDON',
          cancellationType: 'ABANDON',
          staticSummary: `failover slots of ${name}`,
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  /** @returns false when nobody gives slots now */
  private async tell(message: SlotMessage): Promise<boolean> {
    if (this.giver === undefined) return false;
    try {
      const id = slotsWorkflowId(this.giver.resource);
      await getExternalWorkflowHandle(id).signal(slotSignal, message);
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      return false;
    }
  }
}

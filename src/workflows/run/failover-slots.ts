/**
 * Gives the failovers of one resource, such as a managed instance, their slots. It lives while somebody holds or wants one. Holders are
 * workflows, known by id and run: one that was terminated cannot give its slot back, so it is asked for a sign of
 * life, and a signal to a workflow that is over fails.
 */
import {
  ContinueAsNew,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { unknownWord } from '../../model/by-word';
import { SLOT_GIVER } from '../../model/run/pacing';
import {
  acquireUnconditionally,
  enqueue,
  grant,
  hasSlot,
  NO_SLOTS,
  placeOf,
  release,
  type SlotKey,
  type SlotRequest,
  type Slots,
} from '../../rules/run/failover-slots';
import {
  type SlotMessage,
  type SlotNews,
  type SlotsInput,
  slotNewsSignal,
  slotSignal,
  slotsQuery,
} from './failover-slot-messages';
import { checkInput, onSignal } from './incoming';
import { slotMessageShape, slotsInputShape } from './slot-shapes';

const { newsMs, probe, idleProbeMs } = SLOT_GIVER;
/** Each probe of 8 holders is some 20 events: a history of this length takes hours. */
const LONGEST_HISTORY = 4_000;

export async function failoverSlots(input: SlotsInput): Promise<void> {
  checkInput('failoverSlots', slotsInputShape, input);
  const inbox: SlotMessage[] = input.first === undefined ? [] : [{ kind: 'ask', request: input.first }];
  const queue = new SlotQueue(input.state ?? NO_SLOTS);
  const hear = (message: SlotMessage) => {
    inbox.push(message);
  };
  onSignal(slotSignal, slotMessageShape, hear, (why) => log.warn(why));
  setHandler(slotsQuery, () => queue.slots);
  for (;;) {
    for (let message = inbox.shift(); message !== undefined; message = inbox.shift())
      await queue.take(message);
    await queue.serve();
    if (inbox.length > 0) continue;
    // A signal that comes in this very moment makes the server refuse the end, and it is handled first.
    if (queue.isIdle) return;
    if (historyIsLong(input)) await beginNewHistory(input, queue.slots);
    const woken = await condition(() => inbox.length > 0, queue.untilNextLookMs());
    if (!woken) await queue.look();
  }
}

const historyIsLong = ({ maxHistoryEvents = LONGEST_HISTORY }: SlotsInput): boolean =>
  workflowInfo().continueAsNewSuggested || workflowInfo().historyLength >= maxHistoryEvents;

async function beginNewHistory({ resource, maxHistoryEvents }: SlotsInput, state: Slots): Promise<never> {
  return continueAsNew<typeof failoverSlots>({
    resource,
    state,
    ...(maxHistoryEvents === undefined ? {} : { maxHistoryEvents }),
  });
}

class SlotQueue {
  private readonly told = new Map<string, string>();
  private toldAt = 0;
  private probedAt = 0;
  private probeAfterMs = probe.firstMs;

  constructor(public slots: Slots) {}

  get isIdle(): boolean {
    return this.slots.holders.length === 0 && this.slots.queue.length === 0;
  }

  async take(message: SlotMessage): Promise<void> {
    switch (message.kind) {
      case 'ask': {
        // It asks again because it did not hear: the slot that it has is told once more.
        const { request } = message;
        if (hasSlot(this.slots, request))
          await this.send(request, { kind: 'granted', attempt: request.attempt });
        this.slots = enqueue(this.slots, request);
        this.told.delete(nameOf(message.request));
        return;
      }
      case 'leave':
        this.slots = release(this.slots, message.key);
        this.told.delete(nameOf(message.key));
        return;
      case 'go-ahead':
        this.slots = acquireUnconditionally(this.slots, message.request);
        return;
      default:
        return unknownWord('message about slots', message);
    }
  }

  /** Gives what is free, until whoever is next is there to take it; then tells the others their places. */
  async serve(): Promise<void> {
    for (;;) {
      await this.giveSlots();
      if (this.slots.queue.length === 0 || !(await this.probeIfSomebodyBeginsToWait())) break;
    }
    await this.tellPlaces();
  }

  /** Milliseconds until something is to be looked at by itself. */
  untilNextLookMs(): number {
    if (this.slots.queue.length === 0) return idleProbeMs;
    const now = Date.now();
    const next = this.probedAt + this.probeAfterMs - now;
    const news = this.hasNews() ? this.toldAt + newsMs - now : Number.POSITIVE_INFINITY;
    return Math.max(1, Math.min(next, news));
  }

  async look(): Promise<void> {
    if (this.slots.queue.length > 0 && Date.now() < this.probedAt + this.probeAfterMs) return;
    this.probeAfterMs = Math.min(this.probeAfterMs * 2, probe.longestMs);
    await this.probe();
  }

  private async giveSlots(): Promise<void> {
    for (;;) {
      const { slots, granted } = grant(this.slots);
      this.slots = slots;
      if (granted.length === 0) return;
      for (const request of granted) this.told.delete(nameOf(request));
      await Promise.all(
        granted.map((request) => this.send(request, { kind: 'granted', attempt: request.attempt })),
      );
    }
  }

  /** @returns true when a slot became free by it */
  private async probeIfSomebodyBeginsToWait(): Promise<boolean> {
    const isNew = this.slots.queue.some((request) => !this.told.has(nameOf(request)));
    if (!isNew || Date.now() < this.probedAt + probe.firstMs) return false;
    this.probeAfterMs = probe.firstMs;
    return this.probe();
  }

  private async probe(): Promise<boolean> {
    this.probedAt = Date.now();
    const { holders, queue } = this.slots;
    const before = holders.length;
    await Promise.all([...holders, ...queue].map((request) => this.send(request, { kind: 'ping' })));
    return this.slots.holders.length < before;
  }

  private hasNews(): boolean {
    return this.slots.queue.some(
      (request) => this.told.get(nameOf(request)) !== placeOf(this.slots, request),
    );
  }

  /** Who is new in line hears at once; the others not more often than is worth it. */
  private async tellPlaces(): Promise<void> {
    const isDue = Date.now() >= this.toldAt + newsMs;
    if (isDue) this.toldAt = Date.now();
    const due = this.slots.queue.flatMap((request) => {
      const place = placeOf(this.slots, request);
      const known = this.told.get(nameOf(request));
      return place === undefined || known === place || (known !== undefined && !isDue)
        ? []
        : [{ request, place }];
    });
    await Promise.all(
      due.map(async ({ request, place }) => {
        this.told.set(nameOf(request), place);
        await this.send(request, { kind: 'waiting', attempt: request.attempt, place });
      }),
    );
  }

  /** Whoever cannot be reached is over, and has no slot any more. */
  private async send(request: SlotRequest, news: SlotNews): Promise<void> {
    try {
      await getExternalWorkflowHandle(request.workflowId, request.runId).signal(slotNewsSignal, news);
    } catch (error) {
      if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
      this.slots = release(this.slots, request);
      this.told.delete(nameOf(request));
    }
  }
}

const nameOf = ({ workflowId, runId }: SlotKey): string => `${workflowId} ${runId}`;

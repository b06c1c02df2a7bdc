/**
 * Gives the failovers of one managed instance their turns. It lives while somebody holds or wants one. Holders are
 * workflows, known by id and run: one that was terminated cannot give its turn back, so it is asked for a sign of
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
import { turnsInputShape } from '../link/input-shapes';
import {
  type SlotMessage,
  type SlotNews,
  type SlotsInput,
  slotNewsSignal,
  slotSignal,
  slotsQuery,
} from './failover-slot-messages';
import { checkInput, onSignal } from './incoming';
import { turnMessageShape } from './signal-shapes';

/** Who waits is told of a new place this often at most: each release would tell all others otherwise. */
const NEWS_EVERY_MS = 10_000;
/** Holders are asked for a sign of life: soon when somebody begins to wait, ever more rarely after that. */
const FIRST_PROBE_MS = 10_000;
const LONGEST_PROBE_MS = 300_000;
/** While nobody waits, a dead holder harms nobody; it only keeps this workflow alive. */
const IDLE_PROBE_MS = 3_600_000;
/** Each probe of 8 holders is some 20 events: a history of this length takes hours. */
const LONGEST_HISTORY = 4_000;

export async function failoverSlots(input: SlotsInput): Promise<void> {
  checkInput('failoverSlots', turnsInputShape, input);
  const inbox: SlotMessage[] = input.first === undefined ? [] : [{ kind: 'ask', request: input.first }];
  const desk = new SlotQueue(input.state ?? NO_SLOTS);
  const hear = (message: SlotMessage) => {
    inbox.push(message);
  };
  onSignal(slotSignal, turnMessageShape, hear, (why) => log.warn(why));
  setHandler(slotsQuery, () => desk.turns);
  for (;;) {
    for (let message = inbox.shift(); message !== undefined; message = inbox.shift())
      await desk.take(message);
    await desk.serve();
    if (inbox.length > 0) continue;
    // A signal that comes in this very moment makes the server refuse the end, and it is handled first.
    if (desk.isIdle) return;
    if (historyIsLong(input)) await beginNewHistory(input, desk.turns);
    const woken = await condition(() => inbox.length > 0, desk.untilNextLookMs());
    if (!woken) await desk.look();
  }
}

const historyIsLong = ({ maxHistoryEvents = LONGEST_HISTORY }: SlotsInput): boolean =>
  workflowInfo().continueAsNewSuggested || workflowInfo().historyLength >= maxHistoryEvents;

async function beginNewHistory({ instance, maxHistoryEvents }: SlotsInput, state: Slots): Promise<never> {
  return continueAsNew<typeof failoverSlots>({
    instance,
    state,
    ...(maxHistoryEvents === undefined ? {} : { maxHistoryEvents }),
  });
}

class SlotQueue {
  private readonly told = new Map<string, string>();
  private toldAt = 0;
  private probedAt = 0;
  private probeAfterMs = FIRST_PROBE_MS;

  constructor(public turns: Slots) {}

  get isIdle(): boolean {
    return this.turns.holders.length === 0 && this.turns.queue.length === 0;
  }

  async take(message: SlotMessage): Promise<void> {
    switch (message.kind) {
      case 'ask': {
        // It asks again because it did not hear: the turn that it has is told once more.
        const { request } = message;
        if (hasSlot(this.turns, request))
          await this.send(request, { kind: 'granted', attempt: request.attempt });
        this.turns = enqueue(this.turns, request);
        this.told.delete(nameOf(message.request));
        return;
      }
      case 'leave':
        this.turns = release(this.turns, message.key);
        this.told.delete(nameOf(message.key));
        return;
      case 'go-ahead':
        this.turns = acquireUnconditionally(this.turns, message.request);
        return;
      default:
        return unknownWord('message about turns', message);
    }
  }

  /** Gives what is free, until whoever is next is there to take it; then tells the others their places. */
  async serve(): Promise<void> {
    for (;;) {
      await this.giveTurns();
      if (this.turns.queue.length === 0 || !(await this.probeIfSomebodyBeginsToWait())) break;
    }
    await this.tellPlaces();
  }

  /** Milliseconds until something is to be looked at by itself. */
  untilNextLookMs(): number {
    if (this.turns.queue.length === 0) return IDLE_PROBE_MS;
    const now = Date.now();
    const probe = this.probedAt + this.probeAfterMs - now;
    const news = this.hasNews() ? this.toldAt + NEWS_EVERY_MS - now : Number.POSITIVE_INFINITY;
    return Math.max(1, Math.min(probe, news));
  }

  async look(): Promise<void> {
    if (this.turns.queue.length > 0 && Date.now() < this.probedAt + this.probeAfterMs) return;
    this.probeAfterMs = Math.min(this.probeAfterMs * 2, LONGEST_PROBE_MS);
    await this.probe();
  }

  private async giveTurns(): Promise<void> {
    for (;;) {
      const { turns, granted } = grant(this.turns);
      this.turns = turns;
      if (granted.length === 0) return;
      for (const turn of granted) this.told.delete(nameOf(turn));
      await Promise.all(granted.map((turn) => this.send(turn, { kind: 'granted', attempt: turn.attempt })));
    }
  }

  /** @returns true when a turn became free by it */
  private async probeIfSomebodyBeginsToWait(): Promise<boolean> {
    const isNew = this.turns.queue.some((turn) => !this.told.has(nameOf(turn)));
    if (!isNew || Date.now() < this.probedAt + FIRST_PROBE_MS) return false;
    this.probeAfterMs = FIRST_PROBE_MS;
    return this.probe();
  }

  private async probe(): Promise<boolean> {
    this.probedAt = Date.now();
    const { holders, queue } = this.turns;
    const before = holders.length;
    await Promise.all([...holders, ...queue].map((turn) => this.send(turn, { kind: 'ping' })));
    return this.turns.holders.length < before;
  }

  private hasNews(): boolean {
    return this.turns.queue.some((turn) => this.told.get(nameOf(turn)) !== placeOf(this.turns, turn));
  }

  /** Who is new in line hears at once; the others not more often than is worth it. */
  private async tellPlaces(): Promise<void> {
    const isDue = Date.now() >= this.toldAt + NEWS_EVERY_MS;
    if (isDue) this.toldAt = Date.now();
    const due = this.turns.queue.flatMap((turn) => {
      const place = placeOf(this.turns, turn);
      const known = this.told.get(nameOf(turn));
      return place === undefined || known === place || (known !== undefined && !isDue)
        ? []
        : [{ turn, place }];
    });
    await Promise.all(
      due.map(async ({ turn, place }) => {
        this.told.set(nameOf(turn), place);
        await this.send(turn, { kind: 'waiting', attempt: turn.attempt, place });
      }),
    );
  }

  /** Whoever cannot be reached is over, and has no turn any more. */
  private async send(turn: SlotRequest, news: SlotNews): Promise<void> {
    try {
      await getExternalWorkflowHandle(turn.workflowId, turn.runId).signal(slotNewsSignal, news);
    } catch (error) {
      if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
      this.turns = release(this.turns, turn);
      this.told.delete(nameOf(turn));
    }
  }
}

const nameOf = ({ workflowId, runId }: SlotKey): string => `${workflowId} ${runId}`;

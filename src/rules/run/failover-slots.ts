/**
 * Who may fail over now, of all runs at one managed instance: at most 8 databases of an instance may be failed over
 * at once (failover how-to). Pure: the workflow of an instance holds the state and carries the answers.
 */

/** A workflow that wants a slot, or has one. One run of a workflow has at most one. */
export interface SlotRequest {
  readonly workflowId: string;
  readonly runId: string;
  /** Name of the migration, for people. */
  readonly name: string;
  readonly database: string;
  /** Most slots that may be taken for this one to begin. */
  readonly limit: number;
  /** A forced failover goes before planned ones. */
  readonly forced: boolean;
  /** Counts the requests of one run; an answer names the one that it is for. */
  readonly attempt: number;
}

export interface Slots {
  readonly holders: readonly SlotRequest[];
  /** In the order in which they get their slot. */
  readonly queue: readonly SlotRequest[];
}

export const NO_SLOTS: Slots = { holders: [], queue: [] };

export type SlotKey = Pick<SlotRequest, 'workflowId' | 'runId'>;

export const sameSlot = (a: SlotKey, b: SlotKey): boolean =>
  a.workflowId === b.workflowId && a.runId === b.runId;

const without = (requests: readonly SlotRequest[], key: SlotKey): readonly SlotRequest[] =>
  requests.filter((request) => !sameSlot(request, key));

export const hasSlot = ({ holders }: Slots, key: SlotKey): boolean =>
  holders.some((holder) => sameSlot(holder, key));

/** Asked again, nobody loses the place that they have; it is the newest request that is answered from then on. */
export function enqueue(slots: Slots, request: SlotRequest): Slots {
  if ([...slots.holders, ...slots.queue].some((known) => sameSlot(known, request))) {
    const newest = (known: SlotRequest): SlotRequest =>
      sameSlot(known, request) ? { ...known, attempt: request.attempt } : known;
    return { holders: slots.holders.map(newest), queue: slots.queue.map(newest) };
  }
  if (!request.forced) return { ...slots, queue: [...slots.queue, request] };
  const firstPlanned = slots.queue.findIndex(({ forced }) => !forced);
  const place = firstPlanned === -1 ? slots.queue.length : firstPlanned;
  return { ...slots, queue: [...slots.queue.slice(0, place), request, ...slots.queue.slice(place)] };
}

/** The slot is free again, or is not wanted any more. */
export const release = (slots: Slots, key: SlotKey): Slots => ({
  holders: without(slots.holders, key),
  queue: without(slots.queue, key),
});

/** A forced failover does not wait longer: it counts, but nobody gave it a slot. */
export const acquireUnconditionally = (slots: Slots, request: SlotRequest): Slots => ({
  holders: [...without(slots.holders, request), request],
  queue: without(slots.queue, request),
});

/** Gives slots in the order of the queue. Nobody overtakes, so that nobody waits for ever. */
export function grant(slots: Slots): { readonly slots: Slots; readonly granted: readonly SlotRequest[] } {
  const holders = [...slots.holders];
  const granted: SlotRequest[] = [];
  for (const next of slots.queue) {
    if (holders.length >= next.limit) break;
    holders.push(next);
    granted.push(next);
  }
  return { slots: { holders, queue: slots.queue.slice(granted.length) }, granted };
}

/** Names shown; a status is one sentence. */
const NAMES_SHOWN = 8;

/** @returns for whom somebody waits and at which place, as one sentence; undefined when nobody waits under that key */
export function placeOf({ holders, queue }: Slots, key: SlotKey): string | undefined {
  const index = queue.findIndex((request) => sameSlot(request, key));
  if (index === -1) return undefined;
  const names = holders.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const more = holders.length > names.length ? ` and ${holders.length - names.length} more` : '';
  const ahead = index === 0 ? 'next in line' : `number ${index + 1} in line`;
  return `a failover slot: ${holders.length} failover(s) of the instance are under way (${names.join(', ')}${more}); it is ${ahead}`;
}

/**
 * Who may fail over now, of all links of one managed instance: at most 8 databases of an instance may be failed over
 * at once (failover how-to). Pure: the workflow of an instance holds the state and carries the answers.
 */

/** A workflow that wants a turn, or has one. One run of a workflow has at most one. */
export interface SlotRequest {
  readonly workflowId: string;
  readonly runId: string;
  /** Name of the migration, for people. */
  readonly name: string;
  readonly database: string;
  /** Most turns that may be taken for this one to begin. */
  readonly limit: number;
  /** A forced failover goes before planned ones. */
  readonly forced: boolean;
  /** Counts the requests of one run; an answer names the one that it is for. */
  readonly attempt: number;
}

export interface Slots {
  readonly holders: readonly SlotRequest[];
  /** In the order in which they get their turn. */
  readonly queue: readonly SlotRequest[];
}

export const NO_SLOTS: Slots = { holders: [], queue: [] };

export type SlotKey = Pick<SlotRequest, 'workflowId' | 'runId'>;

export const sameSlot = (a: SlotKey, b: SlotKey): boolean =>
  a.workflowId === b.workflowId && a.runId === b.runId;

const without = (turns: readonly SlotRequest[], key: SlotKey): readonly SlotRequest[] =>
  turns.filter((turn) => !sameSlot(turn, key));

export const hasSlot = ({ holders }: Slots, key: SlotKey): boolean =>
  holders.some((holder) => sameSlot(holder, key));

/** Asked again, nobody loses the place that they have; it is the newest request that is answered from then on. */
export function enqueue(turns: Slots, request: SlotRequest): Slots {
  if ([...turns.holders, ...turns.queue].some((known) => sameSlot(known, request))) {
    const newest = (known: SlotRequest): SlotRequest =>
      sameSlot(known, request) ? { ...known, attempt: request.attempt } : known;
    return { holders: turns.holders.map(newest), queue: turns.queue.map(newest) };
  }
  if (!request.forced) return { ...turns, queue: [...turns.queue, request] };
  const firstPlanned = turns.queue.findIndex(({ forced }) => !forced);
  const place = firstPlanned === -1 ? turns.queue.length : firstPlanned;
  return { ...turns, queue: [...turns.queue.slice(0, place), request, ...turns.queue.slice(place)] };
}

/** The turn is over, or is not wanted any more. */
export const release = (turns: Slots, key: SlotKey): Slots => ({
  holders: without(turns.holders, key),
  queue: without(turns.queue, key),
});

/** A forced failover does not wait longer: it counts, but nobody gave it a turn. */
export const acquireUnconditionally = (turns: Slots, request: SlotRequest): Slots => ({
  holders: [...without(turns.holders, request), request],
  queue: without(turns.queue, request),
});

/** Gives turns in the order of the queue. Nobody overtakes, so that nobody waits for ever. */
export function grant(turns: Slots): { readonly turns: Slots; readonly granted: readonly SlotRequest[] } {
  const holders = [...turns.holders];
  const granted: SlotRequest[] = [];
  for (const next of turns.queue) {
    if (holders.length >= next.limit) break;
    holders.push(next);
    granted.push(next);
  }
  return { turns: { holders, queue: turns.queue.slice(granted.length) }, granted };
}

/** Names shown; a status is one sentence. */
const NAMES_SHOWN = 8;

/** @returns for whom somebody waits and at which place, as one sentence; undefined when nobody waits under that key */
export function placeOf({ holders, queue }: Slots, key: SlotKey): string | undefined {
  const index = queue.findIndex((turn) => sameSlot(turn, key));
  if (index === -1) return undefined;
  const names = holders.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const more = holders.length > names.length ? ` and ${holders.length - names.length} more` : '';
  const ahead = index === 0 ? 'next in line' : `number ${index + 1} in line`;
  return `its turn: ${holders.length} failover(s) of the instance are under way (${names.join(', ')}${more}); it is ${ahead}`;
}

import fc from 'fast-check';
import {
  acquireUnconditionally,
  enqueue,
  grant,
  hasSlot,
  NO_SLOTS,
  placeOf,
  release,
  type SlotRequest,
  type Slots,
} from '../../../src/rules/run/failover-slots';

const request = (n: number, parts: Partial<SlotRequest> = {}): SlotRequest => ({
  workflowId: `link-${n}`,
  runId: 'run',
  name: `db${n}`,
  database: `Db${n}`,
  limit: 8,
  forced: false,
  attempt: 1,
  ...parts,
});

const ids = (slots: readonly SlotRequest[]): readonly string[] => slots.map(({ name }) => name);
const askAll = (requests: readonly SlotRequest[]): Slots => requests.reduce(enqueue, NO_SLOTS);

test('eight at a time; the ninth hears for whom it waits and at which place', () => {
  const { slots, granted } = grant(askAll(Array.from({ length: 10 }, (_, n) => request(n))));
  expect(granted).toHaveLength(8);
  expect(ids(slots.queue)).toEqual(['db8', 'db9']);
  expect(placeOf(slots, request(8))).toBe(
    'a failover slot: 8 failover(s) of the instance are under way (db0, db1, db2, db3, db4, db5, db6, db7); it is next in line',
  );
  expect(placeOf(slots, request(9))).toContain('number 2 in line');
  expect(placeOf(slots, request(0))).toBeUndefined();
});

test('asked again with a new request: the place is kept, and the new one is answered', () => {
  const { slots } = grant(askAll([request(1, { limit: 1 }), request(2, { limit: 1 })]));
  const again = enqueue(enqueue(slots, request(1, { attempt: 2 })), request(2, { attempt: 3 }));
  expect(again.holders).toMatchObject([{ name: 'db1', attempt: 2 }]);
  expect(again.queue).toMatchObject([{ name: 'db2', attempt: 3 }]);
});

test('asking again keeps the place, a forced failover goes before planned ones, and behind other forced ones', () => {
  const slots = askAll([
    request(1),
    request(2),
    request(3, { forced: true }),
    request(4, { forced: true }),
    request(1),
  ]);
  expect(ids(slots.queue)).toEqual(['db3', 'db4', 'db1', 'db2']);
});

test('another run of the same workflow is another one: it has no slot of its predecessor', () => {
  const { slots } = grant(askAll([request(1)]));
  expect(hasSlot(slots, request(1))).toBe(true);
  expect(hasSlot(slots, request(1, { runId: 'later' }))).toBe(false);
  expect(release(slots, request(1, { runId: 'later' })).holders).toHaveLength(1);
});

test('who goes ahead counts: a planned one behind it waits for two to end', () => {
  const full = grant(askAll([request(1, { limit: 1 }), request(2, { limit: 1 })])).slots;
  const over = acquireUnconditionally(
    enqueue(full, request(3, { limit: 1, forced: true })),
    request(3, { limit: 1, forced: true }),
  );
  expect(ids(over.holders)).toEqual(['db1', 'db3']);
  const one = grant(release(over, request(1)));
  expect(one.granted).toEqual([]);
  expect(ids(grant(release(one.slots, request(3))).granted)).toEqual(['db2']);
});

type Move = { readonly kind: 'ask' | 'leave' | 'forced' | 'ahead'; readonly n: number };
const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom('ask', 'leave', 'forced', 'ahead'),
  n: fc.integer({ min: 0, max: 12 }),
});

function play(
  moves: readonly Move[],
  limit: number,
): { readonly slots: Slots; readonly ahead: ReadonlySet<string> } {
  let slots = NO_SLOTS;
  const ahead = new Set<string>();
  for (const { kind, n } of moves) {
    const asked = request(n, { limit, forced: kind === 'forced' || kind === 'ahead' });
    if (kind === 'leave') slots = release(slots, asked);
    else if (kind === 'ahead') slots = acquireUnconditionally(slots, asked);
    else slots = enqueue(slots, asked);
    if (kind === 'ahead') ahead.add(asked.workflowId);
    if (kind === 'leave') ahead.delete(asked.workflowId);
    slots = grant(slots).slots;
  }
  return { slots, ahead };
}

test('whatever happens: the limit holds but for those that go ahead, nobody stands twice, nobody is forgotten', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (moves, limit) => {
      const { slots, ahead } = play(moves, limit);
      expect(slots.holders.filter(({ workflowId }) => !ahead.has(workflowId)).length).toBeLessThanOrEqual(
        limit,
      );
      const all = [...slots.holders, ...slots.queue].map(({ workflowId }) => workflowId);
      expect(new Set(all).size).toBe(all.length);
      // A free slot is never kept while somebody waits.
      if (slots.queue.length > 0) expect(slots.holders.length).toBeGreaterThanOrEqual(limit);
      const waiting = moves.reduce((wanted, { kind, n }) => {
        if (kind === 'leave') wanted.delete(`link-${n}`);
        else wanted.add(`link-${n}`);
        return wanted;
      }, new Set<string>());
      expect(new Set(all)).toEqual(waiting);
    }),
  );
});

test('everybody who waits gets a slot once enough others have left', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      let { slots } = play(moves, 2);
      const waited = ids(slots.queue);
      const served: string[] = [];
      for (let round = 0; slots.queue.length > 0 && round < 100; round += 1) {
        const [first] = slots.holders;
        if (first !== undefined) slots = release(slots, first);
        const next = grant(slots);
        served.push(...ids(next.granted));
        slots = next.slots;
      }
      expect(served).toEqual(waited);
    }),
  );
});

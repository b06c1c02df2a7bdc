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

const turn = (n: number, parts: Partial<SlotRequest> = {}): SlotRequest => ({
  workflowId: `link-${n}`,
  runId: 'run',
  name: `db${n}`,
  database: `Db${n}`,
  limit: 8,
  forced: false,
  attempt: 1,
  ...parts,
});

const ids = (turns: readonly SlotRequest[]): readonly string[] => turns.map(({ name }) => name);
const askAll = (requests: readonly SlotRequest[]): Slots => requests.reduce(enqueue, NO_SLOTS);

test('eight at a time; the ninth hears for whom it waits and at which place', () => {
  const { turns, granted } = grant(askAll(Array.from({ length: 10 }, (_, n) => turn(n))));
  expect(granted).toHaveLength(8);
  expect(ids(turns.queue)).toEqual(['db8', 'db9']);
  expect(placeOf(turns, turn(8))).toBe(
    'its turn: 8 failover(s) of the instance are under way (db0, db1, db2, db3, db4, db5, db6, db7); it is next in line',
  );
  expect(placeOf(turns, turn(9))).toContain('number 2 in line');
  expect(placeOf(turns, turn(0))).toBeUndefined();
});

test('asked again with a new request: the place is kept, and the new one is answered', () => {
  const { turns } = grant(askAll([turn(1, { limit: 1 }), turn(2, { limit: 1 })]));
  const again = enqueue(enqueue(turns, turn(1, { attempt: 2 })), turn(2, { attempt: 3 }));
  expect(again.holders).toMatchObject([{ name: 'db1', attempt: 2 }]);
  expect(again.queue).toMatchObject([{ name: 'db2', attempt: 3 }]);
});

test('asking again keeps the place, a forced failover goes before planned ones, and behind other forced ones', () => {
  const turns = askAll([turn(1), turn(2), turn(3, { forced: true }), turn(4, { forced: true }), turn(1)]);
  expect(ids(turns.queue)).toEqual(['db3', 'db4', 'db1', 'db2']);
});

test('another run of the same workflow is another one: it has no turn of its predecessor', () => {
  const { turns } = grant(askAll([turn(1)]));
  expect(hasSlot(turns, turn(1))).toBe(true);
  expect(hasSlot(turns, turn(1, { runId: 'later' }))).toBe(false);
  expect(release(turns, turn(1, { runId: 'later' })).holders).toHaveLength(1);
});

test('who goes ahead counts: a planned one behind it waits for two to end', () => {
  const full = grant(askAll([turn(1, { limit: 1 }), turn(2, { limit: 1 })])).turns;
  const over = acquireUnconditionally(
    enqueue(full, turn(3, { limit: 1, forced: true })),
    turn(3, { limit: 1, forced: true }),
  );
  expect(ids(over.holders)).toEqual(['db1', 'db3']);
  const one = grant(release(over, turn(1)));
  expect(one.granted).toEqual([]);
  expect(ids(grant(release(one.turns, turn(3))).granted)).toEqual(['db2']);
});

type Move = { readonly kind: 'ask' | 'leave' | 'forced' | 'ahead'; readonly n: number };
const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom('ask', 'leave', 'forced', 'ahead'),
  n: fc.integer({ min: 0, max: 12 }),
});

function play(
  moves: readonly Move[],
  limit: number,
): { readonly turns: Slots; readonly ahead: ReadonlySet<string> } {
  let turns = NO_SLOTS;
  const ahead = new Set<string>();
  for (const { kind, n } of moves) {
    const request = turn(n, { limit, forced: kind === 'forced' || kind === 'ahead' });
    if (kind === 'leave') turns = release(turns, request);
    else if (kind === 'ahead') turns = acquireUnconditionally(turns, request);
    else turns = enqueue(turns, request);
    if (kind === 'ahead') ahead.add(request.workflowId);
    if (kind === 'leave') ahead.delete(request.workflowId);
    turns = grant(turns).turns;
  }
  return { turns, ahead };
}

test('whatever happens: the limit holds but for those that go ahead, nobody stands twice, nobody is forgotten', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (moves, limit) => {
      const { turns, ahead } = play(moves, limit);
      expect(turns.holders.filter(({ workflowId }) => !ahead.has(workflowId)).length).toBeLessThanOrEqual(
        limit,
      );
      const all = [...turns.holders, ...turns.queue].map(({ workflowId }) => workflowId);
      expect(new Set(all).size).toBe(all.length);
      // A free turn is never kept while somebody waits.
      if (turns.queue.length > 0) expect(turns.holders.length).toBeGreaterThanOrEqual(limit);
      const waiting = moves.reduce((wanted, { kind, n }) => {
        if (kind === 'leave') wanted.delete(`link-${n}`);
        else wanted.add(`link-${n}`);
        return wanted;
      }, new Set<string>());
      expect(new Set(all)).toEqual(waiting);
    }),
  );
});

test('everybody who waits gets a turn once enough others have left', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      let { turns } = play(moves, 2);
      const waited = ids(turns.queue);
      const served: string[] = [];
      for (let guard = 0; turns.queue.length > 0 && guard < 100; guard += 1) {
        const [first] = turns.holders;
        if (first !== undefined) turns = release(turns, first);
        const next = grant(turns);
        served.push(...ids(next.granted));
        turns = next.turns;
      }
      expect(served).toEqual(waited);
    }),
  );
});

/** Window functions: bound to slots, computed over all rows of a query level before it is projected. */
import { SqlError } from '../errors';
import type { CallExpression } from '../syntax/ast';
import type { SqlType, SqlValue } from '../types';
import { type HashKey, rowKey } from '../values/compare';
import { BIGINT, INT } from '../values/typing';
import { aggregateSlot, isAggregate, keyComparer } from './aggregate-slots';
import { accumulator, distinctAccumulator } from './aggregates';
import { coerce, compile } from './compile';
import type { CompileContext, Compiled, Grouping, WindowSlot } from './environment';
import type { Frame } from './frame';

const RANKING = new Set(['row_number', 'rank', 'dense_rank', 'ntile', 'percent_rank', 'cume_dist']);
const OFFSET = new Set(['lag', 'lead', 'first_value', 'last_value']);

export const isWindowOnly = (name: string): boolean => RANKING.has(name) || OFFSET.has(name);

/** @throws SqlError 4108 (outside SELECT and ORDER BY), 4109 (nested), 10753 and 4112 (missing OVER or ORDER BY) */
export function bindWindow(call: CallExpression, context: CompileContext): Compiled {
  const { grouping } = context;
  const name = call.name.object.toLowerCase();
  if (call.over === undefined) {
    throw new SqlError(10753, `The function '${name}' must have an OVER clause.`, { severity: 15 });
  }
  if (grouping === undefined) {
    throw new SqlError(4108, 'Windowed functions can only appear in the SELECT or ORDER BY clauses.', {
      severity: 15,
    });
  }
  if (grouping.insideWindow) {
    throw new SqlError(
      4109,
      'Windowed functions cannot be used in the context of another windowed function or aggregate.',
      { severity: 15 },
    );
  }
  if (isWindowOnly(name) && call.over.orderBy.length === 0) {
    throw new SqlError(4112, `The function '${name}' must have an OVER clause with ORDER BY.`, {
      severity: 15,
    });
  }
  const slot = windowSlot(call, name, { ...context, grouping: { ...grouping, insideWindow: true } });
  const index = grouping.windows.push(slot) - 1;
  return { type: slot.type, nullable: !RANKING.has(name), evaluate: (frame) => frame.windows[index] ?? null };
}

function windowSlot(
  call: CallExpression,
  name: string,
  context: CompileContext & { grouping: Grouping },
): WindowSlot {
  const over = call.over ?? { partitionBy: [], orderBy: [] };
  const args = call.args.map((argument) => compile(argument, context));
  return {
    call,
    args,
    partition: over.partitionBy.map((expression) => compile(expression, context)),
    order: over.orderBy.map((item) => ({
      value: compile(item.expression, context),
      descending: item.descending,
    })),
    type: windowType(call, name, args, context),
  };
}

function windowType(
  call: CallExpression,
  name: string,
  args: readonly Compiled[],
  context: CompileContext,
): SqlType {
  if (name === 'percent_rank' || name === 'cume_dist') return { kind: 'float' };
  if (RANKING.has(name)) return BIGINT;
  if (OFFSET.has(name)) return args[0]?.type ?? INT;
  if (!isAggregate(name) || name === 'string_agg') {
    throw new SqlError(
      10753,
      `The function '${name}' is not a valid windowing function, and cannot be used with the OVER clause.`,
      { severity: 15 },
    );
  }
  // The argument may hold aggregates of the group (SUM(COUNT(*)) OVER ()); their types are known by now.
  const typed = { ...call, over: undefined };
  const { over: _, ...plain } = typed;
  return context.grouping?.grouped === true ? groupedType(name, args) : aggregateSlot(plain, context).type;
}

function groupedType(name: string, args: readonly Compiled[]): SqlType {
  if (name === 'count') return INT;
  if (name === 'count_big') return BIGINT;
  return args[0]?.type ?? INT;
}

/** Fills frame.windows of every frame. */
export function computeWindows(slots: readonly WindowSlot[], frames: readonly Frame[]): void {
  const results = frames.map(() => new Array<SqlValue>(slots.length).fill(null));
  const position = new Map(frames.map((frame, index) => [frame, index]));
  slots.forEach((slot, slotIndex) => {
    for (const partition of partitions(slot, frames)) {
      const values = computePartition(slot, partition);
      partition.forEach(({ frame }, at) => {
        const target = results[position.get(frame) ?? 0];
        if (target !== undefined) target[slotIndex] = values[at] ?? null;
      });
    }
  });
  frames.forEach((frame, index) => {
    frame.windows = results[index] ?? [];
  });
}

interface Keyed {
  readonly frame: Frame;
  readonly keys: readonly SqlValue[];
}

function partitions(slot: WindowSlot, frames: readonly Frame[]): Keyed[][] {
  const groups = new Map<HashKey, Keyed[]>();
  for (const frame of frames) {
    const key = slot.partition.length === 0 ? '' : rowKey(slot.partition.map((item) => item.evaluate(frame)));
    const entry = { frame, keys: slot.order.map((item) => item.value.evaluate(frame)) };
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  const compare = keyComparer(slot.order);
  return [...groups.values()].map((group) => group.sort((a, b) => compare(a.keys, b.keys)));
}

function computePartition(slot: WindowSlot, rows: readonly Keyed[]): SqlValue[] {
  const name = slot.call.name.object.toLowerCase();
  if (RANKING.has(name)) return ranks(slot, name, rows);
  if (OFFSET.has(name)) return rows.map((_, at) => offsetValue(slot, name, rows, at));
  return windowAggregate(slot, name, rows);
}

function ranks(slot: WindowSlot, name: string, rows: readonly Keyed[]): SqlValue[] {
  const compare = keyComparer(slot.order);
  const buckets = name === 'ntile' ? Number(slot.args[0]?.evaluate(rows[0]?.frame ?? emptyFrame()) ?? 1) : 1;
  let rank = 0;
  let dense = 0;
  return rows.map((row, at) => {
    const before = rows[at - 1];
    if (before === undefined || compare(before.keys, row.keys) !== 0) {
      rank = at + 1;
      dense++;
    }
    switch (name) {
      case 'row_number':
        return BigInt(at + 1);
      case 'rank':
        return BigInt(rank);
      case 'dense_rank':
        return BigInt(dense);
      case 'ntile':
        return BigInt(bucketOf(at, rows.length, buckets));
      case 'percent_rank':
        return rows.length === 1 ? 0 : (rank - 1) / (rows.length - 1);
      default:
        return lastPeer(rows, at, compare) / rows.length;
    }
  });
}

const emptyFrame = (): Frame => ({ row: [], aggregates: [], windows: [], parent: undefined });

/** Larger buckets come first. */
function bucketOf(at: number, rows: number, buckets: number): number {
  const size = Math.floor(rows / buckets);
  const extra = rows % buckets;
  const head = extra * (size + 1);
  return at < head
    ? Math.floor(at / (size + 1)) + 1
    : extra + Math.floor((at - head) / Math.max(size, 1)) + 1;
}

type KeyCompare = (a: readonly SqlValue[], b: readonly SqlValue[]) => number;

/** One past the last row that is equal in order to the row at `at`. */
function lastPeer(rows: readonly Keyed[], at: number, compare: KeyCompare): number {
  let end = at + 1;
  const keys = rows[at]?.keys ?? [];
  while (end < rows.length && compare(rows[end]?.keys ?? [], keys) === 0) end++;
  return end;
}

function offsetValue(slot: WindowSlot, name: string, rows: readonly Keyed[], at: number): SqlValue {
  const own = rows[at]?.frame ?? emptyFrame();
  const [value, distance, fallback] = slot.args;
  if (value === undefined) return null;
  if (name === 'first_value' || name === 'last_value') {
    const [start, end] = frameBounds(slot, rows, at);
    const target = rows[name === 'first_value' ? start : end - 1];
    return target === undefined ? null : value.evaluate(target.frame);
  }
  const steps = Number(distance?.evaluate(own) ?? 1);
  const target = rows[name === 'lag' ? at - steps : at + steps];
  if (target !== undefined) return value.evaluate(target.frame);
  return fallback === undefined ? null : coerce(fallback, slot.type).evaluate(own);
}

/** Rows [start, end) of the window frame; the default is RANGE UNBOUNDED PRECEDING AND CURRENT ROW. */
function frameBounds(slot: WindowSlot, rows: readonly Keyed[], at: number): [number, number] {
  const frame = slot.call.over?.frame;
  if (slot.order.length === 0) return [0, rows.length];
  const compare = keyComparer(slot.order);
  if (frame === undefined) return [0, lastPeer(rows, at, compare)];
  const start = frame.start === undefined ? 0 : Math.max(0, at + frame.start);
  if (frame.end === undefined) return [start, rows.length];
  const end = frame.unit === 'range' ? lastPeer(rows, at, compare) : at + frame.end + 1;
  return [start, Math.min(rows.length, Math.max(end, 0))];
}

function windowAggregate(slot: WindowSlot, name: string, rows: readonly Keyed[]): SqlValue[] {
  const whole = slot.order.length === 0 ? aggregateRange(slot, name, rows, 0, rows.length) : undefined;
  return rows.map((_, at) => {
    if (whole !== undefined) return whole;
    const [start, end] = frameBounds(slot, rows, at);
    return aggregateRange(slot, name, rows, start, end);
  });
}

function aggregateRange(
  slot: WindowSlot,
  name: string,
  rows: readonly Keyed[],
  start: number,
  end: number,
): SqlValue {
  const [argument] = slot.args;
  if (argument === undefined) return name === 'count' ? end - start : BigInt(end - start);
  const plain = accumulator(name, argument.type, slot.type);
  const target = slot.call.distinct ? distinctAccumulator(plain) : plain;
  for (let at = start; at < end; at++) {
    const row = rows[at];
    const value = row === undefined ? null : argument.evaluate(row.frame);
    if (value !== null) target.add(value);
  }
  return target.result();
}

/** Parsed batches by text: drivers send the same few texts again and again. */

import type { Batch, Expression } from '../syntax/ast';
import { type HostParser, parseBatch } from '../syntax/batch';
import { Cursor } from '../syntax/cursor';
import { parseExpression } from '../syntax/expressions';
import { tokenize } from '../syntax/tokenizer';

class RecentlyUsed<T> {
  private readonly entries = new Map<string, T>();

  constructor(private readonly capacity: number) {}

  get(key: string): T | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.entries.set(key, value);
    if (this.entries.size <= this.capacity) return;
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }
}

/** Texts longer than this are parsed each time, so that the cache stays small. */
const LONGEST_TEXT = 20_000;

/** Batches without administrative statements mean the same for every session. */
const SHARED = new RecentlyUsed<Batch>(500);
const DEFAULTS = new RecentlyUsed<Expression>(200);

export class ParseCache {
  private readonly own = new RecentlyUsed<Batch>(50);

  constructor(private readonly host: HostParser) {}

  parse(sql: string): Batch {
    const known = SHARED.get(sql) ?? this.own.get(sql);
    if (known !== undefined) return known;
    const batch = parseBatch(sql, this.host);
    if (sql.length <= LONGEST_TEXT) (batch.administrative ? this.own : SHARED).set(sql, batch);
    return batch;
  }
}

/** Parses the stored text of a DEFAULT. */
export function parseDefaultExpression(text: string): Expression {
  const known = DEFAULTS.get(text);
  if (known !== undefined) return known;
  const expression = parseExpression(new Cursor(tokenize(text), text, parseExpression));
  DEFAULTS.set(text, expression);
  return expression;
}

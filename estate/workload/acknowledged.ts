/** A set of ids that mostly grows by one: kept as ranges, so that a million acknowledged rows cost nothing. */
export class IdRanges {
  /** Inclusive, ascending, not touching. */
  private readonly ranges: { from: number; to: number }[] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(id: number): void {
    const index = this.firstEndingAtOrAfter(id - 1);
    const range = this.ranges[index];
    if (range && range.from <= id && id <= range.to) return;
    this.count += 1;
    if (range?.to === id - 1) {
      range.to = id;
      const next = this.ranges[index + 1];
      if (next?.from === id + 1) {
        range.to = next.to;
        this.ranges.splice(index + 1, 1);
      }
      return;
    }
    if (range?.from === id + 1) range.from = id;
    else this.ranges.splice(index, 0, { from: id, to: id });
  }

  has(id: number): boolean {
    const range = this.ranges[this.firstEndingAtOrAfter(id)];
    return range !== undefined && range.from <= id;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (const { from, to } of this.ranges) for (let id = from; id <= to; id += 1) yield id;
  }

  /** Plain form, for files: pairs of first and last id. */
  toJSON(): readonly (readonly [number, number])[] {
    return this.ranges.map(({ from, to }) => [from, to]);
  }

  static from(pairs: readonly (readonly [number, number])[]): IdRanges {
    const set = new IdRanges();
    for (const [from, to] of pairs) for (let id = from; id <= to; id += 1) set.add(id);
    return set;
  }

  private firstEndingAtOrAfter(id: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ranges[middle]?.to ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

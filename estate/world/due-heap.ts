/** A binary heap of what falls due: the first by time, and by order of registration where times are equal. */
export interface Due {
  readonly due: number;
  readonly order: number;
}

const before = (a: Due, b: Due): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);

/** Puts one in its place. */
export function push<T extends Due>(heap: T[], timer: T): void {
  let index = heap.push(timer) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (!above || !before(timer, above)) break;
    heap[index] = above;
    heap[parent] = timer;
    index = parent;
  }
}

/** Takes the first one out; there must be one. */
export function pop<T extends Due>(heap: T[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let index = 0;
  heap[0] = last;
  for (;;) {
    let smallest = index;
    let winner = last;
    for (const child of [2 * index + 1, 2 * index + 2]) {
      const candidate = heap[child];
      if (candidate && before(candidate, winner)) {
        smallest = child;
        winner = candidate;
      }
    }
    if (smallest === index) return;
    heap[index] = winner;
    heap[smallest] = last;
    index = smallest;
  }
}

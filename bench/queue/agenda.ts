// What is to happen at which time, and a clock that goes from one of these times to the next.

export interface Agenda {
  /** In ms. */
  now(): number;
  at(time: number, work: () => void): void;
  after(ms: number, work: () => void): void;
  /** How much is to happen still. */
  size(): number;
  /** Goes through all of it, and through what that adds. */
  run(): void;
}

interface Entry {
  readonly time: number;
  /** Of two at one time the one that was noted first comes first. */
  readonly order: number;
  readonly work: () => void;
}

const isBefore = (one: Entry, other: Entry) =>
  one.time < other.time || (one.time === other.time && one.order < other.order);

export function createAgenda(): Agenda {
  const heap: Entry[] = [];
  let [now, order] = [0, 0];
  const swap = (one: number, other: number) => {
    [heap[one], heap[other]] = [heap[other]!, heap[one]!];
  };
  const rise = (index: number) => {
    for (let at = index; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!isBefore(heap[at]!, heap[above]!)) return;
      swap(at, above);
      at = above;
    }
  };
  const sink = () => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      if (left < heap.length && isBefore(heap[left]!, heap[first]!)) first = left;
      if (right < heap.length && isBefore(heap[right]!, heap[first]!)) first = right;
      if (first === at) return;
      swap(at, first);
      at = first;
    }
  };
  const at = (time: number, work: () => void) => {
    heap.push({ time, order: order++, work });
    rise(heap.length - 1);
  };
  return {
    now: () => now,
    at,
    after: (ms, work) => at(now + ms, work),
    size: () => heap.length,
    run: () => {
      while (heap.length > 0) {
        const { time, work } = heap[0]!;
        const last = heap.pop()!;
        if (heap.length > 0) {
          heap[0] = last;
          sink();
        }
        now = time;
        work();
      }
    },
  };
}

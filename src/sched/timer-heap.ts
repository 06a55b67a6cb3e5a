/**
 * The armed timers: a 4-ary heap of fibers keyed by (deadline, order of arming), with removal by fiber.
 *
 * Invariant: the comparator is total, since no two timers share an arming sequence, so the firing order is decided by the key
 * alone and never by the shape of the heap. Each fiber has at most one timer (it is parked while it has one). Every operation
 * is O(log n). Implements SPEC T2 and the eviction of F4.
 */
export class TimerHeap {
  /** Deadlines in virtual milliseconds, by fiber; meaningful only while the fiber has a timer. */
  #deadlineMs = new Float64Array(64);
  #sequence = new Float64Array(64);
  /** Where the fiber stands in the heap, or -1. */
  #position = new Int32Array(64).fill(-1);
  #heap = new Int32Array(64);
  #armed = 0;
  /** How many timers are armed. */
  length = 0;

  /** Makes room for fibers 0 to capacity - 1. */
  reserve(capacity: number): void {
    this.#deadlineMs = grown(this.#deadlineMs, capacity);
    this.#sequence = grown(this.#sequence, capacity);
    this.#heap = grownInts(this.#heap, capacity, 0);
    this.#position = grownInts(this.#position, capacity, -1);
  }

  has(fiber: number): boolean {
    return this.#position[fiber]! >= 0;
  }

  /** The fiber's deadline; only while `has(fiber)` or right after it was removed. */
  deadlineMsOf(fiber: number): number {
    return this.#deadlineMs[fiber]!;
  }

  /** Arms the fiber's one timer. Only for a fiber that has none. */
  arm(fiber: number, deadlineMs: number): void {
    this.#deadlineMs[fiber] = deadlineMs;
    this.#sequence[fiber] = this.#armed++;
    this.#siftUp(this.length++, fiber);
  }

  /** Removes and returns the fiber whose timer fires next, or -1. */
  popEarliest(): number {
    if (this.length === 0) return -1;
    const fiber = this.#heap[0]!;
    this.remove(fiber);
    return fiber;
  }

  /** Removes the fiber's timer. Only while `has(fiber)`. */
  remove(fiber: number): void {
    const hole = this.#position[fiber]!;
    this.#position[fiber] = -1;
    const last = this.#heap[--this.length]!;
    if (last === fiber) return;
    if (hole > 0 && this.#before(last, this.#heap[(hole - 1) >> 2]!)) this.#siftUp(hole, last);
    else this.#siftDown(hole, last);
  }

  /** Drops every timer and starts the arming order anew. */
  clear(): void {
    for (let i = 0; i < this.length; i++) this.#position[this.#heap[i]!] = -1;
    this.length = 0;
    this.#armed = 0;
  }

  /** The fibers with a timer, in the order in which they would fire. A copy. */
  toArray(): number[] {
    return Array.from(this.#heap.subarray(0, this.length)).sort((a, b) => (this.#before(a, b) ? -1 : 1));
  }

  /** Ties are defined here and nowhere else: by deadline, then by order of arming (T2). */
  #before(a: number, b: number): boolean {
    const deltaMs = this.#deadlineMs[a]! - this.#deadlineMs[b]!;
    return deltaMs < 0 || (deltaMs === 0 && this.#sequence[a]! < this.#sequence[b]!);
  }

  #siftUp(from: number, fiber: number): void {
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const above = this.#heap[parent]!;
      if (!this.#before(fiber, above)) break;
      this.#place(hole, above);
      hole = parent;
    }
    this.#place(hole, fiber);
  }

  #siftDown(from: number, fiber: number): void {
    let hole = from;
    for (;;) {
      const first = hole * 4 + 1;
      if (first >= this.length) break;
      const end = Math.min(first + 4, this.length);
      let best = first;
      for (let child = first + 1; child < end; child++) {
        if (this.#before(this.#heap[child]!, this.#heap[best]!)) best = child;
      }
      if (!this.#before(this.#heap[best]!, fiber)) break;
      this.#place(hole, this.#heap[best]!);
      hole = best;
    }
    this.#place(hole, fiber);
  }

  #place(position: number, fiber: number): void {
    this.#heap[position] = fiber;
    this.#position[fiber] = position;
  }
}

function grown(array: Float64Array<ArrayBuffer>, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(array);
  return larger;
}

function grownInts(
  array: Int32Array<ArrayBuffer>,
  capacity: number,
  filler: number,
): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity).fill(filler);
  larger.set(array);
  return larger;
}

/**
 * The FIFO ready queue of fibers: a ring of fiber ids that doubles when it is full.
 *
 * Invariant: a fiber stands in it at most once (the scheduler appends only on spawn, wake and yield, and each requires that the
 * fiber is not queued), so its length never exceeds the number of live fibers. Implements the queue of SPEC F1, F2 and F4.
 */
export class ReadyQueue {
  #ring = new Int32Array(64);
  #mask = 63;
  #head = 0;
  /** How many fibers are queued. */
  length = 0;

  /** Appends at the tail, in O(1) amortised. */
  push(fiber: number): void {
    if (this.length > this.#mask) this.#grow();
    this.#ring[(this.#head + this.length) & this.#mask] = fiber;
    this.length++;
  }

  /** Removes the head. Only for a queue that is not empty. */
  shift(): number {
    const fiber = this.#ring[this.#head]!;
    this.#head = (this.#head + 1) & this.#mask;
    this.length--;
    return fiber;
  }

  clear(): void {
    this.#head = 0;
    this.length = 0;
  }

  /** The queued fibers, head first. A copy. */
  toArray(): number[] {
    return Array.from({ length: this.length }, (_, i) => this.#ring[(this.#head + i) & this.#mask]!);
  }

  #grow(): void {
    const grown = new Int32Array(this.#ring.length * 2);
    grown.set(this.toArray());
    this.#ring = grown;
    this.#mask = grown.length - 1;
    this.#head = 0;
  }
}

/**
 * The kernel's half of the model: pipes, and Linux's epoll over their read ends (SPEC I3).
 *
 * Epoll keeps a ready list. An entry is appended when a readable end is registered, or by the write or close that makes a
 * registered end readable; it keeps its place until a wait looks at it, even if the pipe is drained and filled again; a wait drops
 * the entries that it finds unreadable and delivers the first 16 others. The list is linked through the pipes, so that every
 * operation but a wait is O(1). Bytes are counted, not stored: what a byte holds follows from its position (SPEC section 3).
 */

/** Most events that one wait delivers (MAXEV, I2). */
export const EVENTS_MAX = 16;

/** The most bytes that a program may leave in a pipe (SPEC section 3, `write`). */
const PIPE_BYTES_MAX = 4096;

/** Results of `write` and `read` that are not a count. */
export const PipeResult = { closed: -1, full: -2, broken: -3, empty: -4 } as const;

export type PipeEndIndex = 0 | 1;
export const READ_END = 0;
export const WRITE_END = 1;

const NONE = -1;

/** Fd numbers of SPEC section 3: the read end of pipe i is 100 + 2i, its write end 101 + 2i. */
export function readFdOf(pipe: number): number {
  return 100 + 2 * pipe;
}

/**
 * A pipe's words: bytes in it; which ends are open (bit 0: read, bit 1: write); whether its read end is registered, and in the ready list;
 * its neighbours there.
 */
const ROW_SHIFT = 3;
const Row = { bytes: 0, open: 1, registered: 2, listed: 3, previous: 4, next: 5 } as const;

// What a module exports is looked up at each use; constants that it keeps to itself are compiled in.
const Result = PipeResult;
const BYTES_MAX = PIPE_BYTES_MAX;
const DELIVERED_MAX = EVENTS_MAX;

export class PipeTable {
  /** A row of words a pipe: see below. */
  #rows = new Int32Array(0);
  #head = NONE;
  #tail = NONE;
  /** How many pipes there are: numbers 0 to count - 1. */
  count = 0;

  /** Drops everything and opens `count` empty pipes. */
  reset(count: number): void {
    if (count << ROW_SHIFT > this.#rows.length) this.#rows = new Int32Array(count << ROW_SHIFT);
    this.count = count;
    const rows = this.#rows;
    for (let pipe = 0; pipe < count; pipe++) {
      const row = pipe << ROW_SHIFT;
      rows[row + Row.bytes] = 0;
      rows[row + Row.open] = 3;
      rows[row + Row.registered] = 0;
      rows[row + Row.listed] = 0;
    }
    this.#head = NONE;
    this.#tail = NONE;
  }

  bytesIn(pipe: number): number {
    return this.#rows[(pipe << ROW_SHIFT) + Row.bytes]!;
  }

  isOpen(pipe: number, end: PipeEndIndex): boolean {
    return (this.#rows[(pipe << ROW_SHIFT) + Row.open]! & (1 << end)) !== 0;
  }

  /** Readable as poll(2) says it: bytes in it, or end of file. A closed read end is not. */
  isReadable(pipe: number): boolean {
    const open = this.#rows[(pipe << ROW_SHIFT) + Row.open]!;
    return (open & 1) !== 0 && (this.#rows[(pipe << ROW_SHIFT) + Row.bytes]! > 0 || (open & 2) === 0);
  }

  /** Writes all bytes: their count, or `closed`, `full` or `broken`. */
  write(pipe: number, bytes: number): number {
    const open = this.#rows[(pipe << ROW_SHIFT) + Row.open]!;
    if ((open & 2) === 0) return Result.closed;
    if ((open & 1) === 0) return Result.broken;
    if (this.#rows[(pipe << ROW_SHIFT) + Row.bytes]! + bytes > BYTES_MAX) return Result.full;
    this.#rows[(pipe << ROW_SHIFT) + Row.bytes] = this.#rows[(pipe << ROW_SHIFT) + Row.bytes]! + bytes;
    this.#becameReadable(pipe);
    return bytes;
  }

  /** Reads at most `bytes`: their count, 0 at end of file, or `empty` or `closed`. */
  read(pipe: number, bytes: number): number {
    const open = this.#rows[(pipe << ROW_SHIFT) + Row.open]!;
    if ((open & 1) === 0) return Result.closed;
    const held = this.#rows[(pipe << ROW_SHIFT) + Row.bytes]!;
    if (held === 0) return (open & 2) === 0 ? 0 : Result.empty;
    const count = Math.min(held, bytes);
    this.#rows[(pipe << ROW_SHIFT) + Row.bytes] = held - count;
    return count;
  }

  /** Closes one end; false if it was closed already. Closing the read end takes its registration with it. */
  close(pipe: number, end: PipeEndIndex): boolean {
    if (!this.isOpen(pipe, end)) return false;
    this.#rows[(pipe << ROW_SHIFT) + Row.open] = this.#rows[(pipe << ROW_SHIFT) + Row.open]! & ~(1 << end);
    if (end === READ_END) this.deregister(pipe);
    else this.#becameReadable(pipe);
    return true;
  }

  /**
   * Registers the read end, one-shot; false (EBADF) if it is closed or there is no such pipe. A registration that is there already is taken
   * over, in the place that it has.
   */
  register(pipe: number): boolean {
    if (pipe < 0 || pipe >= this.count || !this.isOpen(pipe, READ_END)) return false;
    this.#rows[(pipe << ROW_SHIFT) + Row.registered] = 1;
    if (this.isReadable(pipe)) this.#becameReadable(pipe);
    return true;
  }

  /** Removes the registration and its entry in the ready list, if there are any. */
  deregister(pipe: number): void {
    this.#rows[(pipe << ROW_SHIFT) + Row.registered] = 0;
    if (this.#rows[(pipe << ROW_SHIFT) + Row.listed] === 1) this.#unlink(pipe);
  }

  /**
   * Looks at the ready list from its head: writes the first readable pipes, at most EVENTS_MAX, to `delivered` and drops the entries
   * that are not readable on the way. Returns how many were delivered; the rest keep their places.
   */
  wait(delivered: Int32Array): number {
    let count = 0;
    let pipe = this.#head;
    while (pipe !== NONE && count < DELIVERED_MAX) {
      const next = this.#rows[(pipe << ROW_SHIFT) + Row.next]!;
      this.#unlink(pipe);
      if (this.isReadable(pipe)) delivered[count++] = pipe;
      pipe = next;
    }
    return count;
  }

  /** The ready list, head first, entries included that a wait would drop. A copy. */
  readyList(): number[] {
    const list: number[] = [];
    for (let pipe = this.#head; pipe !== NONE; pipe = this.#rows[(pipe << ROW_SHIFT) + Row.next]!)
      list.push(pipe);
    return list;
  }

  isRegistered(pipe: number): boolean {
    return this.#rows[(pipe << ROW_SHIFT) + Row.registered] === 1;
  }

  #becameReadable(pipe: number): void {
    if (
      this.#rows[(pipe << ROW_SHIFT) + Row.registered] === 1 &&
      this.#rows[(pipe << ROW_SHIFT) + Row.listed] === 0
    )
      this.#append(pipe);
  }

  #append(pipe: number): void {
    this.#rows[(pipe << ROW_SHIFT) + Row.listed] = 1;
    this.#rows[(pipe << ROW_SHIFT) + Row.next] = NONE;
    this.#rows[(pipe << ROW_SHIFT) + Row.previous] = this.#tail;
    if (this.#tail === NONE) this.#head = pipe;
    else this.#rows[(this.#tail << ROW_SHIFT) + Row.next] = pipe;
    this.#tail = pipe;
  }

  #unlink(pipe: number): void {
    const previous = this.#rows[(pipe << ROW_SHIFT) + Row.previous]!;
    const next = this.#rows[(pipe << ROW_SHIFT) + Row.next]!;
    if (previous === NONE) this.#head = next;
    else this.#rows[(previous << ROW_SHIFT) + Row.next] = next;
    if (next === NONE) this.#tail = previous;
    else this.#rows[(next << ROW_SHIFT) + Row.previous] = previous;
    this.#rows[(pipe << ROW_SHIFT) + Row.listed] = 0;
  }
}

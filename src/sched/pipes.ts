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

export class PipeTable {
  #bytes = new Int32Array(0);
  /** Bit 0: the read end is open; bit 1: the write end is. */
  #open = new Uint8Array(0);
  #registered = new Uint8Array(0);
  #listed = new Uint8Array(0);
  #previous = new Int32Array(0);
  #next = new Int32Array(0);
  #head = NONE;
  #tail = NONE;
  /** How many pipes there are: numbers 0 to count - 1. */
  count = 0;

  /** Drops everything and opens `count` empty pipes. */
  reset(count: number): void {
    if (count > this.#bytes.length) {
      this.#bytes = new Int32Array(count);
      this.#open = new Uint8Array(count);
      this.#registered = new Uint8Array(count);
      this.#listed = new Uint8Array(count);
      this.#previous = new Int32Array(count);
      this.#next = new Int32Array(count);
    }
    this.count = count;
    this.#bytes.fill(0, 0, count);
    this.#open.fill(3, 0, count);
    this.#registered.fill(0, 0, count);
    this.#listed.fill(0, 0, count);
    this.#head = NONE;
    this.#tail = NONE;
  }

  bytesIn(pipe: number): number {
    return this.#bytes[pipe]!;
  }

  isOpen(pipe: number, end: PipeEndIndex): boolean {
    return (this.#open[pipe]! & (1 << end)) !== 0;
  }

  /** Readable as poll(2) says it: bytes in it, or end of file. A closed read end is not. */
  isReadable(pipe: number): boolean {
    const open = this.#open[pipe]!;
    return (open & 1) !== 0 && (this.#bytes[pipe]! > 0 || (open & 2) === 0);
  }

  /** Writes all bytes: their count, or `closed`, `full` or `broken`. */
  write(pipe: number, bytes: number): number {
    const open = this.#open[pipe]!;
    if ((open & 2) === 0) return PipeResult.closed;
    if ((open & 1) === 0) return PipeResult.broken;
    if (this.#bytes[pipe]! + bytes > PIPE_BYTES_MAX) return PipeResult.full;
    this.#bytes[pipe] = this.#bytes[pipe]! + bytes;
    this.#becameReadable(pipe);
    return bytes;
  }

  /** Reads at most `bytes`: their count, 0 at end of file, or `empty` or `closed`. */
  read(pipe: number, bytes: number): number {
    const open = this.#open[pipe]!;
    if ((open & 1) === 0) return PipeResult.closed;
    const held = this.#bytes[pipe]!;
    if (held === 0) return (open & 2) === 0 ? 0 : PipeResult.empty;
    const count = Math.min(held, bytes);
    this.#bytes[pipe] = held - count;
    return count;
  }

  /** Closes one end; false if it was closed already. Closing the read end takes its registration with it. */
  close(pipe: number, end: PipeEndIndex): boolean {
    if (!this.isOpen(pipe, end)) return false;
    this.#open[pipe] = this.#open[pipe]! & ~(1 << end);
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
    this.#registered[pipe] = 1;
    if (this.isReadable(pipe)) this.#becameReadable(pipe);
    return true;
  }

  /** Removes the registration and its entry in the ready list, if there are any. */
  deregister(pipe: number): void {
    this.#registered[pipe] = 0;
    if (this.#listed[pipe] === 1) this.#unlink(pipe);
  }

  /**
   * Looks at the ready list from its head: writes the first readable pipes, at most EVENTS_MAX, to `delivered` and drops the entries
   * that are not readable on the way. Returns how many were delivered; the rest keep their places.
   */
  wait(delivered: Int32Array): number {
    let count = 0;
    let pipe = this.#head;
    while (pipe !== NONE && count < EVENTS_MAX) {
      const next = this.#next[pipe]!;
      this.#unlink(pipe);
      if (this.isReadable(pipe)) delivered[count++] = pipe;
      pipe = next;
    }
    return count;
  }

  /** The ready list, head first, entries included that a wait would drop. A copy. */
  readyList(): number[] {
    const list: number[] = [];
    for (let pipe = this.#head; pipe !== NONE; pipe = this.#next[pipe]!) list.push(pipe);
    return list;
  }

  isRegistered(pipe: number): boolean {
    return this.#registered[pipe] === 1;
  }

  #becameReadable(pipe: number): void {
    if (this.#registered[pipe] === 1 && this.#listed[pipe] === 0) this.#append(pipe);
  }

  #append(pipe: number): void {
    this.#listed[pipe] = 1;
    this.#next[pipe] = NONE;
    this.#previous[pipe] = this.#tail;
    if (this.#tail === NONE) this.#head = pipe;
    else this.#next[this.#tail] = pipe;
    this.#tail = pipe;
  }

  #unlink(pipe: number): void {
    const previous = this.#previous[pipe]!;
    const next = this.#next[pipe]!;
    if (previous === NONE) this.#head = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tail = previous;
    else this.#previous[next] = previous;
    this.#listed[pipe] = 0;
  }
}

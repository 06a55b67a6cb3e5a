/**
 * Writes encoded traces, one after the other, into one growing array of words (docs/encoding.md).
 *
 * Invariant: before each record there is room for the longest one, so that the writes themselves check nothing. The same check serves
 * `watch`: when the position comes to a watched one, a callback sees the model's state right before that record. Implements
 * the encoding of SPEC section 4; `trace_writer.c` writes the same bytes.
 */
import {
  HEADER_CLOCK_BIT,
  HEADER_RESULT_SHIFT,
  HEADER_WHO_SHIFT,
  highWord,
  lowWord,
  OutcomeCode,
  RecordKind,
  ResultCode,
} from "./encoding.js";

// What other modules export is looked up at each use; constants of this one are compiled in.
const CLOCK_BIT = HEADER_CLOCK_BIT;
const WHO_SHIFT = HEADER_WHO_SHIFT;
/** A position that no trace comes to. */
const NEVER = 0x7fffffff;
const RET_VALUE = RecordKind.ret | (ResultCode.value << HEADER_RESULT_SHIFT);
const RET_RAN = RecordKind.ret | (ResultCode.ran << HEADER_RESULT_SHIFT);

/** No record but the outcome is longer than this, in words. */
const RECORD_WORDS_MAX = 16;

export class TraceWriter {
  words = new Int32Array(1 << 16);
  /** End of what is written, in words. */
  position = 0;
  /** Where the next record makes `#pause` look: no room left, or a watched position; -1 when the clock has moved. */
  #pauseAt = this.words.length - RECORD_WORDS_MAX;
  #clockMs = 0;
  /** Whether the clock has moved since the last record. */
  #isClockDue = false;
  #watchAt = NEVER;
  #onWatch: () => void = () => {};

  /** Starts the first trace of a batch. */
  clear(): void {
    this.position = 0;
    this.#watchAt = NEVER;
    this.#setPause();
  }

  /** Starts a trace: its clock counts from 0. */
  startTrace(): void {
    this.#clockMs = 0;
    this.#isClockDue = false;
    this.#setPause();
  }

  /** What the clock shows from the next record on. Called wherever it may have moved. */
  setClock(clockMs: number): void {
    if (clockMs === this.#clockMs) return;
    this.#clockMs = clockMs;
    this.#isClockDue = true;
    this.#pauseAt = -1;
  }

  /** Calls `onWatch` once, right before the record that starts at `position` or later is written. */
  watch(position: number, onWatch: () => void): void {
    this.#watchAt = position;
    this.#onWatch = onWatch;
    this.#setPause();
  }

  /** A begin or an end: a header alone. */
  edge(header: number): void {
    const { position } = this;
    if (position >= this.#pauseAt) {
      this.#slowHeader(header);
      return;
    }
    this.words[position] = header;
    this.position = position + 1;
  }

  /** A call, or a ret whose result is a word or none: a header and the op's number. */
  op(header: number, at: number): void {
    const { position } = this;
    if (position >= this.#pauseAt) {
      this.#slowHeader(header);
      this.words[this.position++] = at;
      return;
    }
    const { words } = this;
    words[position] = header;
    words[position + 1] = at;
    this.position = position + 2;
  }

  /** A ret whose result is a value or a count. */
  retValue(who: number, at: number, low: number, high: number): void {
    this.op(RET_VALUE | (who << WHO_SHIFT), at);
    const { position, words } = this;
    words[position] = low;
    words[position + 1] = high;
    this.position = position + 2;
  }

  /** The ret of `run`. */
  retRan(who: number, at: number, clockMs: number, spawned: number, suspended: number): void {
    this.op(RET_RAN | (who << WHO_SHIFT), at);
    this.#long(clockMs);
    this.#long(spawned);
    this.#long(suspended);
  }

  completed(): void {
    this.#outcome(OutcomeCode.completed, 0);
  }

  panicked(message: string): void {
    const encoded = encodedMessage(message);
    this.#outcome(OutcomeCode.panic, 0);
    this.#reserve(encoded.length);
    let { position } = this;
    for (let i = 0; i < encoded.length; i++) this.words[position++] = encoded[i]!;
    this.position = position;
  }

  stackOverflowed(who: number): void {
    this.#outcome(OutcomeCode.stackOverflow, who);
  }

  /** `waiting`: body and pipe of each waiter, in order of arming. */
  hung(waiting: readonly (readonly [number, number])[]): void {
    this.#outcome(OutcomeCode.ioHang, 0);
    this.#reserve(1 + 2 * waiting.length);
    this.words[this.position++] = waiting.length;
    for (const [who, pipe] of waiting) {
      this.words[this.position++] = who;
      this.words[this.position++] = pipe;
    }
  }

  #outcome(outcome: number, who: number): void {
    this.edge(RecordKind.outcome | (outcome << HEADER_RESULT_SHIFT) | (who << WHO_SHIFT));
  }

  /** Writes a header after the pause that is due before it, and the clock behind it where that has moved. */
  #slowHeader(header: number): void {
    this.#pause();
    if (!this.#isClockDue) {
      this.words[this.position++] = header;
      return;
    }
    this.#isClockDue = false;
    this.words[this.position++] = header | CLOCK_BIT;
    this.#long(this.#clockMs);
    this.#setPause();
  }

  #long(value: number): void {
    this.words[this.position++] = lowWord(value);
    this.words[this.position++] = highWord(value);
  }

  #pause(): void {
    if (this.position >= this.#watchAt) {
      this.#watchAt = NEVER;
      this.#onWatch();
    }
    this.#reserve(RECORD_WORDS_MAX);
    this.#setPause();
  }

  #reserve(wordCount: number): void {
    if (this.position + wordCount <= this.words.length) return;
    const grown = new Int32Array(Math.max(this.words.length * 2, this.position + wordCount));
    grown.set(this.words);
    this.words = grown;
    this.#setPause();
  }

  #setPause(): void {
    this.#pauseAt = this.#isClockDue ? -1 : Math.min(this.words.length - RECORD_WORDS_MAX, this.#watchAt);
  }
}

/** Messages repeat: a campaign ends every fifth program with one of a few dozen. Kept up to a bound, then forgotten together. */
const messages = new Map<string, Int32Array>();
const MESSAGES_MAX = 1000;

/** The payload of a panic: length in bytes, then the UTF-8 bytes padded to whole words. */
function encodedMessage(message: string): Int32Array {
  let words = messages.get(message);
  if (words === undefined) {
    const bytes = new TextEncoder().encode(message);
    words = new Int32Array(1 + Math.ceil(bytes.length / 4));
    words[0] = bytes.length;
    new Uint8Array(words.buffer, 4).set(bytes);
    if (messages.size >= MESSAGES_MAX) messages.clear();
    messages.set(message, words);
  }
  return words;
}

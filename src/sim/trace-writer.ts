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

/** No record but the outcome is longer than this, in words. */
const RECORD_WORDS_MAX = 16;

export class TraceWriter {
  words = new Int32Array(1 << 16);
  /** End of what is written, in words. */
  position = 0;
  /** Where the next record makes `#pause` look: no room left, or a watched position. */
  #pauseAt = this.words.length - RECORD_WORDS_MAX;
  #clockMs = 0;
  #watchAt = Number.POSITIVE_INFINITY;
  #onWatch: () => void = () => {};

  /** Starts the first trace of a batch. */
  clear(): void {
    this.position = 0;
    this.#watchAt = Number.POSITIVE_INFINITY;
    this.#setPause();
  }

  /** Starts a trace: its clock counts from 0. */
  startTrace(): void {
    this.#clockMs = 0;
  }

  /** Calls `onWatch` once, right before the record that starts at `position` or later is written. */
  watch(position: number, onWatch: () => void): void {
    this.#watchAt = position;
    this.#onWatch = onWatch;
    this.#setPause();
  }

  begin(who: number, clockMs: number): void {
    this.#header(RecordKind.begin | (who << HEADER_WHO_SHIFT), clockMs);
  }

  end(who: number, clockMs: number): void {
    this.#header(RecordKind.end | (who << HEADER_WHO_SHIFT), clockMs);
  }

  call(who: number, at: number, clockMs: number): void {
    this.#header(RecordKind.call | (who << HEADER_WHO_SHIFT), clockMs);
    this.words[this.position++] = at;
  }

  /** A ret whose result is a word, or none: any of `ResultCode` but value and ran. */
  ret(who: number, at: number, clockMs: number, result: number): void {
    this.#header(RecordKind.ret | (result << HEADER_RESULT_SHIFT) | (who << HEADER_WHO_SHIFT), clockMs);
    this.words[this.position++] = at;
  }

  /** A ret whose result is a value or a count. */
  retValue(who: number, at: number, clockMs: number, low: number, high: number): void {
    this.ret(who, at, clockMs, ResultCode.value);
    this.words[this.position++] = low;
    this.words[this.position++] = high;
  }

  /** The ret of `run`. */
  retRan(who: number, at: number, clockMs: number, spawned: number, suspended: number): void {
    this.ret(who, at, clockMs, ResultCode.ran);
    this.#long(clockMs);
    this.#long(spawned);
    this.#long(suspended);
  }

  completed(clockMs: number): void {
    this.#outcome(OutcomeCode.completed, 0, clockMs);
  }

  panicked(clockMs: number, message: string): void {
    const encoded = encodedMessage(message);
    this.#outcome(OutcomeCode.panic, 0, clockMs);
    this.#reserve(encoded.length);
    this.words.set(encoded, this.position);
    this.position += encoded.length;
  }

  stackOverflowed(who: number, clockMs: number): void {
    this.#outcome(OutcomeCode.stackOverflow, who, clockMs);
  }

  /** `waiting`: body and pipe of each waiter, in order of arming. */
  hung(clockMs: number, waiting: readonly (readonly [number, number])[]): void {
    this.#outcome(OutcomeCode.ioHang, 0, clockMs);
    this.#reserve(1 + 2 * waiting.length);
    this.words[this.position++] = waiting.length;
    for (const [who, pipe] of waiting) {
      this.words[this.position++] = who;
      this.words[this.position++] = pipe;
    }
  }

  #outcome(outcome: number, who: number, clockMs: number): void {
    this.#header(RecordKind.outcome | (outcome << HEADER_RESULT_SHIFT) | (who << HEADER_WHO_SHIFT), clockMs);
  }

  #header(header: number, clockMs: number): void {
    if (this.position >= this.#pauseAt) this.#pause();
    if (clockMs === this.#clockMs) {
      this.words[this.position++] = header;
    } else {
      this.#clockMs = clockMs;
      this.words[this.position++] = header | HEADER_CLOCK_BIT;
      this.#long(clockMs);
    }
  }

  #long(value: number): void {
    this.words[this.position++] = lowWord(value);
    this.words[this.position++] = highWord(value);
  }

  #pause(): void {
    if (this.position >= this.#watchAt) {
      this.#watchAt = Number.POSITIVE_INFINITY;
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
    this.#pauseAt = Math.min(this.words.length - RECORD_WORDS_MAX, this.#watchAt);
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

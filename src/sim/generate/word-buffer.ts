/** A growing array of words that encoded programs are written into, one after the other (docs/encoding.md). */
export class WordBuffer {
  words = new Int32Array(1 << 14);
  /** End of what is written. */
  position = 0;

  /** Makes room for `count` words from the position on. */
  reserve(count: number): void {
    if (this.position + count <= this.words.length) return;
    const grown = new Int32Array(Math.max(this.words.length * 2, this.position + count));
    grown.set(this.words);
    this.words = grown;
  }
}

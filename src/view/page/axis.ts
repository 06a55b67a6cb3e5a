/**
 * Where each record stands from left to right: one column a record, however many share an instant, and a gap wherever the clock goes on.
 *
 * So virtual time runs to the right and the events of one instant stand side by side instead of on top of each other. Both directions cost
 * O(log records) at most.
 */
import type { PageSide } from "./page-model.js";

export const COLUMN_PX_MIN = 3;
export const COLUMN_PX_MAX = 48;

/** A gap is as wide as the label of its time needs, whatever the zoom. */
const GAP_PX = 44;

export class Axis {
  readonly recordCount: number;
  /** Width of a record's column in CSS pixels. */
  columnPx = 20;
  /** Gaps before and at each record. */
  readonly #gaps: Int32Array;

  constructor(sides: readonly PageSide[], recordCount: number) {
    this.recordCount = recordCount;
    this.#gaps = new Int32Array(recordCount + 1);
    let gaps = 0;
    for (let record = 0; record < recordCount; record++) {
      const moves = sides.some(
        ({ table }) =>
          record < table.count && record > 0 && table.clockMs[record] !== table.clockMs[record - 1],
      );
      if (moves) gaps++;
      this.#gaps[record] = gaps;
    }
    this.#gaps[recordCount] = gaps;
  }

  /** Left edge of a record's column; of `recordCount` the right end of the last. */
  x(record: number): number {
    return record * this.columnPx + this.#gaps[record]! * GAP_PX;
  }

  /** Right edge of the column of the record before: where what it leads to begins. */
  endBefore(record: number): number {
    return record === 0 ? 0 : this.x(record - 1) + this.columnPx;
  }

  /** Whether the clock moves right before the record. */
  hasGap(record: number): boolean {
    return record > 0 && this.#gaps[record] !== this.#gaps[record - 1];
  }

  get width(): number {
    return this.x(this.recordCount);
  }

  /** The record whose column, or the gap before it, holds x. */
  recordAt(x: number): number {
    let [low, high] = [0, this.recordCount - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.x(middle) <= x) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

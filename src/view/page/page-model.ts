/**
 * The page's data, worked out: decoded traces, their time lines, and the model's state at any record.
 *
 * The state is not shipped: the page holds the model itself and replays the program up to the record that is asked for, so that what is
 * shown is the scheduler's own answer. One interpreter serves all questions.
 */
import { type PlacedRecord, TraceDecoder } from "../../sim/decode-trace.js";
import { bodyNamesOf, bodyOpsOf, encodeProgram } from "../../sim/encode-program.js";
import { ProgramOps } from "../../sim/forensics/program-ops.js";
import { Interpreter } from "../../sim/interpreter.js";
import { type NamedSnapshot, namedSnapshot } from "../../sim/named-snapshot.js";
import { RecordTable } from "../../sim/record-table.js";
import { TraceText } from "../../sim/trace-text.js";
import { type Timeline, timelineOf } from "../timeline.js";
import type { ViewData, ViewDivergence, ViewSide } from "../view-data.js";

export interface PageSide {
  readonly on: string;
  readonly table: RecordTable;
  readonly timeline: Timeline;
  readonly records: readonly PlacedRecord[];
  readonly divergence: ViewDivergence | undefined;
}

export class PageModel {
  readonly data: ViewData;
  readonly sides: readonly PageSide[];
  readonly names: readonly string[];
  /** Records of the longest side, outcomes included. */
  readonly recordCount: number;
  /** The first divergence of any side, or undefined where all agree. */
  readonly divergence: ViewDivergence | undefined;
  readonly bodies: ReturnType<typeof bodyOpsOf>;
  readonly #text: TraceText;
  readonly #encoded: Int32Array;
  readonly #modelTable: RecordTable;
  readonly #interpreter = new Interpreter();

  constructor(data: ViewData) {
    this.data = data;
    this.names = bodyNamesOf(data.program);
    this.bodies = bodyOpsOf(data.program);
    this.#text = new TraceText(data.program);
    this.#encoded = encodeProgram(data.program);
    const ops = new ProgramOps(this.#encoded);
    const decoder = new TraceDecoder(data.program);
    this.sides = data.sides.map((side, i) => {
      const words = wordsOf(side);
      const table = new RecordTable(words);
      return {
        on: side.on,
        table,
        timeline: timelineOf(ops, table),
        records: [...decoder.places(words)],
        divergence: data.divergences[i] ?? undefined,
      };
    });
    this.recordCount = Math.max(...this.sides.map(({ table }) => table.count));
    const found = this.sides.flatMap(({ divergence }) => divergence ?? []);
    this.divergence = found.sort((a, b) => a.index - b.index)[0];
    this.#interpreter.replay(this.#encoded, 0);
    const { trace } = this.#interpreter;
    this.#modelTable = new RecordTable(trace.words.slice(0, trace.position));
  }

  /** The record in words, or what there is instead. */
  recordText(side: PageSide, record: number): string {
    const placed = side.records[record];
    return placed === undefined
      ? "the trace has ended"
      : this.#text.line(placed.record).replace(/ {2,}/g, "  ");
  }

  /** The body that a record of a side is of, or undefined for the outcome and past the end. */
  bodyOf(side: PageSide, record: number): number | undefined {
    return record < side.table.last ? side.table.who[record] : undefined;
  }

  /** The model's scheduler right before its record of that number; past its end, as it ended. */
  stateAt(record: number): NamedSnapshot {
    const { trace } = this.#interpreter;
    let found: NamedSnapshot | undefined;
    trace.clear();
    trace.watch(this.#modelTable.position[Math.min(record, this.#modelTable.last)]!, () => {
      found = namedSnapshot(this.data.program, this.#interpreter);
    });
    this.#interpreter.replay(this.#encoded, 0);
    return found ?? namedSnapshot(this.data.program, this.#interpreter);
  }
}

function wordsOf({ trace }: ViewSide): Int32Array {
  const binary = atob(trace);
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return new Int32Array(bytes.buffer);
}

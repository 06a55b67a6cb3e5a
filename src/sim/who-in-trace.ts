/**
 * Which body a name in a decoded trace stands for.
 *
 * A fiber or a task may be called `main` or `world`, so the name alone does not say; but who can act does. The real `main` acts
 * outside of its runs and comes back with their `ret`; the real world only writes and closes, at idle, when the body of its name
 * waits or is not there (SPEC sections 3 and 4). Records are to be asked for in their order.
 */
import { bodyNamesOf } from "./encode-program.js";
import type { Program } from "./program.js";
import type { TraceRecord } from "./trace.js";

export class WhoInTrace {
  /** Fibers and tasks by name, without the last two bodies. */
  readonly #bodies: ReadonlyMap<string, number>;
  readonly #main: number;
  #insideRun = false;
  /** Whether the body called `world` can act now: it has begun, has not ended, and no call of it is open. */
  #namesakeActs = false;

  constructor(program: Program) {
    const names = bodyNamesOf(program);
    this.#main = names.length - 2;
    this.#bodies = new Map(names.slice(0, -2).map((name, body) => [name, body]));
  }

  /** The body number of a record's `who`, or undefined when the program has no such body. */
  ofRecord(record: TraceRecord): number | undefined {
    const { who, ev } = record;
    if (who === "main") return this.#ofMain(record);
    if (who !== "world") return this.#bodies.get(who);
    const byWorld =
      ev !== "begin" &&
      ev !== "end" &&
      ev !== "call" &&
      !this.#namesakeActs &&
      (record.op === "write" || record.op === "close");
    if (byWorld) return this.#main + 1;
    this.#namesakeActs = ev !== "end" && ev !== "call";
    return this.#bodies.get(who) ?? this.#main + 1;
  }

  /** The same of a fiber or task that an outcome names. */
  ofOutcome(who: string): number | undefined {
    if (who === "main") return this.#insideRun ? (this.#bodies.get(who) ?? this.#main) : this.#main;
    return this.#bodies.get(who) ?? (who === "world" ? this.#main + 1 : undefined);
  }

  #ofMain(record: TraceRecord): number {
    const ofRun = "op" in record && record.op === "run";
    const byMain = !this.#insideRun || (ofRun && record.ev !== "call");
    if (record.ev === "begin" || record.ev === "end" || !byMain)
      return this.#bodies.get("main") ?? this.#main;
    if (ofRun) this.#insideRun = record.ev !== "ret";
    return this.#main;
  }
}

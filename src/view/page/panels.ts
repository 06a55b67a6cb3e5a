/**
 * What stands beside the picture, for the current record: its text on each target, the model's scheduler, and the program with its op.
 *
 * Everything here is text in the document, so that it can be read aloud, found and copied. Of a long body only the ops around the current one
 * are shown.
 */
import { describeOp } from "../../sim/describe-op.js";
import type { NamedSnapshot } from "../../sim/named-snapshot.js";
import type { Op } from "../../sim/program.js";
import { element } from "./elements.js";
import type { PageModel } from "./page-model.js";

/** Ops of all bodies together that are shown at once; of a larger program only the current body. */
const OPS_SHOWN_MAX = 400;
/** Ops of one body that are shown around the current one. */
const OPS_AROUND = 60;
/** Names of one list of the state. */
const NAMES_SHOWN = 200;

export function recordPanel(model: PageModel, record: number): HTMLElement {
  const lines = model.sides.map((side) => {
    const parts = side.divergence !== undefined && record >= side.divergence.index;
    const mark = parts && record === side.divergence?.index ? " (parts here)" : "";
    return element(
      "div",
      parts ? { class: "parts" } : {},
      element("b", {}, `${side.on}${mark}: `),
      model.recordText(side, record),
    );
  });
  return element("div", {}, ...lines);
}

export function statePanel(state: NamedSnapshot): HTMLElement {
  const rows: [string, string[]][] = [
    ["clock", [String(state.clockMs)]],
    ["running", state.current === undefined ? [] : [state.current]],
    ["ready queue", [...state.ready]],
    ["timers", state.timers.map(({ who, deadlineMs }) => `${who} at ${deadlineMs}`)],
    ["io waiters", state.ioWaiters.map(({ who, pipe }) => `${who} on ${pipe}`)],
    ["ready list", [...state.readyList]],
    [
      "pipes",
      state.pipes.map(
        (p) => `${p.pipe}: ${p.bytes} bytes, read ${open(p.readOpen)}, write ${open(p.writeOpen)}`,
      ),
    ],
    [
      "tasks",
      state.tasks.map(
        ({ task, state: s, waiter }) =>
          `${task}: ${s}${waiter === undefined ? "" : `, awaited by ${waiter}`}`,
      ),
    ],
    ["parked", state.parked.map(({ who, why }) => `${who}: ${why}`)],
  ];
  const list = element("dl", { class: "state" });
  for (const [term, items] of rows) list.append(element("dt", {}, term), element("dd", {}, itemsOf(items)));
  return list;
}

function open(isOpen: boolean): string {
  return isOpen ? "open" : "closed";
}

function itemsOf(items: readonly string[]): HTMLElement {
  if (items.length === 0) return element("span", { class: "none" }, "none");
  const shown = items.slice(0, NAMES_SHOWN).map((item) => element("li", {}, item));
  const rest = items.length - shown.length;
  return element("ol", {}, ...shown, ...(rest > 0 ? [element("li", {}, `and ${rest} more`)] : []));
}

/** The program's text; the op `at` of `body` is the current one. */
export function programPanel(model: PageModel, body: number | undefined, at: number): HTMLElement {
  const opCount = model.bodies.reduce((sum, ops) => sum + ops.length, 0);
  const panel = element("div", {});
  for (const [number, ops] of model.bodies.entries()) {
    const isCurrent = number === body;
    if ((opCount > OPS_SHOWN_MAX && !isCurrent) || (ops.length === 0 && !isCurrent)) continue;
    panel.append(
      element("h3", isCurrent ? { class: "current" } : {}, model.names[number]!),
      opList(flattened(ops), isCurrent ? at : undefined),
    );
  }
  return panel;
}

interface NestedOp {
  readonly op: Op;
  readonly depth: number;
}

/** Nested ops stand after their repeat or call, as the `at` of a trace counts them. */
function flattened(ops: readonly Op[], depth = 0): NestedOp[] {
  return ops.flatMap((op) => [{ op, depth }, ...("ops" in op ? flattened(op.ops, depth + 1) : [])]);
}

function opList(ops: readonly NestedOp[], current: number | undefined): HTMLElement {
  const from = Math.max(0, (current ?? 0) - OPS_AROUND);
  const shown = ops.slice(from, from + 2 * OPS_AROUND);
  const list = element("ol", { class: "ops", start: String(from) });
  for (const [i, { op, depth }] of shown.entries()) {
    const attributes: Record<string, string> = { style: `padding-left:${depth * 1.2}em` };
    if (from + i === current) attributes["aria-current"] = "step";
    list.append(element("li", attributes, describeOp(op)));
  }
  const rest = ops.length - from - shown.length;
  if (rest > 0) list.append(element("li", { class: "none" }, `... ${rest} more`));
  return list;
}

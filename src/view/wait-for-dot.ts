/**
 * Who waits for whom at the end of a run, as a Graphviz graph: an edge leads from a stuck fiber to each that could have brought it on.
 *
 * Made of forensics alone; the graph of a run that leaves nobody stuck has no nodes.
 */
import type { Forensics, StuckFiber } from "../sim/forensics/forensics.js";

export function waitForDot(title: string, forensics: Forensics | undefined): string {
  const stuck = forensics?.stuck ?? [];
  const lines = [
    "digraph waits_for {",
    `  label=${quoted(`${title}: ${forensics?.verdict ?? "nobody is stuck"}`)};`,
    "  node [shape=box, fontname=sans];",
    ...stuck.map((fiber) => `  ${quoted(fiber.who)} [label=${quoted(nodeLabel(fiber))}];`),
    ...stuck.flatMap(edgesOf),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function nodeLabel({ who, on, since, cause }: StuckFiber): string {
  const parked =
    on.kind === "wait" ? `waits for ${on.task}` : on.kind === "block" ? `blocks on ${on.pipe}` : "suspended";
  return `${who}\n${parked} since t=${since.t}, record ${since.record}\n${cause.kind}`;
}

function edgesOf({ who, on, wakers }: StuckFiber): string[] {
  const edge = (to: string, label: string): string =>
    `  ${quoted(who)} -> ${quoted(to)} [label=${quoted(label)}];`;
  const open = wakers.filter(({ because }) => because !== "passed" && because !== "never-spawned");
  return [
    ...(on.kind === "wait" ? [edge(on.task, "its end")] : []),
    ...open.map(({ who: to, op, at }) => edge(to, `${op} #${at}`)),
  ];
}

/** A string of the dot language; a newline is a line break in a label. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

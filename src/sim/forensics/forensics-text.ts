/**
 * Forensics in words: one line for the whole, one for each stage, one for each stuck fiber with why nobody will bring it on.
 *
 * The sentences are the user interface of a deadlock and stand word for word in tests.
 */
import { assertNever } from "../encode-program.js";
import type { Forensics, Moment, Stage, StuckFiber, Waker } from "./forensics.js";

/** Names of one list that are told; of the others, how many there are. */
const NAMES_SHOWN = 8;

/** Without indentation; the first line is the verdict. */
export function forensicsLines(forensics: Forensics): string[] {
  const { stuck, stages } = forensics;
  return [
    verdictLine(forensics),
    ...stages.flatMap((stage) => (stage.others.length > 0 ? [stageLine(stage)] : [])),
    ...stuck.map(stuckLine),
  ];
}

function verdictLine({ verdict, stuck, stages }: Forensics): string {
  const first = stages[0]!;
  const fibers = stuck.length === 1 ? "1 fiber is" : `${stuck.length} fibers are`;
  const name = verdict === "partial" ? "partial deadlock" : verdict;
  const last = verdict === "partial" ? "; the run ended in something else" : "";
  return `${name}: ${fibers} stuck for good, the first from ${momentText(first)}${last}`;
}

/** Of a stage at which others could still run. */
function stageLine({ t, record, stuck, others }: Stage): string {
  const form = stuck.length === 1 ? "is" : "are";
  return `at ${momentText({ t, record })} ${list(stuck)} ${form} stuck while ${list(others)} could still run`;
}

/** `a: waits for task b since t=0, record 9, certain from record 12: ...` */
function stuckLine(fiber: StuckFiber): string {
  const { who, at, since, certain } = fiber;
  const from = certain.record === since.record ? "at once" : `from ${momentText(certain)}`;
  return `${who}: ${onText(fiber)} since ${momentText(since)} (#${at}), certain ${from}: ${whyText(fiber)}`;
}

function onText({ on }: StuckFiber): string {
  switch (on.kind) {
    case "suspend":
      return "suspended";
    case "wait":
      return `waits for task ${on.task}`;
    case "block":
      return `blocks on pipe ${on.pipe}`;
    default:
      return assertNever(on);
  }
}

function whyText({ who, on, cause, wakers }: StuckFiber): string {
  switch (cause.kind) {
    case "cycle":
      if (cause.members.length === 1) return `only ${who} itself could bring it on`;
      return `a cycle: ${chain([...cause.members, cause.members[0]!])}${mainText(cause.members)}`;
    case "behind": {
      const root = cause.path.at(-1)!;
      const what = on.kind === "wait" ? `the work of ${on.task} is stuck` : `${cause.path[1]} is stuck`;
      return `${what}: ${chain(cause.path)}${cause.path.length > 2 ? `, see ${root}` : ""}`;
    }
    case "lost-wake":
      return `${cause.by} woke it too early, at ${momentText(cause.wake)}: a wake is not remembered (F4)`;
    case "orphan":
      return `no op that is left could wake it${wakersText(wakers)}`;
    case "unwritten":
      return cause.closed === undefined
        ? `no op that is left writes to ${cause.pipe} or closes its write end${wakersText(wakers)}`
        : `${cause.closed.by} closed the read end at ${momentText(cause.closed)}, which delivers nothing (I3)`;
    default:
      return assertNever(cause);
  }
}

/** main takes part in a cycle only through its run. */
function mainText(members: readonly string[]): string {
  return members.includes("main") ? "; main's run does not return while anybody is suspended" : "";
}

/** Who could have, of a fiber that nobody can bring on any more. */
function wakersText(wakers: readonly Waker[]): string {
  if (wakers.length === 0) return "; the program has none";
  const told = wakers.map(({ who, at, op, because }) => `${op} by ${who} #${at} ${BECAUSE[because]}`);
  return `; ${list(told)}`;
}

const BECAUSE: Readonly<Record<Waker["because"], string>> = {
  passed: "is done",
  stuck: "is stuck",
  unspawned: "is not spawned",
  "never-spawned": "is never spawned",
  "behind-run": "stands behind run",
  "cut-off": "was cut off",
};

function chain(names: readonly string[]): string {
  const shown =
    names.length > 2 * NAMES_SHOWN ? [...names.slice(0, NAMES_SHOWN), "...", names.at(-1)!] : names;
  return shown.join(" -> ");
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(", ");
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown;
}

function momentText({ t, record }: Moment): string {
  return `t=${t}, record ${record}`;
}

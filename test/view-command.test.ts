/**
 * `lockstep view` from outside: what it writes for whom, and that bad input leaves nothing behind. The page itself is in
 * `view-page.test.ts`.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";
import { encodeProgram } from "../src/sim/encode-program.js";
import { ProgramOps } from "../src/sim/forensics/program-ops.js";
import { ProgramBuilder } from "../src/sim/program-builder.js";
import { RecordTable } from "../src/sim/record-table.js";
import { timelineOf } from "../src/view/timeline.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { deadlocks } from "./support/deadlocks.js";
import { wordsOn } from "./support/replay.js";

beforeAll(buildCommand);
const { folder, file } = scratchFolder();
const view = (...args: string[]) => lockstep(["view", ...args], { cwd: folder });
const written = (name: string): string => readFileSync(join(folder, name), "utf8");

const b = new ProgramBuilder("a wake, a write, a task");
const pipe = b.pipe("p");
const work = b.task("work", 7, (o) => o.sleep(5));
const sleeper = b.fiber("sleeper", (o) => o.suspend());
b.fiber("reader", (o) => o.block(pipe));
b.fiber("driver", (o) => o.go(work).wake(sleeper).write(pipe, 1).wait(work));
const program = b.build();

test("a time line has a lane a body, states by record, and a flow for each record that brings on another", async () => {
  // 0-2 spawns, 3 run, 4 sleeper begins, 5 suspend, 6 reader begins, 7 block, 8 driver begins, 9 go, 10 wake, 11 write, 12 wait,
  // 13 work begins, 14 sleep, 15 sleeper comes back, 16 ends; timers stand before pipes (T3), so 17 work comes back, 18 ends,
  // 19 driver comes back, 20 ends, 21 reader comes back.
  const table = new RecordTable(await wordsOn("model", program));
  const { lanes, flows } = timelineOf(new ProgramOps(encodeProgram(program)), table);
  const who = (record: number): number => table.who[record]!;
  expect(lanes.map(({ body }) => body)).toEqual([4, 0, 1, 2, 3]);
  const told = flows.map(({ kind, from, to }) => `${kind} ${from}->${to} ${who(from)}->${who(to)}`);
  expect(told).toEqual([
    "spawn 0->4 4->0",
    "spawn 1->6 4->1",
    "spawn 2->8 4->2",
    "go 9->13 2->3",
    "wake 10->15 2->0",
    "write 11->21 2->1",
    "end 18->19 3->2",
  ]);
  const reader = lanes.find(({ body }) => body === 1)!;
  expect(reader.segments.slice(0, 3)).toEqual([
    { from: 2, state: "ready" },
    { from: 6, state: "running" },
    { from: 8, state: "blocked" },
  ]);
});

describe("writes", () => {
  const source = file("program.json", JSON.stringify(program));

  test("one HTML file named for the program, that holds everything and names no address", () => {
    expect(view(source)).toEqual({ status: 0, stdout: "program.html\n", stderr: "" });
    const html = written("program.html");
    expect(html).toContain("<title>a wake, a write, a task - Lockstep</title>");
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)|<script src|<link/);
    expect(html.length).toBeLessThan(100_000);
  });

  test("a run by its seed and an entry by its name, and a title that cannot leave its element", () => {
    expect(view("lockstep:3").stdout).toBe("lockstep-3.html\n");
    expect(written("lockstep-3.html")).toContain('"again":"lockstep view lockstep:3 --on model"');
    expect(view("1817-tasks-that-sleep", "--corpus", packagePath("corpus")).stdout).toBe(
      "1817-tasks-that-sleep.html\n",
    );
    const evil = file("evil.json", JSON.stringify({ version: 1, title: "</script><script>alert(1)" }));
    expect(view(evil).status).toBe(0);
    expect(written("evil.html")).not.toContain("<script>alert");
  });

  test("Chrome trace events: a process a target, a thread a lane, slices in order, both ends of every flow", () => {
    expect(view(source, "--on", "model", "--out", "trace.json").status).toBe(0);
    const { traceEvents } = JSON.parse(written("trace.json")) as {
      traceEvents: {
        ph: string;
        ts: number;
        dur: number;
        tid: number;
        id?: number;
        name: string;
        args?: { name?: string };
      }[];
    };
    const threads = traceEvents.filter(({ name }) => name === "thread_name").map(({ args }) => args!.name);
    expect(threads).toEqual(["main", "sleeper", "reader", "driver", "work"]);
    const ends = (ph: string) => traceEvents.filter((event) => event.ph === ph).map(({ id }) => id);
    expect(ends("s")).toEqual(ends("f"));
    expect(ends("s")).toHaveLength(7);
    const slices = traceEvents.filter(({ ph }) => ph === "X");
    for (const tid of new Set(slices.map((slice) => slice.tid))) {
      let end = 0;
      for (const { ts, dur } of slices.filter((slice) => slice.tid === tid)) {
        expect(ts).toBeGreaterThanOrEqual(end);
        end = ts + dur;
      }
    }
    // The task sleeps from 0 to 5 virtual milliseconds.
    expect(slices.find(({ name }) => name === "asleep")!.dur).toBeGreaterThan(4900);
  });

  test("a Mermaid sequence", () => {
    expect(view(source, "--out", "run.mmd").status).toBe(0);
    const lines = written("run.mmd").split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "sequenceDiagram",
      "  participant b4 as main",
      "  participant b0 as sleeper",
    ]);
    expect(lines).toEqual(
      expect.arrayContaining(["  b2->>b0: wake", "  b3->>b2: end", "  Note over b4,b3: t=5"]),
    );
    expect(lines.at(-2)).toBe("  Note over b4,b3: completed at t=5");
  });

  test("a graph of who waits for whom", () => {
    const cycle = file("cycle.json", JSON.stringify(deadlocks.cycleOfTasks));
    expect(view(cycle, "--out", "waits.dot").status).toBe(0);
    expect(written("waits.dot")).toBe(
      [
        "digraph waits_for {",
        '  label="two tasks that wait for each other: deadlock";',
        "  node [shape=box, fontname=sans];",
        '  "left" [label="left\\nwaits for right since t=0, record 11\\ncycle"];',
        '  "right" [label="right\\nwaits for left since t=0, record 9\\ncycle"];',
        '  "left" -> "right" [label="its end"];',
        '  "right" -> "left" [label="its end"];',
        "}\n",
      ].join("\n"),
    );
  });
});

describe("refuses, with one line, exit status 2 and no file", () => {
  const source = file("good.json", JSON.stringify(program));
  test.each([
    [
      ["nothing-of-this-name"],
      "nothing-of-this-name: is no file, no run (SEED:INDEX, INDEX from 0 to 9007199254740991) and no entry of corpus",
    ],
    [
      ["seed:abc"],
      "seed:abc: is no file, no run (SEED:INDEX, INDEX from 0 to 9007199254740991) and no entry of corpus",
    ],
    [[source, "--out", "x.pdf"], "x.pdf: the ending says what to write: .html, .json, .mmd or .dot"],
    [[source, "--out", "nowhere/x.html"], "nowhere/x.html: cannot be written: there is no such folder"],
    [[source, "--out", "taken.html"], "taken.html: is a directory: name a file in it"],
    [["good.json", "--out", "good.json"], "good.json: is the program itself: name another file"],
    [[source, "--on", ","], "view --on: name at least one target"],
  ])("%j", (args, complaint) => {
    mkdirSync(join(folder, "taken.html"), { recursive: true });
    const before = readdirSync(folder).sort();
    expect(view(...args)).toEqual({ status: 2, stdout: "", stderr: `lockstep: ${complaint}\n` });
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});

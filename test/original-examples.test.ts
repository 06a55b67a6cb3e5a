/**
 * The ten programs of the original's own example suite (SPEC section 7), on every target of this machine.
 *
 * What stands here was written by hand from the results that the original prints, not recorded: where it disagrees with a
 * recorded trace, the recording is wrong. What the original prints as text shows here as values of log, results and outcomes.
 */
import { describe, expect, test } from "vitest";
import { loadCorpusProgram, replayOn, targetsHere } from "./support/replay.js";
import { logsOf, outcomeLine, resultsOf, timedLogsOf, wakeLine } from "./support/trace-readers.js";

describe.each(targetsHere)("the original's examples on %s", (target) => {
  const replay = (name: string) => replayOn(target, loadCorpusProgram(name));

  test("1811: three fibers that yield take turns, 0 1 2 three times over (F1, F2)", async () => {
    const trace = await replay("1811-round-robin");
    expect(logsOf(trace)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(resultsOf(trace, "main")).toBe("spawn=spawned spawn=spawned spawn=spawned run=0/3/0");
    expect(outcomeLine(trace.outcome)).toBe("completed@0");
  });

  test("1812: a suspended fiber runs on after a wake, and a second wake does nothing (F3, F4)", async () => {
    const trace = await replay("1812-suspend-and-wake");
    expect(logsOf(trace)).toEqual([10, 20, 21, 11]);
    expect(resultsOf(trace, "B")).toBe("log=20 wake=called wake=called log=21");
    expect(wakeLine(trace)).toBe("A@0 B@0 A@0 main@0");
    expect(resultsOf(trace, "main")).toBe("spawn=spawned spawn=spawned run=0/2/0");
    expect(outcomeLine(trace.outcome)).toBe("completed@0");
  });

  test("1813: waits give 42 and 100, and a task canceled before its work gives Canceled (K1, K2, K3)", async () => {
    const trace = await replay("1813-tasks-and-cancel");
    expect(logsOf(trace)).toEqual([1, 2, 3, 42, 100]);
    expect(resultsOf(trace, "coordinator")).toBe(
      "go=spawned go=spawned wait=42 log=42 wait=100 log=100 go=spawned cancel=called wait=canceled",
    );
    // Task c was canceled before its turn: its fiber counts as spawned, but its body has no record.
    expect(trace.records.filter((record) => record.who === "c")).toEqual([]);
    expect(resultsOf(trace, "main")).toBe("spawn=spawned run=0/4/0");
    expect(outcomeLine(trace.outcome)).toBe("completed@0");
  });

  test("1814: sleepers wake by deadline, those of 15 ms in order of arming (T2)", async () => {
    const trace = await replay("1814-five-sleepers");
    expect(timedLogsOf(trace)).toBe("2@10 4@15 5@15 3@20 1@30");
    expect(resultsOf(trace, "main")).toMatch(/ run=30\/5\/0$/);
    expect(outcomeLine(trace.outcome)).toBe("completed@30");
  });

  test("1815: a sleeper woken early runs at once, and the clock stays at 0 (F4)", async () => {
    const trace = await replay("1815-early-wake-of-a-sleeper");
    expect(timedLogsOf(trace)).toBe("2@0 1@0");
    expect(wakeLine(trace)).toBe("sleeper@0 waker@0 sleeper@0 main@0");
    expect(resultsOf(trace, "main")).toBe("spawn=spawned spawn=spawned run=0/2/0");
    expect(outcomeLine(trace.outcome)).toBe("completed@0");
  });

  test("1816: a reader parked on a pipe is woken by what a writer writes (I1, I2)", async () => {
    const trace = await replay("1816-pipe-reader");
    expect(wakeLine(trace)).toBe("reader@0 writer@0 reader@0 main@0");
    expect(resultsOf(trace, "writer")).toBe("write=3");
    expect(resultsOf(trace, "reader")).toBe("read=3");
    expect(resultsOf(trace, "main")).toBe("spawn=spawned spawn=spawned run=0/2/0");
    expect(outcomeLine(trace.outcome)).toBe("completed@0");
  });

  test("1817: tasks end by deadline and are awaited in order of spawn, 123 in sum (K1, K2, T2)", async () => {
    const trace = await replay("1817-tasks-that-sleep");
    expect(timedLogsOf(trace)).toBe("2@10 3@20 1@30 123@30");
    expect(resultsOf(trace, "coordinator")).toBe(
      "go=spawned go=spawned go=spawned wait=100 wait=20 wait=3 log=123",
    );
    expect(resultsOf(trace, "main")).toBe("spawn=spawned run=30/4/0");
    expect(outcomeLine(trace.outcome)).toBe("completed@30");
  });

  test("1818: a negative sleep panics with its duration, at the clock of the call (T1)", async () => {
    const trace = await replay("1818-negative-sleep");
    expect(wakeLine(trace)).toBe("sleeper@0 sleeper@10");
    expect(logsOf(trace)).toEqual([]);
    expect(trace.outcome).toEqual({
      outcome: "panic",
      t: 10,
      message: "sched: sleep(-5) — negative duration would rewind the virtual clock",
    });
  });

  test("1819: a second fiber that waits for a pending task panics (K2)", async () => {
    const trace = await replay("1819-second-waiter");
    expect(wakeLine(trace)).toBe("work@0 first@0 second@0");
    expect(trace.outcome).toEqual({
      outcome: "panic",
      t: 0,
      message: "sched: wait() — task already has a waiter (one awaiter per task in the M:1 model)",
    });
  });

  test("1820: a run that used timers and fds ends, and deinit after it (T3, R3)", async () => {
    const trace = await replay("1820-deinit");
    // The reader's pipe is readable at 0, but the sleeper's timer goes first (T3).
    expect(wakeLine(trace)).toBe("sleeper@0 reader@0 writer@0 sleeper@5 reader@5 main@5");
    expect(resultsOf(trace, "reader")).toBe("read=3");
    expect(resultsOf(trace, "main")).toBe("spawn=spawned spawn=spawned spawn=spawned run=5/3/0");
    expect(trace.records.at(-1)).toEqual({ ev: "ret", t: 5, who: "main", at: 4, op: "deinit" });
    expect(outcomeLine(trace.outcome)).toBe("completed@5");
  });
});

/**
 * The corpus: its files say each entry in one way, and every target of this machine still gives the recorded bytes (SPEC section 6).
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatCorpusEntry, type LoadedEntry, readCorpusEntry } from "../src/sim/corpus-entry.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { problemLine } from "../src/sim/problem.js";
import { entryFiles } from "../src/testing/corpus-folder.js";
import { epollTargetsHere, wordsOn } from "./support/replay.js";

const folder = new URL("../corpus/", import.meta.url);
const names = readdirSync(folder).sort((a, b) => (a < b ? -1 : 1));

function textOf(name: string): string {
  return readFileSync(new URL(name, folder), "utf8");
}

function entryOf(name: string): LoadedEntry {
  const entry = readCorpusEntry(JSON.parse(textOf(name)));
  if (!entry.ok) throw new Error(`corpus/${name}: ${problemLine(entry.problem)}`);
  return entry.value;
}

describe("the files of the corpus", () => {
  test("are entries and nothing else, and are read sorted by name", async () => {
    expect(names.filter((name) => !/^[a-z0-9-]+\.json$/.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThanOrEqual(10);
    expect(await entryFiles(folder.pathname)).toEqual({ ok: true, value: names });
  });

  test("hold the ten examples of the original, by their numbers (SPEC section 7)", () => {
    const numbers = names.flatMap((name) => /^(18\d\d)-/.exec(name)?.[1] ?? []);
    expect(numbers).toEqual(Array.from({ length: 10 }, (_, i) => String(1811 + i)));
  });

  test.each(names)("%s is written the one way that an entry is written", (name) => {
    expect(textOf(name)).toBe(formatCorpusEntry(entryOf(name).entry));
  });

  test.each(names)("%s has a reason of one line that names a rule or what it guards", (name) => {
    expect(entryOf(name).entry.reason).toMatch(/^[^\n]{10,}$/);
  });
});

describe.each(epollTargetsHere)("the corpus on %s", (target) => {
  test.each(names)("%s gives its recorded trace, byte for byte", async (name) => {
    const { entry, recorded } = entryOf(name);
    const words = await wordsOn(target, entry.program);
    // Records first: a difference is read more easily than words.
    expect(decodeTrace(entry.program, words)).toEqual({ records: entry.trace, outcome: entry.outcome });
    expect(words).toEqual(recorded);
  });
});

describe("an entry that cannot be read", () => {
  const good = JSON.parse(textOf(names[0]!)) as Record<string, unknown>;
  const lineOf = (value: unknown): string => {
    const entry = readCorpusEntry(value);
    return entry.ok ? "read" : problemLine(entry.problem);
  };

  test.each<[change: Record<string, unknown>, line: string]>([
    [{ format: 0 }, "format: 0 is stale or unknown: this version reads format 1 (corpus format 1)"],
    [{ format: 2 }, "format: 2 is stale or unknown: this version reads format 1 (corpus format 1)"],
    [{ format: "1" }, 'format: "1" is stale or unknown: this version reads format 1 (corpus format 1)'],
    [
      { format: undefined },
      "format: undefined is stale or unknown: this version reads format 1 (corpus format 1)",
    ],
    [{ reason: 1 }, "reason: expected one line that says what the entry guards (corpus format 1)"],
    [{ trace: {} }, "trace: expected a list of records (corpus format 1)"],
    [{ trace: [1] }, "trace: expected a list of records (corpus format 1)"],
    [{ outcome: "completed" }, "outcome: expected an outcome (corpus format 1)"],
    [{ outcome: { outcome: "won", t: 0 } }, 'outcome: no outcome is called "won" (docs/traces.md)'],
    [{ program: null }, "program: expected an object, found null (docs/programs.md)"],
    [
      { program: { version: 1, main: [{ op: "spawn", fiber: "a" }] } },
      'program.main[0].fiber: unknown fiber "a": there is none (docs/programs.md)',
    ],
    [
      { program: { version: 1 }, trace: [{ ev: "begin", t: 0, who: "a" }] },
      'trace[0]: the program has no fiber or task "a" (docs/traces.md)',
    ],
  ])("%j", (change, line) => {
    expect(lineOf({ ...good, ...change })).toBe(line);
  });

  test("what is no object at all", () => {
    for (const value of [null, [], "entry"]) {
      expect(lineOf(value)).toBe("is not a corpus entry: expected an object (corpus format 1)");
    }
    expect(lineOf(good)).toBe("read");
  });
});

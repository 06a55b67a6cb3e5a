/**
 * `lockstep corpus run` from outside (SPEC section 6): folders of entries in, a table, reports and an exit status out.
 *
 * On the model alone; `corpus.test.ts` holds the package's own corpus against every target.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";

const { folder, file } = scratchFolder();

beforeAll(buildCommand);

describe("corpus run", () => {
  const entry = (name: string) =>
    JSON.parse(readFileSync(new URL(`../corpus/${name}.json`, import.meta.url), "utf8")) as {
      trace: { ev: string; who: string; t: number }[];
    };
  function corpusOf(name: string, entries: Readonly<Record<string, unknown>>): string {
    const path = join(folder, name);
    mkdirSync(path);
    for (const [each, value] of Object.entries(entries))
      file(join(name, `${each}.json`), JSON.stringify(value));
    return path;
  }
  const withoutTimes = (text: string) => text.replace(/\b\d+ ms\b/g, "N ms").replace(/ +$/gm, "");

  test("an entry whose recorded trace was tampered with is reported with both sides (golden/corpus-regression.txt)", () => {
    const tampered = entry("1814-five-sleepers");
    // The two sleepers of 15 ms in the wrong order: rule T2 broken in the record.
    const at = tampered.trace.findIndex(({ ev, t }) => ev === "ret" && t === 15);
    const of = (who: string) => tampered.trace.filter((record) => record.t === 15 && record.who === who);
    const whos = [...new Set(tampered.trace.filter(({ t }) => t === 15).map(({ who }) => who))];
    expect(whos).toHaveLength(2);
    tampered.trace.splice(at, of(whos[0]!).length + of(whos[1]!).length, ...of(whos[1]!), ...of(whos[0]!));
    const path = corpusOf("tampered", { good: entry("1811-round-robin"), tampered });
    const { status, stdout, stderr } = lockstep(["corpus", "run", path, "--on", "model"]);
    expect([status, stderr]).toEqual([1, ""]);
    expect(withoutTimes(stdout)).toBe(
      readFileSync(new URL("golden/corpus-regression.txt", import.meta.url), "utf8"),
    );
  });

  test("--format jsonl says the same in one line an entry, sorted by name", () => {
    const tampered = { ...entry("1811-round-robin"), outcome: { outcome: "completed", t: 1 } };
    const path = corpusOf("lines", {
      b: tampered,
      a: entry("1811-round-robin"),
      B: entry("1812-suspend-and-wake"),
    });
    const { status, stdout } = lockstep(["corpus", "run", path, "--on", "model", "--format", "jsonl"]);
    expect(status).toBe(1);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(0, 2)).toEqual([
      '{"entry":"B","on":{"model":"agrees"}}',
      '{"entry":"a","on":{"model":"agrees"}}',
    ]);
    expect(JSON.parse(lines[2]!)).toMatchObject({
      entry: "b",
      on: { model: "differs" },
      report: expect.arrayContaining([
        "at t=1 on recorded and t=0 on model, record 39: recorded completes, model completes",
        "  > completed at t=1  |  > completed at t=0",
      ]),
    });
  });

  test("a stale entry, or one that is no entry, is exit status 2, and the others still run", () => {
    const path = corpusOf("stale", {
      good: entry("1811-round-robin"),
      old: { ...entry("1811-round-robin"), format: 0 },
      other: [],
    });
    const { status, stdout, stderr } = lockstep(["corpus", "run", path, "--on", "model"]);
    expect(status).toBe(2);
    expect(stdout).toMatch(/^good +agrees$/m);
    expect(stderr).toBe(
      `lockstep: ${path}/old.json: format: 0 is stale or unknown: this version reads format 1 (corpus format 1)\n` +
        `lockstep: ${path}/other.json: is not a corpus entry: expected an object (corpus format 1)\n`,
    );
  });

  test("a folder that is missing, empty or none is exit status 2", () => {
    const empty = corpusOf("empty", {});
    const complaints = [
      [join(folder, "missing"), /there is no such folder/],
      [empty, /there is no entry in it: expected files ending in \.json/],
      ["corpus/1817-tasks-that-sleep.json", /is not a folder/],
    ] as const;
    for (const [path, complaint] of complaints) {
      const { status, stdout, stderr } = lockstep(["corpus", "run", path, "--on", "model"]);
      expect([path, status, stdout]).toEqual([path, 2, ""]);
      expect(stderr).toMatch(new RegExp(`^lockstep: ${path}: ${complaint.source}\n$`));
    }
  });

  test("the package's own corpus agrees with the model", () => {
    const { status, stdout, stderr } = lockstep(["corpus", "run", "--on", "model"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^differ +0$/m);
  });
});

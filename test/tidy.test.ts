/**
 * The rules of the house that a machine can check: which folder imports which, what the deterministic half must not touch, how files are
 * named and how long they are, and that every rule of SPEC has a test.
 */
import { basename, dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { readSource } from "./support/read-source.js";
import { filesIn, textOf } from "./support/source-files.js";

const typescript = filesIn(["src"], /\.ts$/);
const native = filesIn(["src", "include", "examples"], /\.([chS]|cpp)$/);
const tests = filesIn(["test", "properties"], /\.ts$/);

const BELOW_THE_FACES = ["sched", "sim", "native-bridge", "view", "report", "testing"];

/** Which folders of src import which others; of native-bridge only what stands in the test. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  sim: ["sched"],
  view: ["sim"],
  report: ["sim"],
  testing: ["sim", "native-bridge", "report"],
  vitest: BELOW_THE_FACES,
  cli: BELOW_THE_FACES,
  "index.ts": BELOW_THE_FACES,
};

/** Complaints about the imports of a file at `path`; empty when they run the right way. */
function importComplaints(path: string, text?: string): string[] {
  const folder = path.split("/")[1]!;
  return readSource(path, text).imports.flatMap(({ from, isType }) => {
    const complaint = (why: string) => [`${path} imports ${from}: ${why}`];
    if (!from.startsWith(".")) {
      if (folder === "sched") return complaint("sched imports nothing outside itself");
      // Hashes are as pure as anything; what node:crypto has of randomness is looked for by name below.
      const touchesMachine = from.startsWith("node:") && from !== "node:crypto";
      if (folder === "sim" && touchesMachine) return complaint("sim does not touch the machine");
      if (folder === "view") return complaint("view imports nothing that a browser lacks");
      return [];
    }
    const target = normalize(join(dirname(path), from));
    const [top, to] = target.split("/");
    if (top !== "src") return complaint("src imports nothing outside src");
    // index.ts is the package's face: it passes on what the others export, and nothing imports it.
    if (to === folder || (MAY_IMPORT[folder] ?? []).includes(to!)) return [];
    if (folder === "native-bridge" && to === "sim") {
      const isSeam = target === "src/sim/target.js" || target === "src/sim/encoding.js";
      return isSeam || isType
        ? []
        : complaint("native-bridge imports types of sim, and values of target and encoding");
    }
    return complaint(`${folder} does not import ${to}`);
  });
}

/** What would make two runs of one seed differ: clocks, timers and randomness that is not passed in. */
const NONDETERMINISTIC =
  /^(Date|performance|setTimeout|setInterval|setImmediate|hrtime|webcrypto|getRandomValues|randomBytes|randomInt|randomUUID|Math\.random|process\.hrtime)$/;

function nondeterminism(path: string, text?: string): string[] {
  return [...readSource(path, text).names].filter((name) => NONDETERMINISTIC.test(name));
}

describe("imports", () => {
  test("run one way: sched, then sim, then native-bridge, view and report, then testing, then cli and vitest", () => {
    expect(typescript.length).toBeGreaterThan(20);
    expect(typescript.flatMap((path) => importComplaints(path))).toEqual([]);
  });

  test.each([
    ["src/sched/a.ts", 'import { x } from "../sim/x.js";'],
    ["src/sched/a.ts", 'import fs from "node:fs";'],
    ["src/sim/a.ts", 'import { x } from "../native-bridge/x.js";'],
    ["src/sim/a.ts", 'import type { X } from "../cli/x.js";'],
    ["src/sim/a/b.ts", 'export { x } from "../../native-bridge/x.js";'],
    ["src/sim/a.ts", 'const x = await import("../cli/x.js");'],
    ["src/sim/a.ts", 'import { readFileSync } from "node:fs";'],
    ["src/native-bridge/a.ts", 'import { x } from "../sim/diff.js";'],
    ["src/native-bridge/a.ts", 'import "../sched/index.js";'],
    ["src/cli/a.ts", 'import { x } from "../../test/x.js";'],
    ["src/view/a.ts", 'import { readFile } from "node:fs/promises";'],
    ["src/view/page/a.ts", 'import { x } from "../../cli/x.js";'],
    ["src/sim/a.ts", 'import { x } from "../view/x.js";'],
    ["src/report/a.ts", 'import { x } from "../testing/x.js";'],
    ["src/testing/a.ts", 'import { x } from "../cli/x.js";'],
    ["src/testing/a.ts", 'import { x } from "../vitest/x.js";'],
    ["src/vitest/a.ts", 'import { x } from "../cli/x.js";'],
    ["src/index.ts", 'import { x } from "./cli/x.js";'],
  ])("in %s, %s would be found", (path, text) => {
    expect(importComplaints(path, text)).toHaveLength(1);
  });

  test("those that are allowed are not complained of", () => {
    const allowed = [
      ["src/sched/a.ts", 'import { x } from "./b.js";'],
      ["src/sim/a/b.ts", 'import { x } from "../../sched/index.js"; import y from "ajv";'],
      [
        "src/native-bridge/a.ts",
        'import { type X, type Y } from "../sim/trace.js"; import fs from "node:fs";',
      ],
      ["src/native-bridge/a.ts", 'import { x } from "../sim/target.js";'],
      ["src/cli/a.ts", 'import { x } from "../native-bridge/y.js";'],
    ] as const;
    expect(allowed.flatMap(([path, text]) => importComplaints(path, text))).toEqual([]);
  });
});

describe("determinism", () => {
  test("src/sched and src/sim use no clock, no timer and no randomness of their own", () => {
    const deterministic = typescript.filter((path) => /^src\/(sched|sim)\//.test(path));
    const found = deterministic.flatMap((path) => nondeterminism(path).map((name) => `${path}: ${name}`));
    expect(found).toEqual([]);
  });

  test.each([
    "Math.random()",
    'Math["random"]()',
    "Date.now()",
    "new Date()",
    "performance.now()",
    "setTimeout(f, 1)",
    "globalThis.setInterval(f, 1)",
    "setImmediate(f)",
    "process.hrtime.bigint()",
    "crypto.randomUUID()",
    "crypto.getRandomValues(a)",
  ])("%s would be found, a comment that says so would not", (code) => {
    expect(nondeterminism("src/sim/a.ts", `// ${code}\nconst x = ${code};`)).not.toEqual([]);
    expect(nondeterminism("src/sim/a.ts", `// ${code}\nconst x = "${code.replaceAll('"', "'")}";`)).toEqual(
      [],
    );
  });
});

describe("files", () => {
  test("have at most 400 lines", () => {
    const files = [...typescript, ...native, ...tests, ...filesIn(["scripts"], /\.mjs$/)];
    const long = files.flatMap((path) => {
      const lines = textOf(path).trimEnd().split("\n").length;
      return lines > 400 ? [`${path}: ${lines} lines`] : [];
    });
    expect(long).toEqual([]);
  });

  test("are named in kebab-case in TypeScript and snake_case in C, and none is called utils", () => {
    const odd = [...typescript, ...tests].filter(
      (path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.prop|\.d)?\.ts$/.test(basename(path)),
    );
    const oddNative = native.filter((path) => !/^[a-z0-9]+(_[a-z0-9]+)*\.[a-zA-Z]+$/.test(basename(path)));
    const vague = [...typescript, ...tests, ...native].filter((path) =>
      /\b(utils?|helpers?|misc|common)\b/.test(basename(path).replaceAll("_", "-")),
    );
    expect([odd, oddNative, vague]).toEqual([[], [], []]);
  });

  test("of sources open with a comment that says what they are", () => {
    const silent = [...typescript, ...native, ...tests].filter(
      (path) => !/^(#![^\n]*\n)?(\/\*|\/\/)/.test(textOf(path)),
    );
    expect(silent).toEqual([]);
  });

  test("of TypeScript never say any", () => {
    expect(typescript.filter((path) => readSource(path).usesAny)).toEqual([]);
    expect(readSource("a.ts", "const x = y as any;").usesAny).toBe(true);
    expect(readSource("a.ts", 'const any = "any"; // any').usesAny).toBe(false);
  });
});

describe("rules", () => {
  const rules = "F1 F2 F3 F4 F5 T1 T2 T3 I1 I2 I3 R1 R2 R3 K1 K2 K3 M1 X1 C1 C2 C3 C4 C5 C6 C7".split(" ");

  /** What names a rule: the strings of tests (their titles are), native tests, and the reasons of the corpus. */
  function texts(): string[] {
    const own = basename(import.meta.url);
    return [
      ...tests.filter((path) => basename(path) !== own).flatMap((path) => readSource(path).strings),
      ...filesIn(["test/native"], /\.[ch]$/).map(textOf),
      ...filesIn(["corpus"], /\.json$/).map(
        (path) => (JSON.parse(textOf(path)) as { reason: string }).reason,
      ),
    ];
  }

  test("of SPEC sections 1 and 2 are each named by a test or a corpus entry", () => {
    const named = new Set(texts().flatMap((text) => text.match(/\b[FTIRKMXC]\d\b/g) ?? []));
    expect(rules.filter((rule) => !named.has(rule))).toEqual([]);
  });
});

/** The package by its own name, as a project that has installed it imports it: what is exported is there and works together. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";
import { buildCommand } from "./support/command.js";
import { readSource } from "./support/read-source.js";

beforeAll(buildCommand);

/** Runs a module in the package's folder, where its own name resolves by its exports, on what the build made. */
function evaluate(source: string): string {
  return execFileSync(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: packagePath(),
    encoding: "utf8",
  });
}

describe("the package's exports", () => {
  test("the model runs generator bodies from fiber-lockstep/sched", () => {
    const printed = evaluate(`
      import { Scheduler } from "fiber-lockstep/sched";
      const s = new Scheduler();
      const t = s.go(function* () { yield* s.sleep(30); return 100; });
      s.spawn(function* () { console.log(yield* t.wait(), "at", s.nowMs); });
      s.run();`);
    expect(printed).toBe("100 at 30\n");
  });

  test("a built program replays on the model, and fiberProgram serves a property of one's own", () => {
    const printed = evaluate(`
      import fc from "fast-check";
      import { fiberProgram, openTarget, ProgramBuilder, readProgram, replay } from "fiber-lockstep";
      const b = new ProgramBuilder("by hand");
      b.fiber("a", (o) => o.sleep(10).log(7));
      console.log((await replay(b.build(), await openTarget("model"))).outcome);
      fc.assert(fc.property(fiberProgram(), (p) => readProgram(p).ok), { numRuns: 50, seed: 1 });`);
    expect(printed).toBe("{ outcome: 'completed', t: 10 }\n");
  });

  test("the schema of programs is a file of the package", () => {
    const printed = evaluate(`
      import { createRequire } from "node:module";
      console.log(createRequire(import.meta.url)("fiber-lockstep/program.schema.json").title);`);
    expect(printed).toBe("Lockstep fiber program, version 1\n");
  });
});

/** The declarations that a project reads when it imports one of the package's exports, and those that they import. */
function declarations(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  const found = new Map<string, string>();
  const read = (path: string): void => {
    if (found.has(path)) return;
    const text = readFileSync(path, "utf8");
    found.set(path, text);
    for (const { from } of readSource(path, text).imports)
      if (from.startsWith(".")) read(join(dirname(path), from.replace(/\.js$/, ".d.ts")));
  };
  for (const entry of Object.values(exports)) if (typeof entry === "object") read(packagePath(entry.types));
  return found;
}

describe("the public types", () => {
  test("never say any", () => {
    const found = declarations();
    expect(found.size).toBeGreaterThan(20);
    expect([...found].filter(([path, text]) => readSource(path, text).usesAny).map(([path]) => path)).toEqual(
      [],
    );
  });

  test("of every name that the package exports are documented", () => {
    const program = ts.createProgram(
      ["index", "sched/index", "vitest/index"].map((name) => packagePath("dist", `${name}.d.ts`)),
      {
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        skipLibCheck: true,
      },
    );
    const checker = program.getTypeChecker();
    const silent = ["index", "sched/index", "vitest/index"].flatMap((name) => {
      const file = program.getSourceFile(packagePath("dist", `${name}.d.ts`))!;
      return checker.getExportsOfModule(checker.getSymbolAtLocation(file)!).flatMap((exported) => {
        const symbol =
          (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported);
        const isOurs = symbol.declarations?.every(
          (at) => !at.getSourceFile().fileName.includes("/node_modules/"),
        );
        const isSilent = isOurs && symbol.getDocumentationComment(checker).length === 0;
        return isSilent ? [`${name}: ${exported.name}`] : [];
      });
    });
    expect(silent).toEqual([]);
  });
});

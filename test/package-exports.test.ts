/** The package by its own name, as a project that has installed it imports it: what is exported is there and works together. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";

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
      import { ModelTarget, ProgramBuilder, batchOf, decodeTrace, encodeProgram, fiberProgram, readProgram } from "fiber-lockstep";
      const b = new ProgramBuilder("by hand");
      b.fiber("a", (o) => o.sleep(10).log(7));
      const program = b.build();
      const traces = new ModelTarget().replayNow(batchOf([encodeProgram(program)]));
      console.log(decodeTrace(program, traces.words).outcome);
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

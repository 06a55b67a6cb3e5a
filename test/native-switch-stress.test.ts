/**
 * The switch stress test (X1, C1): our switch survives a million switches on each architecture, and one that loses any single register
 * does not.
 *
 * test/native/switch-stress.c runs any runtime; what it is worth is shown by the registers that it misses: each is taken out of a copy
 * of the switch.
 *
 * Needs a C compiler.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Architecture, machineArchitecture } from "../src/native-bridge/architecture.js";
import { findQemu, findSysroot } from "../src/native-bridge/emulator.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { scratchFolder } from "./support/command.js";
import {
  architectureOf,
  architecturesHere,
  buildRuntime,
  type RuntimeBuild,
} from "./support/runtime-builds.js";

const SWITCHES = 1_000_000;

/** How to build the runtime so that its switch loses the register. */
type Loss = Pick<RuntimeBuild, "edits" | "flags">;

/**
 * The registers that X1 names. Most are left as the other side of the switch has them. rbx and x19 are zeroed: there, the compiler keeps
 * the same fiber in them on both sides, so that leaving them is no loss that anybody could see.
 */
const LOSSES: Readonly<Record<Architecture, Readonly<Record<string, Loss>>>> = {
  x86_64: Object.fromEntries([
    ...["rbx", "rbp", "r12", "r13", "r14", "r15"].map((register) => {
      const from = `    movq    SCHED_FRAME_${register.toUpperCase()}(%rsp), %${register}\n`;
      return x86(register, from, register === "rbx" ? "    xorl    %ebx, %ebx\n" : "");
    }),
    x86("mxcsr", "    ldmxcsr SCHED_FRAME_MXCSR(%rsp)\n", ""),
    x86("x87cw", "    fldcw   SCHED_FRAME_X87CW(%rsp)\n", ""),
  ]),
  aarch64: Object.fromEntries([
    ...[19, 21, 23, 25, 27].flatMap((first) => pairOf("x", first)),
    ...[8, 10, 12, 14].flatMap((first) => pairOf("d", first)),
    // With a frame pointer in every function, each restores its caller's x29 from its own frame, whatever the switch did.
    [
      "x29",
      {
        flags: ["-fomit-frame-pointer"],
        edits: [
          {
            file: "switch_aarch64.S",
            from: "    ldp     x29, x30, [sp, #SCHED_FRAME_X29]\n",
            to: "    ldr     x30, [sp, #SCHED_FRAME_X29 + 8]\n",
          },
        ],
      },
    ],
  ]),
};

function x86(register: string, from: string, to: string): [string, Loss] {
  return [register, { edits: [{ file: "switch_x86_64.S", from, to }] }];
}

/** The losses of a register and the next one, which are restored together: only the other one still is. */
function pairOf(letter: "x" | "d", number: number): [string, Loss][] {
  const first = `${letter}${number}`;
  const second = `${letter}${number + 1}`;
  const slot = `SCHED_FRAME_${first.toUpperCase()}`;
  const from = `    ldp     ${first}, ${second}, [sp, #${slot}]\n`;
  const zero = first === "x19" ? "    mov     x19, xzr\n" : "";
  const loss = (to: string): Loss => ({ edits: [{ file: "switch_aarch64.S", from, to }] });
  return [
    [first, loss(`    ldr     ${second}, [sp, #${slot} + 8]\n${zero}`)],
    [second, loss(`    ldr     ${first}, [sp, #${slot}]\n`)],
  ];
}

const { folder } = scratchFolder();

describe.each(architecturesHere)("the switch of $name", ({ name }) => {
  const architecture = architectureOf(name);
  const isEmulated = architecture !== machineArchitecture();
  const program = join(folder, `switch-stress-${architecture}`);

  const stress = (runtime: string, switches: number, seed = 1) => {
    const command = [program, runtime, String(switches), String(seed)];
    const whole = isEmulated ? [findQemu()!, "-L", findSysroot()!, ...command] : command;
    const { status, signal, stdout } = spawnSync(whole[0]!, whole.slice(1), { encoding: "utf8" });
    return { status, signal, stdout };
  };

  beforeAll(() => {
    const compiler = isEmulated ? "aarch64-linux-gnu-gcc" : "cc";
    const flags = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Werror"];
    const stub = packagePath("src", "native-bridge", "replay", `checked_call_${architecture}.S`);
    const source = packagePath("test", "native", "switch-stress.c");
    execFileSync(compiler, [...flags, `-I${packagePath("include")}`, "-o", program, source, stub, "-ldl"]);
  });

  test("a million switches lose no register and no canary, 64 frames deep (X1)", () => {
    const runtime = buildRuntime(folder, `good-${architecture}`, { architecture });
    const { status, stdout } = stress(runtime, SWITCHES);
    expect(stdout).toMatch(/^\d+ switches, nothing lost, on sched-c/);
    expect(Number.parseInt(stdout, 10)).toBeGreaterThanOrEqual(SWITCHES);
    expect(status).toBe(0);
  }, 120_000);

  test.each(Object.keys(LOSSES[architecture]))("a switch that loses %s is found (X1, C1)", (register) => {
    const loss = LOSSES[architecture][register]!;
    const runtime = buildRuntime(folder, `no-${register}-${architecture}`, { architecture, ...loss });
    const { status, signal, stdout } = stress(runtime, 10_000);
    // The run loop itself may be the one that trips over its register, before a body can tell.
    if (status === 1) expect(stdout).toContain(`lost ${register} in switch`);
    else expect(signal ?? `exit ${status}`).toMatch(/^SIG(SEGV|BUS|ABRT|ILL)$/);
  });
});

/**
 * `lockstep doctor`: which targets this machine can run, what each needs, what is missing and the command that installs it; and where
 * the header lies that a runtime of one's own is built with.
 */
import type { LibraryAudit } from "../native-bridge/audit-library.js";
import { describeTargets } from "../native-bridge/doctor.js";
import { installArm64Node } from "../native-bridge/emulator.js";
import { packagePath } from "../native-bridge/package-path.js";
import { TargetError } from "../sim/target.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus } from "./exit-status.js";

export interface DoctorOptions {
  /** Install what needs no rights: the arm64 Node that the target aarch64 runs in. */
  readonly install?: boolean;
  /** Print the folder of lockstep.h and nothing else, for a compiler's -I. */
  readonly include?: boolean;
  readonly format: "text" | "jsonl";
}

/** Exit status 0 when every target can run and no built runtime lacks anything; 1 when one does; 3 when a target cannot run. */
export async function doctorCommand(
  options: DoctorOptions,
  { terminal }: CommandContext,
): Promise<ExitStatus> {
  if (options.include === true) {
    terminal.print(packagePath("include"));
    return ExitStatus.agreement;
  }
  if (options.install === true) {
    try {
      const node = await installArm64Node();
      terminal.complain(`installed Node ${node.version} for arm64 at ${node.path}`);
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      terminal.complain(error.message);
      return ExitStatus.unavailable;
    }
  }
  const targets = [
    { name: "model", runsOn: "this process", canRun: true, requirements: [], audit: null },
    ...(await describeTargets()),
  ];
  const told = new Set<string>();
  for (const target of targets) {
    if (options.format === "jsonl") {
      terminal.print(JSON.stringify(target));
      continue;
    }
    const verdict = target.canRun ? terminal.paint("green", "can run") : terminal.paint("red", "CANNOT RUN");
    terminal.print(`${terminal.paint("bold", target.name)}  ${verdict}  (${target.runsOn})`);
    for (const need of target.requirements) {
      if (need.state === "found")
        terminal.print(`  has    ${need.what}: ${need.path} ${need.version}`.trimEnd());
      else terminal.print(`  LACKS  ${need.what}: ${need.why}`);
    }
    // One command may bring several things, for several targets: it is told once.
    for (const need of target.requirements) {
      if (need.state === "found" || told.has(need.install)) continue;
      told.add(need.install);
      terminal.print(`  install it with: ${need.install}`);
    }
    for (const line of auditLines(target.audit)) terminal.print(line);
  }
  if (options.format === "text") {
    terminal.print(
      `${terminal.paint("bold", "your own")}  a library that is built with -I${packagePath("include")}`,
    );
  }
  const isSound = targets.every(({ audit }) => audit === null || faultsOf(audit).length === 0);
  const status = isSound ? ExitStatus.agreement : ExitStatus.divergence;
  return targets.every((target) => target.canRun) ? status : ExitStatus.unavailable;
}

/** Nothing for a runtime that is not built yet: its first use builds it. */
function auditLines(audit: LibraryAudit | null): string[] {
  if (audit === null) return [];
  const faults = faultsOf(audit);
  if (faults.length === 0) return [`  sound  context switch: ${audit.sound}`];
  return faults.map((fault) => `  WRONG  ${audit.path}: ${fault}`);
}

function faultsOf({ missing, lost }: LibraryAudit): readonly string[] {
  return [...missing, ...lost];
}

/**
 * The machine by name: without it a time means nothing. What is not there is said to be so; asking changes nothing.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { root } from "./dist.mjs";

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: `${type()} ${release()}`,
    node: process.version,
    gcc: firstLine("gcc", "--version"),
    "gcc for aarch64": firstLine("aarch64-linux-gnu-gcc", "--version"),
    qemu: firstLine("qemu-aarch64", "--version"),
    commit: firstLine("git", "-C", root, "describe", "--always", "--dirty"),
    "load at start": loadavg()
      .map((load) => load.toFixed(2))
      .join(" "),
  };
}

/** The CPUs that this process may use, by number. */
export function allowedCpus() {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))[1];
    return list.split(",").flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  } catch {
    return Array.from({ length: availableParallelism() }, (_, i) => i);
  }
}

/** The CPU that the benchmarks are pinned to: the last that this process may use, since the first takes most interrupts. */
export function lastAllowedCpu() {
  return allowedCpus().at(-1);
}

function firstLine(command, ...args) {
  try {
    const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    return execFileSync(command, args, options).split("\n", 1)[0];
  } catch {
    return "not installed";
  }
}

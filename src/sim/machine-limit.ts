/**
 * What to say of a panic of M1: it comes from what the machine allows far more often than from the runtime.
 *
 * It stays a divergence, for a runtime that gives no stack back ends in the same way; the lines say how to tell the two apart.
 */
import type { Outcome } from "./trace.js";

/** Lines for people, or undefined where the outcome is no panic of M1. */
export function machineLimit(outcome: Outcome): string[] | undefined {
  if (outcome.outcome !== "panic") return undefined;
  if (/^sched: (mmap|mprotect\(PROT_NONE\)) failed /.test(outcome.message))
    return [
      "out of stacks (M1): most likely this machine's limit, not the runtime. A guarded stack takes two mappings, and a process may have",
      "vm.max_map_count of them (65530 where nobody has changed it): raise it with  sysctl -w vm.max_map_count=1000000",
      "or lift  ulimit -v  and --memory-limit. If it stays, the runtime does not give its stacks back.",
    ];
  if (/^sched: out of memory allocating /.test(outcome.message))
    return [
      "out of memory (M1): most likely this machine's limit, not the runtime: lift  ulimit -v  and --memory-limit.",
      "If it stays, the runtime does not give back what it takes.",
    ];
  return undefined;
}

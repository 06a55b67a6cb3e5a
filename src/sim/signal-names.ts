/**
 * Names of what a crash is laid to: signals by their Linux numbers, the same on x86-64 and aarch64, exit statuses, and two causes of
 * our own (docs/encoding.md).
 *
 * Taken from `os.constants.signals` when this runs on Linux would do, but a trace that was recorded on Linux is also shown elsewhere, where
 * the numbers differ; so the table stands here.
 */
import { CRASH_EXIT_BASE, CRASH_MEMORY_LIMIT, CRASH_OVERWRITTEN } from "./encoding.js";

const NAMES: Readonly<Record<number, string>> = {
  // No signal: the host process itself was lost, and with it whatever it could have told.
  0: "host lost",
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  31: "SIGSYS",
};

/** What a crash of that code is laid to. */
export function crashName(code: number): string {
  if (code === CRASH_MEMORY_LIMIT) return "memory limit";
  if (code === CRASH_OVERWRITTEN) return "trace overwritten";
  if (code >= CRASH_EXIT_BASE) return `exit ${code - CRASH_EXIT_BASE}`;
  return NAMES[code] ?? `signal ${code}`;
}

/** The code of that name; 0 for a name that is none. */
export function crashCode(name: unknown): number {
  if (typeof name !== "string") return 0;
  if (name === "memory limit") return CRASH_MEMORY_LIMIT;
  if (name === "trace overwritten") return CRASH_OVERWRITTEN;
  const [, kind, digits] = /^(exit|signal) (\d{1,3})$/.exec(name) ?? [];
  if (kind !== undefined) return Number(digits) + (kind === "exit" ? CRASH_EXIT_BASE : 0);
  return Number(Object.entries(NAMES).find(([, known]) => known === name)?.[0] ?? 0);
}

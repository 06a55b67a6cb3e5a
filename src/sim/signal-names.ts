/**
 * Names of signals by their Linux numbers, the same on x86-64 and aarch64.
 *
 * Taken from `os.constants.signals` when this runs on Linux would do, but a trace that was recorded on Linux is also shown elsewhere, where
 * the numbers differ; so the table stands here.
 */
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

export function signalName(number: number): string {
  return NAMES[number] ?? `signal ${number}`;
}

/** The number of a signal's name; 0 for a name that is none. */
export function signalNumber(name: string): number {
  const found = Object.entries(NAMES).find(([, known]) => known === name);
  return Number(found?.[0] ?? /^signal (\d+)$/.exec(name)?.[1] ?? 0);
}

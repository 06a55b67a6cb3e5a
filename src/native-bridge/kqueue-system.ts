/**
 * What the target `kqueue` is built over: libkqueue where it is installed, else our own kqueue(2) on epoll.
 *
 * Invariant: `readiness_kqueue.c` is the same source over each, and includes <sys/event.h> as on macOS. libkqueue is looked for under
 * `$LOCKSTEP_LIBKQUEUE`, /usr and /usr/local, as Debian and Ubuntu lay it out; an empty `$LOCKSTEP_LIBKQUEUE` turns it off. Neither is for
 * another architecture than this machine's.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { machineArchitecture } from "./architecture.js";
import { packagePath } from "./package-path.js";

export interface KqueueSystem {
  /** For people: what answers kqueue(). */
  readonly name: "libkqueue" | "our own kqueue on epoll";
  /** The header that the build includes as <sys/event.h>. */
  readonly header: string;
  /** Sources that go into the library with the runtime's. Absolute. */
  readonly sources: readonly string[];
  /** Flags for the compiler, before the sources and after them. */
  readonly flags: readonly string[];
  readonly libraries: readonly string[];
}

/** The calls that libkqueue_kept.c stands before. */
const KEPT_FLAGS = ["kqueue", "kevent", "close", "sched_set_panic_hook"].map((name) => `-Wl,--wrap=${name}`);

export function findKqueueSystem(): KqueueSystem {
  const ours = packagePath("src", "native-bridge", "kqueue");
  const told = process.env.LOCKSTEP_LIBKQUEUE;
  const prefixes = told === undefined ? ["/usr", "/usr/local"] : told === "" ? [] : [told];
  for (const prefix of prefixes) {
    const folder = join(prefix, "include", "kqueue");
    const header = join(folder, "sys", "event.h");
    const library = [join("lib", `${machineArchitecture()}-linux-gnu`), "lib", "lib64"]
      .map((libraries) => join(prefix, libraries))
      .find((libraries) => existsSync(join(libraries, "libkqueue.so")));
    if (library === undefined || !existsSync(header)) continue;
    const libraries = [`-L${library}`, `-Wl,-rpath,${library}`, "-lkqueue"];
    const sources = [join(ours, "libkqueue_kept.c")];
    return { name: "libkqueue", header, sources, flags: [`-I${folder}`, ...KEPT_FLAGS], libraries };
  }
  return {
    name: "our own kqueue on epoll",
    header: join(ours, "sys", "event.h"),
    sources: [join(ours, "kqueue_on_epoll.c")],
    flags: [`-I${ours}`],
    libraries: [],
  };
}

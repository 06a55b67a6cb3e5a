/**
 * The compilers that run now, so that an interruption can end them.
 *
 * Invariant: where somebody has taken it on to stop builds, a compiler stands in a process group of its own, with all that it starts: an
 * interruption from the terminal does not reach it, and `stopBuilds` ends the whole of it. Elsewhere (a library in somebody's process) it stays
 * where the terminal reaches it, and outlives nobody. A build that was stopped leaves no file behind: whoever began it removes what is not complete.
 */
import { type ChildProcess, spawn } from "node:child_process";

/** True for one that leads a process group. */
const compilers = new Map<ChildProcess, boolean>();
const builds = new Set<Promise<unknown>>();
let areTakenOn = false;
let isStopped = false;

/** The caller will call `stopBuilds` when the process is told to end. Counts for compilers that start from now on. */
export function takeOnBuilds(): void {
  areTakenOn = true;
}

/** Does `work`, which runs compilers and removes what they leave; `stopBuilds` waits for its end. */
export async function asBuild<T>(work: () => Promise<T>): Promise<T> {
  const build = work();
  builds.add(build);
  try {
    return await build;
  } finally {
    builds.delete(build);
  }
}

/** Runs a compiler. Gives undefined for an exit status of 0, else why there is none: all that the compiler said, mostly. Never rejects. */
export function runCompiler(path: string, options: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (isStopped) {
      resolve("stopped");
      return;
    }
    const isGroup = areTakenOn;
    const compiler = spawn(path, options, { stdio: ["ignore", "ignore", "pipe"], detached: isGroup });
    compilers.set(compiler, isGroup);
    let said = "";
    compiler.stderr.setEncoding("utf8").on("data", (part: string) => {
      said += part;
    });
    compiler.on("error", (error) => {
      compilers.delete(compiler);
      resolve(String(error));
    });
    compiler.on("close", (status, signal) => {
      compilers.delete(compiler);
      if (status === 0) resolve(undefined);
      else resolve(said.trim() === "" ? `it ended with ${signal ?? `status ${status}`}` : said);
    });
  });
}

/** Ends every compiler that runs, and lets none begin any more. Resolves when the builds are over. */
export async function stopBuilds(): Promise<void> {
  isStopped = true;
  for (const [{ pid }, isGroup] of compilers) {
    try {
      if (pid !== undefined) process.kill(isGroup ? -pid : pid, "SIGTERM");
    } catch {
      // It has just ended.
    }
  }
  await Promise.allSettled(builds);
}

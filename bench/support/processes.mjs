/**
 * The processes below this one, and what they and this one have used: read from /proc, so Linux only; elsewhere there are none.
 */
import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

/** All processes below `pid`, as the kernel lists them. */
export function processesBelow(pid = process.pid) {
  const threads = list(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(" "));
  return children.filter(Boolean).flatMap((child) => [Number(child), ...processesBelow(child)]);
}

export function residentMib(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/**
 * Seconds of CPU that this process and all below it have used, those included that have ended and were waited for. What else the
 * machine does adds nothing to it, but for the caches. Of others than this process in steps of 10 ms: for long stretches only.
 */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return processesBelow().reduce((sum, pid) => sum + cpuSecondsOf(pid), (user + system) / 1e6);
}

function cpuSecondsOf(pid) {
  // The name may hold anything; fields are counted from behind it: utime, stime, cutime, cstime are the 14th to 17th of all.
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty for a process that has ended meanwhile. */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

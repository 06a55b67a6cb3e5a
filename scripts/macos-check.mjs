/**
 * Compiles the native scheduler for aarch64-macOS, on kqueue, and audits the symbols and the switch of what comes out. Nothing of it is
 * run: no part of Lockstep runs on macOS. Needs zig, which brings the headers of macOS with it: `$LOCKSTEP_ZIG`, `zig` on the PATH, or the
 * Python package ziglang; says so and leaves it at that where none is there. Exits 1 when it does not compile or an audit finds a fault.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { capture, root } from "./steps.mjs";

const TARGET = "aarch64-macos.11.0";
const FLAGS = [
  ...["-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-fPIC", "-Wall", "-Wextra", "-Werror"],
  ...["-fvisibility=hidden", "-Iinclude"],
];
const EXPORTED = "_lockstep_runtime_v1";

const zig = findZig();
if (zig === undefined) {
  console.log(
    "== skipped: aarch64-macOS is not compiled: it needs zig (pip install ziglang, or $LOCKSTEP_ZIG)",
  );
} else {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-macos-"));
  try {
    process.exitCode = (await check(join(folder, "libsched.dylib"))) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function findZig() {
  const commands = [["zig"], ["python3", "-m", "ziglang"]];
  const told = process.env.LOCKSTEP_ZIG?.trim();
  if (told) commands.unshift(told.split(/\s+/));
  return commands.find(([program, ...leading]) => capture(program, [...leading, "version"]).ok);
}

async function check(library) {
  const runtime = "src/native-bridge/runtime";
  const sources = readdirSync(join(root, runtime))
    .filter((file) => file.endsWith(".c") && file !== "readiness_epoll.c")
    .concat("switch_aarch64.S")
    .map((file) => `${runtime}/${file}`);
  const [program, ...leading] = zig;
  const options = ["cc", "-target", TARGET, ...FLAGS, "-dynamiclib", "-o", library, ...sources];
  const compiled = capture(program, [...leading, ...options]);
  if (!compiled.ok) {
    console.log(compiled.output);
    return false;
  }
  const bridge = (name) => import(pathToFileURL(join(root, "dist", "native-bridge", name)).href);
  const { auditLibrary } = await bridge("audit-library.js");
  const { MachOFile } = await bridge("mach-o.js");
  const { missing, lost, sound } = await auditLibrary(library);
  // The linker adds names of its own.
  const names = new MachOFile(readFileSync(library))
    .symbols()
    .filter(({ name, isExported }) => isExported && /^_(sched|lockstep)_/.test(name))
    .map(({ name }) => name)
    .join(", ");
  const faults = [...missing, ...lost];
  if (names !== EXPORTED) faults.push(`exports ${names || "nothing"}, and should export ${EXPORTED} alone`);
  for (const fault of faults) console.log(`WRONG  ${TARGET}: ${fault}`);
  if (faults.length > 0) return false;
  console.log(`== aarch64-macOS: compiled and audited, not run: ${sound}; ${EXPORTED} alone is exported`);
  return true;
}

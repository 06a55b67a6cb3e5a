/**
 * Programs in other languages as contenders: builds them into Lockstep's cache folder and runs them in turn.
 *
 * Each is run as `PROGRAM BENCH N` and prints one number a line, ns an op, a line a round; other lines do not count. What cannot be built
 * here is said to be missing, with the reason, and the others go on. A failure to build is never a failure of the bench.
 */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, makeFolder, root } from "./dist.mjs";
import { summarize } from "./measure.mjs";

const run = promisify(execFile);

/** Where peers are built and installed. */
export const peersFolder = join(cacheFolder(), "bench");

/** The environment with the usual places of Go and Rust on the PATH, where their installers put them without asking. */
const environment = {
  ...process.env,
  PATH: [process.env.PATH, "/usr/local/go/bin", join(homedir(), ".cargo", "bin")].join(delimiter),
};

/** The first line that a tool prints of its version. Throws, with what to install, where there is no such tool. */
function versionOf(tool, args, install) {
  try {
    return execFileSync(tool, args, { env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
      .split("\n", 1)[0]
      .trim();
  } catch {
    throw new Error(`${tool} does not run here; ${install}`);
  }
}

/** Each returns `{ path, version }`, and throws an Error whose message says why there is none. */
const BUILDERS = {
  go() {
    const version = versionOf("go", ["version"], "install Go 1.25 or later (https://go.dev/dl)");
    makeFolder(peersFolder);
    const path = join(peersFolder, "peers-go");
    // The one toolchain that is here: it fetches nothing.
    const env = { GOTOOLCHAIN: "local", GOCACHE: join(peersFolder, "go-build") };
    build("go", ["build", "-o", path, "."], { cwd: join(root, "bench", "go"), env });
    return { path, version };
  },
  tokio: (isOffline) => buildRust("tokio", "", isOffline),
  shuttle: (isOffline) => buildRust("shuttle", "", isOffline),
  loom: (isOffline) => buildRust("loom", "--cfg loom", isOffline),
  madsim: (isOffline) => buildRust("madsim", "--cfg madsim", isOffline),
};

/**
 * A member of bench/rust, with flags of its own, hence in a folder of its own. cargo fetches what the lock file names, once, into the
 * cache folder too.
 */
function buildRust(name, flags, isOffline) {
  const rust = versionOf("rustc", ["--version"], "install Rust (https://rustup.rs)");
  const workspace = join(root, "bench", "rust");
  const target = join(peersFolder, "rust", name);
  const folders = ["--manifest-path", join(workspace, "Cargo.toml"), "--target-dir", target];
  const chosen = ["--locked", "--release", "-p", `peers-${name}`, ...(isOffline ? ["--offline"] : [])];
  const env = { RUSTFLAGS: flags, CARGO_HOME: join(peersFolder, "cargo") };
  build("cargo", ["build", ...folders, ...chosen], { env });
  const locked = readFileSync(join(workspace, "Cargo.lock"), "utf8");
  const version = new RegExp(`^name = "${name}"\nversion = "(.+)"$`, "m").exec(locked)[1];
  return { path: join(target, "release", `peers-${name}`), version: `${name} ${version}, ${rust}` };
}

function build(command, args, { cwd, env = {} }) {
  try {
    execFileSync(command, args, { cwd, env: { ...environment, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const lines = String(error.stderr ?? error.message).split("\n");
    const reason = lines.find((line) => /^error|:\d+:\d+:|fatal/.test(line)) ?? lines[0];
    throw new Error(`${command} ${args[0]} failed: ${reason}`);
  }
}

/**
 * Builds the peers of these names (`go`, `tokio`, `shuttle`, `loom`, `madsim`). Returns name to `{ path, version }` of those
 * that can be had, and adds a line to `notes` for each other.
 */
export function buildPeers(names, { isOffline, notes }) {
  const peers = {};
  for (const name of names) {
    try {
      peers[name] = BUILDERS[name](isOffline);
    } catch (error) {
      notes.push(`MISSING: ${name}: ${error.message}${isOffline ? " (--offline was given)" : ""}`);
    }
  }
  return peers;
}

/**
 * Runs `contenders` (name to `[path, bench, n]`) in turn, `turns` times each. Returns name to `summarize` of all lines, in ns an op; one
 * that fails is left out, with a line in `notes`.
 */
export async function runInTurn(contenders, { turns, notes }) {
  const samples = new Map(Object.keys(contenders).map((name) => [name, []]));
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, [path, ...args]] of Object.entries(contenders)) {
      if (!samples.has(name)) continue;
      try {
        const { stdout } = await run(path, args.map(String), { timeout: 120_000 });
        samples.get(name).push(
          ...stdout
            .split("\n")
            .filter((line) => /^\d+(\.\d+)?$/.test(line))
            .map(Number),
        );
      } catch (error) {
        samples.delete(name);
        notes.push(`FAILED: ${name} ${args.join(" ")}: ${error.message.split("\n", 1)[0]}`);
      }
    }
  }
  return Object.fromEntries([...samples].map(([name, of]) => [name, summarize(of)]));
}

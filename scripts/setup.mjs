/**
 * Brings a fresh clone to where everything runs, and is quick when there is nothing to do: `npm start` and `npm test` begin with it.
 *
 * In order: the version of Node, node_modules, Debian packages (only as root or with a sudo that asks nothing; LOCKSTEP_NO_INSTALL=1
 * keeps it from that), dist/, the arm64 Node of the emulated target. The first, second and fourth are needed and end the script when
 * they fail; what else cannot be set up is said in one line with the command to run, and the targets that need it will say so too.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { capture, root, say, secondsSince } from "./steps.mjs";

const NATIVE_PACKAGES = ["gcc", "libc6-dev"];
const EMULATOR_PACKAGES = [
  "qemu-user",
  "gcc-aarch64-linux-gnu",
  "libc6-dev-arm64-cross",
  "libstdc++6-arm64-cross",
];
/** What the target kqueue is built over where it is there, and does without where it is not: few releases of Debian and its kin carry it. */
const KQUEUE_PACKAGE = "libkqueue-dev";
/** What only the tests need: a browser for the time line's page, and what builds the worked adapter over Boost.Context. */
const TEST_PACKAGES = ["g++", "make", "libboost-context-dev", "chromium"];

/**
 * Sets everything up, with what only the tests need where `forTests` says so. Throws an Error whose message is for the user when Lockstep
 * cannot run at all.
 */
export async function setUp({ forTests = false } = {}) {
  checkNode();
  installModules();
  installDebianPackages(forTests);
  await buildDist();
  await installArm64Node();
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const needed = engines.node.replace(">=", "").split(".").map(Number);
  const actual = process.versions.node.split(".").map(Number);
  const isOlder = actual[0] < needed[0] || (actual[0] === needed[0] && actual[1] < needed[1]);
  if (isOlder) throw new Error(`Lockstep needs Node ${engines.node}; this is ${process.versions.node}`);
}

function installModules() {
  if (areModulesInstalled()) return;
  const startMs = performance.now();
  const npm = (...command) => capture("npm", [...command, "--no-audit", "--no-fund", "--loglevel=error"]);
  let installed = npm("ci");
  // `npm ci` refuses a lock file that was written where the registry lacked some platform's optional binary. The versions that it
  // does hold are kept in the second try too, and neither writes it.
  if (!installed.ok) installed = npm("install", "--no-save");
  // npm follows the reason with two pages on its own usage.
  const reason = installed.output.split("\n").slice(0, 8).join("\n");
  if (!installed.ok) throw new Error(`npm cannot install node_modules:\n${reason}`);
  say(`setup: node_modules installed (${secondsSince(startMs)})`);
}

/** Whether each package of the lock file is there in its version. Asked of the content: times change with every checkout. */
function areModulesInstalled() {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages).every(([folder, { version, optional, os, cpu, libc }]) => {
    if (folder === "") return true;
    const isForHere =
      (os ?? [process.platform]).includes(process.platform) && (cpu ?? [process.arch]).includes(process.arch);
    // Optional packages are binaries for one platform each. Which C library this is takes long to ask: glibc's count, musl's do not.
    if (optional && !(cpu && isForHere && !libc?.includes("musl"))) return true;
    const manifest = join(root, folder, "package.json");
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === version;
  });
}

function installDebianPackages(forTests) {
  if (process.platform !== "linux" || !existsSync("/usr/bin/dpkg-query")) return;
  const missing = missingPackages(forTests);
  if (missing.length === 0) return;
  const command = `sudo apt-get install ${missing.join(" ")}`;
  const apt = aptCommand();
  if (apt === undefined) {
    say(
      `setup: some native targets${forTests ? " and tests" : ""} may not run; to have them all: ${command}`,
    );
    return;
  }
  const startMs = performance.now();
  say(`setup: installing ${missing.join(" ")} ...`);
  const install = () =>
    capture(apt[0], [...apt.slice(1), "install", "-y", "--no-install-recommends", ...missing]);
  // The package lists may be missing or old; fetching them takes longer than most installs, so it is the second try.
  const isInstalled = install().ok || (capture(apt[0], [...apt.slice(1), "update"]).ok && install().ok);
  say(
    isInstalled
      ? `setup: installed (${secondsSince(startMs)})`
      : `setup: apt-get failed; to see why: ${command}`,
  );
}

function missingPackages(forTests) {
  const wanted = [...NATIVE_PACKAGES, KQUEUE_PACKAGE];
  if (process.arch !== "arm64") wanted.push(...EMULATOR_PACKAGES);
  if (forTests) wanted.push(...TEST_PACKAGES);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg-query's fields, not ours.
  const format = "${Package} ${db:Status-Status}\n";
  const { output } = capture("dpkg-query", ["-W", "-f", format, ...wanted]);
  const installed = new Set(output.split("\n").filter((line) => line.endsWith(" installed")));
  const missing = wanted.filter((name) => !installed.has(`${name} installed`));
  return missing.filter((name) => name !== KQUEUE_PACKAGE || isOffered(name));
}

/** Whether the package lists of this machine have it. */
function isOffered(name) {
  return capture("apt-cache", ["pkgnames", name]).output.split("\n").includes(name);
}

/** How to run apt-get as root without a question, or undefined where that cannot be. */
function aptCommand() {
  if (process.env.LOCKSTEP_NO_INSTALL) return undefined;
  const apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"];
  if (process.getuid() === 0) return apt;
  return capture("sudo", ["-n", "true"]).ok ? ["sudo", "-n", ...apt] : undefined;
}

/** Compiles when the sources are not those that dist/ was made of; the stamp lies in dist/, so it goes when dist/ goes. */
async function buildDist() {
  const dist = join(root, "dist");
  const stamp = join(dist, ".built-from");
  const wanted = hashOfSources();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  const startMs = performance.now();
  // What a source that is gone had left behind would be packed and could be run.
  rmSync(dist, { recursive: true, force: true });
  // Imported here, since what it imports is there only after the modules are.
  await (await import("./build.mjs")).build();
  writeFileSync(stamp, wanted);
  say(`setup: dist/ built (${secondsSince(startMs)})`);
}

function hashOfSources() {
  const sources = readdirSync(join(root, "src"), { recursive: true }).filter((name) =>
    /\.(ts|css)$/.test(name),
  );
  const files = [
    "tsconfig.json",
    "tsconfig.build.json",
    ...["build", "build-page", "precompile-validator"].map((script) => `scripts/${script}.mjs`),
    ...sources.sort().map((name) => join("src", name)),
  ];
  const hash = createHash("sha256");
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** Only where the rest of the emulated target is there: 150 MB that nothing runs would be a poor present. */
async function installArm64Node() {
  const bridge = (name) => import(pathToFileURL(join(root, "dist", "native-bridge", name)).href);
  const { describeTargets } = await bridge("doctor.js");
  const aarch64 = (await describeTargets()).find(({ name }) => name === "aarch64");
  const missing = aarch64.requirements.filter(({ state }) => state === "missing");
  if (missing.length !== 1 || missing[0].id !== "arm64-node") return;
  const startMs = performance.now();
  try {
    await (await bridge("emulator.js")).installArm64Node();
    say(`setup: arm64 Node installed (${secondsSince(startMs)})`);
  } catch (error) {
    say(`setup: the target aarch64 will not run: ${error.message}; to try again: ${missing[0].install}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setUp();
  } catch (error) {
    say(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}

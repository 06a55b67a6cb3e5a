/**
 * `npm run check-package [NODE...]`: the package as others get it. Packs it, looks at what is in it, has publint and arethetypeswrong judge
 * it, makes the API pages, installs it into an empty project, and there runs the model without a compiler, native with one, the command, and a test with
 * vitest. NODE: versions such as 20 22 24, which npm fetches, or paths; without any, the Node that runs this.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { capture, root, say } from "./steps.mjs";

/** A tarball that outgrows this has something in it that nobody needs. */
const PACKED_BYTES_MAX = 500_000;
/** What may be in it. */
const WANTED =
  /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|(corpus|schema)\/[\w.-]+\.json|docs\/[\w./-]+\.md|include\/lockstep\.h|dist\/[\w./-]+\.(js|d\.ts|css)|src\/native-bridge\/(runtime|replay|kqueue)\/[\w./]+|examples\/[\w-]+\/[\w.]+)$/;

const MODEL = `
import { openTarget, record, replay } from "fiber-lockstep";
import { Scheduler } from "fiber-lockstep/sched";
const bodies = (s) => s.spawn(function* a() { yield* s.sleep(10); s.log(7); });
const s = new Scheduler({ onLog: (value) => console.log(value, "at", s.nowMs) });
bodies(s);
s.run();
console.log((await replay(record((s) => void bodies(s)), await openTarget("model"))).outcome.outcome);
`;
const NATIVE = `
import { openTarget, runCampaign } from "fiber-lockstep";
const targets = [await openTarget("model"), await openTarget("native")];
const { runs, failures } = await runCampaign(targets, { runs: 200 });
console.log(runs, failures.length);
for (const target of targets) await target.close();
`;
const TEST = `
import { fiberProgram } from "fiber-lockstep";
import { expect, test } from "fiber-lockstep/vitest";
test.lockstep("agree", fiberProgram(), { runs: 20 });
test("deadlock", () => expect({ version: 1, fibers: { a: [{ op: "suspend" }] } }).toDeadlock());
`;
const TYPES = `
import { type Program, record } from "fiber-lockstep";
import { Scheduler } from "fiber-lockstep/sched";
import { expect } from "fiber-lockstep/vitest";
const program: Program = record((s: Scheduler) => void s.spawn(function* () {}));
expect(program).toWakeInOrder([]);
`;

const folder = mkdtempSync(join(tmpdir(), "lockstep-package-"));
let failures = 0;
try {
  const tarball = pack();
  judge("publint", ["run", tarball, "--strict"]);
  judge("attw", [tarball, "--profile", "esm-only", "--format", "table-flipped"]);
  const typedoc = capture(join(root, "node_modules", ".bin", "typedoc"), ["--out", join(folder, "api")]);
  step("typedoc", typedoc.ok, typedoc.output);
  const project = install(tarball);
  for (const node of process.argv.length > 2 ? process.argv.slice(2) : [process.execPath])
    tryOn(node, project);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
say(failures === 0 ? "package: all ok" : `package: ${failures} FAILED`);
process.exitCode = failures === 0 ? 0 : 1;

/** One line for what was tried, and the whole output of what failed. */
function step(what, ok, output = "") {
  say(`package: ${what} ${ok ? "ok" : "FAILED"}`);
  if (ok) return;
  failures++;
  process.stderr.write(`${output.trimEnd()}\n`);
}

function pack() {
  const { status, stdout, stderr } = spawnSync("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  const unwanted = packed.files.map(({ path }) => path).filter((path) => !WANTED.test(path));
  const sizes = `${packed.files.length} files, ${packed.size} bytes packed, ${packed.unpackedSize} unpacked`;
  step(
    `${packed.filename}: ${sizes}`,
    unwanted.length === 0 && packed.size <= PACKED_BYTES_MAX,
    unwanted.join("\n"),
  );
  return join(folder, packed.filename);
}

function judge(tool, args) {
  const { ok, output } = capture(join(root, "node_modules", ".bin", tool), args);
  step(tool, ok && !/warning|suggestion/i.test(output), output);
}

function install(tarball) {
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "type": "module", "private": true }\n');
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--save-dev"];
  const { status, stderr } = spawnSync(
    "npm",
    ["install", ...options, tarball, "vitest@4", "@types/node@20"],
    {
      cwd: project,
      encoding: "utf8",
    },
  );
  step("npm install into an empty project", status === 0, stderr);
  const files = { "model.mjs": MODEL, "native.mjs": NATIVE, "agree.test.ts": TEST, "types.ts": TYPES };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const types = spawnSync(
    process.execPath,
    [tsc, "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck", "types.ts"],
    { cwd: project, encoding: "utf8" },
  );
  step("its types in a strict project", types.status === 0, types.stdout);
  return project;
}

function tryOn(wanted, project) {
  const node = /^\d+$/.test(wanted) ? fetched(wanted) : wanted;
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  const cache = join(folder, `cache-${version}`);
  const inProject = (what, args, printed, env = {}) => {
    const { status, stdout, stderr } = spawnSync(node, args, {
      cwd: project,
      encoding: "utf8",
      env: { ...process.env, LOCKSTEP_CACHE: cache, LOCKSTEP_SEED: "", NO_COLOR: "1", ...env },
    });
    step(`Node ${version}: ${what}`, status === 0 && printed.test(stdout), `${status}\n${stdout}${stderr}`);
  };
  // Nothing but Node on the path, so no compiler either.
  const bare = { PATH: dirname(node), CC: join(folder, "no-compiler") };
  inProject("the model without a compiler", ["model.mjs"], /^7 at 10\ncompleted\n$/, bare);
  inProject("a native campaign", ["native.mjs"], /^200 0\n$/);
  const command = ["node_modules/fiber-lockstep/dist/cli/main.js", "corpus", "run"];
  inProject(
    "the command",
    [...command, "node_modules/fiber-lockstep/corpus", "--on", "model,native"],
    /^differ +0 +0/m,
  );
  inProject("vitest", ["node_modules/vitest/vitest.mjs", "run"], /2 passed/, {
    PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
  });
}

/** The path of a Node of this major version, which npm keeps in its own cache. */
function fetched(major) {
  const args = ["exec", "--yes", `--package=node@${major}`, "--", "node", "-p", "process.execPath"];
  const { stdout, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  const path = stdout.trim();
  if (!existsSync(path)) throw new Error(`npm has no Node ${major} for this machine: ${stderr}`);
  return path;
}

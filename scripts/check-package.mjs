/**
 * `npm run check-package [NODE...]`: the package as others get it. Packs it, looks at what is in it, has publint and arethetypeswrong judge
 * it, makes the API pages, installs it into an empty project, and there runs the model without a compiler, native with one, the command, and a test with
 * vitest. Then it types docs/tutorial.md and docs/vitest.md as a new user does, each in an empty folder. NODE: versions such as 20 22 24, which npm fetches,
 * or paths; without any, the Node that runs this. Without the registry it says what it leaves out, and that is no failure.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createViteServer } from "vitest/node";
import { capture, root, say, secondsSince } from "./steps.mjs";

/** A tarball that outgrows this has something in it that nobody needs. */
const PACKED_BYTES_MAX = 500_000;
/** What may be in it. */
const WANTED =
  /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|(corpus|schema)\/[\w.-]+\.json|docs\/[\w./-]+\.md|include\/lockstep\.h|dist\/[\w./-]+\.(js|d\.ts|css)|src\/native-bridge\/(runtime|replay|kqueue)\/[\w./]+|examples\/([\w-]+\/[\w.]+|[\w-]+\.ya?ml))$/;
/** What npm says when it cannot reach the registry, and has not kept what it was asked for. */
const NO_REGISTRY =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED)\b/;
/** The pages that begin with `npm install fiber-lockstep`. */
const PAGES = ["docs/tutorial.md", "docs/vitest.md"];

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
  await check(process.argv.length > 2 ? process.argv.slice(2) : [process.execPath]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
say(failures === 0 ? "package: all ok" : `package: ${failures} FAILED`);
process.exitCode = failures === 0 ? 0 : 1;

async function check(nodes) {
  const tarball = pack();
  judge("publint", ["run", tarball, "--strict"]);
  judge("attw", [tarball, "--profile", "esm-only", "--format", "table-flipped"]);
  const typedoc = capture(join(root, "node_modules", ".bin", "typedoc"), ["--out", join(folder, "api")]);
  step("typedoc", typedoc.ok, typedoc.output);
  const project = install(tarball);
  if (project === undefined) return;
  // The pages are tried by what tries them in the checkout, which is TypeScript.
  const server = await createViteServer({
    root,
    configFile: false,
    appType: "custom",
    logLevel: "warn",
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, watch: null, ws: false },
  });
  try {
    const { checkPage } = await server.ssrLoadModule("/test/support/check-page.ts");
    const { packedReader } = await server.ssrLoadModule("/test/support/packed-reader.ts");
    for (const wanted of nodes) {
      const node = /^\d+$/.test(wanted) ? fetched(wanted) : wanted;
      if (node === undefined) continue;
      const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
      const nodeMajor = Number.parseInt(version.slice(1), 10);
      const cache = join(folder, `cache-${version}`);
      tryOn(node, version, project, cache);
      for (const page of PAGES) {
        const startMs = performance.now();
        const reader = packedReader({ node, nodeMajor, tarball, cache });
        const text = readFileSync(join(project, "node_modules", "fiber-lockstep", page), "utf8");
        const complaints = await checkPage(text, mkdtempSync(join(folder, "empty-")), reader);
        const what = `Node ${version}: ${page} as typed (${secondsSince(startMs)})`;
        step(what, complaints.length === 0, complaints.join("\n"));
      }
    }
  } finally {
    await server.close();
  }
}

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

/** An empty project that has it installed, or undefined where that cannot be. */
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
  if (status !== 0 && NO_REGISTRY.test(stderr)) {
    say(`== skipped: the package is not installed nor run anywhere: ${unreachable(stderr)}`);
    return undefined;
  }
  step("npm install into an empty project", status === 0, stderr);
  if (status !== 0) return undefined;
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

function tryOn(node, version, project, cache) {
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

/** The path of a Node of this major version, which npm keeps in its own cache; undefined where it cannot be had. */
function fetched(major) {
  const args = ["exec", "--yes", `--package=node@${major}`, "--", "node", "-p", "process.execPath"];
  const { stdout, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  const path = stdout.trim();
  if (existsSync(path)) return path;
  if (NO_REGISTRY.test(stderr)) say(`== skipped: the package on Node ${major}: ${unreachable(stderr)}`);
  else step(`Node ${major} from npm`, false, stderr);
  return undefined;
}

function unreachable(stderr) {
  return `npm cannot reach the registry (${NO_REGISTRY.exec(stderr)[0]})`;
}

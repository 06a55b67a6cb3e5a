/**
 * `npm test`: sets up, then types, lint, tests and the native checks, one line a step. Every step runs, whatever the ones before it
 * said; the exit status is 1 when any failed. Arguments after `--` are passed to vitest, but for `--package`, which adds a step: the packed
 * package, as others get it, on this Node.
 */
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setUp } from "./setup.mjs";
import { capture, root, run, say, secondsSince } from "./steps.mjs";

const node = process.execPath;
const nativeCheck = "scripts/native-check.sh";
const macosCheck = "scripts/macos-check.mjs";
const packageCheck = "scripts/check-package.mjs";
const withPackage = process.argv.includes("--package");
const vitestArguments = process.argv.slice(2).filter((argument) => argument !== "--package");

/** Each step says whether it went well; `quiet` ones show what they print only when they fail. */
const steps = [
  { name: "types", quiet: true, command: node, args: ["node_modules/typescript/bin/tsc", "--noEmit"] },
  {
    name: "types of the page",
    quiet: true,
    command: node,
    args: ["node_modules/typescript/bin/tsc", "-p", "src/view/page"],
  },
  { name: "lint", quiet: true, command: node, args: ["node_modules/@biomejs/biome/bin/biome", "check", "."] },
  {
    name: "tests",
    quiet: false,
    command: node,
    args: ["node_modules/vitest/vitest.mjs", "run", ...vitestArguments],
  },
  { name: "native checks", quiet: true, command: "bash", args: [nativeCheck], skip: whyNoNativeCheck },
  { name: "build for macOS", quiet: true, command: node, args: [macosCheck] },
  // The last: it builds dist/ anew.
  ...(withPackage ? [{ name: "package", quiet: true, command: node, args: [packageCheck] }] : []),
];

try {
  const startMs = performance.now();
  await setUp({ forTests: true });
  say(`test: setup ok (${secondsSince(startMs)})`);
  const failed = steps.filter((step) => !runStep(step)).map(({ name }) => name);
  say(failed.length === 0 ? "test: all ok" : `test: FAILED: ${failed.join(", ")}`);
  say(`steps: ${steps.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
} catch (error) {
  say(`test: setup FAILED: ${error.message}`);
  process.exitCode = 1;
}

function runStep({ name, quiet, command, args, skip }) {
  const reason = skip?.();
  if (reason !== undefined) {
    say(`test: ${name} skipped: ${reason}`);
    return true;
  }
  const startMs = performance.now();
  const { ok, output } = quiet ? capture(command, args) : { ok: run(command, args), output: "" };
  if (!ok) process.stderr.write(output);
  // What a quiet step leaves out is never left out in silence.
  for (const line of output.split("\n").filter((line) => /^== (skipped|aarch64-macOS)/.test(line)))
    say(`test: ${name}: ${line.slice(3)}`);
  say(`test: ${name} ${ok ? "ok" : "FAILED"} (${secondsSince(startMs)})`);
  return ok;
}

/** The native checks need a compiler that can link AddressSanitizer, which Debian packs with gcc and others do not. */
function whyNoNativeCheck() {
  if (!existsSync(join(root, nativeCheck))) return `${nativeCheck} is not there`;
  const output = join(tmpdir(), `lockstep-asan-${process.pid}.so`);
  const compiler = process.env.CC ?? "cc";
  const args = [
    "-c",
    `echo | ${compiler} -x c - -shared -fPIC -fsanitize=address -o ${output} && rm ${output}`,
  ];
  return capture("sh", args).ok ? undefined : `${compiler} does not link with -fsanitize=address`;
}

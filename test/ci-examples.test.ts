/**
 * The examples for CI: they are YAML, and the shell that they run does what they say, with the variables that they set and fewer runs.
 *
 * What only the services can do (checkout, artifacts, pods) is played here: one folder for all shards is what the artifacts and the volume are.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readXml } from "./support/campaign-files.js";
import { beginCorpus, buildCommand, lockstep, mainPath, scratchFolder } from "./support/command.js";
import { textOf } from "./support/source-files.js";

beforeAll(buildCommand);
const { folder } = scratchFolder();
const FEWER = { RUNS: "2400", TARGETS: "model" };

/** `npx lockstep` is the command under test; npm has nothing to install. */
const PRELUDE = `npx() { [ "$1" = lockstep ] && shift && '${process.execPath}' '${mainPath}' "$@"; }
npm() { [ "$1" = ci ]; }
`;

/** The journals of a folder, one after the other. */
function journalText(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
}

/** Runs a script as the service does, in a folder and with nothing but these variables; `stop` ends it with all that it has started. */
async function script(
  shell: readonly string[],
  text: string,
  cwd: string,
  env: Record<string, string>,
  stop?: AbortSignal,
) {
  const [program = "", ...flags] = shell;
  const child = spawn(program, [...flags, PRELUDE + text], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    detached: true,
  });
  stop?.addEventListener("abort", () => void process.kill(-child.pid!, "SIGTERM"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output };
}

interface Job {
  readonly env?: Record<string, string>;
  readonly needs?: string;
  readonly steps: readonly { readonly name?: string; readonly run?: string; readonly uses?: string }[];
  readonly strategy?: { readonly matrix: Record<string, readonly (string | number)[]> };
}

describe("examples/github-actions.yml", () => {
  const workflow = parse(textOf("examples/github-actions.yml")) as {
    readonly on: object;
    readonly env: Record<string, string>;
    readonly jobs: Record<string, Job>;
  };

  /** Runs the steps of a job in one folder, with `values` for the expressions in its variables. The last step's outcome, or the first that fails. */
  async function runJob(name: string, cwd: string, values: Record<string, string>) {
    const { env = {}, steps } = workflow.jobs[name]!;
    const given = {
      ...workflow.env,
      ...env,
      ...FEWER,
      GITHUB_ACTIONS: "true",
      GITHUB_SHA: "0123abc",
      ...values,
    };
    const filled = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [
        key,
        value.replace(/\$\{\{ (.*?) \}\}/, (_, path: string) => values[path]!),
      ]),
    );
    let last = { status: 0 as number | null, output: "" };
    for (const { run } of steps) {
      if (run === undefined) continue;
      // A step's text is never put together from expressions: what is in one could be a command.
      expect(run).not.toContain("${{");
      last = await script(["bash", "-eo", "pipefail", "-c"], run, cwd, filled);
      if (last.status !== 0) return last;
    }
    return last;
  }

  test("runs on pushes, by hand and each night, on x86-64 and native arm64", () => {
    expect(Object.keys(workflow.on).sort()).toEqual(["push", "schedule", "workflow_dispatch"]);
    for (const job of ["push", "shard", "merge"])
      expect(workflow.jobs[job]!.strategy!.matrix.os).toEqual(["ubuntu-24.04", "ubuntu-24.04-arm"]);
    expect(workflow.jobs.shard!.strategy!.matrix.shard!.length).toBe(
      Number(workflow.jobs.shard!.env!.SHARDS),
    );
  });

  test("a push runs the corpus and a campaign, and leaves what is uploaded", async () => {
    const cwd = mkdtempSync(join(folder, "push-"));
    mkdirSync(join(cwd, "corpus"));
    beginCorpus(join(cwd, "corpus"));
    expect(await runJob("push", cwd, {})).toMatchObject({ status: 0 });
    for (const name of ["corpus.xml", "campaign.xml"])
      expect(readXml(readFileSync(join(cwd, name), "utf8")).attributes.failures).toBe("0");
    expect(existsSync(join(cwd, "report", "index.html"))).toBe(true);
  }, 60_000);

  test("a night is seeded by its date, run in shards and merged to what one run gives", async () => {
    const cwd = mkdtempSync(join(folder, "night-"));
    const output = join(cwd, "output");
    expect((await runJob("seed", cwd, { GITHUB_OUTPUT: output })).status).toBe(0);
    const seed = /^seed=(nightly-\d{4}-\d\d-\d\d)\n$/.exec(readFileSync(output, "utf8"))![1]!;
    for (const shard of workflow.jobs.shard!.strategy!.matrix.shard!) {
      const values = { "needs.seed.outputs.seed": seed, "matrix.shard": String(shard) };
      expect(await runJob("shard", cwd, values)).toMatchObject({ status: 0 });
    }
    const merged = await runJob("merge", cwd, {});
    const whole = lockstep(
      ["sim", "--seed", seed, "--runs", FEWER.RUNS, "--on", FEWER.TARGETS, "--no-save"],
      { cwd },
    );
    expect(merged.output).toContain(whole.stdout);
    expect(readXml(readFileSync(join(cwd, "nightly.xml"), "utf8")).name).toBe("testsuites");
  }, 120_000);
});

describe("examples/kubernetes-job.yaml", () => {
  const { spec } = parse(textOf("examples/kubernetes-job.yaml")) as {
    readonly spec: {
      readonly completionMode: string;
      readonly completions: number;
      readonly template: { readonly spec: { readonly containers: readonly Container[] } };
    };
  };
  interface Container {
    readonly env: readonly { readonly name: string; readonly value: string }[];
    readonly command: readonly string[];
    readonly args: readonly string[];
  }
  const [container] = spec.template.spec.containers;
  const env = Object.fromEntries(container!.env.map(({ name, value }) => [name, value]));

  test("is an Indexed Job with as many completions as shards", () => {
    expect(spec.completionMode).toBe("Indexed");
    expect(env.SHARDS).toBe(String(spec.completions));
  });

  test("a pod that is stopped leaves no record, and goes on where it was when it is started again", async () => {
    const shared = mkdtempSync(join(folder, "volume-"));
    const out = join(shared, env.SEED!);
    const pod = (signal?: AbortSignal) =>
      script(
        container!.command,
        container!.args[0]!,
        shared,
        { ...env, ...FEWER, RUNS: "60000", SHARDS: "2", SHARED: shared, JOB_COMPLETION_INDEX: "0" },
        signal,
      );
    const stopping = new AbortController();
    const stopped = pod(stopping.signal);
    const journal = join(out, "journal-1");
    const noted = () =>
      existsSync(journal) &&
      readdirSync(journal).some(
        (name) =>
          name.endsWith(".json") && /"tally":\{"runs":[1-9]/.test(readFileSync(join(journal, name), "utf8")),
      );
    for (let i = 0; i < 3000 && !noted(); i++) await delay(10);
    stopping.abort();
    expect((await stopped).status).not.toBe(0);
    // What the service's signal reaches last: the command itself.
    for (let i = 0; i < 3000 && /"state":"running"/.test(journalText(journal)); i++) await delay(10);
    expect(existsSync(join(out, "shard-1.json"))).toBe(false);
    const again = await pod();
    expect(again).toMatchObject({
      status: 0,
      output: expect.stringMatching(/goes on at run [1-9]/) as string,
    });
    expect(existsSync(join(out, "shard-1.json"))).toBe(true);
  }, 120_000);

  test("pods at once, in any order, leave one merged report: that of one run; a pod that is started again changes nothing", async () => {
    const shared = mkdtempSync(join(folder, "volume-"));
    const pod = (index: number) =>
      script(container!.command, container!.args[0]!, shared, {
        ...env,
        ...FEWER,
        SHARDS: "3",
        SHARED: shared,
        JOB_COMPLETION_INDEX: String(index),
      });
    const pods = await Promise.all([2, 0, 1].map(pod));
    const out = join(shared, env.SEED!);
    const whole = lockstep(
      [
        "sim",
        "--seed",
        env.SEED!,
        "--runs",
        FEWER.RUNS,
        "--on",
        FEWER.TARGETS,
        "--no-save",
        "--require-coverage",
        "--out",
        "whole.json",
      ],
      { cwd: shared },
    );
    // Whoever merged has the verdict; the others had nothing to say.
    expect([0, whole.status]).toEqual(expect.arrayContaining([...new Set(pods.map(({ status }) => status))]));
    expect(pods.map(({ status }) => status)).toContain(whole.status);
    const merged = () => [
      readFileSync(join(out, "merged", "report.txt"), "utf8"),
      readFileSync(join(out, "merged", "campaign.json"), "utf8"),
    ];
    expect(merged()).toEqual([whole.stdout, readFileSync(join(shared, "whole.json"), "utf8")]);
    expect((await pod(1)).status).toBe(whole.status);
    expect(merged()[0]).toBe(whole.stdout);
    expect(readdirSync(out).filter((name) => name.startsWith("merged"))).toEqual(["merged"]);
  }, 120_000);
});

/**
 * The command from outside (SPEC section 6): arguments and files in, standard output, standard error and exit status out.
 *
 * The native targets have their own tests; here everything that can goes through the model, so that the texts are the command's. `corpus run` is in
 * `cli-corpus.test.ts`.
 */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bash, buildCommand, lockstep, scratchFolder } from "./support/command.js";

const EXAMPLE = "corpus/1817-tasks-that-sleep.json";
const { folder, file } = scratchFolder();

beforeAll(buildCommand);

function golden(name: string): string {
  return readFileSync(new URL(`golden/${name}`, import.meta.url), "utf8");
}

const program = (parts: object) => JSON.stringify({ version: 1, ...parts });
const logger = (value: number, more: object = {}) =>
  program({ fibers: { a: [{ op: "log", value }] }, ...more });

/** The logged values in the lines of `--format jsonl`. */
function logsIn(stdout: string): unknown[] {
  return stdout
    .trimEnd()
    .split("\n")
    .flatMap((line) => (JSON.parse(line) as { trace: { op?: string; ev: string; res?: unknown }[] }).trace)
    .flatMap(({ op, ev, res }) => (op === "log" && ev === "ret" ? [res] : []));
}

describe("replay", () => {
  test("prints a trace for people: one line a record, the program's own words (golden/replay-1817.txt)", () => {
    const { status, stdout, stderr } = lockstep(["replay", EXAMPLE]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(golden("replay-1817.txt"));
  });

  test("--format jsonl prints one line a program with its keys in the order of SPEC section 6", () => {
    const path = file("jsonl.json", logger(7, { title: "one log" }));
    const { status, stdout } = lockstep(["replay", path, "--format", "jsonl"]);
    expect(status).toBe(0);
    expect(stdout).toBe(
      '{"title":"one log","on":"model","trace":[' +
        '{"ev":"ret","t":0,"who":"main","at":0,"op":"spawn","res":"spawned"},' +
        '{"ev":"call","t":0,"who":"main","at":1,"op":"run"},' +
        '{"ev":"begin","t":0,"who":"a"},' +
        '{"ev":"ret","t":0,"who":"a","at":0,"op":"log","res":7},' +
        '{"ev":"end","t":0,"who":"a"},' +
        '{"ev":"ret","t":0,"who":"main","at":1,"op":"run","res":{"clock":0,"spawned":1,"suspended":0}},' +
        '{"ev":"ret","t":0,"who":"main","at":2,"op":"deinit"}' +
        '],"outcome":{"outcome":"completed","t":0}}\n',
    );
  });

  test("- takes the lines of `lockstep generate` as they are, and gives each its seed", () => {
    const lines = [0, 1, 2].map((i) => `{"seed":"S:${i}","program":${logger(i)}}`);
    const { status, stdout } = lockstep(["replay", "-", "--format", "jsonl"], { input: lines.join("\n") });
    expect(status).toBe(0);
    expect(stdout.split("\n").map((line) => line.slice(0, 26))).toEqual([
      '{"seed":"S:0","on":"model"',
      '{"seed":"S:1","on":"model"',
      '{"seed":"S:2","on":"model"',
      "",
    ]);
    expect(logsIn(stdout)).toEqual([0, 1, 2]);
  });

  test("- takes a program over several lines, a corpus entry, and blank lines and CR between programs", () => {
    const spread = JSON.stringify(JSON.parse(logger(5)), undefined, 2);
    expect(logsIn(lockstep(["replay", "-", "--format", "jsonl"], { input: spread }).stdout)).toEqual([5]);
    const entry = readFileSync(new URL(`../${EXAMPLE}`, import.meta.url));
    expect(logsIn(lockstep(["replay", "-", "--format", "jsonl"], { input: entry }).stdout)).toEqual([
      2, 3, 1, 123,
    ]);
    const odd = `\uFEFF${logger(1)}\r\n\r\n   \n${logger(2)}\n\n`;
    expect(logsIn(lockstep(["replay", "-", "--format", "jsonl"], { input: odd }).stdout)).toEqual([1, 2]);
    expect(
      logsIn(lockstep(["replay", "-", "--format", "jsonl"], { input: `\n${odd.slice(1)}` }).stdout),
    ).toEqual([1, 2]);
  });

  test.each(["-", "file"])(
    "a bad line among good ones is complained of by its number, the others run: %s",
    (from) => {
      const lines = [
        logger(1),
        '{"version": 1, }',
        logger(3),
        program({ fibers: { a: [{ op: "go", task: "t" }] } }),
      ];
      const input = lines.join("\n");
      const source = from === "-" ? "-" : file("lines.jsonl", input);
      const { status, stdout, stderr } = lockstep(["replay", source, "--format", "jsonl"], { input });
      expect(status).toBe(2);
      expect(logsIn(stdout)).toEqual([1, 3]);
      expect(stderr).toMatch(
        new RegExp(
          `^lockstep: \\S+:2: is not JSON: [^\n]* at line 1, column 16 \\(docs/programs\\.md\\)\n` +
            `lockstep: \\S+:4: fibers\\.a\\[0\\]\\.task: unknown task "t": there is none \\(docs/programs\\.md\\)\n$`,
        ),
      );
    },
  );

  test("a first line that is bad does not hide that the others are programs", () => {
    const { status, stdout, stderr } = lockstep(["replay", "-", "--format", "jsonl"], {
      input: `{"version"\n${logger(2)}\n`,
    });
    expect([status, logsIn(stdout)]).toEqual([2, [2]]);
    expect(stderr).toMatch(/^lockstep: -:1: is not JSON: [^\n]+\n$/);
  });

  test("several files go in the order given; a bad file does not stop the others", () => {
    const [one, two] = [file("one.json", logger(1)), file("two.json", logger(2))];
    const missing = join(folder, "missing.json");
    const { status, stdout, stderr } = lockstep([
      "replay",
      two,
      missing,
      one,
      "--on",
      "model",
      "--format=jsonl",
    ]);
    expect([status, logsIn(stdout)]).toEqual([2, [2, 1]]);
    expect(stderr).toBe(`lockstep: ${missing}: there is no such file\n`);
  });

  test("exits 0 whatever the outcomes are: a panic, an overflow, a hang", () => {
    const bodies = [[{ op: "suspend" }], [{ op: "overflow" }], [{ op: "block", pipe: "p" }]];
    const input = bodies.map((a) => program({ pipes: ["p"], fibers: { a } })).join("\n");
    const { status, stdout } = lockstep(["replay", "-"], { input });
    expect(status).toBe(0);
    expect(stdout.split("\n").filter((line) => / at t=/.test(line))).toEqual([
      "  panic at t=0: sched: deadlock — 1 fiber(s) suspended with an empty run queue",
      "  stack overflow of a at t=0",
      "  io-hang at t=0: nobody will write for a on p",
    ]);
  });

  test("a title cannot break the line or reach the terminal", () => {
    const { stdout } = lockstep(["replay", "-"], { input: logger(1, { title: "a\nb\u001b[31mc" }) });
    expect(stdout.split("\n")[0]).toBe("a b [31mc (-) on model");
  });

  test("the ops of a fiber called main are its own", () => {
    const { stdout } = lockstep(["replay", "-"], {
      input: program({ fibers: { main: [{ op: "log", value: 5 }] } }),
    });
    expect(stdout).toContain("main   #0 spawn main -> spawned");
    expect(stdout).toContain("main   #0 log 5 -> 5");
  });
});

describe("input that is bad: exit status 2, one line on standard error, nothing on standard output", () => {
  const deep = `{"version":1,"main":${'[{"op":"repeat","times":1,"ops":'.repeat(50_000)}[]${"}]".repeat(50_000)}}`;
  test.each<[what: string, content: string | Buffer, complaint: RegExp]>([
    ["an empty file", "", /is empty: expected JSON/],
    [
      "bytes that are no text",
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe]),
      /is not text in UTF-8: expected JSON/,
    ],
    ["NUL bytes", Buffer.alloc(64), /is not text: expected JSON/],
    [
      "nesting of 50,000 levels",
      deep,
      /is nested too deeply: at most 8 repeats and calls \(docs\/programs\.md, Limits\)/,
    ],
    ["an array", "[]", /expected an object, found \[\] \(docs\/programs\.md\)/],
    ["prose", "hello\nworld\n", /is not JSON: .* at line 1, column 1 \(docs\/programs\.md\)/],
  ])("%s", (_what, content, complaint) => {
    const path = file("bad.json", content);
    for (const command of ["replay", "diff"]) {
      const { status, stdout, stderr } = lockstep([
        command,
        path,
        ...(command === "diff" ? ["--on", "model,native"] : []),
      ]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(
        new RegExp(`^lockstep: ${path}: ${complaint.source}\\S*( \\(docs/programs\\.md\\))?\n$`),
      );
    }
  });

  test("a file that is not there, a directory, a path through a file", () => {
    const path = file("a-file.json", "{}");
    const complaints = [
      [join(folder, "none.json"), "there is no such file"],
      [folder, "is a directory: name a file in it"],
      [join(path, "x.json"), "a part of the path is not a directory"],
    ] as const;
    for (const [bad, complaint] of complaints) {
      expect(lockstep(["replay", bad])).toEqual({
        status: 2,
        stdout: "",
        stderr: `lockstep: ${bad}: ${complaint}\n`,
      });
    }
  });

  test("a file that may not be read", () => {
    const path = file("secret.json", logger(1));
    chmodSync(path, 0);
    chmodSync(folder, 0o755);
    // Root may read everything, so it asks as nobody.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, env: { HOME: "/nonexistent" } } : {};
    expect(lockstep(["replay", path], nobody)).toEqual({
      status: 2,
      stdout: "",
      stderr: `lockstep: ${path}: permission denied\n`,
    });
  });

  test("nothing on standard input", () => {
    expect(lockstep(["replay", "-"])).toEqual({
      status: 2,
      stdout: "",
      stderr: "lockstep: -: is empty: expected JSON (docs/programs.md)\n",
    });
  });
});

describe("usage that is bad: exit status 2 and one line that says what", () => {
  test.each<[args: string[], complaint: string]>([
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["replay"], "missing required argument 'file'"],
    [["replay", "--nope", EXAMPLE], "unknown option '--nope'"],
    [["replay", EXAMPLE, "--on"], "option '--on <target>' argument missing"],
    [["replay", EXAMPLE, "--format", "xml"], "option '--format <format>' argument 'xml' is invalid"],
    [["--time-limit", "soon", "replay", EXAMPLE], "option '--time-limit <ms>' argument 'soon' is invalid"],
    [["--log-level", "loud", "replay", EXAMPLE], "option '--log-level <level>' argument 'loud' is invalid"],
    [["replay", EXAMPLE, "--on", ","], "replay --on ,: name a target, e.g. --on model"],
    [["corpus", "run", "--on", ""], "corpus run --on : name a target, e.g. --on model"],
    [
      ["diff", EXAMPLE, "--on", "model"],
      "diff --on model: name at least two targets, e.g. --on model,native",
    ],
    [["diff", EXAMPLE, "--on", "model,model"], "--on names model twice: targets are compared with others"],
    [["corpus", "walk"], "unknown command 'walk'"],
  ])("%j", (args, complaint) => {
    const { status, stdout, stderr } = lockstep(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.startsWith(`lockstep: ${complaint}`)).toBe(true);
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  });

  test("a target that is a path where nothing is", () => {
    for (const args of [
      ["replay", EXAMPLE],
      ["diff", EXAMPLE],
      ["corpus", "run"],
    ]) {
      const { status, stderr } = lockstep([...args, "--on", "model,bogus"]);
      expect([args[0], status]).toEqual([args[0], 2]);
      expect(stderr).toMatch(/^lockstep: \S*bogus[^\n]*\n$/);
    }
    expect(lockstep(["replay", EXAMPLE, "--on", "bogus"]).stdout).toBe("");
  });

  test("no command at all shows the help, on standard error", () => {
    const { status, stdout, stderr } = lockstep([]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: lockstep");
  });
});

describe("help and version", () => {
  /** The names under `Commands:` in a help text, without that of help itself. */
  function commandsIn(help: string): string[] {
    const list = /^Commands:\n((?: .*\n)+)/m.exec(help)?.[1] ?? "";
    return [...list.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]!).filter((name) => name !== "help");
  }

  /** Expects the help of a command and of all below it; gives the names of those. */
  function expectHelp(args: readonly string[]): string[] {
    const { status, stdout, stderr } = lockstep([...args, "--help"]);
    expect([args, status, stderr]).toEqual([args, 0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: lockstep ${args.join(" ")}`));
    expect([args, stdout]).toEqual([args, expect.stringMatching(/\nExamples:\n {2}lockstep \S/)]);
    const commands = commandsIn(stdout);
    for (const command of commands) expectHelp([...args, command]);
    return commands;
  }

  test("--help exits 0 and shows an example, for the whole and for every command", () => {
    expect(expectHelp([])).toEqual(expect.arrayContaining(["replay", "diff", "corpus", "doctor"]));
    expect(lockstep(["--help"]).stdout).toContain("Exit status:");
  });

  test("help COMMAND is COMMAND --help", () => {
    expect(lockstep(["help", "replay"])).toEqual(lockstep(["replay", "--help"]));
  });

  test("--version is the package's", () => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      readonly version: string;
    };
    expect(lockstep(["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("streams", () => {
  test("no escape code is printed where no terminal is, whatever the environment asks for", () => {
    for (const env of [{ NO_COLOR: "1" }, { NO_COLOR: "" }, { FORCE_COLOR: "3", TERM: "xterm-256color" }]) {
      expect(lockstep(["replay", EXAMPLE], { env }).stdout).toBe(golden("replay-1817.txt"));
    }
  });

  test("a reader that goes away, as head does, ends the command quietly", () => {
    const long = file(
      "long.json",
      program({ fibers: { a: [{ op: "repeat", times: 200_000, ops: [{ op: "log", value: 1 }] }] } }),
    );
    expect(bash(`lockstep replay ${long} | head -n 1`)).toEqual({
      status: 0,
      stdout: `${long} on model\n`,
      stderr: "",
    });
    const lines = bash(`lockstep replay ${long} --format jsonl | head -c 10`);
    expect(lines).toEqual({ status: 0, stdout: '{"on":"mod', stderr: "" });
  });

  test("results go to standard output and complaints to standard error", () => {
    expect(bash(`lockstep replay ${EXAMPLE} nothing-here 2>/dev/null | cat`).stdout).toBe(
      golden("replay-1817.txt"),
    );
  });
});

describe("diff", () => {
  test("of one target that cannot be opened and one that can is exit status 2, never agreement", () => {
    const { status, stdout } = lockstep(["diff", EXAMPLE, "--on", "model,bogus"]);
    expect([status, stdout]).toEqual([2, ""]);
  });
});

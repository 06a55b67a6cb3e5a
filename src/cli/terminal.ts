/**
 * Where the command prints: results on standard output, complaints on standard error, colour only where somebody sees it.
 *
 * Colour is used on a terminal alone (`usesColour`), and no other control character reaches one, whatever a file, a name or an argument holds. A reader
 * that goes away (`| head`) is not written to any more, and the command ends with the status that it would have ended with.
 */
import { styleText } from "node:util";
import { type Paint, plain } from "../report/paint.js";
import { printable, printableMessage, printablePainted } from "../report/printable.js";

/** Where standard output is no terminal. */
const COLUMNS_DEFAULT = 100;

export interface Terminal {
  /** A part of a line of results, as it is. */
  write(text: string): void;
  /** One line of results. */
  print(line: string): void;
  /** One line for the person at the terminal: what went wrong and what to do. */
  complain(line: string): void;
  /** One line on standard error as it is, for what reads it there: a program, a workflow command. */
  tell(line: string): void;
  /** The text in a style of `util.styleText`, where results go in colour; else as it is. */
  readonly paint: Paint;
  /** Resolves when a slow reader has taken enough of what was printed for more to be worth printing. */
  flushed(): Promise<void>;
  /** True once nobody reads the results any more: a command without a verdict may end then. */
  readonly isUnread: boolean;
  /** How wide standard output is: that of the terminal, else 100. */
  readonly columns: number;
  /** True when standard error is a terminal: progress may be drawn there. */
  readonly isInteractive: boolean;
}

/**
 * Whether results go in colour: never where no terminal is, or with `--no-color`; else as `FORCE_COLOR` says, where it is set; else unless
 * `NO_COLOR` is set or `TERM` is `dumb`. An empty variable is none; `0` and `false` force it off.
 */
export function usesColour(isTerminal: boolean, isRefused: boolean, env: NodeJS.ProcessEnv): boolean {
  if (!isTerminal || isRefused) return false;
  const forced = env.FORCE_COLOR ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  return (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** `refusesColour`: with `--no-color`. */
export function processTerminal(refusesColour = false): Terminal {
  const { env, stdout, stderr } = process;
  const gone = new Set<NodeJS.WriteStream>();
  const put = (stream: NodeJS.WriteStream, text: string): void => {
    if (!gone.has(stream)) stream.write(text);
  };
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (gone.has(stream)) return;
      gone.add(stream);
      // Whoever waits for the reader waits no longer.
      stream.emit("drain");
      if (error.code === "EPIPE") return;
      // Whoever reads the results must not take what there is of them for the whole.
      if (stream === stdout) stderr.write(`lockstep: standard output: ${error.message}\n`);
      process.exit(2);
    });
  }
  const hasColour = usesColour(stdout.isTTY === true, refusesColour, env);
  const shown = hasColour ? printablePainted : printable;
  return {
    write: (text) => put(stdout, text),
    print: (line) => put(stdout, `${shown(line.trimEnd())}\n`),
    complain: (line) => put(stderr, `lockstep: ${printableMessage(line)}\n`),
    tell: (line) => put(stderr, `${printable(line)}\n`),
    paint: hasColour ? (format, text) => styleText(format, text, { validateStream: false }) : plain,
    flushed: () =>
      stdout.writableNeedDrain && !gone.has(stdout)
        ? new Promise((resolve) => void stdout.once("drain", () => resolve()))
        : new Promise((resolve) => void setImmediate(resolve)),
    get isUnread() {
      return gone.has(stdout);
    },
    columns: stdout.columns ?? COLUMNS_DEFAULT,
    isInteractive: stderr.isTTY === true,
  };
}

/**
 * Where the command prints: results on standard output, complaints on standard error, colour only where somebody sees it.
 *
 * Colour is used on a terminal, unless `NO_COLOR` is set (to anything but the empty string) or `TERM` is `dumb`. A reader that goes away
 * (`| head`) ends the command quietly.
 */
import { styleText } from "node:util";
import { type Paint, plain } from "../report/paint.js";

/** Where standard output is no terminal. */
const COLUMNS_DEFAULT = 100;

export interface Terminal {
  /** A part of a line of results, as it is. */
  write(text: string): void;
  /** One line of results. */
  print(line: string): void;
  /** One line for the person at the terminal: what went wrong and what to do. */
  complain(line: string): void;
  /** The text in a style of `util.styleText`, where results go in colour; else as it is. */
  readonly paint: Paint;
  /** Resolves when a slow reader has taken enough of what was printed for more to be worth printing. */
  flushed(): Promise<void>;
  /** How wide standard output is: that of the terminal, else 100. */
  readonly columns: number;
  /** True when standard error is a terminal: progress may be drawn there. */
  readonly isInteractive: boolean;
}

export function processTerminal(): Terminal {
  const { env, stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      // Whoever reads the results must not take what there is of them for the whole.
      if (stream === stdout) stderr.write(`lockstep: standard output: ${error.message}\n`);
      process.exit(2);
    });
  }
  const hasColour = stdout.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  return {
    write: (text) => void stdout.write(text),
    print: (line) => void stdout.write(`${line.trimEnd()}\n`),
    complain: (line) => void stderr.write(`lockstep: ${line}\n`),
    paint: hasColour ? (format, text) => styleText(format, text, { validateStream: false }) : plain,
    flushed: () =>
      stdout.writableNeedDrain
        ? new Promise((resolve) => void stdout.once("drain", () => resolve()))
        : new Promise((resolve) => void setImmediate(resolve)),
    columns: stdout.columns ?? COLUMNS_DEFAULT,
    isInteractive: stderr.isTTY === true,
  };
}

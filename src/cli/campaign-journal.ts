/**
 * The journal of a campaign: which runs are in flight, written before they start.
 *
 * A run follows from its seed, so a range is all there is to remember. The file is written whole and renamed; a clean end removes it. What a
 * killed campaign leaves is found by the next one, which tells how to run those runs again.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunRange } from "../sim/campaign/batch-runner.js";

interface JournalFile {
  readonly pid: number;
  /** The command that runs one of its ranges again, without `--from` and `--runs`. */
  readonly command: string;
  readonly inFlight: readonly RunRange[];
}

export class CampaignJournal {
  readonly #path: string;
  readonly #command: string;
  readonly #inFlight = new Set<RunRange>();

  /** `folder` is made if it is not there. Throws what the file system throws. */
  constructor(folder: string, command: string) {
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, `sim-${process.pid}.json`);
    this.#command = command;
  }

  begin(range: RunRange): void {
    this.#inFlight.add(range);
    this.#write();
  }

  /** Not written: the file may name runs that are done, never lack one that is not. */
  end(range: RunRange): void {
    this.#inFlight.delete(range);
  }

  /** Removes the file: nothing is in flight any more. */
  close(): void {
    rmSync(this.#path, { force: true });
  }

  #write(): void {
    const file: JournalFile = { pid: process.pid, command: this.#command, inFlight: [...this.#inFlight] };
    const unfinished = `${this.#path}.tmp`;
    writeFileSync(unfinished, `${JSON.stringify(file)}\n`);
    renameSync(unfinished, this.#path);
  }
}

/** A line for each range that campaigns left in flight when they were killed; their files are removed. */
export function leftInFlight(folder: string): string[] {
  const lines: string[] = [];
  for (const name of journalFiles(folder)) {
    const path = join(folder, name);
    const file = readJournal(path);
    if (file === undefined || isAlive(file.pid)) continue;
    for (const { from, count } of file.inFlight) {
      lines.push(
        `a campaign was killed with these runs in flight: ${file.command} --from ${from} --runs ${count}`,
      );
    }
    rmSync(path, { force: true });
  }
  return lines;
}

function journalFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^sim-\d+\.json$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

function readJournal(path: string): JournalFile | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as JournalFile;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

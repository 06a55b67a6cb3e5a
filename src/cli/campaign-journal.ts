/**
 * The journal of a campaign: what it has counted so far and which runs are in flight or next, written before they start. Next are up to
 * `jobs` ranges that have not begun: a worker takes one of them when it has ended what it does.
 *
 * Invariant: the record in the file is of whole ranges in order, so a campaign that is resumed from it runs every run that is not counted, and
 * none that is. The file is written whole and renamed, beside what the workers do (a disk takes milliseconds to be sure); the end of the
 * campaign removes it, and what an interruption or a kill leaves is for `sim --resume` and `status`.
 */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../native-bridge/make-folder.js";
import { isSystemError } from "../native-bridge/system-error.js";
import type { RunRange } from "../sim/campaign/batch-runner.js";
import { parseJson } from "../sim/parse-program.js";
import { fileComplaint } from "../testing/text-file.js";
import type { Unrecorded } from "./campaign-command.js";
import { type CampaignRecord, leftToRun, recordOfJson, recordText } from "./campaign-record.js";
import { isAlive, type Liveness, livenessOf, ownIdentity, type ProcessIdentity } from "./process-identity.js";

/** What stands in the file beside the record: all that depends on time and on the machine. */
interface JournalHead {
  readonly process: ProcessIdentity;
  /** The command that begins it, without `--from`, `--runs`, `--shard` and `--resume`. */
  readonly command: string;
  readonly unrecorded: Unrecorded;
  /** Or next. Of those that have ended, some until the next write. */
  readonly inFlight: readonly RunRange[];
  /** How long the campaign has run, in all its parts. */
  readonly elapsedMs: number;
  readonly jobs: number;
  /** When the file was written, as ISO 8601. */
  readonly written: string;
}

/** What a journal is told of its campaign. */
interface JournalSource {
  readonly command: string;
  readonly unrecorded: Unrecorded;
  readonly jobs: number;
  record(): CampaignRecord;
  elapsedMs(): number;
}

export class CampaignJournal {
  readonly #path: string;
  readonly #source: JournalSource;
  /** Or next. By first run: a range comes back from a worker as another object. */
  readonly #inFlight = new Map<number, RunRange>();
  /** The write that is under way or was last, and the one that waits for it. */
  #lastWrite: Promise<void> = Promise.resolve();
  #nextWrite: Promise<void> | undefined;

  private constructor(path: string, source: JournalSource) {
    this.#path = path;
    this.#source = source;
  }

  /**
   * `folder` is made if it is not there, and the file written: over the journal at `takes`, where one was taken over. Rejects with what the
   * file system throws.
   */
  static async open(folder: string, source: JournalSource, takes?: string): Promise<CampaignJournal> {
    makeFolder(folder);
    const journal = new CampaignJournal(takes ?? join(folder, freshName()), source);
    await writeWhole(journal.#path, journal.#text());
    return journal;
  }

  /** Resolves when the range is noted on the disk: it may start then. One write notes all that were begun before it. */
  begin(range: RunRange): Promise<void> {
    this.#inFlight.set(range.from, range);
    this.#nextWrite ??= this.#lastWrite
      .catch(() => {})
      .then(() => {
        this.#nextWrite = undefined;
        return writeWhole(this.#path, this.#text());
      });
    this.#lastWrite = this.#nextWrite;
    return this.#nextWrite;
  }

  /** Not written: the file may name runs that are done, never lack one that is not. */
  end(range: RunRange): void {
    this.#inFlight.delete(range.from);
  }

  /** Removes the file when nothing is left to run, or nothing was ever begun, and else leaves it for `--resume`. */
  async close(): Promise<void> {
    await this.#lastWrite.catch(() => {});
    const record = this.#source.record();
    const { count } = leftToRun(record);
    const isOver = record.state === "ended" && !(Number.isFinite(count) && count > 0);
    const isUnbegun = record.tally.runs === 0 && this.#inFlight.size === 0;
    if (isOver || isUnbegun) rmSync(this.#path, { force: true });
    else await writeWhole(this.#path, this.#text());
  }

  #text(): string {
    const { command, unrecorded, jobs } = this.#source;
    const head: JournalHead = {
      process: ownIdentity(),
      command,
      unrecorded,
      inFlight: [...this.#inFlight.values()],
      elapsedMs: Math.round(this.#source.elapsedMs()),
      jobs,
      written: new Date().toISOString(),
    };
    return journalText(head, this.#source.record());
  }
}

function journalText(head: JournalHead, record: CampaignRecord): string {
  return `{"journal":${JSON.stringify(head)},"campaign":${recordText(record).trimEnd()}}\n`;
}

function unfinishedAt(path: string): string {
  return `${path}.tmp`;
}

/**
 * On the disk when it resolves, under a name that is there whole or not at all: what it says survives a power cut. What it rejects with names
 * the path, and leaves the file as it was.
 */
async function writeWhole(path: string, text: string): Promise<void> {
  try {
    const file = await open(unfinishedAt(path), "w");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinishedAt(path), path);
    await syncFolder(dirname(path));
  } catch (error) {
    rmSync(unfinishedAt(path), { force: true });
    // A write to an open file does not know its name.
    if (isSystemError(error)) error.path = path;
    throw error;
  }
}

/** Windows opens no folder, and needs no such thing. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A campaign of which a folder has the journal. */
export interface NotedCampaign {
  readonly path: string;
  readonly head: JournalHead;
  readonly record: CampaignRecord;
  readonly liveness: Liveness;
}

/** The journals of a folder. */
export interface Journals {
  /** By file name. */
  readonly campaigns: readonly NotedCampaign[];
  /** A line for each file that is called as a journal is and cannot be read as one: its path and what is wrong. */
  readonly complaints: readonly string[];
}

/** None where there is no folder. Throws what else the file system throws. */
export function journalsOf(folder: string): Journals {
  const read = journalFiles(folder).map((name) => readJournal(join(folder, name)));
  return {
    campaigns: read.filter((journal) => typeof journal === "object"),
    complaints: read.filter((journal) => typeof journal === "string"),
  };
}

/**
 * Takes a journal over from a campaign that is gone: of several processes that want it one gets it. Undefined for the others. The name
 * that it has afterwards is of this process, and so the campaign counts as one that runs.
 */
export function takenOver({ path }: NotedCampaign): NotedCampaign | undefined {
  const own = join(dirname(path), freshName());
  try {
    renameSync(path, own);
    // What a campaign was writing when it was killed.
    rmSync(unfinishedAt(path), { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const journal = readJournal(own);
  return typeof journal === "object" ? journal : undefined;
}

/** A line for each range that these campaigns left in flight or next when they were killed. Each is told once. */
export async function leftInFlight(campaigns: readonly NotedCampaign[]): Promise<string[]> {
  const lines: string[] = [];
  for (const noted of campaigns) {
    if (noted.liveness !== "gone" || noted.head.inFlight.length === 0) continue;
    const own = takenOver(noted);
    if (own === undefined) continue;
    const { path, head, record } = own;
    await writeWhole(path, journalText({ ...head, inFlight: [] }, record));
    renameSync(path, noted.path);
    lines.push(...head.inFlight.map((range) => inFlightComplaint(head, range)));
  }
  return lines;
}

function inFlightComplaint({ command }: JournalHead, { from, count }: RunRange): string {
  return `a campaign was killed with these runs in flight: ${command} --from ${from} --runs ${count}`;
}

const NAME = /^sim-(\d+)-[\da-f]+\.json$/;

function freshName(): string {
  return `sim-${process.pid}-${randomBytes(3).toString("hex")}.json`;
}

function journalFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** What is wrong, as a line, with a file that is no journal of this version; undefined for one that is gone by now. */
function readJournal(path: string): NotedCampaign | string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT"
      ? undefined
      : `${path}: ${fileComplaint(error)}`;
  }
  const json = parseJson(text);
  const file = (json.ok ? json.value : undefined) as
    | { readonly journal?: JournalHead; readonly campaign?: unknown }
    | null
    | undefined;
  const record = recordOfJson(file?.campaign);
  if (typeof record === "string") return `${path}: ${record}`;
  const head = file?.journal;
  if (head?.process === undefined || head.unrecorded === undefined)
    return `${path}: is the journal of another version of Lockstep`;
  return { path, head, record, liveness: livenessOfFile(path, head) };
}

/** A process that takes a journal over is in its name before it is in its text. */
function livenessOfFile(path: string, head: JournalHead): Liveness {
  const pid = Number(NAME.exec(basename(path))![1]);
  const taking = pid !== head.process.pid && pid !== process.pid && isAlive(pid);
  return taking ? "running" : livenessOf(head.process);
}

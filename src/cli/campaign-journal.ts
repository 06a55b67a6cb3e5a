/**
 * The journal of a campaign: what it has counted so far and which runs are in flight, written before they start.
 *
 * Invariant: the record in the file is of whole ranges in order, so a campaign that is resumed from it runs every run that is not counted, and
 * none that is. The file is written whole and renamed; the end of the campaign removes it, and what an interruption or a kill leaves is for
 * `sim --resume` and `status`.
 */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../native-bridge/make-folder.js";
import type { RunRange } from "../sim/campaign/batch-runner.js";
import { type CampaignRecord, leftToRun, recordOfJson, recordText } from "./campaign-record.js";
import { type Liveness, livenessOf, ownIdentity, type ProcessIdentity } from "./process-identity.js";

/** What stands in the file beside the record: all that depends on time and on the machine. */
interface JournalHead {
  readonly process: ProcessIdentity;
  /** The command that begins it, without `--from`, `--runs`, `--shard` and `--resume`. */
  readonly command: string;
  readonly inFlight: readonly RunRange[];
  /** How long the campaign has run, in all its parts, and the runs of the part that runs now. */
  readonly elapsedMs: number;
  readonly jobs: number;
  /** When the file was written, as ISO 8601. */
  readonly written: string;
}

/** What a journal is told of its campaign. */
export interface JournalSource {
  readonly command: string;
  readonly jobs: number;
  record(): CampaignRecord;
  elapsedMs(): number;
}

export class CampaignJournal {
  readonly #path: string;
  readonly #source: JournalSource;
  /** By first run: a range comes back from a worker as another object. */
  readonly #inFlight = new Map<number, RunRange>();

  /** `folder` is made if it is not there, and the file written. Throws what the file system throws. */
  constructor(folder: string, source: JournalSource) {
    makeFolder(folder);
    this.#path = join(folder, `sim-${process.pid}-${randomBytes(3).toString("hex")}.json`);
    this.#source = source;
    this.#write();
  }

  begin(range: RunRange): void {
    this.#inFlight.set(range.from, range);
    this.#write();
  }

  /** Not written: the file may name runs that are done, never lack one that is not. */
  end(range: RunRange): void {
    this.#inFlight.delete(range.from);
  }

  /** Removes the file when nothing is left to run, and else leaves it for `--resume`. */
  close(): void {
    const { count } = leftToRun(this.#source.record());
    const isOver = this.#source.record().state === "ended" && !(Number.isFinite(count) && count > 0);
    if (isOver) rmSync(this.#path, { force: true });
    else this.#write();
  }

  #write(): void {
    const { command, jobs } = this.#source;
    const head: JournalHead = {
      process: ownIdentity(),
      command,
      inFlight: [...this.#inFlight.values()],
      elapsedMs: Math.round(this.#source.elapsedMs()),
      jobs,
      written: new Date().toISOString(),
    };
    writeWhole(this.#path, head, this.#source.record());
  }
}

function writeWhole(path: string, head: JournalHead, record: CampaignRecord): void {
  const unfinished = `${path}.tmp`;
  writeFileSync(
    unfinished,
    `{"journal":${JSON.stringify(head)},"campaign":${recordText(record).trimEnd()}}\n`,
  );
  renameSync(unfinished, path);
}

/** A campaign of which a folder has the journal. */
export interface NotedCampaign {
  readonly path: string;
  readonly head: JournalHead;
  readonly record: CampaignRecord;
  readonly liveness: Liveness;
}

/** The campaigns that have a journal in the folder, by file name; none where there is no folder. Throws what else the file system throws. */
export function notedCampaigns(folder: string): NotedCampaign[] {
  return journalFiles(folder).flatMap((name) => {
    const path = join(folder, name);
    const noted = readJournal(path);
    return noted === undefined ? [] : [noted];
  });
}

/** A line for each range that campaigns left in flight when they were killed. Each is told once. */
export function leftInFlight(folder: string): string[] {
  return notedCampaigns(folder).flatMap(({ path, head, record, liveness }) => {
    if (liveness !== "gone" || head.inFlight.length === 0) return [];
    writeWhole(path, { ...head, inFlight: [] }, record);
    return head.inFlight.map(
      ({ from, count }) =>
        `a campaign was killed with these runs in flight: ${head.command} --from ${from} --runs ${count}`,
    );
  });
}

function journalFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^sim-\d+-[\da-f]+\.json$/.test(name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Undefined for a file that is gone by now, or was not written by this version. */
function readJournal(path: string): NotedCampaign | undefined {
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as { journal: JournalHead; campaign: unknown };
    const record = recordOfJson(file.campaign);
    if (typeof record === "string") return undefined;
    return { path, head: file.journal, record, liveness: livenessOf(file.journal.process) };
  } catch {
    return undefined;
  }
}

/**
 * The record of a campaign, or of a shard of one, as a file: what `sim --out` writes, `merge` reads, and the journal keeps to resume from.
 *
 * Invariant: nothing in it depends on time, on the number of workers or on the order in which they were done, so that records of shards
 * add up to the record of the whole byte for byte. What does is told on standard error and in the journal beside the record. A digest tells
 * a damaged file.
 */
import { createHash } from "node:crypto";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { parseJson } from "../sim/parse-program.js";
import type { FailureLog, FoundFailure } from "../testing/failure-log.js";
import { readTextFile } from "../testing/text-file.js";
import type { OwedCanary } from "./campaign.js";
import { type Shard, shardRange } from "./campaign-shard.js";
import type { CampaignTally } from "./campaign-tally.js";

/** What two records have in common when they are of one campaign. */
export interface CampaignTerms {
  /** Of the package. */
  readonly version: string;
  readonly seed: string;
  readonly on: readonly string[];
  readonly constraints: Required<Pick<GeneratorConstraints, "world" | "uniform">>;
  readonly from: number;
  /** How many runs, or null where time decides. */
  readonly runs: number | null;
  readonly rangeRuns: number;
  readonly canaryPercent: number;
  readonly bail: boolean;
  readonly shrinkMs: number;
  readonly timeLimitMs: number;
  readonly memoryLimitMiB: number;
}

/** How a campaign ended, or that it has not. */
export type CampaignState = "running" | "ended" | "interrupted" | "lost";

export interface CampaignRecord {
  readonly terms: CampaignTerms;
  readonly shard: Shard;
  readonly state: CampaignState;
  /** The first run that has not been counted. */
  readonly next: number;
  readonly tally: CampaignTally;
  readonly failures: FailureLog;
  /** Runs that are counted and still to be run again in another process; none once it has ended. */
  readonly canariesOwed: readonly OwedCanary[];
}

interface RecordFile {
  readonly format?: unknown;
  readonly sha256?: unknown;
  readonly record?: unknown;
}

const FORMAT = "fiber-lockstep campaign 2";

/** What a record still has to run; none once it has bailed. */
export function leftToRun({ terms, shard, next, failures }: CampaignRecord): { from: number; count: number } {
  const whole = shardRange(terms.from, terms.runs ?? Number.POSITIVE_INFINITY, terms.rangeRuns, shard);
  const hasBailed = terms.bail && failures.found.length > 0;
  return { from: next, count: hasBailed ? 0 : whole.from + whole.count - next };
}

/** The record as text: one JSON document. */
export function recordText(record: CampaignRecord): string {
  const body = recordJson(record);
  return `{"format":${JSON.stringify(FORMAT)},"sha256":"${digestOf(body)}","record":${body}}\n`;
}

/** The record alone, as `recordOfJson` reads it. */
function recordJson(record: CampaignRecord): string {
  return JSON.stringify(record, (_, value: unknown) =>
    value instanceof Int32Array
      ? { words: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") }
      : value,
  );
}

type ReadRecord =
  | { readonly ok: true; readonly value: CampaignRecord }
  | { readonly ok: false; readonly complaint: string };

/** The record in a file, or the line to complain with. */
export async function readRecordFile(path: string): Promise<ReadRecord> {
  const text = await readTextFile(path);
  if (!text.ok) return { ok: false, complaint: `${path}: ${text.complaint}` };
  const record = recordOfText(text.value);
  return typeof record === "string"
    ? { ok: false, complaint: `${path}: ${record}` }
    : { ok: true, value: record };
}

/** The record in a text, or what is wrong with it. */
function recordOfText(text: string): CampaignRecord | string {
  const json = parseJson(text);
  return recordOfJson(json.ok ? json.value : undefined);
}

/** The record in a value that was read from JSON, or what is wrong with it. */
export function recordOfJson(value: unknown): CampaignRecord | string {
  const file = value as RecordFile | null | undefined;
  const format = file?.format;
  if (typeof format !== "string" || !format.startsWith("fiber-lockstep campaign "))
    return "is not the record of a campaign: lockstep sim --out writes one";
  if (format !== FORMAT) return `is the record of another version of Lockstep (${JSON.stringify(format)})`;
  if (file?.sha256 !== digestOf(JSON.stringify(file?.record)))
    return "is damaged: its digest does not fit what it holds";
  const record = file.record as CampaignRecord;
  const found = record.failures.found.map(withWords);
  return { ...record, failures: { ...record.failures, found } };
}

function digestOf(body: string | undefined): string {
  return createHash("sha256")
    .update(body ?? "")
    .digest("hex");
}

/** Traces stand in the file as text. */
function withWords(found: FoundFailure): FoundFailure {
  const { shrunk } = found;
  const { failure } = shrunk;
  const expected = wordsOf(failure.expected);
  const came = wordsOf(failure.came);
  return { ...found, shrunk: { ...shrunk, failure: { ...failure, expected, came } } };
}

function wordsOf(written: unknown): Int32Array {
  const bytes = Buffer.from((written as { readonly words: string }).words, "base64");
  return new Int32Array(new Uint8Array(bytes).buffer);
}

/**
 * Where a campaign begins: at its first run, or with `--resume` where its journal says that an earlier part of it stopped.
 */
import { rmSync } from "node:fs";
import { EMPTY_LOG } from "../testing/failure-log.js";
import { notedCampaigns } from "./campaign-journal.js";
import type { CampaignRecord, CampaignTerms } from "./campaign-record.js";
import { type Shard, shardRange } from "./campaign-shard.js";
import { EMPTY_TALLY } from "./campaign-tally.js";

export interface Beginning {
  readonly record: CampaignRecord;
  /** How long the earlier parts ran. */
  readonly elapsedMs: number;
  /** What to tell the person at the terminal. */
  readonly notes: readonly string[];
  /** To be called once the record stands in a journal of its own: the earlier ones go. */
  readonly taken: () => void;
}

export type FoundBeginning =
  | { readonly ok: true; readonly value: Beginning }
  | { readonly ok: false; readonly complaint: string };

/** Throws what the file system throws. */
export function beginning(
  folder: string,
  terms: CampaignTerms,
  shard: Shard,
  resumes: boolean,
): FoundBeginning {
  const { from } = shardRange(terms.from, terms.runs ?? Number.POSITIVE_INFINITY, terms.rangeRuns, shard);
  const record: CampaignRecord = {
    terms,
    shard,
    state: "running",
    next: from,
    tally: EMPTY_TALLY,
    failures: EMPTY_LOG,
    canariesOwed: [],
  };
  const afresh: Beginning = { record, elapsedMs: 0, notes: [], taken: () => {} };
  if (!resumes) return { ok: true, value: afresh };
  const key = JSON.stringify([terms, shard]);
  const noted = notedCampaigns(folder).filter(
    (one) => JSON.stringify([one.record.terms, one.record.shard]) === key,
  );
  const running = noted.find(({ liveness }) => liveness === "running");
  if (running !== undefined)
    return {
      ok: false,
      complaint: `sim --resume: process ${running.head.process.pid} still runs this campaign`,
    };
  const furthest = noted.reduce((best, one) => (one.record.next > best.record.next ? one : best), noted[0]!);
  if (noted.length === 0)
    return {
      ok: true,
      value: { ...afresh, notes: [`${folder}: no such campaign to resume: it begins at run ${from}`] },
    };
  return {
    ok: true,
    value: {
      record: { ...furthest.record, state: "running" },
      elapsedMs: furthest.head.elapsedMs,
      notes: [`goes on at run ${furthest.record.next}, after ${furthest.record.tally.runs} run(s)`],
      taken: () => {
        for (const { path } of noted) rmSync(path, { force: true });
      },
    },
  };
}

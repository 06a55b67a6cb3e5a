/**
 * Where a campaign begins: at its first run, or with `--resume` where its journal says that an earlier part of it stopped.
 */
import { EMPTY_LOG } from "../testing/failure-log.js";
import { type Journals, takenOver } from "./campaign-journal.js";
import type { CampaignRecord, CampaignTerms } from "./campaign-record.js";
import { type Shard, shardRange } from "./campaign-shard.js";
import { EMPTY_TALLY } from "./campaign-tally.js";

export interface Beginning {
  readonly record: CampaignRecord;
  /** How long the earlier parts ran. */
  readonly elapsedMs: number;
  /** What to tell the person at the terminal. */
  readonly notes: readonly string[];
  /** The journal that was taken over, by its new name: the campaign writes on in it. */
  readonly takes?: string;
}

type FoundBeginning =
  | { readonly ok: true; readonly value: Beginning }
  | { readonly ok: false; readonly complaint: string };

/**
 * `journals`: of `folder`. `takesOver`: a journal of another machine too, where nobody can say whether it still runs. Throws what the file
 * system throws.
 */
export function beginning(
  folder: string,
  { campaigns, complaints }: Journals,
  terms: CampaignTerms,
  shard: Shard,
  resumes: boolean,
  takesOver: boolean,
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
  const afresh: Beginning = { record, elapsedMs: 0, notes: [] };
  if (!resumes) return { ok: true, value: afresh };
  if (complaints.length > 0)
    return refuse(
      `${complaints[0]}: sim --resume cannot tell whose journal it is: move it away to go on without it`,
    );
  const keyOf = (one: Pick<CampaignRecord, "terms" | "shard">): string =>
    JSON.stringify([{ ...one.terms, version: "" }, one.shard]);
  const noted = campaigns.filter((one) => keyOf(one.record) === keyOf(record));
  const other = noted.find((one) => one.record.terms.version !== terms.version);
  if (other !== undefined)
    return refuse(
      `${other.path}: is the journal of this campaign by Lockstep ${other.record.terms.version}: sim --resume goes on with the same version only`,
    );
  const running = noted.find(({ liveness }) => liveness === "running");
  if (running !== undefined)
    return refuse(`sim --resume: process ${running.head.process.pid} still runs this campaign`);
  const elsewhere = noted.find(({ liveness }) => liveness === "elsewhere");
  if (elsewhere !== undefined && !takesOver)
    return refuse(
      `sim --resume: ${elsewhere.head.process.host} may still run this campaign (process ${elsewhere.head.process.pid}): --take-over goes on with it when it does not`,
    );
  if (noted.length === 0)
    return {
      ok: true,
      value: { ...afresh, notes: [`${folder}: no such campaign to resume: it begins at run ${from}`] },
    };
  const furthest = noted.reduce((best, one) => (one.record.next > best.record.next ? one : best), noted[0]!);
  const own = takenOver(furthest);
  if (own === undefined) return refuse("sim --resume: another process has just gone on with this campaign");
  return {
    ok: true,
    value: {
      record: { ...own.record, state: "running" },
      elapsedMs: own.head.elapsedMs,
      notes: [`goes on at run ${own.record.next}, after ${own.record.tally.runs} run(s)`],
      takes: own.path,
    },
  };
}

function refuse(complaint: string): FoundBeginning {
  return { ok: false, complaint };
}

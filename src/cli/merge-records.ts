/**
 * The record of a campaign from those of its shards: the bytes that it would have had in one piece.
 *
 * Invariant: shards are added in the order of their runs, whatever the order of the files. A shard that is missing, there twice, of another
 * campaign or not at its end is told, and nothing is merged.
 */
import { mergedLog } from "../testing/failure-log.js";
import type { CampaignRecord, CampaignTerms } from "./campaign-record.js";
import { leftToRun } from "./campaign-record.js";
import { shardText, WHOLE } from "./campaign-shard.js";
import { added } from "./campaign-tally.js";

export interface NamedRecord {
  /** The file that it was read from. */
  readonly path: string;
  readonly record: CampaignRecord;
}

type Merged =
  | { readonly ok: true; readonly value: CampaignRecord }
  | { readonly ok: false; readonly complaint: string };

export function mergeRecords(shards: readonly [NamedRecord, ...NamedRecord[]]): Merged {
  const complaint = mergeComplaint(shards);
  if (complaint !== undefined) return { ok: false, complaint };
  const inOrder = [...shards].sort((a, b) => a.record.shard.index - b.record.shard.index);
  const records = upToTheBail(inOrder.map(({ record }) => record));
  const [first, ...others] = records;
  return {
    ok: true,
    value: {
      ...records.at(-1)!,
      shard: WHOLE,
      tally: others.reduce((sum, { tally }) => added(sum, tally), first!.tally),
      failures: mergedLog(records.map(({ failures }) => failures)),
    },
  };
}

/** A campaign in one piece would have ended with the first shard that found a failure. */
function upToTheBail(records: readonly CampaignRecord[]): readonly CampaignRecord[] {
  const last = records.findIndex(({ terms, failures }) => terms.bail && failures.found.length > 0);
  return last === -1 ? records : records.slice(0, last + 1);
}

function mergeComplaint(shards: readonly [NamedRecord, ...NamedRecord[]]): string | undefined {
  const [first] = shards;
  const { count } = first.record.shard;
  const byIndex = new Map<number, string>();
  for (const { path, record } of shards) {
    const { terms, shard, next, state } = record;
    const difference = differenceOf(first.record.terms, terms);
    if (difference !== undefined) return `${first.path} and ${path} are not of one campaign: ${difference}`;
    if (shard.count !== count)
      return `${first.path} and ${path} are not of one campaign: shards of ${count} and of ${shard.count}`;
    const other = byIndex.get(shard.index);
    if (other !== undefined) return `${other} and ${path} are both shard ${shardText(shard)}`;
    byIndex.set(shard.index, path);
    const left = leftToRun(record).count;
    if (state !== "ended" || (Number.isFinite(left) && left > 0))
      return `${path}: shard ${shardText(shard)} is not at its end: it stopped at run ${next} (${state}); sim --resume goes on with it`;
  }
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !byIndex.has(index));
  if (missing.length === 0) return undefined;
  const names = missing.slice(0, 10).map((index) => shardText({ index, count }));
  return `${missing.length} shard(s) are missing: ${names.join(", ")}${missing.length > names.length ? ", ..." : ""}`;
}

/** The first of the terms that differs, in words. */
function differenceOf(a: CampaignTerms, b: CampaignTerms): string | undefined {
  for (const [name, value] of Object.entries(a)) {
    const [left, right] = [JSON.stringify(value), JSON.stringify(b[name as keyof CampaignTerms])];
    if (left !== right) return `${name} ${left} and ${right}`;
  }
  return undefined;
}

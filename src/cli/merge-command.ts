/**
 * `lockstep merge`: the report of a campaign from the records of its shards, byte for byte what one run would have given.
 *
 * Nothing is replayed, so no target has to run here. Exit status as of `sim`; 2 where the records are not the shards of one campaign.
 */
import { failureLines } from "../testing/failure-text.js";
import { reproCommandOf } from "./campaign-command.js";
import { type OutputOptions, outputsComplaint, writeOutputs } from "./campaign-outputs.js";
import { readRecordFile } from "./campaign-record.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus } from "./exit-status.js";
import { mergeRecords, type NamedRecord } from "./merge-records.js";

export async function mergeCommand(
  files: readonly string[],
  options: OutputOptions,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal } = context;
  const refuse = (complaint: string): ExitStatus => {
    terminal.complain(complaint);
    return ExitStatus.badInput;
  };
  const complaint = outputsComplaint(options);
  if (complaint !== undefined) return refuse(complaint);
  const shards: NamedRecord[] = [];
  for (const path of files) {
    const read = await readRecordFile(path);
    if (!read.ok) return refuse(read.complaint);
    shards.push({ path, record: read.value });
  }
  const [first, ...others] = shards;
  if (first === undefined) return refuse("merge: name the records of the shards");
  const merged = mergeRecords([first, ...others]);
  if (!merged.ok) return refuse(merged.complaint);
  const { terms, failures } = merged.value;
  if (options.json !== true)
    for (const found of failures.found)
      for (const line of failureLines(found, reproCommandOf(found, terms), terminal)) terminal.print(line);
  return writeOutputs(merged.value, options, context, []);
}

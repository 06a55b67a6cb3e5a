/** The programs that an emulated replayer runs unseen before its first large batch, and that they change no trace. */
import { expect, test } from "vitest";
import { warmUpBatch } from "../src/native-bridge/warm-up.js";
import { sameWords } from "../src/sim/diff.js";
import { HEADER_RESULT_SHIFT, OpCode, OutcomeCode, ProgramWord, RecordKind } from "../src/sim/encoding.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { traceOf } from "../src/sim/target.js";
import { generatedBatch } from "./support/generated-batch.js";
import { epollTargetsHere, targetOf } from "./support/replay.js";

const COMPLETED = RecordKind.outcome | (OutcomeCode.completed << HEADER_RESULT_SHIFT);

test("they are the same each time, hold every op, and the last one completes on the model", async () => {
  const batch = warmUpBatch();
  expect(warmUpBatch()).toEqual(batch);
  const codes = new Set<number>();
  for (let i = 0, start = 0; i < batch.count; start = batch.ends[i++]!) {
    const bodies = batch.words[start + ProgramWord.fibers]! + batch.words[start + ProgramWord.tasks]! + 2;
    const ops = start + ProgramWord.header + bodies * ProgramWord.body;
    for (let op = ops; op < batch.ends[i]!; op += ProgramWord.op) codes.add(batch.words[op]!);
  }
  expect([...codes].sort((a, b) => a - b)).toEqual(Object.values(OpCode));
  const traces = await new ModelTarget().replay(batch);
  expect(traceOf(traces, batch.count - 1).at(-1)).toBe(COMPLETED);
});

test.each(epollTargetsHere.filter((name) => name !== "model"))(
  "on %s, they agree with the model, and so does a large batch after them, and the same programs in small ones",
  async (name) => {
    const target = await targetOf(name);
    const model = new ModelTarget();
    for (const batch of [
      warmUpBatch(),
      generatedBatch("warm", 600),
      generatedBatch("warm", 200),
      warmUpBatch(),
    ]) {
      const expected = await model.replay(batch);
      const came = await target.replay(batch);
      const odd = Array.from({ length: batch.count }, (_, i) => i).filter(
        (i) => !sameWords(traceOf(expected, i), traceOf(came, i)),
      );
      expect(odd).toEqual([]);
    }
  },
  120_000,
);

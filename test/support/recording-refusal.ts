/** What a recording refuses: the error, where bodies do what no program can hold. */
import type { Scheduler } from "../../src/sched/index.js";
import { type RecordOptions, record } from "../../src/sim/record/record.js";
import { RecordingError } from "../../src/sim/record/recording-error.js";

/** What the recording throws. */
export function refusal(bodies: (s: Scheduler) => void, options: RecordOptions = {}): RecordingError {
  try {
    record(bodies, options);
  } catch (error) {
    if (error instanceof RecordingError) return error;
    throw error;
  }
  throw new Error("it was recorded");
}

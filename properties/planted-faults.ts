/**
 * Schedulers that are wrong on purpose, one rule each: what a campaign must find and shrink (`shrinking.prop.ts`).
 *
 * Each is the naive scheduler with one method overridden, so that it differs from the contract in that rule and in nothing else.
 */
import { type NaiveFiber, NaiveScheduler, type NaiveTask, type Switching } from "./naive-scheduler.js";

class TakesTheNewestFiber extends NaiveScheduler {
  override takeReady(): NaiveFiber {
    return this.ready.pop()!;
  }
}

class FiresTheLastArmedOfATie extends NaiveScheduler {
  override takeTimer(): { fiber: NaiveFiber; deadline: number } {
    let first = this.timers[0]!;
    for (const timer of this.timers) if (timer.deadline <= first.deadline) first = timer;
    this.timers = this.timers.filter((timer) => timer !== first);
    return first;
  }
}

class KeepsTheTimerOfWhomItWakes extends NaiveScheduler {
  /** Nothing: a timer that fires has been taken out already, any other stays. */
  override evictTimer(): void {}
}

class GivesAnotherValue extends NaiveScheduler {
  override *wait(task: NaiveTask): Switching<number | "canceled"> {
    const value = yield* super.wait(task);
    return value === "canceled" ? value : value + 1;
  }
}

class WakesWhomItCancels extends NaiveScheduler {
  override cancel(task: NaiveTask): void {
    super.cancel(task);
    if (task.waiter !== undefined) this.wake(task.waiter);
  }
}

/** The seed's own: C2. */
class ReturnsFromWaitWhenWoken extends NaiveScheduler {
  override *wait(task: NaiveTask): Switching<number | "canceled"> {
    if (task.canceled || task.state === "ready" || task.waiter !== undefined) return yield* super.wait(task);
    task.waiter = this.current;
    yield* this.suspendSelf();
    task.waiter = undefined;
    return task.canceled ? "canceled" : task.value;
  }
}

export interface PlantedFault {
  readonly name: string;
  /** The rule that it breaks. */
  readonly rule: string;
  readonly scheduler: () => NaiveScheduler;
}

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  { name: "lifo", rule: "F1, F4", scheduler: () => new TakesTheNewestFiber() },
  { name: "ties by last armed", rule: "T2", scheduler: () => new FiresTheLastArmedOfATie() },
  { name: "lost eviction of a timer", rule: "F4", scheduler: () => new KeepsTheTimerOfWhomItWakes() },
  { name: "wrong value of a task", rule: "K2", scheduler: () => new GivesAnotherValue() },
  { name: "cancel wakes", rule: "K3", scheduler: () => new WakesWhomItCancels() },
  { name: "wait does not park again", rule: "C2", scheduler: () => new ReturnsFromWaitWhenWoken() },
];

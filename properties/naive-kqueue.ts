/**
 * The naive scheduler on kqueue: the second opinion on I3 there, which says that a registration outlives an early wake.
 *
 * It differs from the naive scheduler in what it forgets and when, and in the call that a panic names.
 */
import { type NaiveFiber, type NaivePipe, NaiveScheduler } from "./naive-scheduler.js";

export class NaiveKqueueScheduler extends NaiveScheduler {
  override readonly registerCall: string = "kevent"; // I1
  /** Pipes that were registered and have not fired since: with a waiter or without. */
  registered: NaivePipe[] = [];

  /** F4: the waiter goes, the registration and its entry stay. */
  override evictIoWaiter(fiber: NaiveFiber): void {
    this.ioWaiters = this.ioWaiters.filter((waiter) => waiter.fiber !== fiber);
  }

  /** I3: an entry is for a registration, and a waiter has one. */
  override enlist(pipe: NaivePipe): void {
    if (this.ioWaiters.some((waiter) => waiter.pipe === pipe) && !this.registered.includes(pipe))
      this.registered.push(pipe);
    if (this.registered.includes(pipe)) this.append(pipe);
  }

  /** One-shot: gone when it fires, somebody to wake or not. */
  override fired(pipe: NaivePipe): void {
    this.registered = this.registered.filter((other) => other !== pipe);
  }
}

/**
 * What SPEC leaves to the readiness queue of the operating system: the order of delivery (I3) and the name of the call in two panics (I1).
 *
 * `epoll`: an early wake (F4) removes the registration and its entry in the ready list. `kqueue`: the one-shot registration lingers. The
 * next block on the fd takes it over, in the place that it has; else it fires once with nobody to wake, as one of the events of that wait;
 * else it goes with the fd. Everything else is the same for both.
 */

/** The readiness queues that a runtime may be built on. */
export type Readiness = "epoll" | "kqueue";

/** The call that a panic about a registration names (I1). */
export const REGISTER_CALL: Readonly<Record<Readiness, string>> = { epoll: "epoll_ctl", kqueue: "kevent" };

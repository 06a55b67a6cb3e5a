/*
 * must.h: assertions that stay on in every build.
 *
 * LOCKSTEP_MUST states what this runtime owes itself. A broken one is a bug of the runtime or a use that the C ABI
 * forbids, never one of the panics of SPEC section 1, so it goes to stderr and never through the panic hook.
 *
 * A build with a planted defect leaves them out (SCHED_WITHOUT_MUST): the original has none, and what is measured there is
 * whether Lockstep sees the defect from outside, not whether the runtime catches itself.
 */
#ifndef SCHED_MUST_H
#define SCHED_MUST_H

_Noreturn void sched_invariant_broken(const char *text);

/* text says what must hold, in positive form: "ready queue holds ready fibers". */
#ifdef SCHED_WITHOUT_MUST
#define LOCKSTEP_MUST(cond, text) ((void)sizeof((cond) ? 1 : 0))
#else
#define LOCKSTEP_MUST(cond, text) ((cond) ? (void)0 : sched_invariant_broken(text))
#endif

#endif

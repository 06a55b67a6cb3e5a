/*
 * The handlers of SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP (see faults.h).
 *
 * They run on an alternate stack, since the stack at fault may be used up, and end the process: nothing that comes
 * after a fault is worth recording. SIGABRT is not caught: what it means stands in the output, which the host reads.
 */
#include "faults.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>
#include <unistd.h>

#include "interpreter.h"
#include "worker.h"

#include "must.h"

/* An overflow faults in the guard, which a frame may step into by this much beyond the stack pointer. */
#define GUARD_REACH_BYTES ((uintptr_t)128 * 1024)
/* Nearer than this to its first frame, a body has not used up its stack: the stack is gone. */
#define STACK_BYTES_MIN ((uintptr_t)4096)
/* A body's stack pointer farther from its first frame than this is on no stack of that body. */
#define STACK_BYTES_MAX ((uintptr_t)64 * 1024 * 1024)

static unsigned char handler_stack[64 * 1024] __attribute__((aligned(16)));

static uintptr_t stack_pointer_of(const ucontext_t *context) {
#if defined(__x86_64__)
  return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  return (uintptr_t)context->uc_mcontext.sp;
#else
#error "no stack pointer known on this architecture"
#endif
}

/* Whether the fault is the running body stepping off the end of its own stack. */
static bool is_stack_overflow(int number, uint32_t who, uintptr_t address, uintptr_t stack_pointer) {
  if (number != SIGSEGV && number != SIGBUS) return false;
  const struct lockstep_body *body = lockstep_interpreter_body(who);
  if (body == NULL || body->stack_base == 0 || address >= body->stack_base) return false;
  const uintptr_t depth = body->stack_base - address;
  const bool near_stack_pointer =
      address + GUARD_REACH_BYTES > stack_pointer && address < stack_pointer + GUARD_REACH_BYTES;
  return near_stack_pointer && depth > STACK_BYTES_MIN && depth < STACK_BYTES_MAX;
}

static void on_fault(int number, siginfo_t *info, void *context) {
  struct lockstep_trace_writer *trace = &lockstep_interpreter.trace;
  const ucontext_t *interrupted = context;
  const uint32_t who = lockstep_desk->who;
  lockstep_trace_rewind(trace); /* an audit has a trace that has ended, and one that nobody sees */
  if (is_stack_overflow(number, who, (uintptr_t)info->si_addr, stack_pointer_of(interrupted)))
    lockstep_trace_stack_overflow(trace, who);
  else
    lockstep_trace_crash(trace, number, who);
  lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, number, &interrupted->uc_sigmask);
}

void lockstep_faults_catch(void) {
  const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
  LOCKSTEP_MUST(sigaltstack(&stack, NULL) == 0, "no stack for the fault handlers");
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
  sigfillset(&action.sa_mask);
  const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    LOCKSTEP_MUST(sigaction(faults[i], &action, NULL) == 0, "cannot catch a fault");
  }
}

/*
 * The handlers of SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP (see faults.h).
 *
 * They run on an alternate stack, since the stack at fault may be used up, and end the process: nothing that comes
 * after a fault is worth recording. Only a fiber that overflows its stack as its program tells it to is brought back, for
 * its scheduler to be abandoned. SIGABRT is not caught: what it means stands in the output, which the host reads.
 */
#include "faults.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "interpreter.h"
#include "must.h"
#include "overflow.h"
#include "program_runner.h"
#include "worker.h"

/* An overflow faults in the guard, which a frame may step into by this much beyond the stack pointer. */
#define GUARD_REACH_BYTES ((uintptr_t)128 * 1024)

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

/*
 * Whether the address lies in a guard: in a page that is mapped but cannot be read, by its protection or by a guard marker
 * (MADV_GUARD_INSTALL). In a hole or in a library, a stack has no guard and has run through what lay below it (F1). Only
 * system calls: this runs in a signal handler. They report what would be a fault here, and read no list of mappings,
 * which qemu-user takes a millisecond to write.
 */
static bool is_in_guard(uintptr_t address) {
  const uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
  if (msync((void *)(address & ~(page_bytes - 1)), page_bytes, MS_ASYNC) != 0) return false; /* nothing is mapped */
  int ends[2];
  if (pipe(ends) != 0) return true; /* it cannot be told: every fault near the stack pointer counts, as it must somewhere */
  const bool is_unreadable = write(ends[1], (const void *)address, 1) < 0 && errno == EFAULT;
  close(ends[0]);
  close(ends[1]);
  return is_unreadable;
}

/* Whether the fault is the running fiber stepping off the end of its stack, into the guard. */
static bool is_stack_overflow(int number, uintptr_t address, uintptr_t stack_pointer) {
  if (number != SIGSEGV && number != SIGBUS) return false;
  const bool near_stack_pointer =
      address + GUARD_REACH_BYTES > stack_pointer && address < stack_pointer + GUARD_REACH_BYTES;
  return near_stack_pointer && is_in_guard(address);
}

static void on_fault(int number, siginfo_t *info, void *context) {
  struct lockstep_trace_writer *trace = &lockstep_interpreter.trace;
  const ucontext_t *interrupted = context;
  const uintptr_t address = (uintptr_t)info->si_addr;
  const uint32_t who = lockstep_desk->who;
  if (lockstep_program_is_being_cleared())
    lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, &interrupted->uc_sigmask);
  lockstep_trace_rewind(trace); /* an audit has a trace that has ended, and one that nobody sees */
  if (is_stack_overflow(number, address, stack_pointer_of(interrupted))) {
    lockstep_trace_stack_overflow(trace, who);
    if (lockstep_program_can_be_cleared() && lockstep_overflow_can_be_taken_back(address))
      lockstep_overflow_take_back(&interrupted->uc_sigmask);
  } else {
    lockstep_trace_crash(trace, number, who);
  }
  lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, &interrupted->uc_sigmask);
}

void lockstep_faults_catch(void) {
  const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
  LOCKSTEP_MUST(sigaltstack(&stack, NULL) == 0, "no stack for the fault handlers");
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    LOCKSTEP_MUST(sigaction(faults[i], &action, NULL) == 0, "cannot catch a fault");
  }
}

/*
 * context_x86_64.h: offsets of the saved frame on x86-64 (System V ABI), from the saved rsp upward.
 *
 * The return address is the top slot because the call of sched_switch has pushed it there already.
 *
 * Rules: X1. Source: System V ABI, AMD64 supplement, section 3.2.1 (callee-saved registers, control words).
 */
#ifndef SCHED_CONTEXT_X86_64_H
#define SCHED_CONTEXT_X86_64_H

#define SCHED_ARCH_NAME "x86_64"

#define SCHED_FRAME_MXCSR 0
#define SCHED_FRAME_X87CW 4
#define SCHED_FRAME_RBX 8
#define SCHED_FRAME_RBP 16
#define SCHED_FRAME_R12 24
#define SCHED_FRAME_R13 32
#define SCHED_FRAME_R14 40
#define SCHED_FRAME_R15 48
#define SCHED_FRAME_RETURN 56
#define SCHED_FRAME_BYTES 64

/* Rounding, exception masks, flush to zero; the rest of mxcsr is status, which is not callee-saved. */
#define SCHED_MXCSR_CONTROL 0xffc0

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sched_frame {
  uint32_t mxcsr;
  uint16_t x87_control;
  uint16_t padding;
  uint64_t rbx;
  uint64_t rbp;
  uint64_t r12, r13, r14, r15;
  uint64_t return_address;
};

_Static_assert(offsetof(struct sched_frame, mxcsr) == SCHED_FRAME_MXCSR, "mxcsr");
_Static_assert(offsetof(struct sched_frame, x87_control) == SCHED_FRAME_X87CW, "x87 control word");
_Static_assert(offsetof(struct sched_frame, rbx) == SCHED_FRAME_RBX, "rbx");
_Static_assert(offsetof(struct sched_frame, rbp) == SCHED_FRAME_RBP, "rbp");
_Static_assert(offsetof(struct sched_frame, r12) == SCHED_FRAME_R12, "r12");
_Static_assert(offsetof(struct sched_frame, r13) == SCHED_FRAME_R13, "r13");
_Static_assert(offsetof(struct sched_frame, r14) == SCHED_FRAME_R14, "r14");
_Static_assert(offsetof(struct sched_frame, r15) == SCHED_FRAME_R15, "r15");
_Static_assert(offsetof(struct sched_frame, return_address) == SCHED_FRAME_RETURN, "return address");
_Static_assert(sizeof(struct sched_frame) == SCHED_FRAME_BYTES, "frame");

/*
 * A fresh fiber gets the control words that a process starts with, not its spawner's: what a body computes must not
 * depend on who spawned it.
 */
#define SCHED_MXCSR_DEFAULT 0x1f80
#define SCHED_X87CW_DEFAULT 0x037f

/*
 * The first frame of a fiber. The trampoline expects the fiber in rbx; rbp 0 ends a walk along frame pointers. Written word
 * by word where it stands: a copy of a whole frame would have to wait for its parts.
 */
static inline void sched_frame_begin(struct sched_frame *frame, void (*entry)(void), void *fiber) {
  frame->mxcsr = SCHED_MXCSR_DEFAULT;
  frame->x87_control = SCHED_X87CW_DEFAULT;
  frame->rbx = (uint64_t)fiber;
  frame->rbp = 0;
  memset(&frame->r12, 0, 4 * sizeof frame->r12); /* two wide stores */
  frame->return_address = (uint64_t)entry;
}

#endif
#endif

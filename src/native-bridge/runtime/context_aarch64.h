/*
 * context_aarch64.h: offsets of the saved frame on aarch64 (AAPCS64), from the saved sp upward.
 *
 * x30 is the address where the context goes on. The frame is a multiple of 16 bytes, as sp must always be.
 *
 * Rules: X1, C1 (d8-d15, which the seed left out). Source: AAPCS64, sections 6.1.1 and 6.1.2.
 */
#ifndef SCHED_CONTEXT_AARCH64_H
#define SCHED_CONTEXT_AARCH64_H

#define SCHED_ARCH_NAME "aarch64"

#define SCHED_FRAME_X19 0
#define SCHED_FRAME_X21 16
#define SCHED_FRAME_X23 32
#define SCHED_FRAME_X25 48
#define SCHED_FRAME_X27 64
#define SCHED_FRAME_X29 80
#define SCHED_FRAME_D8 96
#define SCHED_FRAME_D10 112
#define SCHED_FRAME_D12 128
#define SCHED_FRAME_D14 144
#define SCHED_FRAME_BYTES 160

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* Registers are stored in pairs, so each offset above names the first of its pair. */
struct sched_frame {
  uint64_t x19_x28[10];
  uint64_t x29; /* frame pointer */
  uint64_t x30; /* link register */
  uint64_t d8_d15[8];
};

_Static_assert(offsetof(struct sched_frame, x19_x28[0]) == SCHED_FRAME_X19, "x19");
_Static_assert(offsetof(struct sched_frame, x19_x28[2]) == SCHED_FRAME_X21, "x21");
_Static_assert(offsetof(struct sched_frame, x19_x28[4]) == SCHED_FRAME_X23, "x23");
_Static_assert(offsetof(struct sched_frame, x19_x28[6]) == SCHED_FRAME_X25, "x25");
_Static_assert(offsetof(struct sched_frame, x19_x28[8]) == SCHED_FRAME_X27, "x27");
_Static_assert(offsetof(struct sched_frame, x29) == SCHED_FRAME_X29, "x29");
_Static_assert(offsetof(struct sched_frame, x30) == SCHED_FRAME_X29 + 8, "x30");
_Static_assert(offsetof(struct sched_frame, d8_d15[0]) == SCHED_FRAME_D8, "d8");
_Static_assert(offsetof(struct sched_frame, d8_d15[2]) == SCHED_FRAME_D10, "d10");
_Static_assert(offsetof(struct sched_frame, d8_d15[4]) == SCHED_FRAME_D12, "d12");
_Static_assert(offsetof(struct sched_frame, d8_d15[6]) == SCHED_FRAME_D14, "d14");
_Static_assert(sizeof(struct sched_frame) == SCHED_FRAME_BYTES, "frame");
_Static_assert(SCHED_FRAME_BYTES % 16 == 0, "sp must stay a multiple of 16");

/* The first frame of a fiber. The trampoline expects the fiber in x19; x29 0 ends a walk along frame pointers. */
static inline void sched_frame_begin(struct sched_frame *frame, void (*entry)(void), void *fiber) {
  *frame = (struct sched_frame){.x19_x28 = {(uint64_t)fiber}, .x30 = (uint64_t)entry};
}

#endif
#endif

/*
 * switch_aarch64.S: the context switch and the entry of a fresh fiber, AAPCS64 (SPEC X1, C1).
 *
 *   void sched_switch(void **from_sp, void *to_sp);
 *
 *     x0  from_sp  where the stack pointer of the running context goes
 *     x1  to_sp    the saved stack pointer of the context that goes on
 *
 * Saved, at these offsets from the saved sp (context_aarch64.h):
 *
 *      0  x19, x20      64  x27, x28                     128  d12, d13
 *     16  x21, x22      80  x29 (fp), x30 (lr)           144  d14, d15
 *     32  x23, x24      96  d8, d9
 *     48  x25, x26     112  d10, d11
 *
 * NOT saved: x0-x17, v0-v7, v16-v31, the upper halves of v8-v15 and the flags, which the ABI lets any call destroy;
 * x18, which belongs to the platform and is a plain temporary on Linux; fpcr and fpsr, which X1 leaves to the thread;
 * tpidr_el0, since all fibers of a scheduler share one thread; the signal mask, which costs a system call.
 *
 * A suspended fiber:                         A fresh fiber:
 *
 *     | frames of the body     |                 +------------------------+  <- top, 16-byte aligned
 *     +------------------------+                 | d15 ... d8: 0          |
 *     | d15 ... d8             |                 | x30: sched_trampoline  |
 *     | x30, x29               |                 | x29 ... x20: 0         |
 *     | x28 ... x19            |                 | x19: the fiber         |
 *     +------------------------+  <- saved sp    +------------------------+  <- saved sp = top - 160
 *
 * The switch ends in ret, unlike on x86-64: branch target identification (BTI) lets a ret land anywhere, but a br only
 * on a landing pad, and the code after a call has none. x30 is saved unsigned, without pointer authentication.
 *
 * Both frames have the same shape, so the CFI stays true across the exchange of sp.
 * Source: AAPCS64, sections 6.1.1, 6.1.2 and 6.4.5. Form of this head: corosensei, Boost.Context.
 */
#include "asm_object.h"
#include "context.h"
#include "defects.h"

    .text

/* Goes on with the context at sp. */
    .macro go_on
#if SCHED_DEFECT(A64_LOSES_X19)
    ldr     x20, [sp, #SCHED_FRAME_X19 + 8]
#else
    ldp     x19, x20, [sp, #SCHED_FRAME_X19]
#endif
    .cfi_restore x19
    .cfi_restore x20
#if SCHED_DEFECT(A64_LOSES_X22)
    ldr     x21, [sp, #SCHED_FRAME_X21]
#else
    ldp     x21, x22, [sp, #SCHED_FRAME_X21]
#endif
    .cfi_restore x21
    .cfi_restore x22
#if SCHED_DEFECT(A64_LOSES_X23)
    ldr     x24, [sp, #SCHED_FRAME_X23 + 8]
#else
    ldp     x23, x24, [sp, #SCHED_FRAME_X23]
#endif
    .cfi_restore x23
    .cfi_restore x24
#if SCHED_DEFECT(A64_SWAPS_X25_X26)
    ldp     x26, x25, [sp, #SCHED_FRAME_X25]
#else
    ldp     x25, x26, [sp, #SCHED_FRAME_X25]
#endif
    .cfi_restore x25
    .cfi_restore x26
#if SCHED_DEFECT(A64_LOSES_X28)
    ldr     x27, [sp, #SCHED_FRAME_X27]
#else
    ldp     x27, x28, [sp, #SCHED_FRAME_X27]
#endif
    .cfi_restore x27
    .cfi_restore x28
#if SCHED_DEFECT(A64_LOSES_X29)
    ldr     x30, [sp, #SCHED_FRAME_X29 + 8]
#else
    ldp     x29, x30, [sp, #SCHED_FRAME_X29]
#endif
    .cfi_restore x29
    .cfi_restore x30
#if !SCHED_DEFECT(C1)
#if SCHED_DEFECT(A64_LOSES_D9)
    ldr     d8, [sp, #SCHED_FRAME_D8]
#else
    ldp     d8, d9, [sp, #SCHED_FRAME_D8]
#endif
    .cfi_restore d8
    .cfi_restore d9
#if SCHED_DEFECT(A64_SWAPS_D10_D11)
    ldp     d11, d10, [sp, #SCHED_FRAME_D10]
#else
    ldp     d10, d11, [sp, #SCHED_FRAME_D10]
#endif
    .cfi_restore d10
    .cfi_restore d11
    ldp     d12, d13, [sp, #SCHED_FRAME_D12]
    .cfi_restore d12
    .cfi_restore d13
#if SCHED_DEFECT(A64_LOSES_D14)
    ldr     d15, [sp, #SCHED_FRAME_D14 + 8]
#else
    ldp     d14, d15, [sp, #SCHED_FRAME_D14]
#endif
    .cfi_restore d14
    .cfi_restore d15
#endif
    add     sp, sp, #SCHED_FRAME_BYTES
    .cfi_adjust_cfa_offset -SCHED_FRAME_BYTES
    ret
    .endm

    asm_function ASM_NAME(sched_switch)
    .cfi_startproc
    sub     sp, sp, #SCHED_FRAME_BYTES
    .cfi_adjust_cfa_offset SCHED_FRAME_BYTES
    stp     x19, x20, [sp, #SCHED_FRAME_X19]
    .cfi_rel_offset x19, SCHED_FRAME_X19
    .cfi_rel_offset x20, SCHED_FRAME_X19 + 8
    stp     x21, x22, [sp, #SCHED_FRAME_X21]
    .cfi_rel_offset x21, SCHED_FRAME_X21
    .cfi_rel_offset x22, SCHED_FRAME_X21 + 8
    stp     x23, x24, [sp, #SCHED_FRAME_X23]
    .cfi_rel_offset x23, SCHED_FRAME_X23
    .cfi_rel_offset x24, SCHED_FRAME_X23 + 8
    stp     x25, x26, [sp, #SCHED_FRAME_X25]
    .cfi_rel_offset x25, SCHED_FRAME_X25
    .cfi_rel_offset x26, SCHED_FRAME_X25 + 8
#if SCHED_DEFECT(A64_SAVES_HALF_OF_X27)
    str     w27, [sp, #SCHED_FRAME_X27]
    str     x28, [sp, #SCHED_FRAME_X27 + 8]
#else
    stp     x27, x28, [sp, #SCHED_FRAME_X27]
#endif
    .cfi_rel_offset x27, SCHED_FRAME_X27
    .cfi_rel_offset x28, SCHED_FRAME_X27 + 8
    stp     x29, x30, [sp, #SCHED_FRAME_X29]
    .cfi_rel_offset x29, SCHED_FRAME_X29
    .cfi_rel_offset x30, SCHED_FRAME_X29 + 8
#if !SCHED_DEFECT(C1)
    stp     d8, d9, [sp, #SCHED_FRAME_D8]           /* C1: the seed lost d8-d15 */
    .cfi_rel_offset d8, SCHED_FRAME_D8
    .cfi_rel_offset d9, SCHED_FRAME_D8 + 8
    stp     d10, d11, [sp, #SCHED_FRAME_D10]
    .cfi_rel_offset d10, SCHED_FRAME_D10
    .cfi_rel_offset d11, SCHED_FRAME_D10 + 8
#if SCHED_DEFECT(A64_SAVES_HALF_OF_D13)
    str     d12, [sp, #SCHED_FRAME_D12]
    str     s13, [sp, #SCHED_FRAME_D12 + 8]
#else
    stp     d12, d13, [sp, #SCHED_FRAME_D12]
#endif
    .cfi_rel_offset d12, SCHED_FRAME_D12
    .cfi_rel_offset d13, SCHED_FRAME_D12 + 8
    stp     d14, d15, [sp, #SCHED_FRAME_D14]
    .cfi_rel_offset d14, SCHED_FRAME_D14
    .cfi_rel_offset d15, SCHED_FRAME_D14 + 8
#endif

    mov     x9, sp                                  /* sp itself cannot be stored */
    str     x9, [x0]
    mov     sp, x1

    go_on
    .cfi_endproc
    asm_function_end ASM_NAME(sched_switch)

/*
 * The first entry of a fiber: sched_switch has "returned" here with sp = top and the fiber in x19. The fiber goes to
 * x0, the first argument register (the port's bug A read it from the second). Nothing called the trampoline, so its
 * return address is undefined: an unwinder ends here. sched_dispatch returns when the fiber is done, with the saved sp of the
 * context that goes on in x0 (and whether that is the run loop in x1: here all go by ret); nothing is saved here.
 */
#if !SCHED_DEFECT(BUG_B)
    asm_extern ASM_NAME(sched_dispatch)
    asm_function ASM_NAME(sched_trampoline)
    .cfi_startproc
    .cfi_undefined x30
#if SCHED_DEFECT(A64_ENTRY_STALE_ARGUMENT)
    mov     x0, x20
#else
    mov     x0, x19
#endif
    bl      ASM_NAME(sched_dispatch)
    mov     sp, x0                                  /* off the fiber's stack for ever (F5) */
    .cfi_def_cfa sp, SCHED_FRAME_BYTES
    .cfi_offset x19, SCHED_FRAME_X19 - SCHED_FRAME_BYTES
    .cfi_offset x20, SCHED_FRAME_X19 + 8 - SCHED_FRAME_BYTES
    .cfi_offset x21, SCHED_FRAME_X21 - SCHED_FRAME_BYTES
    .cfi_offset x22, SCHED_FRAME_X21 + 8 - SCHED_FRAME_BYTES
    .cfi_offset x23, SCHED_FRAME_X23 - SCHED_FRAME_BYTES
    .cfi_offset x24, SCHED_FRAME_X23 + 8 - SCHED_FRAME_BYTES
    .cfi_offset x25, SCHED_FRAME_X25 - SCHED_FRAME_BYTES
    .cfi_offset x26, SCHED_FRAME_X25 + 8 - SCHED_FRAME_BYTES
    .cfi_offset x27, SCHED_FRAME_X27 - SCHED_FRAME_BYTES
    .cfi_offset x28, SCHED_FRAME_X27 + 8 - SCHED_FRAME_BYTES
    .cfi_offset x29, SCHED_FRAME_X29 - SCHED_FRAME_BYTES
    .cfi_offset x30, SCHED_FRAME_X29 + 8 - SCHED_FRAME_BYTES
    .cfi_offset d8, SCHED_FRAME_D8 - SCHED_FRAME_BYTES
    .cfi_offset d9, SCHED_FRAME_D8 + 8 - SCHED_FRAME_BYTES
    .cfi_offset d10, SCHED_FRAME_D10 - SCHED_FRAME_BYTES
    .cfi_offset d11, SCHED_FRAME_D10 + 8 - SCHED_FRAME_BYTES
    .cfi_offset d12, SCHED_FRAME_D12 - SCHED_FRAME_BYTES
    .cfi_offset d13, SCHED_FRAME_D12 + 8 - SCHED_FRAME_BYTES
    .cfi_offset d14, SCHED_FRAME_D14 - SCHED_FRAME_BYTES
    .cfi_offset d15, SCHED_FRAME_D14 + 8 - SCHED_FRAME_BYTES
    go_on
    .cfi_endproc
    asm_function_end ASM_NAME(sched_trampoline)
#endif

    asm_object_end

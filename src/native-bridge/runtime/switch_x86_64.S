/*
 * switch_x86_64.S: the context switch and the entry of a fresh fiber, x86-64 System V ABI (SPEC X1).
 *
 *   void sched_switch(void **from_sp, void *to_sp);
 *
 *     rdi  from_sp  where the stack pointer of the running context goes
 *     rsi  to_sp    the saved stack pointer of the context that goes on
 *
 * Saved, at these offsets from the saved rsp (context_x86_64.h):
 *
 *      0  mxcsr       SSE control and status       24  r12
 *      4  x87 control word                         32  r13
 *      8  rbx                                      40  r14
 *     16  rbp                                      48  r15
 *                                                  56  return address
 *
 * NOT saved: rax, rcx, rdx, rsi, rdi, r8-r11, xmm0-xmm15 and everything wider, the x87 stack and the flags, which the
 * ABI lets any call destroy (the direction flag is clear at every call); the signal mask, which costs a system call;
 * fs and gs, since all fibers of a scheduler share one thread.
 *
 * The control words are loaded only where they differ from those in force. Of mxcsr only the control bits count: the
 * status bits are volatile in the ABI, and they differ as soon as one side has rounded anything. Loading mxcsr on every
 * switch for their sake made a program of eight fibers take 1,200 ns instead of 370.
 *
 * A suspended fiber:                         A fresh fiber:
 *
 *     | frames of the body     |                 +------------------------+  <- top, 16-byte aligned
 *     +------------------------+                 | sched_trampoline       |  top - 8
 *     | return address         |                 | r15 ... rbp: 0         |
 *     | r15 ... rbx            |                 | rbx: the fiber         |
 *     | x87 control | mxcsr    |                 | 0x037f | 0x1f80        |
 *     +------------------------+  <- saved rsp   +------------------------+  <- saved rsp = top - 64
 *
 * The return goes by pop and an indirect jmp. A ret here would pop an address that is not the one on top of the
 * processor's return stack, and the misprediction costs 5 ns of 7 (measured). The price: neither a shadow stack nor
 * indirect branch tracking (CET) can be on, and Linux turns neither on for a program that does not ask. A fiber that ends and
 * leaves nobody to run does go on by ret: when it has not parked, the run loop's call is the one on top of the return stack,
 * and a spawn, a run and a reap take 22 ns instead of 33.
 *
 * Both frames have the same shape, so the CFI stays true across the exchange of rsp.
 * Source: System V ABI, AMD64 supplement, sections 3.2.1 to 3.2.3. Form of this head: corosensei, Boost.Context.
 */
#include "asm_object.h"
#include "context.h"
#include "defects.h"

    .text

/* Goes on with the context at rsp, where eax holds mxcsr and dx the x87 control word that are in force. */
    .macro go_on
    xorl    SCHED_FRAME_MXCSR(%rsp), %eax
#if SCHED_DEFECT(X86_MXCSR_WITHOUT_ROUNDING)
    testl   $0x9fc0, %eax
#else
    testl   $SCHED_MXCSR_CONTROL, %eax
#endif
    je      1f
#if !SCHED_DEFECT(X86_LOSES_MXCSR)
    ldmxcsr SCHED_FRAME_MXCSR(%rsp)
#endif
1:  cmpw    SCHED_FRAME_X87CW(%rsp), %dx
    je      2f
#if !SCHED_DEFECT(X86_LOSES_X87CW)
    fldcw   SCHED_FRAME_X87CW(%rsp)
#endif
2:
#if !SCHED_DEFECT(X86_LOSES_RBX)
    movq    SCHED_FRAME_RBX(%rsp), %rbx
#endif
    .cfi_restore %rbx
#if !SCHED_DEFECT(X86_LOSES_RBP)
    movq    SCHED_FRAME_RBP(%rsp), %rbp
#endif
    .cfi_restore %rbp
#if !SCHED_DEFECT(X86_LOSES_R12)
    movq    SCHED_FRAME_R12(%rsp), %r12
#endif
    .cfi_restore %r12
#if !SCHED_DEFECT(X86_LOSES_R13)
    movq    SCHED_FRAME_R13(%rsp), %r13
#endif
    .cfi_restore %r13
#if !SCHED_DEFECT(X86_LOSES_R14)
    movq    SCHED_FRAME_R14(%rsp), %r14
#endif
    .cfi_restore %r14
#if !SCHED_DEFECT(X86_LOSES_R15)
    movq    SCHED_FRAME_R15(%rsp), %r15
#endif
    .cfi_restore %r15
    addq    $SCHED_FRAME_RETURN, %rsp
    .cfi_adjust_cfa_offset -SCHED_FRAME_RETURN
    .endm

    .macro go_on_by_jump
    go_on
    popq    %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    jmp     *%rcx
    .endm

    asm_function ASM_NAME(sched_switch)
    .cfi_startproc
    subq    $SCHED_FRAME_RETURN, %rsp
    .cfi_adjust_cfa_offset SCHED_FRAME_RETURN
    stmxcsr SCHED_FRAME_MXCSR(%rsp)
    fnstcw  SCHED_FRAME_X87CW(%rsp)
    movq    %rbx, SCHED_FRAME_RBX(%rsp)
    .cfi_rel_offset %rbx, SCHED_FRAME_RBX
    movq    %rbp, SCHED_FRAME_RBP(%rsp)
    .cfi_rel_offset %rbp, SCHED_FRAME_RBP
#if SCHED_DEFECT(X86_SAVES_HALF_OF_R12)
    movl    %r12d, SCHED_FRAME_R12(%rsp)
#else
    movq    %r12, SCHED_FRAME_R12(%rsp)
#endif
    .cfi_rel_offset %r12, SCHED_FRAME_R12
    movq    %r13, SCHED_FRAME_R13(%rsp)
    .cfi_rel_offset %r13, SCHED_FRAME_R13
    movq    %r14, SCHED_FRAME_R14(%rsp)
    .cfi_rel_offset %r14, SCHED_FRAME_R14
#if SCHED_DEFECT(X86_SAVES_R15_OVER_R14)
    movq    %r15, SCHED_FRAME_R14(%rsp)
#else
    movq    %r15, SCHED_FRAME_R15(%rsp)
#endif
    .cfi_rel_offset %r15, SCHED_FRAME_R15

    movl    SCHED_FRAME_MXCSR(%rsp), %eax
    movzwl  SCHED_FRAME_X87CW(%rsp), %edx

    movq    %rsp, (%rdi)
    movq    %rsi, %rsp

    go_on_by_jump
    .cfi_endproc
    asm_function_end ASM_NAME(sched_switch)

/*
 * The first entry of a fiber: sched_switch has "returned" here with rsp = top and the fiber in rbx. The fiber goes to
 * rdi, the first argument register. The call leaves rsp at 8 modulo 16, as the ABI wants it on entry to a function. It returns
 * when the fiber is done, with the saved rsp of the context that goes on in rax, and whether that is the run loop in rdx; nothing
 * is saved here.
 * Nothing called the trampoline, so its return address is undefined: an unwinder ends here.
 */
#if !SCHED_DEFECT(BUG_B)
    asm_extern ASM_NAME(sched_dispatch)
    asm_function ASM_NAME(sched_trampoline)
    .cfi_startproc
    .cfi_undefined %rip
#if SCHED_DEFECT(X86_ENTRY_STALE_ARGUMENT)
    movq    %rbp, %rdi
#else
    movq    %rbx, %rdi
#endif
#if SCHED_DEFECT(X86_ENTRY_MISALIGNED)
    subq    $8, %rsp
#endif
    call    ASM_NAME(sched_dispatch)
    stmxcsr -8(%rsp)            /* below rsp on a stack that is left for ever, where no signal handler writes (red zone) */
    fnstcw  -4(%rsp)
    testl   %edx, %edx
    movl    -8(%rsp), %ecx
    movzwl  -4(%rsp), %edx
    movq    %rax, %rsp
    movl    %ecx, %eax
    .cfi_def_cfa %rsp, SCHED_FRAME_BYTES
    .cfi_offset %rip, SCHED_FRAME_RETURN - SCHED_FRAME_BYTES
    .cfi_offset %rbx, SCHED_FRAME_RBX - SCHED_FRAME_BYTES
    .cfi_offset %rbp, SCHED_FRAME_RBP - SCHED_FRAME_BYTES
    .cfi_offset %r12, SCHED_FRAME_R12 - SCHED_FRAME_BYTES
    .cfi_offset %r13, SCHED_FRAME_R13 - SCHED_FRAME_BYTES
    .cfi_offset %r14, SCHED_FRAME_R14 - SCHED_FRAME_BYTES
    .cfi_offset %r15, SCHED_FRAME_R15 - SCHED_FRAME_BYTES
    .cfi_remember_state
    jne     3f
    go_on_by_jump
    .cfi_restore_state
3:  go_on
    ret
    .cfi_endproc
    asm_function_end ASM_NAME(sched_trampoline)
#endif

    asm_object_end

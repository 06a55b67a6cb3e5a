/*
 * uint32_t lockstep_checked_call(struct lockstep_checked_call *call);      rdi = call
 * void lockstep_control_words_reset(void);
 *
 * Source: System V ABI, AMD64 supplement 1.0, section 3.2.1 (registers) and 3.2.3 (control words): a callee preserves
 * rbx, rbp, r12-r15, rsp, the control bits of mxcsr and the x87 control word.
 *
 *   register   filled with                        bit in the result
 *   rbx        pattern + 1                        19
 *   rbp        pattern + 2                        20
 *   r12-r15    pattern + 3 ... + 6                21-24
 *   mxcsr      rounding bits = pattern & 3        25 (control bits are compared, status flags are not)
 *   x87 cw     rounding bits = pattern & 3        26
 *
 * Not checked: rsp (a wrong one cannot come back here), the vector registers (none is callee-saved).
 *
 * Stack during the call, rsp 16-byte aligned:
 *
 *   rsp + 72   return address
 *   rsp + 64   rbx          rsp + 56   rbp
 *   rsp + 48   r12          rsp + 40   r13
 *   rsp + 32   r14          rsp + 24   r15
 *   rsp + 20   x87 cw as filled (2 bytes)
 *   rsp + 16   mxcsr as filled
 *   rsp + 12   x87 cw of the caller (2 bytes)
 *   rsp + 8    mxcsr of the caller
 *   rsp        call; after the call: mxcsr and, at rsp + 4, x87 cw as found
 */
#include "checked_call.h"

#define MXCSR_ROUNDING 0x6000
#define MXCSR_ROUNDING_SHIFT 13
#define MXCSR_CONTROL 0xffc0
#define X87_ROUNDING 0x0c00
#define X87_CONTROL 0x0f3f

/* Adds the bits of `register` that differ from pattern (rdx) + `addend` to rsi. */
.macro compare register, addend
	leaq \addend(%rdx), %rcx
	xorq \register, %rcx
	orq %rcx, %rsi
.endm

/* Adds `bit` to eax when `register` is not pattern (rdx) + `addend`. */
.macro name register, addend, bit
	leaq \addend(%rdx), %rsi
	xorl %ecx, %ecx
	cmpq %rsi, \register
	setne %cl
	shll $\bit, %ecx
	orl %ecx, %eax
.endm

	.text
	.p2align 4
	.globl lockstep_checked_call
	.hidden lockstep_checked_call
	.type lockstep_checked_call, @function
lockstep_checked_call:
	.cfi_startproc
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq %r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq %r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq %r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq %r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	subq $24, %rsp
	.cfi_adjust_cfa_offset 24

	movq %rdi, (%rsp)
	stmxcsr 8(%rsp)
	fnstcw 12(%rsp)
	movq LOCKSTEP_CHECKED_PATTERN(%rdi), %rax

	movl %eax, %ecx
	andl $3, %ecx
	shll $MXCSR_ROUNDING_SHIFT, %ecx
	movl 8(%rsp), %edx
	andl $~MXCSR_ROUNDING, %edx
	orl %ecx, %edx
	movl %edx, 16(%rsp)
	ldmxcsr 16(%rsp)
	shrl $3, %ecx                   /* the x87 rounding bits stand three lower */
	movzwl 12(%rsp), %edx
	andl $~X87_ROUNDING, %edx
	orl %ecx, %edx
	movw %dx, 20(%rsp)
	fldcw 20(%rsp)

	leaq 1(%rax), %rbx
	leaq 2(%rax), %rbp
	leaq 3(%rax), %r12
	leaq 4(%rax), %r13
	leaq 5(%rax), %r14
	leaq 6(%rax), %r15

	movq %rdi, %r10
	movq LOCKSTEP_CHECKED_ARGUMENTS(%r10), %rdi
	movq LOCKSTEP_CHECKED_ARGUMENTS+8(%r10), %rsi
	movq LOCKSTEP_CHECKED_ARGUMENTS+16(%r10), %rdx
	call *LOCKSTEP_CHECKED_FUNCTION(%r10)

	movq (%rsp), %rdi
	movq %rax, LOCKSTEP_CHECKED_RESULT(%rdi)
	movq LOCKSTEP_CHECKED_PATTERN(%rdi), %rdx
	stmxcsr (%rsp)
	fnstcw 4(%rsp)

	/* All at once, for none is lost as a rule; which it is, is asked then. */
	leaq 1(%rdx), %rsi
	xorq %rbx, %rsi
	compare %rbp, 2
	compare %r12, 3
	compare %r13, 4
	compare %r14, 5
	compare %r15, 6
	movl (%rsp), %ecx
	xorl 16(%rsp), %ecx
	andl $MXCSR_CONTROL, %ecx
	orq %rcx, %rsi
	movl 4(%rsp), %ecx
	xorl 20(%rsp), %ecx
	andl $X87_CONTROL, %ecx
	xorl %eax, %eax
	orq %rcx, %rsi
	jnz 2f

1:	ldmxcsr 8(%rsp)
	fldcw 12(%rsp)

	.cfi_remember_state
	addq $24, %rsp
	.cfi_adjust_cfa_offset -24
	popq %r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq %r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq %r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	popq %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	ret
	.cfi_restore_state

2:	name %rbx, 1, 19
	name %rbp, 2, 20
	name %r12, 3, 21
	name %r13, 4, 22
	name %r14, 5, 23
	name %r15, 6, 24
	movl (%rsp), %esi
	xorl 16(%rsp), %esi
	xorl %ecx, %ecx
	testl $MXCSR_CONTROL, %esi
	setne %cl
	shll $25, %ecx
	orl %ecx, %eax
	movl 4(%rsp), %esi
	xorl 20(%rsp), %esi
	xorl %ecx, %ecx
	testl $X87_CONTROL, %esi
	setne %cl
	shll $26, %ecx
	orl %ecx, %eax
	jmp 1b
	.cfi_endproc
	.size lockstep_checked_call, .-lockstep_checked_call

	.p2align 4
	.globl lockstep_control_words_reset
	.hidden lockstep_control_words_reset
	.type lockstep_control_words_reset, @function
lockstep_control_words_reset:
	.cfi_startproc
	ldmxcsr control_words_at_start(%rip)
	fldcw control_words_at_start+4(%rip)
	ret
	.cfi_endproc
	.size lockstep_control_words_reset, .-lockstep_control_words_reset

	.section .rodata
	.p2align 2
	.type control_words_at_start, @object
control_words_at_start:
	.long 0x1f80                    /* mxcsr: round to nearest, all exceptions masked */
	.short 0x037f                   /* x87: the same, 64-bit mantissa */
	.size control_words_at_start, .-control_words_at_start

	.section .note.GNU-stack,"",@progbits

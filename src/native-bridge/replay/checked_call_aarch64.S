/*
 * uint32_t lockstep_checked_call(struct lockstep_checked_call *call);      x0 = call
 * void lockstep_control_words_reset(void);
 *
 * Source: Procedure Call Standard for the Arm 64-bit Architecture (AAPCS64) 2024Q3, section 6.1.1 (x19-x28 and x29 are
 * callee-saved) and 6.1.2 (so are the low 64 bits of v8-v15).
 *
 *   register   filled with                 bit in the result
 *   x19-x28    pattern + 1 ... + 10        0-9
 *   x29        pattern + 11                10
 *   d8-d15     pattern + 12 ... + 19       11-18
 *
 * Not checked: sp and x30 (wrong ones cannot come back here), the high halves of v8-v15 (not callee-saved).
 *
 * Stack during the call, sp 16-byte aligned:
 *
 *   sp + 160   call, 8 bytes unused
 *   sp + 96    d8 ... d15
 *   sp + 16    x19 ... x28
 *   sp         x29 of the caller, x30 (return address)
 */
#include "checked_call.h"

#define FRAME 176

/* Adds the bits of `register` that differ from pattern (x9) + `addend` to x11. No flags: an emulator works them out in full. */
.macro compare register, addend
	add x10, x9, #\addend
	eor x10, x10, \register
	orr x11, x11, x10
.endm

.macro compare_double register, addend
	fmov x12, \register
	compare x12, \addend
.endm

/* Adds `bit` to w0 when `register` is not pattern (x9) + `addend`. */
.macro name register, addend, bit
	add x10, x9, #\addend
	cmp \register, x10
	cset w11, ne
	orr w0, w0, w11, lsl #\bit
.endm

.macro name_double register, addend, bit
	fmov x12, \register
	name x12, \addend, \bit
.endm

.macro fill_double register, addend
	add x10, x9, #\addend
	fmov \register, x10
.endm

	.text
	.p2align 10                     /* all of it in one page of code: within one, qemu-user jumps at once */
	.globl lockstep_checked_call
	.hidden lockstep_checked_call
	.type lockstep_checked_call, %function
lockstep_checked_call:
	.cfi_startproc
	stp x29, x30, [sp, #-FRAME]!
	.cfi_def_cfa_offset FRAME
	.cfi_offset x29, -FRAME
	.cfi_offset x30, -FRAME+8
	stp x19, x20, [sp, #16]
	.cfi_offset x19, -FRAME+16
	.cfi_offset x20, -FRAME+24
	stp x21, x22, [sp, #32]
	.cfi_offset x21, -FRAME+32
	.cfi_offset x22, -FRAME+40
	stp x23, x24, [sp, #48]
	.cfi_offset x23, -FRAME+48
	.cfi_offset x24, -FRAME+56
	stp x25, x26, [sp, #64]
	.cfi_offset x25, -FRAME+64
	.cfi_offset x26, -FRAME+72
	stp x27, x28, [sp, #80]
	.cfi_offset x27, -FRAME+80
	.cfi_offset x28, -FRAME+88
	stp d8, d9, [sp, #96]
	.cfi_offset d8, -FRAME+96
	.cfi_offset d9, -FRAME+104
	stp d10, d11, [sp, #112]
	.cfi_offset d10, -FRAME+112
	.cfi_offset d11, -FRAME+120
	stp d12, d13, [sp, #128]
	.cfi_offset d12, -FRAME+128
	.cfi_offset d13, -FRAME+136
	stp d14, d15, [sp, #144]
	.cfi_offset d14, -FRAME+144
	.cfi_offset d15, -FRAME+152
	str x0, [sp, #160]

	ldr x9, [x0, #LOCKSTEP_CHECKED_PATTERN]
	add x19, x9, #1
	add x20, x9, #2
	add x21, x9, #3
	add x22, x9, #4
	add x23, x9, #5
	add x24, x9, #6
	add x25, x9, #7
	add x26, x9, #8
	add x27, x9, #9
	add x28, x9, #10
	add x29, x9, #11
	fill_double d8, 12
	fill_double d9, 13
	fill_double d10, 14
	fill_double d11, 15
	fill_double d12, 16
	fill_double d13, 17
	fill_double d14, 18
	fill_double d15, 19

	ldr x16, [x0, #LOCKSTEP_CHECKED_FUNCTION]
	ldr x2, [x0, #LOCKSTEP_CHECKED_ARGUMENTS+16]
	ldr x1, [x0, #LOCKSTEP_CHECKED_ARGUMENTS+8]
	ldr x0, [x0, #LOCKSTEP_CHECKED_ARGUMENTS]
	blr x16

	ldr x13, [sp, #160]
	str x0, [x13, #LOCKSTEP_CHECKED_RESULT]
	ldr x9, [x13, #LOCKSTEP_CHECKED_PATTERN]
	mov w0, #0
	/* All at once, for none is lost as a rule; which it is, is asked then. */
	add x10, x9, #1
	eor x11, x10, x19
	compare x20, 2
	compare x21, 3
	compare x22, 4
	compare x23, 5
	compare x24, 6
	compare x25, 7
	compare x26, 8
	compare x27, 9
	compare x28, 10
	compare x29, 11
	compare_double d8, 12
	compare_double d9, 13
	compare_double d10, 14
	compare_double d11, 15
	compare_double d12, 16
	compare_double d13, 17
	compare_double d14, 18
	compare_double d15, 19
	cbnz x11, 2f

1:	.cfi_remember_state
	ldp d14, d15, [sp, #144]
	.cfi_restore d14
	.cfi_restore d15
	ldp d12, d13, [sp, #128]
	.cfi_restore d12
	.cfi_restore d13
	ldp d10, d11, [sp, #112]
	.cfi_restore d10
	.cfi_restore d11
	ldp d8, d9, [sp, #96]
	.cfi_restore d8
	.cfi_restore d9
	ldp x27, x28, [sp, #80]
	.cfi_restore x27
	.cfi_restore x28
	ldp x25, x26, [sp, #64]
	.cfi_restore x25
	.cfi_restore x26
	ldp x23, x24, [sp, #48]
	.cfi_restore x23
	.cfi_restore x24
	ldp x21, x22, [sp, #32]
	.cfi_restore x21
	.cfi_restore x22
	ldp x19, x20, [sp, #16]
	.cfi_restore x19
	.cfi_restore x20
	ldp x29, x30, [sp], #FRAME
	.cfi_restore x29
	.cfi_restore x30
	.cfi_def_cfa_offset 0
	ret
	.cfi_restore_state

2:	name x19, 1, 0
	name x20, 2, 1
	name x21, 3, 2
	name x22, 4, 3
	name x23, 5, 4
	name x24, 6, 5
	name x25, 7, 6
	name x26, 8, 7
	name x27, 9, 8
	name x28, 10, 9
	name x29, 11, 10
	name_double d8, 12, 11
	name_double d9, 13, 12
	name_double d10, 14, 13
	name_double d11, 15, 14
	name_double d12, 16, 15
	name_double d13, 17, 16
	name_double d14, 18, 17
	name_double d15, 19, 18
	b 1b
	.cfi_endproc
	.size lockstep_checked_call, .-lockstep_checked_call

	/* No control word is filled here, so none is to be put back. */
	.p2align 4
	.globl lockstep_control_words_reset
	.hidden lockstep_control_words_reset
	.type lockstep_control_words_reset, %function
lockstep_control_words_reset:
	.cfi_startproc
	ret
	.cfi_endproc
	.size lockstep_control_words_reset, .-lockstep_control_words_reset

	.section .note.GNU-stack,"",%progbits

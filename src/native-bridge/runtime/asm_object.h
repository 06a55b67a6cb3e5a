/*
 * asm_object.h: what a function of assembly says to the object format, ELF or Mach-O. Included by the switch_<arch>.S alone.
 *
 * asm_function opens a function that C calls and that stays inside the library, asm_function_end closes it, asm_extern
 * names one that lies elsewhere in it, asm_object_end ends the file. Names are given as ASM_NAME(name): on macOS the C
 * compiler puts an underscore before each. Statements stand on lines of their own, for no separator means the same to
 * both assemblers: on macOS a semicolon begins a comment.
 *
 * ELF: type and size for debuggers and profilers, and the note that asks for no executable stack. Mach-O has none of
 * these: a function ends where the next symbol begins, which .subsections_via_symbols allows the linker to rely on.
 */
#ifndef SCHED_ASM_OBJECT_H
#define SCHED_ASM_OBJECT_H

#ifdef __APPLE__

#define ASM_NAME(name) _##name

.macro asm_function name
    .globl  \name
    .private_extern \name
    .p2align 4
\name:
.endm

.macro asm_function_end name
.endm

.macro asm_extern name
.endm

.macro asm_object_end
    .subsections_via_symbols
.endm

#else

#define ASM_NAME(name) name

.macro asm_function name
    .globl  \name
    .hidden \name
    .type   \name, %function
    .p2align 4
\name:
.endm

.macro asm_function_end name
    .size   \name, . - \name
.endm

.macro asm_extern name
    .hidden \name
.endm

.macro asm_object_end
    .section .note.GNU-stack, "", %progbits
.endm

#endif
#endif

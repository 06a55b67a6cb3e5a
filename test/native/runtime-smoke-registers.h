/*
 * runtime-smoke-registers.h: scribbles every callee-saved register, calls a function, and reads them back (X1, C1).
 *
 * smoke_registers_round() loads the registers from `before`, calls call(arg), stores what it finds into `after`, and
 * puts its caller's registers back. The slots are in the order of smoke_register_names.
 */
#ifndef RUNTIME_SMOKE_REGISTERS_H
#define RUNTIME_SMOKE_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

void smoke_registers_round(void (*call)(void *), void *arg, const uint64_t *before, uint64_t *after);

#if defined(__x86_64__)

enum { SMOKE_REGISTERS = 8 };
static const char *const smoke_register_names[SMOKE_REGISTERS] = {"rbx", "rbp", "r12",   "r13",
                                                                  "r14", "r15", "mxcsr", "x87 control word"};

/* The last two hold a rounding mode, so that nothing traps. */
static inline void smoke_fill_registers(uint64_t *slots, uint64_t seed) {
  for (uint64_t i = 0; i < 6; i++) slots[i] = (seed * 8 + i) * UINT64_C(0x9e3779b97f4a7c15);
  slots[6] = 0x1f80 | (seed & 3) << 13;
  slots[7] = 0x037f | (seed & 3) << 10;
}

/* A fresh fiber has the control words of a process, whatever its spawner's were. */
static inline bool smoke_control_is_fresh(void) {
  uint32_t mxcsr;
  uint16_t x87;
  __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
  return (mxcsr & 0xffc0) == 0x1f80 && x87 == 0x037f;
}

__asm__(
    ".text\n"
    ".globl smoke_registers_round\n"
    ".type smoke_registers_round, @function\n"
    "smoke_registers_round:\n"
    "  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
    "  subq $24, %rsp\n"
    "  movq %rcx, (%rsp); stmxcsr 8(%rsp); fnstcw 12(%rsp)\n"
    "  movq %rdi, %rax; movq %rsi, %rdi\n"
    "  movq (%rdx), %rbx; movq 8(%rdx), %rbp; movq 16(%rdx), %r12; movq 24(%rdx), %r13\n"
    "  movq 32(%rdx), %r14; movq 40(%rdx), %r15; ldmxcsr 48(%rdx); fldcw 56(%rdx)\n"
    "  call *%rax\n"
    "  movq (%rsp), %rcx\n"
    "  movq %rbx, (%rcx); movq %rbp, 8(%rcx); movq %r12, 16(%rcx); movq %r13, 24(%rcx)\n"
    "  movq %r14, 32(%rcx); movq %r15, 40(%rcx); movq $0, 48(%rcx); movq $0, 56(%rcx)\n"
    "  stmxcsr 48(%rcx); andl $0xffc0, 48(%rcx); fnstcw 56(%rcx)\n" /* the status bits are volatile */
    "  ldmxcsr 8(%rsp); fldcw 12(%rsp)\n"
    "  addq $24, %rsp\n"
    "  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
    "  ret\n"
    ".size smoke_registers_round, . - smoke_registers_round\n");

#elif defined(__aarch64__)

enum { SMOKE_REGISTERS = 19 };
static const char *const smoke_register_names[SMOKE_REGISTERS] = {
    "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
    "x29", "d8",  "d9",  "d10", "d11", "d12", "d13", "d14", "d15"};

static inline void smoke_fill_registers(uint64_t *slots, uint64_t seed) {
  for (uint64_t i = 0; i < SMOKE_REGISTERS; i++) slots[i] = (seed * 32 + i) * UINT64_C(0x9e3779b97f4a7c15);
}

/* X1 leaves fpcr to the thread. */
static inline bool smoke_control_is_fresh(void) { return true; }

__asm__(
    ".text\n"
    ".globl smoke_registers_round\n"
    ".type smoke_registers_round, %function\n"
    "smoke_registers_round:\n"
    "  sub sp, sp, #176\n"
    "  stp x19, x20, [sp]; stp x21, x22, [sp, #16]; stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]; stp x27, x28, [sp, #64]; stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]; stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]\n"
    "  str x3, [sp, #160]\n"
    "  mov x9, x0; mov x0, x1\n"
    "  ldp x19, x20, [x2]; ldp x21, x22, [x2, #16]; ldp x23, x24, [x2, #32]\n"
    "  ldp x25, x26, [x2, #48]; ldp x27, x28, [x2, #64]; ldr x29, [x2, #80]\n"
    "  ldp d8, d9, [x2, #88]; ldp d10, d11, [x2, #104]; ldp d12, d13, [x2, #120]; ldp d14, d15, [x2, #136]\n"
    "  blr x9\n"
    "  ldr x3, [sp, #160]\n"
    "  stp x19, x20, [x3]; stp x21, x22, [x3, #16]; stp x23, x24, [x3, #32]\n"
    "  stp x25, x26, [x3, #48]; stp x27, x28, [x3, #64]; str x29, [x3, #80]\n"
    "  stp d8, d9, [x3, #88]; stp d10, d11, [x3, #104]; stp d12, d13, [x3, #120]; stp d14, d15, [x3, #136]\n"
    "  ldp x19, x20, [sp]; ldp x21, x22, [sp, #16]; ldp x23, x24, [sp, #32]\n"
    "  ldp x25, x26, [sp, #48]; ldp x27, x28, [sp, #64]; ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]; ldp d12, d13, [sp, #128]; ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #176\n"
    "  ret\n"
    ".size smoke_registers_round, . - smoke_registers_round\n");

#endif

#endif

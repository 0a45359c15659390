/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/fiber.hpp"

#include <stdlib.h>

#if defined(__x86_64__) && !defined(MEDPRUNER_SIMT_UCONTEXT)

extern "C" void medpruner_simt_switch(void** from, void* to);

asm(R"(
.text
.type medpruner_simt_switch, @function
medpruner_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size medpruner_simt_switch, .-medpruner_simt_switch
)");

namespace simt {

void Fiber::reset(uint8_t* stack, size_t size, Entry entry) {
  // As after a call: the return address of `entry` (never used) lies 8 below a multiple of 16.
  void** top = reinterpret_cast<void**>(stack + size / 16 * 16) - 1;
  *top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  for (int saved = 0; saved < 6; ++saved) {
    *--top = nullptr;
  }
  stack_pointer_ = top;
}

void Fiber::switch_to(Fiber& from, Fiber& to) {
  medpruner_simt_switch(&from.stack_pointer_, to.stack_pointer_);
}

}  // namespace simt

#else

namespace simt {

void Fiber::reset(uint8_t* stack, size_t size, Entry entry) {
  if (getcontext(&context_) != 0) {
    abort();
  }
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = size;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
}

void Fiber::switch_to(Fiber& from, Fiber& to) { swapcontext(&from.context_, &to.context_); }

}  // namespace simt

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// A control flow with its own stack. On x86-64 a switch saves the callee-saved registers and nothing
// else; elsewhere ucontext does it, at about ten times the cost (a system call for the signal mask).

#include <stddef.h>
#include <stdint.h>

#if !defined(__x86_64__) || defined(MEDPRUNER_SIMT_UCONTEXT)
#include <ucontext.h>
#endif

namespace simt {

class Fiber {
 public:
  using Entry = void (*)();

  /** Starts over: the next switch to it calls `entry`, which must never return. */
  void reset(uint8_t* stack, size_t size, Entry entry);

  /** Leaves `from`, continues `to`. */
  static void switch_to(Fiber& from, Fiber& to);

 private:
#if defined(__x86_64__) && !defined(MEDPRUNER_SIMT_UCONTEXT)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_ = {};
#endif
};

}  // namespace simt

/* SPDX-License-Identifier: Apache-2.0 */
// Out of line on purpose: a call is something the compiler moves no arithmetic on memory across.

#include "common/float_environment.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace medpruner {

#if defined(__x86_64__)
namespace {
constexpr unsigned kDefault = 0x1f80;  // all exceptions masked, to nearest, no FTZ, no DAZ
}

FloatEnvironment::FloatEnvironment() noexcept : former_(_mm_getcsr()) {
  // Writing the register costs some ten cycles more than reading it, and almost nobody needs it.
  if ((former_ & ~0x3full) != kDefault) {
    _mm_setcsr(kDefault);
  }
}

FloatEnvironment::~FloatEnvironment() {
  if ((former_ & ~0x3full) != kDefault) {
    _mm_setcsr(static_cast<unsigned>(former_));
  }
}
#elif defined(__aarch64__)
FloatEnvironment::FloatEnvironment() noexcept {
  uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  former_ = value;
  if (value != 0) {
    __asm__ volatile("msr fpcr, %0" : : "r"(uint64_t{0}));
  }
}

FloatEnvironment::~FloatEnvironment() {
  if (former_ != 0) {
    __asm__ volatile("msr fpcr, %0" : : "r"(former_));
  }
}
#else
FloatEnvironment::FloatEnvironment() noexcept : former_(0) {}
FloatEnvironment::~FloatEnvironment() {}
#endif

}  // namespace medpruner

/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/isa.hpp"

#include <stdlib.h>
#include <string.h>

namespace medpruner::cpu {
namespace {

Isa detect() noexcept {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("f16c")) {
    return Isa::kBaseline;
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return Isa::kAvx512;
  }
  return Isa::kAvx2Fma;
#else
  return Isa::kBaseline;
#endif
}

Isa cap() noexcept {
  const char* text = getenv("MEDPRUNER_MAX_ISA");
  if (text != nullptr && strcmp(text, "x86-64") == 0) {
    return Isa::kBaseline;
  }
  return text != nullptr && strcmp(text, "avx2+fma") == 0 ? Isa::kAvx2Fma : Isa::kAvx512;
}

}  // namespace

Isa active_isa() noexcept {
  static const Isa active = detect() < cap() ? detect() : cap();
  return active;
}

}  // namespace medpruner::cpu

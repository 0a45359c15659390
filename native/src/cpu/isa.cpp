/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/isa.hpp"

#include <stdlib.h>
#include <string.h>

namespace medpruner::cpu {

bool capped_to_baseline() noexcept {
  const char* cap = getenv("MEDPRUNER_MAX_ISA");
  return cap != nullptr && strcmp(cap, "x86-64") == 0;
}

Isa detect_isa() noexcept {
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
#elif defined(__aarch64__)
  return Isa::kNeon;
#else
  return Isa::kBaseline;
#endif
}

}  // namespace medpruner::cpu

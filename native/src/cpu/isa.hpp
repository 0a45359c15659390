/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Instruction-set tiers. A kernel body is an always-inline function; MEDPRUNER_TIERS(name) makes one
// copy for baseline x86-64 and one with AVX2 and FMA, and picks at run time. Both copies perform the
// same IEEE operations in the same order (contraction is off; fma() is exact in either), so the tier
// never shows in a result.

namespace medpruner::cpu {

enum class Isa { kBaseline, kAvx2Fma, kAvx512, kNeon };

Isa detect_isa() noexcept;

/** MEDPRUNER_MAX_ISA=x86-64 in the environment keeps the kernels to the baseline tier. */
bool capped_to_baseline() noexcept;

inline bool has_avx2_fma() noexcept {
  static const bool yes = !capped_to_baseline() && (detect_isa() == Isa::kAvx2Fma ||
                                                    detect_isa() == Isa::kAvx512);
  return yes;
}

}  // namespace medpruner::cpu

#define MEDPRUNER_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define MEDPRUNER_AVX2 __attribute__((target("avx2,fma,f16c"), noinline))
#else
#define MEDPRUNER_AVX2 __attribute__((noinline))
#endif

/** Defines `result name parameters` that runs `body arguments` in the best tier. */
#define MEDPRUNER_TIERS(result, name, body, parameters, arguments)                 \
  MEDPRUNER_AVX2 static result name##_avx2 parameters { return body arguments; }   \
  __attribute__((noinline)) static result name##_base parameters { return body arguments; } \
  static inline result name parameters {                                           \
    return has_avx2_fma() ? name##_avx2 arguments : name##_base arguments;         \
  }

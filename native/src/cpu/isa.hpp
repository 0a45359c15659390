/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Instruction-set tiers. A kernel body is an always-inline function; MEDPRUNER_TIERS(name) makes one
// copy for each tier and picks at run time. All copies perform the same IEEE operations in the same
// order (contraction is off; fma() is exact in each), so the tier never shows in a result. Larger
// kernels are included once per tier from an .inl file, inside MEDPRUNER_TIER_BEGIN_*/END.

namespace medpruner::cpu {

/** Ascending: a cap leaves what is below it. */
enum class Isa { kBaseline, kAvx2Fma, kAvx512 };

/** The tier the kernels run in: the CPU's best, lowered by MEDPRUNER_MAX_ISA (see version.h). */
Isa active_isa() noexcept;

}  // namespace medpruner::cpu

#define MEDPRUNER_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define MEDPRUNER_HAS_TIERS 1
#define MEDPRUNER_AVX2 __attribute__((target("avx2,fma,f16c"), noinline))
#define MEDPRUNER_AVX512                                                                    \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,"                 \
                        "prefer-vector-width=512"),                                         \
                 noinline))

/** Defines `result name parameters` that runs `body arguments` in the best tier. */
#define MEDPRUNER_TIERS(result, name, body, parameters, arguments)                          \
  MEDPRUNER_AVX512 static result name##_avx512 parameters { return body arguments; }        \
  MEDPRUNER_AVX2 static result name##_avx2 parameters { return body arguments; }            \
  __attribute__((noinline)) static result name##_base parameters { return body arguments; } \
  static inline result name parameters {                                                    \
    switch (active_isa()) {                                                                 \
      case Isa::kAvx512:                                                                    \
        return name##_avx512 arguments;                                                     \
      case Isa::kAvx2Fma:                                                                   \
        return name##_avx2 arguments;                                                       \
      default:                                                                              \
        return name##_base arguments;                                                       \
    }                                                                                       \
  }
#else
// Elsewhere the baseline has the vectors: NEON is part of every AArch64.
#define MEDPRUNER_TIERS(result, name, body, parameters, arguments) \
  static inline result name parameters { return body arguments; }
#endif

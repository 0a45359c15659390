/* SPDX-License-Identifier: Apache-2.0 */
// The vector of one instruction-set tier, included inside its namespace and under its target options:
// MEDPRUNER_VEC_BYTES is 64 (AVX-512), 32 (AVX2 + FMA) or 16 (NEON, or x86-64 without FMA). Only what
// GCC's vector types cannot say, or say badly, is a function here.

typedef float Vec __attribute__((vector_size(MEDPRUNER_VEC_BYTES)));
typedef uint32_t Bits __attribute__((vector_size(MEDPRUNER_VEC_BYTES)));
constexpr int kWidth = MEDPRUNER_VEC_BYTES / 4;

MEDPRUNER_BODY Vec load(const float* from) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

MEDPRUNER_BODY void store(float* to, Vec value) { __builtin_memcpy(to, &value, sizeof value); }

MEDPRUNER_BODY Vec splat(float value) { return value - Vec{}; }

#if MEDPRUNER_VEC_BYTES == 64

MEDPRUNER_BODY Vec fused(Vec a, Vec b, Vec c) { return (Vec)_mm512_fmadd_ps(a, b, c); }
// The plain forms name an undefined vector, which GCC 12 warns of.
MEDPRUNER_BODY Vec larger(Vec a, Vec b) { return (Vec)_mm512_maskz_max_ps(0xffff, a, b); }
MEDPRUNER_BODY Vec smaller(Vec a, Vec b) { return (Vec)_mm512_maskz_min_ps(0xffff, a, b); }
MEDPRUNER_BODY bool any_above(Vec a, Vec limit) {
  return _mm512_cmp_ps_mask(a, limit, _CMP_GT_OQ) != 0;
}
/** a + b as integers where x >= limit, else 0. */
MEDPRUNER_BODY Vec add_bits_where(Bits a, Bits b, Vec x, Vec limit) {
  return (Vec)_mm512_maskz_add_epi32(_mm512_cmp_ps_mask(x, limit, _CMP_GE_OQ), (__m512i)a,
                                     (__m512i)b);
}

#elif MEDPRUNER_VEC_BYTES == 32

MEDPRUNER_BODY Vec fused(Vec a, Vec b, Vec c) { return (Vec)_mm256_fmadd_ps(a, b, c); }
MEDPRUNER_BODY Vec larger(Vec a, Vec b) { return (Vec)_mm256_max_ps(a, b); }
MEDPRUNER_BODY Vec smaller(Vec a, Vec b) { return (Vec)_mm256_min_ps(a, b); }
MEDPRUNER_BODY bool any_above(Vec a, Vec limit) {
  return _mm256_movemask_ps(_mm256_cmp_ps(a, limit, _CMP_GT_OQ)) != 0;
}
MEDPRUNER_BODY Vec add_bits_where(Bits a, Bits b, Vec x, Vec limit) {
  return (Vec)((a + b) & (Bits)(x >= limit));
}

#else

#if defined(__aarch64__)
MEDPRUNER_BODY Vec fused(Vec a, Vec b, Vec c) { return (Vec)vfmaq_f32(c, a, b); }
#else
MEDPRUNER_BODY Vec fused(Vec a, Vec b, Vec c) {
  for (int l = 0; l < kWidth; ++l) {
    c[l] = fmaf(a[l], b[l], c[l]);
  }
  return c;
}
#endif
MEDPRUNER_BODY Vec larger(Vec a, Vec b) { return a > b ? a : b; }
MEDPRUNER_BODY Vec smaller(Vec a, Vec b) { return a < b ? a : b; }
MEDPRUNER_BODY bool any_above(Vec a, Vec limit) {
  const Bits above = (Bits)(a > limit);
  return (above[0] | above[1] | above[2] | above[3]) != 0;
}
MEDPRUNER_BODY Vec add_bits_where(Bits a, Bits b, Vec x, Vec limit) {
  return (Vec)((a + b) & (Bits)(x >= limit));
}

#endif

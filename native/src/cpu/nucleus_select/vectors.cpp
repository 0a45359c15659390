/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/nucleus_select/vectors.hpp"

#include "common/dtype.hpp"
#include "common/exp2poly.hpp"
#include "cpu/isa.hpp"

#if defined(MEDPRUNER_HAS_TIERS)
#include <immintrin.h>
#endif

namespace medpruner::cpu {
namespace {

// Loops that the compiler vectorises in each tier. -----------------------------------------------

/** As signed integers with the order of the floats, -0 just below +0. Its own inverse. */
MEDPRUNER_BODY int32_t ordered(int32_t bits) { return bits ^ ((bits >> 31) & 0x7fffffff); }

MEDPRUNER_BODY Extremes extremes_body(const float* scores, int64_t n) {
  int32_t low = INT32_MAX;
  int32_t high = INT32_MIN;
  for (int64_t i = 0; i < n; ++i) {
    const int32_t value = ordered(static_cast<int32_t>(float_to_bits(scores[i])));
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  return {order_key(static_cast<uint32_t>(ordered(low))),
          order_key(static_cast<uint32_t>(ordered(high)))};
}
MEDPRUNER_TIERS(Extremes, extremes_tiers, extremes_body, (const float* scores, int64_t n),
                (scores, n))

MEDPRUNER_BODY uint64_t softmax_body(const float* scores, int64_t n, float max, double factor,
                                     uint32_t* weights) {
  uint64_t total = 0;
  for (int64_t i = 0; i < n; ++i) {
    weights[i] = softmax_weight(scores[i], max, factor);
    total += weights[i];
  }
  return total;
}
MEDPRUNER_TIERS(uint64_t, softmax_tiers, softmax_body,
                (const float* scores, int64_t n, float max, double factor, uint32_t* weights),
                (scores, n, max, factor, weights))

MEDPRUNER_BODY uint64_t mass_body(const float* scores, int64_t n, float max, uint32_t* weights) {
  uint64_t total = 0;
  for (int64_t i = 0; i < n; ++i) {
    weights[i] = mass_weight(scores[i], max);
    total += weights[i];
  }
  return total;
}
MEDPRUNER_TIERS(uint64_t, mass_tiers, mass_body,
                (const float* scores, int64_t n, float max, uint32_t* weights),
                (scores, n, max, weights))

MEDPRUNER_BODY void sums_body(const float* scores, const uint32_t* weights, int64_t n,
                              const float* pivots, uint64_t* sums) {
  uint64_t sum[kPivots] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int p = 0; p < kPivots; ++p) {
      sum[p] += weights[i] & (scores[i] >= pivots[p] ? 0xffffffffu : 0u);
    }
  }
  for (int p = 0; p < kPivots; ++p) {
    sums[p] = sum[p];
  }
}

MEDPRUNER_BODY uint64_t masked_sum_body(const uint32_t* weights, const uint8_t* mask, int64_t n) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    sum += mask[i] != 0 ? weights[i] : 0;
  }
  return sum;
}
MEDPRUNER_TIERS(uint64_t, masked_sum_tiers, masked_sum_body,
                (const uint32_t* weights, const uint8_t* mask, int64_t n), (weights, mask, n))

// Compactions without vectors: no branch, a store for every score. ---------------------------------

int64_t take_scalar(const float* scores, const uint32_t* weights, int64_t n, float low, float high,
                    float* taken_scores, uint32_t* taken_weights) {
  int64_t taken = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float score = scores[i];
    taken_scores[taken] = score;
    taken_weights[taken] = weights[i];
    taken += (score >= low) & (score < high);
  }
  return taken;
}

int64_t mark_scalar(const float* scores, int64_t begin, int64_t end, float at_least, int64_t row,
                    uint8_t* mask, int64_t* list, int64_t kept) {
  for (int64_t i = begin; i < end; ++i) {
    const bool keep = scores[i] >= at_least;
    mask[i] = keep;
    list[kept] = row + i;
    kept += keep;
  }
  return kept;
}

#if defined(MEDPRUNER_HAS_TIERS)

// AVX-512: mask registers and VPCOMPRESS, to a register and then to memory: to memory at once it is
// slow on AMD. ------------------------------------------------------------------------------------

struct Sums {
  __m512i at_least[kPivots];
};

MEDPRUNER_BODY __attribute__((target("avx512f,avx512vl"))) void add_eight(
    __m256 score, __m256i weight, const __m256* pivots, Sums* sums) {
  const __m512i wide = _mm512_maskz_cvtepu32_epi64(0xff, weight);
  for (int p = 0; p < kPivots; ++p) {
    const __mmask8 in = _mm256_cmp_ps_mask(score, pivots[p], _CMP_GE_OQ);
    sums->at_least[p] = _mm512_mask_add_epi64(sums->at_least[p], in, sums->at_least[p], wide);
  }
}

MEDPRUNER_AVX512 void sums_avx512(const float* scores, const uint32_t* weights, int64_t n,
                                  const float* pivots, uint64_t* sums) {
  Sums sum = {};
  __m256 pivot[kPivots];
  for (int p = 0; p < kPivots; ++p) {
    pivot[p] = _mm256_set1_ps(pivots[p]);
  }
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    add_eight(_mm256_loadu_ps(scores + i),
              _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights + i)), pivot, &sum);
  }
  const __mmask8 rest = static_cast<__mmask8>((1u << (n - i)) - 1);
  add_eight(_mm256_maskz_loadu_ps(rest, scores + i), _mm256_maskz_loadu_epi32(rest, weights + i),
            pivot, &sum);  // the lanes outside weigh nothing
  for (int p = 0; p < kPivots; ++p) {
    uint64_t lanes[8];
    _mm512_storeu_si512(lanes, sum.at_least[p]);
    sums[p] = lanes[0] + lanes[1] + lanes[2] + lanes[3] + lanes[4] + lanes[5] + lanes[6] + lanes[7];
  }
}

MEDPRUNER_AVX512 int64_t take_avx512(const float* scores, const uint32_t* weights, int64_t n,
                                     float low, float high, float* taken_scores,
                                     uint32_t* taken_weights) {
  const __m512 floor = _mm512_set1_ps(low);
  const __m512 ceiling = _mm512_set1_ps(high);
  int64_t taken = 0;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512 score = _mm512_loadu_ps(scores + i);
    const __m512i weight = _mm512_loadu_si512(weights + i);
    const __mmask16 in = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(score, floor, _CMP_GE_OQ),
                                                 score, ceiling, _CMP_LT_OQ);
    // Whole vectors: taken + 16 <= i + 16, which has been read.
    _mm512_storeu_ps(taken_scores + taken, _mm512_maskz_compress_ps(in, score));
    _mm512_storeu_si512(taken_weights + taken, _mm512_maskz_compress_epi32(in, weight));
    taken += __builtin_popcount(in);
  }
  return taken + take_scalar(scores + i, weights + i, n - i, low, high, taken_scores + taken,
                             taken_weights + taken);
}

MEDPRUNER_AVX512 int64_t mark_avx512(const float* scores, int64_t begin, int64_t end,
                                     float at_least, int64_t row, uint8_t* mask, int64_t* list,
                                     int64_t kept) {
  const __m512 floor = _mm512_set1_ps(at_least);
  const __m512i eight = _mm512_set1_epi64(8);
  const __m128i one = _mm_set1_epi8(1);
  __m512i rows = _mm512_add_epi64(_mm512_set1_epi64(row + begin),
                                  _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
  int64_t i = begin;
  for (; i + 16 <= end; i += 16) {
    const __mmask16 in = _mm512_cmp_ps_mask(_mm512_loadu_ps(scores + i), floor, _CMP_GE_OQ);
    const __mmask8 first = static_cast<__mmask8>(in);
    const __mmask8 second = static_cast<__mmask8>(in >> 8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(mask + i), _mm_maskz_mov_epi8(in, one));
    _mm512_storeu_si512(list + kept, _mm512_maskz_compress_epi64(first, rows));
    rows = _mm512_add_epi64(rows, eight);
    kept += __builtin_popcount(first);
    _mm512_storeu_si512(list + kept, _mm512_maskz_compress_epi64(second, rows));
    rows = _mm512_add_epi64(rows, eight);
    kept += __builtin_popcount(second);
  }
  return mark_scalar(scores, i, end, at_least, row, mask, list, kept);
}

MEDPRUNER_AVX2 void sums_avx2(const float* scores, const uint32_t* weights, int64_t n,
                              const float* pivots, uint64_t* sums) {
  sums_body(scores, weights, n, pivots, sums);
}

#endif

}  // namespace

Extremes extremes(const float* scores, int64_t n) { return extremes_tiers(scores, n); }

uint64_t softmax_weights(const float* scores, int64_t n, float max, double factor,
                         uint32_t* weights) {
  return softmax_tiers(scores, n, max, factor, weights);
}

uint64_t mass_weights(const float* scores, int64_t n, float max, uint32_t* weights) {
  if (max == 0) {
    for (int64_t i = 0; i < n; ++i) {
      weights[i] = 0x80000000u;
    }
    return static_cast<uint64_t>(n) << 31;
  }
  return mass_tiers(scores, n, max, weights);
}

void sums_at_least(const float* scores, const uint32_t* weights, int64_t n, const float* pivots,
                   uint64_t* sums) {
#if defined(MEDPRUNER_HAS_TIERS)
  switch (active_isa()) {
    case Isa::kAvx512:
      return sums_avx512(scores, weights, n, pivots, sums);
    case Isa::kAvx2Fma:
      return sums_avx2(scores, weights, n, pivots, sums);
    default:
      break;
  }
#endif
  sums_body(scores, weights, n, pivots, sums);
}

int64_t take_between(const float* scores, const uint32_t* weights, int64_t n, float low, float high,
                     float* taken_scores, uint32_t* taken_weights) {
#if defined(MEDPRUNER_HAS_TIERS)
  if (active_isa() == Isa::kAvx512) {
    return take_avx512(scores, weights, n, low, high, taken_scores, taken_weights);
  }
#endif
  return take_scalar(scores, weights, n, low, high, taken_scores, taken_weights);
}

int64_t mark_at_least(const float* scores, int64_t begin, int64_t end, float at_least, int64_t row,
                      uint8_t* mask, int64_t* list, int64_t kept) {
#if defined(MEDPRUNER_HAS_TIERS)
  if (active_isa() == Isa::kAvx512) {
    return mark_avx512(scores, begin, end, at_least, row, mask, list, kept);
  }
#endif
  return mark_scalar(scores, begin, end, at_least, row, mask, list, kept);
}

uint64_t masked_sum(const uint32_t* weights, const uint8_t* mask, int64_t n) {
  return masked_sum_tiers(weights, mask, n);
}

}  // namespace medpruner::cpu

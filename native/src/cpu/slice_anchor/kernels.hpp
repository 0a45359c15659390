/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Sums over all pairs of the rows of a window of slice_anchor.cpp, which alone includes this: per tier the
// loops of pairs.inl, and the units of the canonical order made of them.

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <type_traits>

#include "common/dtype.hpp"
#include "cpu/isa.hpp"

namespace medpruner::cpu {
namespace {

constexpr int kLanes = 32;
constexpr int kWindow = 4;

/** Pairs of n + 1 rows, and which of them rows v < w are. */
constexpr int pair_count(int n) { return n * (n + 1) / 2; }
constexpr int pair(int v, int w) { return w * (w - 1) / 2 + v; }
constexpr int kPairs = pair_count(kWindow);

/** A pair's 32 lanes of the canonical order. */
struct alignas(64) LaneSums {
  float lane[kLanes];
};

/**
 * A pair's sums of some columns next to each other. Bytes take 16 bits, so that as many rows may be summed;
 * the sums of 65536 rows of 16-bit integers fit 32.
 */
constexpr int kStrip = 256;
template <class T>
struct alignas(64) ColumnSums {
  using Sum = std::conditional_t<std::is_same_v<T, uint8_t>, uint16_t,
                                 std::conditional_t<std::is_integral_v<T>, uint32_t, float>>;
  static constexpr int64_t kMostRows = std::is_same_v<T, uint8_t> ? 257 : 65536;

  Sum column[kStrip + kLanes];  // a patch's lanes are read as one, past its width too
};

/** Where `height` rows in each of `planes` planes lie, both so many values apart. */
struct Band {
  int64_t planes, plane_pitch;
  int64_t height, pitch;
};

/** Per tier: the loops for n + 1 rows at [n - 1]. */
template <class T>
struct PairKernels {
  using Sums = std::conditional_t<std::is_integral_v<T>, uint32_t, LaneSums>;
  void (*over[kWindow])(const T* const* rows, int64_t n, Sums* sums);
  void (*columns[kWindow])(const T* const* slices, Band band, int64_t n, ColumnSums<T>* sums);
  int least_columns;  // of one call of `columns`
};

namespace baseline {
#define MEDPRUNER_PAIR_BYTES 16
#define MEDPRUNER_PAIR_GROUPS 1
#include "cpu/slice_anchor/pairs.inl"
#undef MEDPRUNER_PAIR_BYTES
}  // namespace baseline

#if defined(MEDPRUNER_HAS_TIERS)
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
namespace avx2 {
#define MEDPRUNER_PAIR_BYTES 32
#include "cpu/slice_anchor/pairs.inl"
#undef MEDPRUNER_PAIR_BYTES
#undef MEDPRUNER_PAIR_GROUPS
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
namespace avx512 {
#define MEDPRUNER_PAIR_BYTES 64
#define MEDPRUNER_PAIR_GROUPS 2
#include "cpu/slice_anchor/pairs.inl"
#undef MEDPRUNER_PAIR_BYTES
#undef MEDPRUNER_PAIR_GROUPS
}  // namespace avx512
#pragma GCC pop_options

#define MEDPRUNER_ANCHOR_KERNELS(type, name)                                             \
  const PairKernels<type>& pair_kernels(const type*) {                                   \
    const Isa isa = active_isa();                                                        \
    return isa == Isa::kAvx512                                                           \
               ? avx512::name<type>                                                      \
               : (isa == Isa::kAvx2Fma ? avx2::name<type> : baseline::name<type>);       \
  }
#else
#define MEDPRUNER_ANCHOR_KERNELS(type, name) \
  const PairKernels<type>& pair_kernels(const type*) { return baseline::name<type>; }
#endif
MEDPRUNER_ANCHOR_KERNELS(uint8_t, kIntegers)
MEDPRUNER_ANCHOR_KERNELS(int16_t, kIntegers)
MEDPRUNER_ANCHOR_KERNELS(Half, kFloats)
MEDPRUNER_ANCHOR_KERNELS(BFloat, kFloats)
MEDPRUNER_ANCHOR_KERNELS(float, kFloats)

int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/** Sums of one unit of values per pair of rows: exact for integers, f32 in canonical order for floats. */
union UnitSum {
  uint32_t exact;
  float rounded;
};

template <class T>
struct Unit {
  static constexpr int64_t kValues = 4096;  // a chunk of the canonical order
  using Total = double;
  static Total add(Total total, UnitSum sum) { return total + static_cast<double>(sum.rounded); }
};
struct IntegerUnit {
  static constexpr int64_t kValues = 32768;  // times 65535 fits 32 bits
  using Total = uint64_t;
  static Total add(Total total, UnitSum sum) { return total + sum.exact; }
};
template <>
struct Unit<uint8_t> : IntegerUnit {};
template <>
struct Unit<int16_t> : IntegerUnit {};

/** The butterfly of slice_anchor.h, of which lane 0 alone is computed. */
float fold(const LaneSums& sums) {
  typedef float Quad __attribute__((vector_size(16)));
  Quad quads[kLanes / 4];
  memcpy(quads, sums.lane, sizeof quads);
  for (int width = kLanes / 8; width > 0; width /= 2) {
    for (int q = 0; q < width; ++q) {
      quads[q] += quads[q + width];
    }
  }
  return (quads[0][0] + quads[0][2]) + (quads[0][1] + quads[0][3]);
}

/** That of `width` lanes, the others 0; 32 values can be read from `lanes`, mask says which count. */
float fold(const float* lanes, int64_t width, const uint32_t* mask) {
  typedef float Quad __attribute__((vector_size(16)));
  typedef uint32_t QuadMask __attribute__((vector_size(16)));
  Quad quads[kLanes / 4];
  QuadMask masks[kLanes / 4];
  memcpy(quads, lanes, sizeof quads);
  memcpy(masks, mask, sizeof masks);
  for (int q = 0; q < kLanes / 4; ++q) {
    quads[q] = (Quad)((QuadMask)quads[q] & masks[q]);
  }
  // What is left out adds zeros to sums that are at least 0.
  for (int half = width > 16 ? kLanes / 8 : (width > 8 ? 2 : 1); half > 0; half /= 2) {
    for (int q = 0; q < half; ++q) {
      quads[q] += quads[q + half];
    }
  }
  return (quads[0][0] + quads[0][2]) + (quads[0][1] + quads[0][3]);
}

/** sums[compact pair] over values [begin, begin + n) of one unit of count + 1 rows. */
template <class T>
void sum_unit(const PairKernels<T>& kernels, const T* const* rows, int count, int64_t begin,
              int64_t n, UnitSum* sums) {
  const T* at[kWindow + 1];
  for (int w = 0; w <= count; ++w) {
    at[w] = rows[w] + begin;
  }
  if constexpr (std::is_integral_v<T>) {
    uint32_t exact[kPairs];
    kernels.over[count - 1](at, n, exact);
    for (int p = 0; p < pair_count(count); ++p) {
      sums[p].exact = exact[p];
    }
  } else {
    LaneSums lanes[kPairs] = {};
    const int64_t whole = n / kLanes * kLanes;
    kernels.over[count - 1](at, whole, lanes);
    for (int w = 1; w <= count; ++w) {
      for (int v = 0; v < w; ++v) {
        LaneSums& sum = lanes[pair(v, w)];
        for (int64_t i = whole; i < n; ++i) {
          sum.lane[i - whole] += fabsf(to_float(at[v][i]) - to_float(at[w][i]));
        }
        sums[pair(v, w)].rounded = fold(sum);
      }
    }
  }
}

}  // namespace
}  // namespace medpruner::cpu

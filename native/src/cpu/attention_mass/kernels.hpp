/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The tile kernels of attention_mass, one set for each instruction-set tier.

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

#include "common/dtype.hpp"
#include "cpu/isa.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace medpruner::cpu::mass {

constexpr int kMaxDim = 256;

// The rest are part of the result, the same in every tier.
constexpr int kTileKeys = 64;    // keys of a tile; a row's bias moves between tiles only
constexpr int kBlockRows = 48;   // query rows of a tile, added up in f32; beyond, in f64
constexpr int kSumLanes = 16;    // chains of a row's sum of exponentials
constexpr float kSlack = 32;     // how far a base-2 logit may lie above its row's bias
// Of a row without a tile: below every logit, yet finite, so that it and a pad make no NaN.
constexpr float kNoBias = -FLT_MAX;
constexpr float kFineBias = 0x1p24f;  // below, rounding takes at most a half from a logit

/** What tiles.inl says of each. */
template <class T>
struct Kernels {
  uint32_t (*pack_rows)(const T* from, int64_t row_stride, int64_t count, int64_t dim, float* to);
  uint32_t (*pack_keys)(const T* from, int64_t row_stride, int64_t count, int64_t dim, float* to);
  void (*dot_tile)(const float* rows, const float* panels, int row_count, int keys, int64_t dim,
                   float* dots);
  void (*exp_tile)(float* dots, int row_count, int keys, float factor, const float* pad,
                   float* biases, float* sums);
  void (*row_weights)(const float* from, const float* to, const float* inverses, float* weights);
  void (*add_columns)(const float* tile, int row_count, const float* weights, double* columns);
  void (*exp_columns)(const float* dots, int row_count, float factor, const float* biases,
                      const float* weights, double* columns);
  void (*sum_heads)(const T* row, int64_t head_stride, int64_t heads, int64_t dim, double* sums);
};

namespace base {
#define MEDPRUNER_VEC_BYTES 16
#define MEDPRUNER_ROW_GROUP 6
#define MEDPRUNER_PANEL_VECS 4
#include "cpu/attention_mass/tiles.inl"
#undef MEDPRUNER_VEC_BYTES
#undef MEDPRUNER_ROW_GROUP
#undef MEDPRUNER_PANEL_VECS
}  // namespace base

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
namespace avx2 {
#define MEDPRUNER_VEC_BYTES 32
#define MEDPRUNER_ROW_GROUP 6
#define MEDPRUNER_PANEL_VECS 2
#include "cpu/attention_mass/tiles.inl"
#undef MEDPRUNER_VEC_BYTES
#undef MEDPRUNER_ROW_GROUP
#undef MEDPRUNER_PANEL_VECS
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
namespace avx512 {
#define MEDPRUNER_VEC_BYTES 64
#define MEDPRUNER_ROW_GROUP 12
#define MEDPRUNER_PANEL_VECS 2
#include "cpu/attention_mass/tiles.inl"
#undef MEDPRUNER_VEC_BYTES
#undef MEDPRUNER_ROW_GROUP
#undef MEDPRUNER_PANEL_VECS
}  // namespace avx512
#pragma GCC pop_options
#endif

/** Those of the active tier. */
template <class T>
const Kernels<T>& kernels() noexcept {
#if defined(__x86_64__)
  switch (active_isa()) {
    case Isa::kAvx512:
      return avx512::kKernels<T>;
    case Isa::kAvx2Fma:
      return avx2::kKernels<T>;
    default:
      break;
  }
#endif
  return base::kKernels<T>;
}

}  // namespace medpruner::cpu::mass

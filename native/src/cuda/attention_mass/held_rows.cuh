/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What both tensor-core passes of K2 keep in registers: rows that stay, as fragments, and their sums.
//
// The order of every sum is that of the streamed rows alone: a lane adds the columns it holds of each tile
// in plain f32 (16 terms a row), tiles are added compensated, and four lanes meet at the end. So neither the block
// size nor the grid nor the width of the copies shows in the result.

#include "cuda/attention_mass/attention_mass.cuh"
#include "cuda/common/mma.cuh"
#include "cuda/common/warp.cuh"

namespace medpruner::cuda {

constexpr int kStreamRows = 64;  // streamed rows per stage
// A row's maximum may grow by this much, in powers of two, before its sum is rescaled: f32 has the range,
// and rescaling stays rare.
constexpr float kSlack = 32.0f;
constexpr float kOutgrown = 4294967296.0f;  // 2^kSlack
/** Scores that are certain to be below this are certain to be finite, their partial sums too. */
constexpr float kSafeScore = 1e38f;

/** Pass 2: whether a score with such peaks may be infinite, before or after its factor. */
template <class T>
__device__ inline bool needs_care(const ScorePeaks& peaks, int dim, float factor) {
  const float most = to_float(T{static_cast<uint16_t>(peaks.query)}) *
                     to_float(T{static_cast<uint16_t>(peaks.key)}) * static_cast<float>(dim);
  return !(most < kSafeScore && most * factor < kSafeScore);  // NaN, too
}

/** Components c and c + 1 of a row, zero from `dim` on. */
template <bool kAligned, class T>
__device__ inline uint32_t load_pair(const T* row, int c, int dim) {
  if (kAligned && c + 1 < dim) {
    return *reinterpret_cast<const uint32_t*>(row + c);
  }
  const uint32_t low = c < dim ? row[c].bits : 0;
  const uint32_t high = c + 1 < dim ? row[c + 1].bits : 0;
  return low | high << 16;
}

/** Divides a number from 1 up by the power of two in it, whose exponent is returned. */
__device__ inline int take_exponent(float& value) {
  const uint32_t bits = float_to_bits(value);
  value = bits_to_float((bits & 0x007fffffu) | 0x3f800000u);
  return static_cast<int>(bits >> 23) - 127;
}

/** What a lane knows of its rows: lane / 4 + 8 * i from the first of its warp. */
template <int kRows>
struct LaneRows {
  static constexpr int kCount = kRows;
  float top[kCount];   // pass 1: base-2 logit that the sum is relative to, a whole number once it is raised
  float part[kCount];  // of this tile
  Compensated sum[kCount];
  float extreme;       // pass 2, careful: largest magnitude of a score

  __device__ void clear() {
    extreme = 0;
    for (int i = 0; i < kCount; ++i) {
      top[i] = -3e38f;
      part[i] = 0;
      sum[i] = {0, 0};
    }
  }
  /** Pass 1: makes the sums relative to higher logits where scores need it: score(i, n), n < kScores, of row i. */
  template <int kScores, class Score>
  __device__ void raise(float factor, Score score) {
    float highest[kCount];
    float excess = -INFINITY;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      highest[i] = score(i, 0);
#pragma unroll
      for (int n = 1; n < kScores; ++n) {
        highest[i] = fmaxf(highest[i], score(i, n));
      }
      excess = fmaxf(excess, fmaf(highest[i], factor, -top[i]));
    }
    if (excess > kSlack) {  // one branch for all rows: with one each alone the warps' pass spills more
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        const float logit = rintf(highest[i] * factor);
        if (logit > top[i] + kSlack) {
          const float down = exp2_approx(top[i] - logit);
          part[i] *= down;
          sum[i].scale(down);
          top[i] = logit;
        }
      }
    }
  }
  /** Pass 1: where the part has outgrown the slack, the same by its exponent. Powers of two: nothing is rounded. */
  __device__ void lower() {
    float largest = part[0];
#pragma unroll
    for (int i = 1; i < kCount; ++i) {
      largest = fmaxf(largest, part[i]);
    }
    if (!(largest > kOutgrown)) {
      return;  // one branch for all rows
    }
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (part[i] > kOutgrown && !non_finite(part[i])) {
        const int up = take_exponent(part[i]);
        sum[i].scale(bits_to_float(static_cast<uint32_t>(127 - up) << 23));
        top[i] += static_cast<float>(up);
      }
    }
  }
  __device__ void end_tile() {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      sum[i].add(part[i]);
      part[i] = 0;
    }
  }
};

/** kHeld steps of the warp's rows, kTiles times 16 of them, as products want them on their left. */
template <int kTiles, int kHeld>
struct RowFragments {
  uint32_t value[kTiles][kHeld][4];

  /** Rows from `rows` on, zero from the valid-th on. */
  template <class T>
  __device__ void load(const T* rows, int64_t row_stride, int64_t valid, int dim, int width) {
    if (width >= 4) {
      load<true>(rows, row_stride, valid, dim);
    } else {
      load<false>(rows, row_stride, valid, dim);
    }
  }

  /** The largest magnitude in the warp's rows, as bits: those of NaN and infinity are the largest. */
  __device__ uint32_t peak() const {
    uint32_t low = 0;
    uint32_t high = 0;
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
#pragma unroll
      for (int s = 0; s < kHeld; ++s) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          low = max(low, value[m][s][i] & 0x7fffu);
          high = max(high, value[m][s][i] >> 16 & 0x7fffu);
        }
      }
    }
    return WarpReductions::max(max(low, high));
  }

 private:
  template <bool kAligned, class T>
  __device__ void load(const T* rows, int64_t row_stride, int64_t valid, int dim) {
    const int group = static_cast<int>(threadIdx.x) % 32 / 4;
    const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int r = m * 16 + half * 8 + group;
        const T* row = rows + (r < valid ? r * row_stride : 0);
        const int end = r < valid ? dim : 0;
#pragma unroll
        for (int s = 0; s < kHeld; ++s) {
          value[m][s][half] = load_pair<kAligned>(row, s * 16 + pair, end);
          value[m][s][half + 2] = load_pair<kAligned>(row, s * 16 + pair + 8, end);
        }
      }
    }
  }
};

/** Of the four lanes that share a row: column mass (pass 2) or log-sum-exp (pass 1). */
template <bool kColumns, int kRows>
__device__ inline float row_result(const LaneRows<kRows>& rows, int i) {
  float total = rows.sum[i].sum;
  float top = rows.top[i];
  // A lane's sum may stand far above its top: what relates it to another's would underflow before it meets the sum.
  if (!kColumns && total > kOutgrown && !non_finite(total)) {
    top += static_cast<float>(take_exponent(total));
  }
  // Both ends of an exchange add the same pair.
#pragma unroll
  for (int distance = 1; distance < 4; distance *= 2) {
    const float other = __shfl_xor_sync(kAllLanes, total, distance);
    if (kColumns) {
      total += other;
    } else {
      const float other_top = __shfl_xor_sync(kAllLanes, top, distance);
      const float common = other_top > top ? other_top : top;
      total = total * exp2_approx(top - common) + other * exp2_approx(other_top - common);
      top = common;
    }
  }
  return kColumns ? total : top + log2f(total);
}

/** Where a pass streams from and to; the same for all of a block's items. */
struct Stages {
  unsigned char* shared;
  int stage_size, all;
  int stage = 0;  // offset of the one to be read next

  __device__ int offset(int stages) const {
    const int at = stage + stages * stage_size;
    return at < all ? at : at - all;
  }
  __device__ unsigned char* ahead(int stages) const { return shared + offset(stages); }
  __device__ void advance(int stages = 1) {
    stage += stages * stage_size;
    stage = stage >= all ? stage - all : stage;
  }
};

}  // namespace medpruner::cuda

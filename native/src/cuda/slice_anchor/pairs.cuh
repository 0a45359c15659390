/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The pair sums of one window of slice_anchor.cuh over one chunk of 4096 values: kRows rows, the anchor first. The
// pairs among the window's own rows can be summed before the anchor is known.

#include <math.h>
#include <stdint.h>

#include <type_traits>

#include "common/dtype.hpp"
#include "cuda/common/block.cuh"
#include "cuda/slice_anchor/ring.cuh"

namespace medpruner::cuda {

/** As to_float(); f16 in one instruction, which leaves other bits in a NaN: those show nowhere. */
template <class T>
__device__ inline float widen(T value) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<T, Half>) {
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
    return result;
  }
#endif
  return to_float(value);
}

/** sum + the absolute differences of four bytes: one instruction, where __vsadu4 and + are two. */
__device__ inline uint32_t add_differences(uint32_t a, uint32_t b, uint32_t sum) {
#if defined(__CUDA_ARCH__)
  asm("vabsdiff4.u32.u32.u32.add %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
#else
  return sum + __vsadu4(a, b);
#endif
}

/**
 * Pairs of warp g: its group's rows with each of the next group's, then with one another, then with the
 * anchor. A third of all, from 9 of the 13 rows.
 */
constexpr int kAcross = kGroupRows * kGroupRows;
constexpr int kWithin = kGroupRows * (kGroupRows - 1) / 2;
constexpr int kOwn = kAcross + kWithin + kGroupRows;
static_assert(kGroups * kOwn == ChunkWindow::kPairs, "each pair is one warp's");

/** The places of a warp's sums: of row i of its group with row j of the next, j of its own (i < j), the anchor. */
__host__ __device__ constexpr int across(int i, int j) { return i * kGroupRows + j; }
__host__ __device__ constexpr int within(int i, int j) { return kAcross + j * (j - 1) / 2 + i; }
__host__ __device__ constexpr int with_anchor(int i) { return kAcross + kWithin + i; }

/** The pair whose sum is at a place of warp `group`. */
__device__ inline int pair_at(int group, int place) {
  const int first = 1 + group * kGroupRows;
  if (place < kAcross) {
    const int own = first + place / kGroupRows;
    const int other = 1 + (group + 1) % kGroups * kGroupRows + place % kGroupRows;
    return own < other ? pair(own, other) : pair(other, own);
  }
  if (place < kAcross + kWithin) {
    const int at = place - kAcross;
    const int j = at < 1 ? 1 : (at < 3 ? 2 : 3);
    return pair(first + at - j * (j - 1) / 2, first + j);
  }
  return pair(0, first + place - kAcross - kWithin);
}

/** A warp's sums. */
template <class T>
struct WarpPairs {
  static constexpr bool kIntegers = std::is_integral_v<T>;
  using Sum = std::conditional_t<kIntegers, uint32_t, float>;
  Sum sums[kOwn] = {};
  uint32_t specials = 0;  // floats: bit w: row w, of the warp's group, holds a NaN or an infinity

  /**
   * All that a stage holds, zeros behind the values add nothing: the pairs among the window's rows, those with the
   * anchor, or both. Each sum takes the stages in order.
   */
  template <bool kRest, bool kAnchor>
  __device__ void add(const Ring<T>& ring, int stage) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int first = first_row();
    const int next = first + kGroupRows < ChunkWindow::kRows ? first + kGroupRows : 1;
    if constexpr (kIntegers) {  // exact in any order: 16 bytes a lane
#pragma unroll
      for (int u = 0; u < Ring<T>::kUnits; u += 32) {
        const int at = u + lane;
        Words x[kGroupRows];
#pragma unroll
        for (int i = 0; i < kGroupRows; ++i) {
          x[i] = ring.units[stage][first + i][at];
        }
        const Words a = kAnchor ? ring.units[stage][0][at] : Words{};
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          add_own<kRest, kAnchor>([&](int i) { return x[i].word[k]; }, a.word[k]);
        }
#pragma unroll
        for (int j = 0; kRest && j < kGroupRows; ++j) {
          const Words y = ring.units[stage][next + j][at];
#pragma unroll
          for (int i = 0; i < kGroupRows; ++i) {
#pragma unroll
            for (int k = 0; k < 4; ++k) {
              add_pair(x[i].word[k], y.word[k], sums[across(i, j)]);
            }
          }
        }
      }
    } else {  // in the canonical order: lane l takes values l, l + 32, ...
      const T* const own = ring.values(stage, first) + lane;
      const T* const others = ring.values(stage, next) + lane;
      const T* const anchor = ring.values(stage, 0) + lane;
#pragma unroll 4
      for (int at = 0; at < kValues; at += 32) {
        float x[kGroupRows];
#pragma unroll
        for (int i = 0; i < kGroupRows; ++i) {
          x[i] = widen(own[i * kValues + at]);
        }
        add_own<kRest, kAnchor>([&](int i) { return x[i]; }, kAnchor ? widen(anchor[at]) : 0.0f);
#pragma unroll
        for (int j = 0; kRest && j < kGroupRows; ++j) {
          const float y = widen(others[j * kValues + at]);
#pragma unroll
          for (int i = 0; i < kGroupRows; ++i) {
            add_pair(x[i], y, sums[across(i, j)]);
          }
        }
      }
    }
  }

  /** Floats: of the rows in a stage, which no sum needs to show where a volume begins. */
  __device__ void look_for_specials(const Ring<T>& ring, int stage) {
#pragma unroll 1
    for (int i = 0; i < kGroupRows; ++i) {
      const T* const row = ring.values(stage, first_row() + i) + threadIdx.x % 32;
#pragma unroll 1
      for (int at = 0; at < kValues; at += 32) {
        specials |= non_finite(widen(row[at])) ? 1u << (first_row() + i) : 0u;
      }
    }
  }

  /**
   * Sum `lane` of the warp, the lanes folded by the butterfly of slice_anchor.h. Of two sums that a step adds, a lane
   * goes on with the one that it will return, so that a step exchanges half of what is left.
   */
  __device__ Sum fold() {
    if constexpr (kIntegers) {
      const int lane = static_cast<int>(threadIdx.x) % 32;
      Sum mine = 0;
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        sums[i] = WarpReductions::add(sums[i]);
        mine = lane == i ? sums[i] : mine;
      }
      return mine;
    } else {
      exchange<16>();
      exchange<8>();
      exchange<4>();
      exchange<2>();
      exchange<1>();
      return sums[0];
    }
  }

 private:
  static constexpr int kValues = Ring<T>::kStageBytes / static_cast<int>(sizeof(T));

  /** Of the warp's group. */
  __device__ static int first_row() { return 1 + static_cast<int>(threadIdx.x) / 32 * kGroupRows; }

  template <int kDistance>
  __device__ void exchange() {
    const bool upper = (threadIdx.x & kDistance) != 0;
#pragma unroll
    for (int i = 0; i < kDistance; ++i) {
      const float other = i + kDistance < kOwn ? sums[i + kDistance] : 0.0f;
      const float sent = upper ? sums[i] : other;
      sums[i] = (upper ? other : sums[i]) + __shfl_xor_sync(kAllLanes, sent, kDistance);
    }
  }

  template <bool kRest, bool kAnchor, class Value, class Row>
  __device__ void add_own(const Row& row, Value anchor) {
#pragma unroll
    for (int i = 0; i < kGroupRows; ++i) {
      if (kAnchor) {
        add_pair(row(i), anchor, sums[with_anchor(i)]);
      }
#pragma unroll
      for (int j = i + 1; kRest && j < kGroupRows; ++j) {
        add_pair(row(i), row(j), sums[within(i, j)]);
      }
    }
  }

  __device__ static void add_pair(float a, float b, float& sum) { sum += fabsf(b - a); }
  __device__ static void add_pair(uint32_t a, uint32_t b, uint32_t& sum) {
    if constexpr (sizeof(T) == 1) {
      sum = add_differences(a, b, sum);
    } else {
      // Differences of 17 bits: the sum of absolute differences takes 32-bit values.
      sum = __sad(static_cast<int16_t>(a & 0xffffu), static_cast<int16_t>(b & 0xffffu), sum);
      sum = __sad(static_cast<int>(a) >> 16, static_cast<int>(b) >> 16, sum);
    }
  }
};

}  // namespace medpruner::cuda

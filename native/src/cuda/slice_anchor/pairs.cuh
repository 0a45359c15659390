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
 * Two bytes of a word, its lower or upper ones, as f16 numbers 1024 more: there a byte is the lowest bits of a number.
 */
__device__ inline uint32_t lower_halves(uint32_t word) { return __byte_perm(word, 0x64646464u, 0x4140); }
__device__ inline uint32_t upper_halves(uint32_t word) { return __byte_perm(word, 0x64646464u, 0x4342); }

/** What add_half_differences() adds beyond the differences. */
constexpr uint32_t kHalvesBias = 2 * 0x6400;

/**
 * sum + kHalvesBias + the absolute differences of eight bytes, as lower_halves() makes them. Exact: from 1024 on, four
 * differences of at most 255 stay below 2048. Nine instructions, of which eight issue at four times the rate of two
 * vabsdiff4.
 */
__device__ inline uint32_t add_half_differences(const uint32_t (&a)[4], const uint32_t (&b)[4], uint32_t sum) {
#if defined(__CUDA_ARCH__)
  uint32_t total = 0x64006400u;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    asm("{.reg .b32 t; sub.f16x2 t, %1, %2; abs.f16x2 t, t; add.f16x2 %0, %0, t;}" : "+r"(total) : "r"(a[i]), "r"(b[i]));
  }
  asm("dp2a.lo.u32.u32 %0, %1, 0x0101, %0;" : "+r"(sum) : "r"(total));
  return sum;
#else
  for (int i = 0; i < 4; ++i) {
    sum += __vsadu4(a[i], b[i]);
  }
  return sum + kHalvesBias;
#endif
}

/**
 * Pairs of a warp: its group's rows with each of its other group's. The first kGroups warps, each with a group of its
 * own, sum those within the group and with the anchor too.
 */
constexpr int kAcross = kGroupRows * kGroupRows;
constexpr int kWithin = kGroupRows * (kGroupRows - 1) / 2;
constexpr int kOwn = kAcross + kWithin + kGroupRows;

/** The groups of warp `warp`, and how many sums it has. */
template <class Shape>
struct WarpGroups {
  int own, other, places;

  __device__ explicit WarpGroups(int warp)
      : own(warp % Shape::kGroups),
        other((warp % Shape::kGroups + warp / Shape::kGroups + 1) % Shape::kGroups),
        places(warp < Shape::kGroups ? kOwn : kAcross) {
    static_assert(Shape::kGroups * kOwn + (Shape::kWarps - Shape::kGroups) * kAcross == Shape::kPairs,
                  "each pair is one warp's");
  }
};

/** The places of a warp's sums: of row i of its group with row j of the other, j of its own (i < j), the anchor. */
__host__ __device__ constexpr int across(int i, int j) { return i * kGroupRows + j; }
__host__ __device__ constexpr int within(int i, int j) { return kAcross + j * (j - 1) / 2 + i; }
__host__ __device__ constexpr int with_anchor(int i) { return kAcross + kWithin + i; }

/** The pair whose sum is at a place of a warp. */
template <class Shape>
__device__ inline int pair_at(const WarpGroups<Shape>& groups, int place) {
  const int first = 1 + groups.own * kGroupRows;
  if (place < kAcross) {
    const int own = first + place / kGroupRows;
    const int other = 1 + groups.other * kGroupRows + place % kGroupRows;
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
template <class T, class Shape>
struct WarpPairs {
  using Stages = Ring<T, Shape>;
  static constexpr bool kIntegers = std::is_integral_v<T>;
#ifndef ANCHOR_HALVES
#define ANCHOR_HALVES 1
#endif
  static constexpr bool kByHalves = ANCHOR_HALVES && sizeof(T) == 1;
  using Sum = std::conditional_t<kIntegers, uint32_t, float>;
  Sum sums[kOwn] = {};
  uint32_t specials = 0;  // floats: bit w: row w, of the warp's group, holds a NaN or an infinity

  /**
   * All that a stage holds, zeros behind the values add nothing: the pairs among the window's rows, those with the
   * anchor, or both. Each sum takes the stages in order.
   */
  template <bool kRest, bool kAnchor>
  __device__ void add(const Stages& ring, int stage) {
    if (Shape::kWarps == Shape::kGroups || warp() < Shape::kGroups) {
      add_rows<kRest, kRest, kAnchor>(ring, stage);
    } else if (kRest) {
      add_rows<true, false, false>(ring, stage);
    }
  }

  /** Floats: of the rows in a stage, which no sum needs to show where a volume begins. */
  __device__ void look_for_specials(const Stages& ring, int stage) {
    const int first = 1 + warp() * kGroupRows;
    if (first >= Shape::kRows) {
      return;
    }
#pragma unroll 1
    for (int i = 0; i < kGroupRows; ++i) {
      const T* const row = ring.values(stage, first + i) + threadIdx.x % 32;
#pragma unroll 1
      for (int at = 0; at < kValues; at += 32) {
        specials |= non_finite(widen(row[at])) ? 1u << (first + i) : 0u;
      }
    }
  }

  /**
   * Sum `lane` of the warp, the lanes folded by the butterfly of slice_anchor.h. Of two sums that a step adds, a lane
   * goes on with the one that it will return, so that a step exchanges half of what is left.
   */
  __device__ Sum fold(int stages) {
    if constexpr (kIntegers) {
      const int lane = static_cast<int>(threadIdx.x) % 32;
      Sum mine = 0;
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        sums[i] = WarpReductions::add(sums[i]);
        mine = lane == i ? sums[i] : mine;
      }
      if (kByHalves && lane < kAcross) {
        mine -= static_cast<uint32_t>(stages) * Stages::kUnits * 2 * kHalvesBias;
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
  static constexpr int kValues = Stages::kStageBytes / static_cast<int>(sizeof(T));

  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }

  /** The pairs across the warp's groups, within its own and with the anchor, or some of them. */
  template <bool kOther, bool kRest, bool kAnchor>
  __device__ void add_rows(const Stages& ring, int stage) {
    const WarpGroups<Shape> groups(warp());
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int first = 1 + groups.own * kGroupRows;
    const int next = 1 + groups.other * kGroupRows;
    if constexpr (kIntegers) {  // exact in any order: 16 bytes a lane
#pragma unroll
      for (int u = 0; u < Stages::kUnits; u += 32) {
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
        if constexpr (kByHalves && kOther) {
#pragma unroll
          for (int k = 0; k < 4; k += 2) {
            uint32_t own[kGroupRows][4];
#pragma unroll
            for (int i = 0; i < kGroupRows; ++i) {
              halves(x[i], k, own[i]);
            }
#pragma unroll
            for (int j = 0; j < kGroupRows; ++j) {
              uint32_t others[4];
              halves(ring.units[stage][next + j][at], k, others);
#pragma unroll
              for (int i = 0; i < kGroupRows; ++i) {
                sums[across(i, j)] = add_half_differences(own[i], others, sums[across(i, j)]);
              }
            }
          }
          continue;
        }
#pragma unroll
        for (int j = 0; kOther && j < kGroupRows; ++j) {
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
        for (int j = 0; kOther && j < kGroupRows; ++j) {
          const float y = widen(others[j * kValues + at]);
#pragma unroll
          for (int i = 0; i < kGroupRows; ++i) {
            add_pair(x[i], y, sums[across(i, j)]);
          }
        }
      }
    }
  }

  /** Words k and k + 1. */
  __device__ static void halves(const Words& unit, int k, uint32_t (&to)[4]) {
    to[0] = lower_halves(unit.word[k]);
    to[1] = upper_halves(unit.word[k]);
    to[2] = lower_halves(unit.word[k + 1]);
    to[3] = upper_halves(unit.word[k + 1]);
  }

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

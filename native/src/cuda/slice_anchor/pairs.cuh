/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The pair sums of one window of slice_anchor.cuh: kRows rows, the anchor first, each pair of them in a
// register. What is loaded at once is chosen so that a multiprocessor has some 40 KB on their way.

#include <math.h>
#include <stdint.h>

#include <type_traits>

#include "common/dtype.hpp"
#include "cuda/common/block.cuh"

namespace medpruner::cuda {

constexpr int kWindow = 8;
constexpr int kRows = kWindow + 1;
constexpr int kPairs = kWindow * (kWindow + 1) / 2;
constexpr int kAnchorThreads = 128;
constexpr int kAnchorWarps = kAnchorThreads / 32;

/** Which of the sums that of rows v < w is; row 0 is the anchor before the window. */
__host__ __device__ constexpr int pair(int v, int w) { return w * (w - 1) / 2 + v; }

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

// ---- floats: a warp per chunk of 4096 values, its lanes those of the canonical order -------------------

constexpr int kChunkValues = 4096;

template <class T>
struct FloatPairs {
  static constexpr int64_t kBlockValues = int64_t{kAnchorWarps} * kChunkValues;
  static constexpr uint64_t kWideBytes = 4;
  // Loads of a row that go out together: 588 chunks of a slice of 896 x 896 x 3 are 4 or 5 warps per
  // multiprocessor, so each must have 9 KB on the way.
  static constexpr int kLoads = 8;

  float sums[kPairs] = {};
  uint32_t specials = 0;  // bit w: row w holds a NaN or an infinity

  __device__ void add(const float* value, bool look_for_specials) {
#pragma unroll
    for (int w = 1; w < kRows; ++w) {
#pragma unroll
      for (int v = 0; v < w; ++v) {
        sums[pair(v, w)] += fabsf(value[w] - value[v]);
      }
    }
    if (look_for_specials) {
#pragma unroll
      for (int w = 0; w < kRows; ++w) {
        specials |= non_finite(value[w]) ? 1u << w : 0u;
      }
    }
  }

  /**
   * Values [begin, end) of the rows, one chunk. `wide`: 16-bit values lie in pairs aligned to 4 bytes, of
   * which a lane loads one; the value that is its own by the canonical order comes from another lane.
   */
  __device__ void add_chunk(const T* const* rows, int64_t begin, int64_t end, bool wide,
                            bool look_for_specials) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    int64_t base = begin;
    if constexpr (sizeof(T) == 2) {
      for (; wide && base + 64 * kLoads <= end; base += 64 * kLoads) {
        uint32_t loaded[kLoads][kRows];
#pragma unroll
        for (int s = 0; s < kLoads; ++s) {
#pragma unroll
          for (int w = 0; w < kRows; ++w) {
            loaded[s][w] = reinterpret_cast<const uint32_t*>(rows[w] + base)[32 * s + lane];
          }
        }
#pragma unroll
        for (int s = 0; s < kLoads; ++s) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            float value[kRows];
#pragma unroll
            for (int w = 0; w < kRows; ++w) {
              const uint32_t both = __shfl_sync(kAllLanes, loaded[s][w], 16 * half + lane / 2);
              value[w] = widen(T{static_cast<uint16_t>(both >> 16 * (lane % 2))});
            }
            add(value, look_for_specials);
          }
        }
      }
    }
    for (; base + 32 * kLoads <= end; base += 32 * kLoads) {
      T loaded[kLoads][kRows];
#pragma unroll
      for (int s = 0; s < kLoads; ++s) {
#pragma unroll
        for (int w = 0; w < kRows; ++w) {
          loaded[s][w] = rows[w][base + 32 * s + lane];
        }
      }
#pragma unroll
      for (int s = 0; s < kLoads; ++s) {
        float value[kRows];
#pragma unroll
        for (int w = 0; w < kRows; ++w) {
          value[w] = widen(loaded[s][w]);
        }
        add(value, look_for_specials);
      }
    }
    for (int64_t at = base + lane; at < end; at += 32) {
      float value[kRows];
#pragma unroll
      for (int w = 0; w < kRows; ++w) {
        value[w] = widen(rows[w][at]);
      }
      add(value, look_for_specials);
    }
  }

  /** Folds the lanes by the butterfly of slice_anchor.h. */
  __device__ void fold() {
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) {
        sums[p] += __shfl_xor_sync(kAllLanes, sums[p], distance);
      }
    }
  }
};

// ---- integers: exact in any order, so a block takes what lies together ----------------------------------

/** 16 bytes of a row. */
struct alignas(16) Words {
  uint32_t word[4];
};

template <class T>
struct IntegerPairs {
  static constexpr int kWideLoads = 4;
  static constexpr uint64_t kWideBytes = sizeof(Words);
  static constexpr int kPerWide = static_cast<int>(sizeof(Words) / sizeof(T));
  // At most 32 values of i16 per thread: 32 * 65535 * 128 threads fit 32 bits.
  static constexpr int64_t kBlockValues = int64_t{kAnchorThreads} * kWideLoads * kPerWide;

  uint32_t sums[kPairs] = {};

  /** One word of each row: four u8 or two i16; the values past its first one may be 0 in all rows. */
  __device__ void add(const uint32_t* word) {
    if constexpr (sizeof(T) == 1) {
#pragma unroll
      for (int w = 1; w < kRows; ++w) {
#pragma unroll
        for (int v = 0; v < w; ++v) {
          sums[pair(v, w)] += __vsadu4(word[w], word[v]);
        }
      }
    } else {
      int low[kRows];
      int high[kRows];
#pragma unroll
      for (int w = 0; w < kRows; ++w) {
        low[w] = static_cast<int16_t>(word[w] & 0xffffu);
        high[w] = static_cast<int>(word[w]) >> 16;
      }
#pragma unroll
      for (int w = 1; w < kRows; ++w) {
#pragma unroll
        for (int v = 0; v < w; ++v) {
          // Differences of 17 bits: the sum of absolute differences takes 32-bit values.
          sums[pair(v, w)] = __sad(low[w], low[v], sums[pair(v, w)]);
          sums[pair(v, w)] = __sad(high[w], high[v], sums[pair(v, w)]);
        }
      }
    }
  }

  /** Values [begin, end) of the rows, at most kBlockValues; `wide`: they are aligned to 16 bytes. */
  __device__ void add_block(const T* const* rows, int64_t begin, int64_t end, bool wide) {
    int64_t rest = begin;
    if (wide) {
      rest += (end - begin) / kPerWide * kPerWide;
      for (int64_t at = begin + static_cast<int64_t>(threadIdx.x) * kPerWide; at < rest;
           at += int64_t{kAnchorThreads} * kPerWide) {
        Words words[kRows];
#pragma unroll
        for (int w = 0; w < kRows; ++w) {
          words[w] = *reinterpret_cast<const Words*>(rows[w] + at);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          uint32_t word[kRows];
#pragma unroll
          for (int w = 0; w < kRows; ++w) {
            word[w] = words[w].word[i];
          }
          add(word);
        }
      }
    }
    for (int64_t at = rest + threadIdx.x; at < end; at += kAnchorThreads) {
      uint32_t word[kRows];
#pragma unroll
      for (int w = 0; w < kRows; ++w) {
        word[w] = static_cast<std::make_unsigned_t<T>>(rows[w][at]);
      }
      add(word);
    }
  }

  /** The sums of a warp, in every lane. */
  __device__ void fold() {
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) {
        sums[p] += __shfl_xor_sync(kAllLanes, sums[p], distance);
      }
    }
  }
};

template <class T>
using AnchorPairs = std::conditional_t<std::is_integral_v<T>, IntegerPairs<T>, FloatPairs<T>>;

}  // namespace medpruner::cuda

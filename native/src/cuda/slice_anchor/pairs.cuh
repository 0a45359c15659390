/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The pair sums of one window of slice_anchor.cuh over one chunk of 4096 values: kRows rows, the anchor first.
// Values reach the block through a ring of stages in shared memory, by asynchronous copies of 16 bytes, which
// decouples what is on its way from registers and from the lane that adds a value.

#include <math.h>
#include <stdint.h>

#include <type_traits>

#include "common/dtype.hpp"
#include "cuda/common/block.cuh"
#include "cuda/common/mma.cuh"

namespace medpruner::cuda {

/** A window of kLength rows with the anchor before it, and the threads of a block that sums its pairs. */
template <int kLength, int kBlockThreads>
struct Window {
  static constexpr int kWindow = kLength;
  static constexpr int kRows = kLength + 1;
  static constexpr int kPairs = kLength * (kLength + 1) / 2;
  static constexpr int kThreads = kBlockThreads;
};

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

/** sum + the absolute differences of four bytes: one instruction, where __vsadu4 and + are two. */
__device__ inline uint32_t add_differences(uint32_t a, uint32_t b, uint32_t sum) {
#if defined(__CUDA_ARCH__)
  asm("vabsdiff4.u32.u32.u32.add %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
#else
  return sum + __vsadu4(a, b);
#endif
}

constexpr int kChunkValues = 4096;
constexpr int kUnitBytes = 16;

/** 16 bytes of a row. */
struct alignas(kUnitBytes) Words {
  uint32_t word[4];
};

/**
 * Starts the copy of `bytes` <= 16 bytes, zeros behind them, from an address that is a multiple of
 * `alignment`: 16, 4 or that of T.
 */
template <class T>
__device__ inline void copy_unit(Words* to, const char* from, int bytes, int alignment) {
  if (alignment == 16) {
    cp_async<16>(to, from, bytes);
  } else if (alignment == 4) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int rest = bytes - 4 * i;
      cp_async<4>(&to->word[i], from + 4 * i, rest < 0 ? 0 : (rest < 4 ? rest : 4));
    }
  } else {
    T* const values = reinterpret_cast<T*>(to);
    for (int i = 0; i < kUnitBytes / static_cast<int>(sizeof(T)); ++i) {
      values[i] = i * static_cast<int>(sizeof(T)) < bytes ? reinterpret_cast<const T*>(from)[i] : T{};
    }
  }
}

/** Where the rows of a window are. Rows past the end repeat the last one: their sums are never asked for. */
template <class T>
struct WindowRows {
  const T* begin;  // of the window's first row
  const T* anchor;
  int64_t stride;  // in values
  int last;        // of the window, that is there

  __device__ const T* row(int w) const {
    return w == 0 ? anchor : begin + (w - 1 < last ? w - 1 : last) * stride;
  }
};

// ---- without patches: a block per chunk ------------------------------------------------------------------

/** Rows of a window come in three groups of four, and a block has a warp for each. */
constexpr int kGroups = 3;
constexpr int kGroupRows = 4;
using ChunkWindow = Window<kGroups * kGroupRows, 32 * kGroups>;

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

template <class T>
struct Ring {
  static constexpr int kRows = ChunkWindow::kRows;
  static constexpr int kStages = 3;
  static constexpr int kStageBytes = 1024;
  static constexpr int kUnits = kStageBytes / kUnitBytes;  // a multiple of 32
  Words units[kStages][kRows][kUnits];

  __device__ const T* values(int stage, int row) const {
    return reinterpret_cast<const T*>(units[stage][row]);
  }
};

/** A thread's part in filling the ring: of rows warp, warp + 3, ... the units that are its lane's. */
template <class T>
class RingFiller {
 public:
  static constexpr int kRows = ChunkWindow::kRows;
  static constexpr int kMost = (kRows - 1) / kGroups + 1;

  /** Of values [begin, end). */
  __device__ RingFiller(Ring<T>& ring, const WindowRows<T>& rows, int64_t begin, int64_t end,
                        int alignment)
      : ring_(ring),
        bytes_(static_cast<int>(end - begin) * static_cast<int>(sizeof(T))),
        alignment_(alignment) {
#pragma unroll
    for (int i = 0; i < kMost; ++i) {
      from_[i] = reinterpret_cast<const char*>(rows.row(row(i) < kRows ? row(i) : 0) + begin) +
                 lane() * kUnitBytes;
    }
  }

  __device__ int stages() const { return (bytes_ + Ring<T>::kStageBytes - 1) / Ring<T>::kStageBytes; }

  /** Row 0, which warp 0 copies, begins at `values`. */
  __device__ void set_anchor(const T* values) {
    if (warp() == 0) {
      from_[0] = reinterpret_cast<const char*>(values) + lane() * kUnitBytes;
    }
  }

  /** Starts the copies of stage s of the chunk: of all rows, of all but the anchor, of the anchor. */
  __device__ void fill(int s) { copy<true, true>(s); }
  __device__ void fill_rows(int s) { copy<false, true>(s); }
  __device__ void fill_anchor(int s) { copy<true, false>(s); }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int row(int i) { return warp() + kGroups * i; }

  template <bool kAnchor, bool kRest>
  __device__ void copy(int s) {
    Words(&stage)[kRows][Ring<T>::kUnits] = ring_.units[s % Ring<T>::kStages];
    const int done = s * Ring<T>::kStageBytes;
    if (alignment_ == kUnitBytes && done + Ring<T>::kStageBytes <= bytes_) {
#pragma unroll
      for (int i = 0; i < kMost; ++i) {
        if (row(i) < kRows && (row(i) == 0 ? kAnchor : kRest)) {
#pragma unroll
          for (int u = 0; u < Ring<T>::kUnits; u += 32) {
            cp_async<kUnitBytes>(&stage[row(i)][u + lane()], from_[i] + done + u * kUnitBytes,
                                 kUnitBytes);
          }
        }
      }
      return;
    }
#pragma unroll
    for (int i = 0; i < kMost; ++i) {
      if (row(i) < kRows && (row(i) == 0 ? kAnchor : kRest)) {
#pragma unroll 1
        for (int u = lane(); u < Ring<T>::kUnits; u += 32) {
          const int offset = done + u * kUnitBytes;
          const int rest = bytes_ - offset;
          copy_unit<T>(&stage[row(i)][u], from_[i] + (rest > 0 ? offset - lane() * kUnitBytes : -lane() * kUnitBytes),
                       rest < 0 ? 0 : (rest < kUnitBytes ? rest : kUnitBytes), alignment_);
        }
      }
    }
  }

  Ring<T>& ring_;
  const char* from_[kMost];
  int bytes_;
  int alignment_;
};

/** A warp's sums. */
template <class T>
struct WarpPairs {
  static constexpr bool kIntegers = std::is_integral_v<T>;
  using Sum = std::conditional_t<kIntegers, uint32_t, float>;
  Sum sums[kOwn] = {};
  uint32_t specials = 0;  // floats: bit w: row w, of the warp's group, holds a NaN or an infinity

  /** All that a stage holds: zeros behind the values add nothing. */
  __device__ void add(const Ring<T>& ring, int stage, bool look_for_specials) {
    const int group = static_cast<int>(threadIdx.x) / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int first = 1 + group * kGroupRows;
    const int next = group + 1 < kGroups ? first + kGroupRows : 1;
    if constexpr (kIntegers) {  // exact in any order: 16 bytes a lane
#pragma unroll
      for (int u = 0; u < Ring<T>::kUnits; u += 32) {
        const int at = u + lane;
        Words x[kGroupRows];
#pragma unroll
        for (int i = 0; i < kGroupRows; ++i) {
          x[i] = ring.units[stage][first + i][at];
        }
        const Words a = ring.units[stage][0][at];
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          add_own([&](int i) { return x[i].word[k]; }, a.word[k]);
        }
#pragma unroll
        for (int j = 0; j < kGroupRows; ++j) {
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
      constexpr int kValues = Ring<T>::kStageBytes / static_cast<int>(sizeof(T));
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
        add_own([&](int i) { return x[i]; }, widen(anchor[at]));
#pragma unroll
        for (int j = 0; j < kGroupRows; ++j) {
          const float y = widen(others[j * kValues + at]);
#pragma unroll
          for (int i = 0; i < kGroupRows; ++i) {
            add_pair(x[i], y, sums[across(i, j)]);
          }
        }
        if (look_for_specials) {
#pragma unroll
          for (int i = 0; i < kGroupRows; ++i) {
            specials |= non_finite(x[i]) ? 1u << (first + i) : 0u;
          }
        }
      }
    }
  }

  /** Folds the lanes by the butterfly of slice_anchor.h; sum `lane` of the warp. */
  __device__ Sum fold() {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    Sum mine = 0;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      if constexpr (kIntegers) {
        sums[i] = WarpReductions::add(sums[i]);
      } else {
#pragma unroll
        for (int distance = 16; distance > 0; distance /= 2) {
          sums[i] += __shfl_xor_sync(kAllLanes, sums[i], distance);
        }
      }
      mine = lane == i ? sums[i] : mine;
    }
    return mine;
  }

 private:
  template <class Value, class Row>
  __device__ void add_own(const Row& row, Value anchor) {
#pragma unroll
    for (int i = 0; i < kGroupRows; ++i) {
      add_pair(row(i), anchor, sums[with_anchor(i)]);
#pragma unroll
      for (int j = i + 1; j < kGroupRows; ++j) {
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

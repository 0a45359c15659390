/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the pair sums of a window are made from: its rows, and the ring of stages in shared memory by which a chunk of
// them reaches a block. Asynchronous copies of 16 bytes fill it, which decouples what is on its way from registers and
// from the lane that adds a value.

#include <stdint.h>

#include <type_traits>

#include "cuda/common/mma.cuh"
#include "cuda/common/prefetch.cuh"

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

/** A window whose rows come in three or four groups of four; a block has a warp for every two groups. */
constexpr int kGroupRows = 4;
template <int kGroupCount>
struct GroupWindow : Window<kGroupCount * kGroupRows, 32 * kGroupCount * (kGroupCount - 1) / 2> {
  static constexpr int kGroups = kGroupCount;
  static constexpr int kWarps = kGroupCount * (kGroupCount - 1) / 2;
};

/** Without patches, and with them: a thread that sums whole columns has no room for more pairs. */
using ChunkWindow = GroupWindow<4>;
using PatchWindow = GroupWindow<3>;

#ifndef ANCHOR_STAGES
#define ANCHOR_STAGES 4
#endif
#ifndef ANCHOR_STAGE_BYTES
#define ANCHOR_STAGE_BYTES 512
#endif
#ifndef ANCHOR_AHEAD
#define ANCHOR_AHEAD 0
#endif

template <class T, class Shape>
struct Ring {
  static constexpr int kRows = Shape::kRows;
  static constexpr int kStages = Shape::kGroups == 4 ? ANCHOR_STAGES : 3;
  static constexpr int kStageBytes = Shape::kGroups == 4 ? ANCHOR_STAGE_BYTES : 1024;
  static constexpr int kUnits = kStageBytes / kUnitBytes;  // a multiple of 32
  Words units[kStages][kRows][kUnits];

  __device__ const T* values(int stage, int row) const {
    return reinterpret_cast<const T*>(units[stage][row]);
  }
};

/** A thread's part in filling the ring: of every kWarps-th row, from its warp's number on, the units that are its lane's. */
template <class T, class Shape>
class RingFiller {
 public:
  using Stages = Ring<T, Shape>;
  static constexpr int kRows = Shape::kRows;
  static constexpr int kMost = (kRows - 1) / Shape::kWarps + 1;

  /** Of values [begin, end). */
  __device__ RingFiller(Stages& ring, const WindowRows<T>& rows, int64_t begin, int64_t end,
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

  __device__ int stages() const { return (bytes_ + Stages::kStageBytes - 1) / Stages::kStageBytes; }

  /** Rows but the anchor, from stage s on, are wanted in L2: a hint, of kAhead bytes a row. */
  __device__ void announce(int s) const {
    constexpr int kAhead = std::is_integral_v<T> ? 0 : ANCHOR_AHEAD;
    const int done = s * Stages::kStageBytes;
    if constexpr (kAhead > 0) {
      if (lane() == 0 && alignment_ == kUnitBytes && done + kAhead <= bytes_) {
#pragma unroll
        for (int i = 0; i < kMost; ++i) {
          if (row(i) > 0 && row(i) < kRows) {
            prefetch_l2(from_[i] + done, kAhead);
          }
        }
      }
    }
  }

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
  __device__ static int row(int i) { return warp() + Shape::kWarps * i; }

  template <bool kAnchor, bool kRest>
  __device__ void copy(int s) {
    Words(&stage)[kRows][Stages::kUnits] = ring_.units[s % Stages::kStages];
    const int done = s * Stages::kStageBytes;
    if (alignment_ == kUnitBytes && done + Stages::kStageBytes <= bytes_) {
#pragma unroll
      for (int i = 0; i < kMost; ++i) {
        if (row(i) < kRows && (row(i) == 0 ? kAnchor : kRest)) {
#pragma unroll
          for (int u = 0; u < Stages::kUnits; u += 32) {
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
        for (int u = lane(); u < Stages::kUnits; u += 32) {
          const int offset = done + u * kUnitBytes;
          const int rest = bytes_ - offset;
          copy_unit<T>(&stage[row(i)][u], from_[i] + (rest > 0 ? offset - lane() * kUnitBytes : -lane() * kUnitBytes),
                       rest < 0 ? 0 : (rest < kUnitBytes ? rest : kUnitBytes), alignment_);
        }
      }
    }
  }

  Stages& ring_;
  const char* from_[kMost];
  int bytes_;
  int alignment_;
};

}  // namespace medpruner::cuda

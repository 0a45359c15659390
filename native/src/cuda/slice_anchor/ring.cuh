/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the pair sums of a window are made from: its rows, and the ring of stages in shared memory by which a chunk of
// them reaches a block. Asynchronous copies of 16 bytes fill it, which decouples what is on its way from registers and
// from the lane that adds a value.

#include <stdint.h>

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

/** A thread's part in filling the ring, stage after stage: of rows warp, warp + 3, ... the units that are its lane's. */
template <class T>
class RingFiller {
 public:
  static constexpr int kRows = ChunkWindow::kRows;
  static constexpr int kMost = (kRows - 1) / kGroups + 1;
  static_assert((kRows - 1) % kGroups == 0, "the last of them is warp 0's alone");

  /** Of values [begin, end). */
  __device__ RingFiller(Ring<T>& ring, const WindowRows<T>& rows, int64_t begin, int64_t end,
                        int alignment)
      : ring_(ring),
        rows_(rows),
        begin_(begin),
        bytes_(static_cast<int>(end - begin) * static_cast<int>(sizeof(T))),
        alignment_(alignment),
        whole_(alignment == kUnitBytes ? bytes_ / Ring<T>::kStageBytes : 0) {
#pragma unroll
    for (int i = 0; i < kMost; ++i) {
      const int row = warp() + kGroups * i;
      from_[i] = reinterpret_cast<const char*>(rows.row(row < kRows ? row : 0) + begin) + lane() * kUnitBytes;
    }
  }

  __device__ int stages() const { return (bytes_ + Ring<T>::kStageBytes - 1) / Ring<T>::kStageBytes; }

  /** Row 0, which warp 0 copies. */
  __device__ void set_anchor(const T* anchor) {
    rows_.anchor = anchor;
    if (warp() == 0) {
      from_[0] = reinterpret_cast<const char*>(anchor + begin_) + lane() * kUnitBytes;
    }
  }

  /** Starts the copies of stage s, the next one, to a slot of the ring: of all rows, of all but the anchor, of the anchor. */
  __device__ void fill(int s, int slot) { copy<true, true>(s, slot); }
  __device__ void fill_rows(int s, int slot) { copy<false, true>(s, slot); }
  __device__ void fill_anchor(int s, int slot) { copy<true, false>(s, slot); }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }

  template <bool kAnchor, bool kRest>
  __device__ void copy(int s, int slot) {
    if (s < whole_) {
      // One address in shared memory and one for each row, which go on by a stage: worked out anew from s, addresses
      // were 90 of the 675 instructions that a warp took for a stage of f32.
      Words* const to = &ring_.units[slot][warp()][lane()];
#pragma unroll
      for (int i = 0; i < kMost; ++i) {
        const bool there = i < kMost - 1 || warp() == 0;
        const bool wanted = i > 0 ? kRest : (kAnchor && kRest) || (warp() == 0) == kAnchor;
        if (there && wanted) {
#pragma unroll
          for (int u = 0; u < Ring<T>::kUnits; u += 32) {
            cp_async<kUnitBytes>(to + i * kGroups * Ring<T>::kUnits + u, from_[i] + u * kUnitBytes, kUnitBytes);
          }
          from_[i] += Ring<T>::kStageBytes;
        }
      }
      return;
    }
#pragma unroll 1
    for (int w = warp(); w < kRows; w += kGroups) {
      if (w == 0 ? kAnchor : kRest) {
        const char* const from = reinterpret_cast<const char*>(rows_.row(w) + begin_);
#pragma unroll 1
        for (int u = lane(); u < Ring<T>::kUnits; u += 32) {
          const int offset = s * Ring<T>::kStageBytes + u * kUnitBytes;
          const int rest = bytes_ - offset;
          copy_unit<T>(&ring_.units[slot][w][u], from + (rest > 0 ? offset : 0),
                       rest < 0 ? 0 : (rest < kUnitBytes ? rest : kUnitBytes), alignment_);
        }
      }
    }
  }

  Ring<T>& ring_;
  WindowRows<T> rows_;
  const char* from_[kMost];  // of whole stages
  int64_t begin_;
  int bytes_;
  int alignment_;
  int whole_;  // stages that are copied unit by unit
};

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the pair sums of a window are made from: its rows, and the ring of stages in shared memory by which a chunk of
// them reaches a block. Asynchronous copies of 16 bytes fill it, which decouples what is on its way from registers and
// from the lane that adds a value.

#include <stdint.h>

#include <type_traits>

#include "cuda/common/bulk.cuh"
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
#ifndef ANCHOR_GROUPS
#define ANCHOR_GROUPS 3
#endif
using ChunkWindow = GroupWindow<ANCHOR_GROUPS>;
using PatchWindow = GroupWindow<3>;

#ifndef ANCHOR_STAGES
#define ANCHOR_STAGES 3
#endif
#ifndef ANCHOR_STAGE_BYTES
#define ANCHOR_STAGE_BYTES 1024
#endif
#ifndef ANCHOR_BULK
#define ANCHOR_BULK 1  // 0: copies by cp.async alone
#endif
#ifndef ANCHOR_AHEAD
#define ANCHOR_AHEAD 0
#endif

template <class T, class Shape>
struct Ring {
  static constexpr int kRows = Shape::kRows;
  static constexpr int kStages = Shape::kGroups == ANCHOR_GROUPS ? ANCHOR_STAGES : 3;
  static constexpr int kStageBytes = Shape::kGroups == ANCHOR_GROUPS ? ANCHOR_STAGE_BYTES : 1024;
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

  /**
   * Of values [begin, end). `words`: kStages + 1 in shared memory, whose barriers have begun behind a barrier of the
   * block; `bulk`: the copy engine takes rows that it can take.
   */
  __device__ RingFiller(Stages& ring, uint64_t* words, const WindowRows<T>& rows, int64_t begin, int64_t end,
                        int alignment, bool bulk)
      : ring_(ring),
        words_(words),
        bytes_(static_cast<int>(end - begin) * static_cast<int>(sizeof(T))),
        alignment_(alignment),
        bulk_(bulk && alignment == kUnitBytes && bytes_ % Stages::kStageBytes == 0) {
    if (threadIdx.x <= Stages::kStages) {
      Arrivals(words + threadIdx.x).begin();
    }
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

  /** Whether the barriers of stages say what is there, and cp_async_wait() nothing. */
  __device__ bool bulk() const { return bulk_; }

  /** Starts the copies of stage s of the chunk: of all rows, of all but the anchor, of the anchor. */
  __device__ void fill(int s) { copy<true, true>(s, kRows, stage(s)); }
  __device__ void fill_rows(int s) { copy<false, true>(s, kRows - 1, stage(s)); }
  /** Of `early` stages. */
  __device__ void fill_anchors(int early) {
    const int count = early < stages() ? early : stages();
#pragma unroll 1
    for (int s = 0; s < early; ++s) {
      if (s < count) {
        copy<true, false>(s, s == 0 ? count : 0, anchors());
      }
      cp_async_commit();
    }
  }

  /** All threads: until stage s is there. */
  template <int kLater>
  __device__ void await(int s) {
    stage(s).template wait<kLater>(s / Stages::kStages);
  }
  __device__ void await_anchors() { anchors().template wait<0>(0); }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int row(int i) { return warp() + Shape::kWarps * i; }

  __device__ Arrivals stage(int s) const { return Arrivals(words_ + s % Stages::kStages); }
  __device__ Arrivals anchors() const { return Arrivals(words_ + Stages::kStages); }

  /** `expected` times the bytes of a stage come in this phase of `arrivals`, if any. */
  template <bool kAnchor, bool kRest>
  __device__ void copy(int s, int expected, Arrivals arrivals) {
    Words(&stage)[kRows][Stages::kUnits] = ring_.units[s % Stages::kStages];
    const int done = s * Stages::kStageBytes;
    if (bulk_) {
      if (threadIdx.x == 0 && expected > 0) {
        arrivals.expect(static_cast<uint32_t>(expected * Stages::kStageBytes));
      }
      if (elected()) {
#pragma unroll
        for (int i = 0; i < kMost; ++i) {
          if (row(i) < kRows && (row(i) == 0 ? kAnchor : kRest)) {
            arrivals.copy(stage[row(i)], from_[i] - lane() * kUnitBytes + done, Stages::kStageBytes);
          }
        }
      }
      return;
    }
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
  uint64_t* words_;
  const char* from_[kMost];
  int bytes_;
  int alignment_;
  bool bulk_;
};

}  // namespace medpruner::cuda

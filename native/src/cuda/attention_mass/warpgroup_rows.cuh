/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Where the warpgroups' passes of K2 have their rows in shared memory, and how they come there.

#include <math.h>

#include "cuda/attention_mass/held_rows.cuh"
#include "cuda/common/wgmma.cuh"

namespace medpruner::cuda {

constexpr int kWarpgroupTiles = 2;      // of 64 stationary rows, to each of two warpgroups
constexpr int kWarpgroupRows = 2 * 64 * kWarpgroupTiles;
constexpr int kWarpgroupThreads = 256;
constexpr int kUnitBytes = kStreamRows * 16;  // one unit of 16 bytes of all rows of a stage, not swizzled
constexpr int kHeldUnitBytes = kWarpgroupRows * 16;  // and of all held rows
constexpr int kPartUnits = kSwizzledRow / 16;
constexpr int kPartBytes = kStreamRows * kSwizzledRow;
constexpr int kSwizzleAlign = 1024;  // of a stage

/** Dimensions up to 16 * kSteps. */
template <int kSteps>
struct WarpgroupShape {
  // On a multiprocessor. Two do not wait at the same barriers, so that one's products run beside the other's
  // exponentials; longer rows leave shared memory for one.
  static constexpr int kBlocks = kSteps <= 5 ? 2 : 1;
  static constexpr int kUnits = 2 * kSteps;  // of 16 bytes in a row
  // A stage: 128 bytes of each row swizzled, as often as they fill, the units that are left, the log-sum-exps.
  // L2 is asked for 128 bytes at once where neighbouring threads copy them to 128 bytes of shared memory, else
  // for every 16 by itself.
  static constexpr int kParts = kUnits / kPartUnits;
  static constexpr int kRest = kUnits % kPartUnits;
  static constexpr int kRestAt = kParts * kPartBytes;
  static constexpr int kLseAt = kRestAt + kRest * kUnitBytes;
  static constexpr int kStageBytes =
      (kLseAt + kStreamRows * static_cast<int>(sizeof(float)) + kSwizzleAlign - 1) / kSwizzleAlign * kSwizzleAlign;
  static constexpr int kStages = 4;
  static constexpr int kHeldBytes = kUnits * kHeldUnitBytes;
  static constexpr int kSlots = kHeldBytes + kStages * kStageBytes;  // one f32 a thread, for finish_before_wait()
  static constexpr int kBarrier = kSlots + kWarpgroupThreads * static_cast<int>(sizeof(float));
  static constexpr int kSharedBytes = kBarrier + static_cast<int>(sizeof(uint64_t));

  /** Where a stage has unit `unit` < kPartUnits behind `first`, a multiple of kPartUnits, of a row. */
  __device__ static int place(int first, int row, int unit) {
    return first < kParts * kPartUnits ? first / kPartUnits * kPartBytes + swizzled_unit(row, unit)
                                       : kRestAt + unit * kUnitBytes + row * 16;
  }
  /** From there to the same unit `rows` further down, a multiple of 8. */
  __device__ static constexpr int down(int first, int rows) {
    return rows * (first < kParts * kPartUnits ? kSwizzledRow : 16);
  }
};

/** The operand that streams: what this thread copies of the rows that are next. */
template <int kSteps>
struct UnitStream {
  using Shape = WarpgroupShape<kSteps>;
  static constexpr int kRowsAtOnce = kWarpgroupThreads / kPartUnits;

  const char* rows;  // of the thread's first row, its unit of the first part
  const float* lse;  // in pass 2
  int64_t row_bytes;
  int stages;        // that have rows; negative behind the end
  int last;          // rows of the last of them
  int units;

  __device__ UnitStream(const void* first_row, const float* lse_of_rows, int64_t bytes_apart, int64_t count,
                        int dim)
      : row_bytes(bytes_apart),
        stages(static_cast<int>((count + kStreamRows - 1) / kStreamRows)),
        last(static_cast<int>((count - 1) % kStreamRows) + 1),
        units(dim / 8) {
    rows = static_cast<const char*>(first_row) + own_row() * bytes_apart + own_unit() * 16;
    lse = lse_of_rows + lse_row();
  }
  /** Rows of the next stage. */
  __device__ int valid() const { return stages > 1 ? kStreamRows : stages == 1 ? last : 0; }

  /** Starts copying the next kStreamRows rows; zeros beyond the last. */
  template <bool kLse>
  __device__ void copy(unsigned char* stage) {
    const int valid = this->valid();
#pragma unroll
    for (int first = 0; first < Shape::kUnits; first += kPartUnits) {
      if (first + own_unit() < units) {
#pragma unroll
        for (int r = 0; r < kStreamRows; r += kRowsAtOnce) {
          cp_async<16>(stage + Shape::place(first, own_row(), own_unit()) + Shape::down(first, r),
                       rows + r * row_bytes + first * 16, own_row() + r < valid ? 16 : 0);
        }
      }
    }
    if (kLse) {
      float* const value = reinterpret_cast<float*>(stage + Shape::kLseAt) + lse_row();
      if (lse_row() < valid) {
        cp_async<4>(value, lse, 4);
      }
      if (lse_row() < kStreamRows && lse_row() >= valid) {
        *value = INFINITY;  // 2^(s - inf) adds nothing
      }
      lse += kStreamRows;
    }
    rows += kStreamRows * row_bytes;
    --stages;
  }

 private:
  // Neighbours copy the units of a row: eight lie in 128 bytes in both memories.
  __device__ static int own_row() { return static_cast<int>(threadIdx.x) / kPartUnits; }
  __device__ static int own_unit() { return static_cast<int>(threadIdx.x) % kPartUnits; }
  __device__ static int lse_row() { return static_cast<int>(threadIdx.x); }
};

/** The larger of two magnitudes of 16 bits in each half. */
__device__ inline uint32_t larger_halves(uint32_t a, uint32_t b) {
  const uint32_t low = max(a & 0x7fffu, b & 0x7fffu);
  const uint32_t high = max(a & 0x7fff0000u, b & 0x7fff0000u);
  return low | high;
}

/**
 * Copies the block's rows, zeros from the valid-th on, to where products find them, or only looks at them where `to`
 * is null; returns the bits of the largest magnitude that the warp has met: those of NaN and infinity are the largest.
 */
template <int kUnits>
__device__ inline uint32_t hold_rows(unsigned char* to, const void* rows, int64_t row_bytes, int64_t valid,
                                     int units) {
  constexpr int kNeighbours = 4;
  constexpr int kRowsAtOnce = kWarpgroupThreads / kNeighbours;
  constexpr int kOwnRows = kWarpgroupRows / kRowsAtOnce;
  constexpr int kOwnUnits = (kUnits + kNeighbours - 1) / kNeighbours;
  const int first_row = static_cast<int>(threadIdx.x) / kNeighbours;
  const int first_unit = static_cast<int>(threadIdx.x) % kNeighbours;
  uint4 values[kOwnRows][kOwnUnits];  // all on their way before the first is looked at
#pragma unroll
  for (int r = 0; r < kOwnRows; ++r) {
    const int row = first_row + r * kRowsAtOnce;
    const auto* from = reinterpret_cast<const uint4*>(static_cast<const char*>(rows) + row * row_bytes);
#pragma unroll
    for (int u = 0; u < kOwnUnits; ++u) {
      const int unit = first_unit + u * kNeighbours;
      values[r][u] = row < valid && unit < units ? from[unit] : make_uint4(0, 0, 0, 0);
    }
  }
  uint32_t peaks = 0;
#pragma unroll
  for (int r = 0; r < kOwnRows; ++r) {
#pragma unroll
    for (int u = 0; u < kOwnUnits; ++u) {
      const uint4 v = values[r][u];
      const int unit = first_unit + u * kNeighbours;
      peaks = larger_halves(peaks, larger_halves(larger_halves(v.x, v.y), larger_halves(v.z, v.w)));
      if (to != nullptr && unit < kUnits) {
        *reinterpret_cast<uint4*>(to + unit * kHeldUnitBytes + (first_row + r * kRowsAtOnce) * 16) = v;
      }
    }
  }
  return WarpReductions::max(max(peaks & 0x7fffu, peaks >> 16));
}

/** The streamed rows of a stage, as products take them. */
template <int kSteps>
struct StreamedRows {
  using Shape = WarpgroupShape<kSteps>;
  SharedMatrix parts, rest;

  __device__ explicit StreamedRows(const unsigned char* stage)
      : parts(swizzled_matrix(stage)), rest(shared_matrix(stage + Shape::kRestAt, kUnitBytes, 128)) {}
  /** The 16 components of step s in the stage `bytes` behind that one. */
  __device__ SharedMatrix step(int s, int bytes) const {
    constexpr int kPartSteps = kPartUnits / 2;
    return s < Shape::kParts * kPartSteps
               ? parts.behind(bytes).behind(s / kPartSteps * kPartBytes + s % kPartSteps * 32)
               : rest.behind(bytes).behind((s - Shape::kParts * kPartSteps) * 2 * kUnitBytes);
  }
};

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The passes of K2 by warpgroup products, for f16 and bf16 on sm_90 with rows aligned to 16 bytes: as
// tensor_pass.cuh, but the tensor cores read the streamed rows from shared memory by themselves and multiply the
// next tile while the warps take the exponentials of this one, so that these are what the time goes to.

#include <math.h>

#include "cuda/attention_mass/warpgroup_rows.cuh"
#include "cuda/common/split_barrier.cuh"

namespace medpruner::cuda {

using WarpgroupRows = LaneRows<2>;
/** Of a lane's two rows with the streamed ones, as warpgroup_multiply() leaves them. */
using TileScores = float[32];

/** Starts multiplying 64 held rows with those of a stage. */
template <class T, int kSteps>
__device__ inline void start_products(SharedMatrix held, const StreamedRows<kSteps>& streamed, int stage,
                                      TileScores& scores) {
  warpgroup_arrive();
  warpgroup_multiply<false>(scores, held, streamed.step(0, stage), T());
#pragma unroll
  for (int s = 1; s < kSteps; ++s) {
    warpgroup_multiply<true>(scores, held.behind(s * 2 * kHeldUnitBytes), streamed.step(s, stage), T());
  }
  warpgroup_commit();
}

/** Pass 1: columns from the valid-th on count for nothing. */
__device__ inline void mask_tile(TileScores& scores, int valid) {
  const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    if (i / 4 * 8 + pair + i % 2 >= valid) {
      scores[i] = -INFINITY;
    }
  }
}

/** Pass 1: raises the rows' tops where these scores need it. */
__device__ inline void raise_tops(const TileScores& scores, float factor, WarpgroupRows& rows) {
  rows.raise<16>(factor, [&](int row, int n) { return scores[n / 2 * 4 + row * 2 + n % 2]; });
}

/** Pass 2: so many pairs of a lane's log-sum-exps are read before the product is there. */
constexpr int kEarly = 2;
using EarlyShifts = float2[kEarly];

/** Adds the exponentials of a tile: pass 2: 2^(score * factor - lse), pass 1: 2^(score * factor - top). */
template <bool kColumns, bool kCareful>
__device__ inline void add_exponentials(const TileScores& scores, const EarlyShifts& early, const float* lse,
                                        float factor, WarpgroupRows& rows) {
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    const float2 shift = !kColumns    ? make_float2(0, 0)
                         : n < kEarly ? early[n % kEarly]
                                      : *reinterpret_cast<const float2*>(lse + n * 8);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float score = scores[n * 4 + i];
      const int row = i / 2;
      if (kColumns && kCareful) {
        rows.extreme = fmaxf(rows.extreme, fabsf(score));
      }
      const float minus = !kColumns ? rows.top[row] : (i % 2 == 0 ? shift.x : shift.y);
      const float share = exp2_approx(fmaf(score, factor, -minus));
      rows.part[row] = n == 0 && i % 2 == 0 ? share : rows.part[row] + share;
    }
  }
}

/** The scores of a tile, which are there: adds them to its rows. `unusual`: pass 1, the first or the last rows. */
template <bool kColumns, bool kCareful>
__device__ inline void add_tile(TileScores& scores, const EarlyShifts& early, const float* lse, float factor, int valid,
                                bool unusual, WarpgroupRows& rows) {
  if (!kColumns && (kCareful || unusual)) {
    if (valid < kStreamRows) {
      mask_tile(scores, valid);
    }
    raise_tops(scores, factor, rows);
  }
  add_exponentials<kColumns, kCareful>(scores, early, lse, factor, rows);
  if (!kColumns && !kCareful) {
    rows.lower();
  }
  rows.end_tile();
}

/** Starts the copies that stream_tiles() waits for first, into stages that nobody reads any more. */
template <bool kColumns, int kSteps>
__device__ inline void begin_stream(UnitStream<kSteps>& stream, const Stages& stages) {
#pragma unroll
  for (int s = 0; s < WarpgroupShape<kSteps>::kStages - 1; ++s) {
    stream.template copy<kColumns>(stages.ahead(s));
    cp_async_commit();
  }
}

/**
 * Adds up what all of the streamed rows, `left` stages of which the last has `last`, give to the held ones; careful
 * as stream_rows() of tensor_pass.cuh. While one of a warpgroup's tiles is added, the product of the other runs: of
 * the same rows, or the first tile with the rows that follow. All threads of the block, whether they hold rows or
 * not, and all products, whether there are rows or not: ptxas makes them wait for one another where it cannot see
 * that a warpgroup runs them together, or across the end of a loop (C7514, C7518), which none of them therefore
 * crosses. It also starts products one by one among the arithmetic behind them, unless something that it moves
 * nothing across stands between: the fence, the copies.
 */
template <class T, int kSteps, bool kColumns, bool kCareful>
__device__ inline void stream_tiles(SharedMatrix held, UnitStream<kSteps>& stream, int left, int last, Stages& stages,
                                    SplitBarrier& barrier, float* slot, float factor,
                                    WarpgroupRows (&rows)[kWarpgroupTiles]) {
  using Shape = WarpgroupShape<kSteps>;
  static_assert(kWarpgroupTiles == 2, "one that is multiplied, one that is added");
  rows[0].clear();
  rows[1].clear();
  cp_async_wait<Shape::kStages - 2>();
  fence_for_products();
  __syncthreads();  // the first stage is complete
  const StreamedRows<kSteps> streamed(stages.shared);
  const unsigned char* const own_lse =
      stages.shared + Shape::kLseAt + threadIdx.x % 4 * static_cast<unsigned>(sizeof(float2));
  int former = stages.offset(Shape::kStages - 1);
  TileScores first, second;
  start_products<T>(held, streamed, stages.stage, first);
  warpgroup_wait<0>(first);
  bool unusual = true;
  while (left > 0) {
    const int stage = stages.stage;
    const float* const lse = reinterpret_cast<const float*>(own_lse + stage);
    EarlyShifts early;
#pragma unroll
    for (int n = 0; kColumns && n < kEarly; ++n) {
      early[n] = *reinterpret_cast<const float2*>(lse + n * 8);
    }
    start_products<T>(held.behind(64 * 16), streamed, stage, second);
    cp_async_wait<Shape::kStages - 3>();
    fence_for_products();
    barrier.arrive();
    stages.advance();
    const int valid = left == 1 ? last : kStreamRows;
    unusual = unusual || left == 1;
    add_tile<kColumns, kCareful>(first, early, lse, factor, valid, unusual, rows[0]);
    finish_before_wait(slot, rows[0].sum[0].sum + rows[0].sum[1].sum);
    warpgroup_wait<0>(second);
    barrier.wait();  // the next stage is complete, and the one before has been read
    start_products<T>(held, streamed, stages.stage, first);
    stream.template copy<kColumns>(stages.shared + former);
    cp_async_commit();
    add_tile<kColumns, kCareful>(second, early, lse, factor, valid, unusual, rows[1]);
    finish_before_wait(slot, rows[1].sum[0].sum + rows[1].sum[1].sum);
    warpgroup_wait<0>(first);
    unusual = false;
    former = stage;
    --left;
  }
  cp_async_wait<0>();
}

/**
 * Grid over items, strided; kColumns: the stationary rows are K's and the result is the column mass; else Q's, and
 * their log-sum-exp. The head dimension is a multiple of 8 and all rows are aligned to 16 bytes.
 */
template <class T, int kSteps, bool kColumns>
__global__ void __launch_bounds__(kWarpgroupThreads, WarpgroupShape<kSteps>::kBlocks)
    mass_warpgroup_pass(AttentionMassArgs args, MassWorkspace workspace, float factor) {
  using Shape = WarpgroupShape<kSteps>;
  using Stream = UnitStream<kSteps>;
  MEDPRUNER_SWIZZLED_SHARED(shared);
  const int dim = static_cast<int>(args.dim);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  // Rows have units that they do not fill, and no copy reaches those.
  for (int unit = dim / 8; unit < Shape::kUnits; ++unit) {
    for (int at = thread; at < Shape::kStages * kStreamRows; at += kWarpgroupThreads) {
      *reinterpret_cast<uint4*>(shared + Shape::kHeldBytes + at / kStreamRows * Shape::kStageBytes +
                                Shape::place(unit / kPartUnits * kPartUnits, at % kStreamRows, unit % kPartUnits)) =
          make_uint4(0, 0, 0, 0);
    }
  }
  float* const slot = reinterpret_cast<float*>(shared + Shape::kSlots) + thread;
  SplitBarrier barrier(reinterpret_cast<uint64_t*>(shared + Shape::kBarrier), kWarpgroupThreads);
  const unsigned items = mass_items(args, workspace.tiles);
  // From a shuffle, so that the compiler sees that all lanes have one descriptor.
  const int warpgroup = __shfl_sync(kAllLanes, thread / 128, 0);
  const SharedMatrix held =
      shared_matrix(shared + warpgroup * kWarpgroupTiles * 64 * 16, kHeldUnitBytes, 128);
  Stages stages = {shared + Shape::kHeldBytes, Shape::kStageBytes, Shape::kStages * Shape::kStageBytes};
  for (unsigned item = blockIdx.x; item < items; item += gridDim.x) {
    const MassItem at(args, workspace.tiles, item, kWarpgroupRows, 0);
    const T* query = static_cast<const T*>(args.query) + at.begin * args.query_row_stride +
                     at.head * args.query_head_stride;
    const T* key = static_cast<const T*>(args.key) + at.begin * args.key_row_stride +
                   at.head * args.key_head_stride;
    const int64_t query_bytes = args.query_row_stride * static_cast<int64_t>(sizeof(T));
    const int64_t key_bytes = args.key_row_stride * static_cast<int64_t>(sizeof(T));
    const int64_t block_rest = at.length - at.first;
    const Stream all(kColumns ? query : key, workspace.lse + at.head * args.rows + at.begin,
                     kColumns ? query_bytes : key_bytes, at.length, dim);
    ScorePeaks* const peaks = &workspace.peaks[at.segment * args.heads + at.head];
    bool careful = false;
    __syncthreads();  // the rows held before have been multiplied
    Stream stream = all;
    begin_stream<kColumns>(stream, stages);
    const T* const own_key = key + at.first * args.key_row_stride;
    if (kColumns) {
      hold_rows<Shape::kUnits>(shared, own_key, key_bytes, block_rest, dim / 8);
      careful = needs_care<T>(*peaks, dim, factor);
    } else {
      const uint32_t key_peak = hold_rows<Shape::kUnits>(nullptr, own_key, key_bytes, block_rest, dim / 8);
      const T* const own_query = query + at.first * args.query_row_stride;
      const uint32_t query_peak = hold_rows<Shape::kUnits>(shared, own_query, query_bytes, block_rest, dim / 8);
      if (lane == 0) {
        atomicMax(&peaks->key, key_peak);
        atomicMax(&peaks->query, query_peak);
      }
    }
    // Of the warp's rows in the first of its tiles; those in the second lie 64 rows behind.
    const int warp_first = thread / 128 * kWarpgroupTiles * 64 + thread % 128 / 32 * 16;
    const int64_t rest = block_rest - warp_first;
    WarpgroupRows rows[kWarpgroupTiles];
    if (careful) {
      stream_tiles<T, kSteps, kColumns, kColumns>(held, stream, all.stages, all.last, stages, barrier, slot, factor,
                                                  rows);
    } else {
      stream_tiles<T, kSteps, kColumns, false>(held, stream, all.stages, all.last, stages, barrier, slot, factor,
                                                  rows);
    }
    float* const out = (kColumns ? workspace.head_mass : workspace.lse) + at.head * args.rows +
                       at.begin + at.first + warp_first;
    unsigned broken = 0;  // bit by row
    const auto write = [&](unsigned wanted) {
#pragma unroll
      for (int i = 0; i < 2 * kWarpgroupTiles; ++i) {
        const float result = row_result<kColumns>(rows[i / 2], i % 2);
        const int row = i / 2 * 64 + i % 2 * 8 + lane / 4;
        broken |= row < rest && non_finite(result) ? 1u << i : 0u;
        if ((wanted >> i & 1u) != 0 && lane % 4 == 0 && row < rest) {
          out[row] = result;
        }
      }
    };
    write(~0u);
    if (kColumns) {
      if (non_finite(fmaxf(rows[0].extreme, rows[1].extreme) * factor)) {
        atomicOr(&args.flags[at.segment], static_cast<uint32_t>(MEDPRUNER_SEGMENT_NON_FINITE));
      }
    } else if (__syncthreads_or(static_cast<int>(broken)) != 0) {
      // Only the rows whose own sums broke, so that no row depends on its block.
      stream = all;
      begin_stream<kColumns>(stream, stages);
      stream_tiles<T, kSteps, kColumns, true>(held, stream, all.stages, all.last, stages, barrier, slot, factor,
                                                  rows);
      write(broken);
    }
  }
}

}  // namespace medpruner::cuda

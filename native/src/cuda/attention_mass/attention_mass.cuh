/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K2: one pass in two roles, row-stationary in both, so that every accumulator lives in registers and
// no float atomic is needed. Rows of Q against K give the log-sum-exp of each row; rows of K against Q
// give the column sums. tensor_pass.cuh and warpgroup_pass.cuh have the pass on
// tensor cores, scalar_pass.cuh the one by fused multiply-adds, steps.cuh what comes before and after. Running sums are compensated (Kahan), because a
// plain f32 chain over thousands of queries would use up the 1e-5 that the header promises. All in base 2.

#include <math.h>
#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

constexpr double kLog2E = 1.4426950408889634;

/** Largest magnitudes of a head's components in a segment, as the 16 bits of f16 or bf16. */
struct ScorePeaks {
  uint32_t query, key;
};

struct MassWorkspace {
  int64_t* tiles;     // [segments + 1]: first row tile of each segment
  float* lse;         // [heads][rows], base 2
  float* head_mass;   // [heads][rows]
  ScorePeaks* peaks;  // [segments][heads]
  float* tails;       // [heads][rows], of scalar_pass.cuh: what is to be added to the lse
};

/** A running sum with the low-order part it could not hold. */
struct Compensated {
  float sum, lost;

  __device__ void add(float value) {
    const float corrected = value - lost;
    const float next = sum + corrected;
    lost = (next - sum) - corrected;
    sum = next;
  }
  __device__ void scale(float factor) {
    sum *= factor;
    lost *= factor;
  }
};

/** Segment whose tiles contain `tile`, by all lanes of a warp; of one tile. */
__device__ inline int64_t segment_of_tile(const int64_t* tiles, int64_t segments, int64_t tile) {
  int64_t low = 0;
  int64_t high = segments;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (tiles[middle] <= tile) {
      low = middle;
    } else {
      high = middle;
    }
  }
  // So that the compiler sees that all lanes have one, whose length and rows are then in uniform registers.
  return __shfl_sync(kAllLanes, static_cast<long long>(low), 0);
}

/**
 * Items of work: a row tile of one head each, numbered heads first. The host takes no more than INT32_MAX of
 * them; only segments that overlap can make more, and what those hold is not specified.
 */
__device__ inline unsigned mass_items(const AttentionMassArgs& args, const int64_t* tiles) {
  const int64_t most = INT32_MAX / args.heads;
  const int64_t count = tiles[args.segments];
  return static_cast<unsigned>((count < most ? count : most) * args.heads);
}

struct MassItem {
  int64_t segment, head;
  int64_t begin, length;  // of the segment
  int64_t first;          // row within it: the one at `offset` in the tile

  __device__ MassItem(const AttentionMassArgs& args, const int64_t* tiles, unsigned item,
                      int tile_rows, int offset) {
    const unsigned heads = static_cast<unsigned>(args.heads);
    const int64_t tile = item / heads;
    head = item % heads;
    segment = segment_of_tile(tiles, args.segments, tile);
    begin = args.offsets[segment];
    length = args.offsets[segment + 1] - begin;
    first = (tile - tiles[segment]) * tile_rows + offset;
  }
};

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for long segments on sm_90: a cluster of blocks has a segment, keys and weights in registers, from the scores
// to the list in one launch. The threshold key is found digit by digit: mass and number of the keys in each bin of
// what is left of the key range, then the bin in which the prefix ends. Blocks write their sums into one another's
// shared memory, one barrier of the cluster a digit, and every block picks the same bin from the same sums.

#include "cuda/common/prefetch.cuh"
#include "cuda/nucleus_select/cluster_tokens.cuh"
#include "cuda/nucleus_select/registers.cuh"

namespace medpruner::cuda {

/** The bin in which the prefix ends. One warp; the one lane whose bins it ends in writes shared.picked. */
__device__ inline void pick_in_cluster(const NucleusSelectArgs& args, ClusterShared& shared, int n,
                                       bool first, uint32_t low, int shift, float max) {
  constexpr int kOwn = kClusterBins / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int highest = kClusterBins - 1 - lane * kOwn;  // then those below: the order of the prefix
  uint64_t own_mass = 0;
  uint32_t own_rows = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    own_mass += shared.masses[highest - k];
    own_rows += shared.numbers[highest - k];
  }
  uint64_t mass = own_mass;  // of the bins from the top on
  uint32_t rows = own_rows;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const uint64_t more_mass =
        __shfl_up_sync(kAllLanes, static_cast<unsigned long long>(mass), distance);
    const uint32_t more_rows = __shfl_up_sync(kAllLanes, rows, distance);
    mass += lane >= distance ? more_mass : 0;
    rows += lane >= distance ? more_rows : 0;
  }
  Goal goal;
  if (first) {
    const uint64_t total = __shfl_sync(kAllLanes, static_cast<unsigned long long>(mass), 31);
    goal = goal_of(args, mass_target(args.tau_q62, total), n);
    if (lane == 0) {
      shared.total = total;
      shared.goal = goal;
    }
  } else {
    goal = shared.goal;
    mass += shared.picked.above_mass;
    rows += shared.picked.above_rows;
  }
  const bool ends_here =
      goal.reached(mass, rows) && !goal.reached(mass - own_mass, rows - own_rows);
  __syncwarp();  // shared.picked has been read
  if (!ends_here) {
    return;
  }
  mass -= own_mass;
  rows -= own_rows;
  int bin = highest;
  while (!goal.reached(mass + shared.masses[bin], rows + shared.numbers[bin])) {
    mass += shared.masses[bin];
    rows += shared.numbers[bin];
    --bin;
  }
  const uint32_t key = low + (static_cast<uint32_t>(bin) << shift);
  Picked picked = {mass, mass + shared.masses[bin], rows, key, rows + shared.numbers[bin],
                   shared.numbers[bin]};
  if (shift == 0 && picked.ties > 1) {
    const uint64_t unit = weight_of(args, key, max);
    if (goal.reached(picked.kept_mass - unit, picked.kept - 1)) {
      const uint64_t ties = goal.ties(mass, rows, unit);
      picked.ties = static_cast<uint32_t>(ties);
      picked.kept = rows + picked.ties;
      picked.kept_mass = mass + ties * unit;
    }
  }
  shared.picked = picked;
}

/** Everything about segment g, the n > 0 rows from `begin` on. All threads of the cluster. */
__device__ inline void select_in_cluster(const NucleusSelectArgs& args, int64_t g, int64_t begin, int n,
                                         ClusterShared& shared) {
  const int lane = ClusterTokens::lane();
  const int warp = ClusterTokens::warp();
  const unsigned rank = cluster_rank();
  ClusterTokens tokens(shared, n);
  const uint2 range = tokens.load(args.scores + begin, n);
  const uint32_t flags = flags_of_range(range.x, range.y, args.mass_score);
  const bool whole = flags != 0;
  uint32_t threshold = 0;
  uint32_t kept = static_cast<uint32_t>(n);
  uint32_t ties = 0;
  uint32_t above_before = 0;  // rows above the threshold before those of this warp, and rows of its key
  uint32_t ties_before = 0;
  if (!whole) {
    const float max = bits_to_float(key_to_bits(range.y));
    tokens.weigh(args, max);
    threshold = range.x;
    uint32_t span = range.y - range.x;
    int shift = 32 - __clz(static_cast<int>(span)) - kClusterDigit;
    shift = shift > 0 ? shift : 0;
    bool first = true;
    uint2 of_block = make_uint2(0, 0);  // of the block whose number is the warp's: counts
    for (int turn = 0;; turn ^= 1) {
      tokens.share_bins(threshold, span, shift, turn);
      tokens.add_up_bins(turn);
      if (warp == 0) {
        pick_in_cluster(args, shared, n, first, threshold, shift, max);
      }
      __syncthreads();
      if (warp < static_cast<int>(cluster_blocks())) {
        const uint32_t bin = (shared.picked.low - threshold) >> shift;
        const uint32_t rows = tokens.rows_of_block(turn, static_cast<int>(bin));
        of_block = make_uint2(of_block.x + (rows & 0xffffu), rows >> 16);
      }
      threshold = shared.picked.low;
      if (shift == 0) {
        break;
      }
      first = false;
      span = (1u << shift) - 1u;
      shift = shift > kClusterDigit ? shift - kClusterDigit : 0;
    }
    kept = shared.picked.kept;
    ties = shared.picked.ties;

    uint32_t count = 0;
#pragma unroll
    for (int j = 0; j < kClusterItems; ++j) {
      const uint32_t key = tokens.keys[j];
      count += static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, key > threshold))) +
               (static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, key == threshold))) << 16);
    }
    if (lane == 0) {
      shared.warp_counts[warp] = count;
      if (warp < static_cast<int>(cluster_blocks())) {
        shared.counts[warp] = of_block;
      }
    }
    __syncthreads();
    const uint32_t before = WarpReductions::add(lane < warp ? shared.warp_counts[lane] : 0);
    const uint2 part = lane < static_cast<int>(rank) ? shared.counts[lane] : make_uint2(0, 0);
    above_before = WarpReductions::add(part.x) + (before & 0xffffu);
    ties_before = WarpReductions::add(part.y) + (before >> 16);
  }

  const unsigned earlier = (1u << lane) - 1u;
  uint8_t* const mask = args.mask + begin;
  int64_t* const list = args.kept_indices + begin;
#pragma unroll
  for (int j = 0; j < kClusterItems; ++j) {
    const int i = tokens.first + j * 32;
    const bool inside = j < tokens.items && i < n;
    const bool tie = !whole && inside && tokens.keys[j] == threshold;
    const bool above = inside && (whole || tokens.keys[j] > threshold);
    const unsigned all_above = __ballot_sync(kAllLanes, above);
    const unsigned all_ties = __ballot_sync(kAllLanes, tie);
    const uint32_t tied = ties_before + static_cast<uint32_t>(__popc(all_ties & earlier));
    const uint32_t passed = above_before + static_cast<uint32_t>(__popc(all_above & earlier)) +
                            (tied < ties ? tied : ties);
    above_before += static_cast<uint32_t>(__popc(all_above));
    ties_before += static_cast<uint32_t>(__popc(all_ties));
    if (inside) {
      const bool take = above || (tie && tied < ties);
      const uint32_t row = static_cast<uint32_t>(i);
      mask[i] = take ? 1 : 0;
      // Dropped rows fill the list behind the kept ones.
      list[whole ? row : (take ? passed : kept + row - passed)] = take ? begin + i : -1;
    }
  }
  if (rank == 0 && threadIdx.x == 0) {
    args.flags[g] = flags;
    args.kept_counts[g] = kept;
    args.kept_mass[g] = whole ? 1
                              : static_cast<double>(shared.picked.kept_mass) /
                                    static_cast<double>(shared.total);
  }
}

/** A cluster per segment; its blocks fetch a share of all scores ahead of knowing their own. */
__global__ void __launch_bounds__(kClusterThreads, 1)
    nucleus_cluster(NucleusSelectArgs args, int64_t share) {
  MEDPRUNER_DYNAMIC_SHARED(bytes);
  ClusterShared& shared = *reinterpret_cast<ClusterShared*>(bytes);
  announce_to_cluster();
  const int64_t line = threadIdx.x * int64_t{32};  // floats of 128 bytes
  if (line < share && blockIdx.x * share + line < args.rows) {
    prefetch_l2(args.scores + blockIdx.x * share + line);
  }
  const int64_t g = blockIdx.x / cluster_blocks();
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
  for (int bin = static_cast<int>(threadIdx.x) / 32; bin < 2 * kClusterBins; bin += kClusterWarps) {
    shared.words[bin / kClusterBins][bin % kClusterBins][threadIdx.x % 32] = 0;
  }
  for (int i = static_cast<int>(threadIdx.x); i < 2 * kClusterBlocks * kClusterBins;
       i += kClusterThreads) {
    shared.sums[i / (kClusterBlocks * kClusterBins)][i / kClusterBins % kClusterBlocks]
               [i % kClusterBins] = 0;
  }
  await_cluster();
  if (!good || begin == end) {
    if (cluster_rank() == 0 && threadIdx.x == 0) {
      note_empty(args, g, good);
    }
    return;
  }
  select_in_cluster(args, g, begin, static_cast<int>(end - begin), shared);
}

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for long segments on sm_90: a cluster of blocks has a segment, keys and weights in registers, from the scores
// to the list in one launch. The threshold key is found digit by digit: mass and number of the keys in each bin of
// what is left of the key range, then the bin in which the prefix ends. Each block adds up a share of the bins, from
// what all blocks send it, and sends all blocks the sums; then every block picks the same bin.

#include "cuda/common/cluster.cuh"
#include "cuda/common/prefetch.cuh"
#include "cuda/nucleus_select/goal.cuh"
#include "cuda/nucleus_select/registers.cuh"

namespace medpruner::cuda {

constexpr int kClusterBlocks = 16;  // at most
constexpr int kClusterThreads = 1024;
constexpr int kClusterWarps = kClusterThreads / 32;
constexpr int kClusterItems = 8;  // tokens a thread
constexpr int kClusterDigit = 7;  // bits
constexpr int kClusterBins = 1 << kClusterDigit;
constexpr int kWarpBins = kClusterBins / kClusterWarps;  // that a warp adds up
static_assert(kClusterWarps == 32 && kWarpBins == 4 && kClusterBlocks == 16, "a lane each");

/** Mass of some rows of one block and, from bit 48 on, their number: at most 8192 of 2^31 each. */
constexpr int kBlockNumberShift = 48;

/** Where the prefix ends, as far as it is known. */
struct Picked {
  uint64_t above_mass;  // of the keys above the bin
  uint64_t kept_mass;   // when the bin is one key, as are `kept` and `ties`
  uint32_t above_rows;
  uint32_t low;  // the bin's smallest key
  uint32_t kept, ties;
};

/** What is sent to a block. */
struct ClusterMail {
  Mailbox ranges, parts, sums, counts;
};

struct ClusterShared {
  ClusterMail mail;
  uint64_t parts[2][kClusterBlocks][kClusterBins];  // by each block, of the bins that this one adds up; in turn
  ulonglong2 sums[kClusterBins];                    // mass and number over the segment
  uint32_t words[2][kClusterBins][32];              // of the block's own rows, a column a lane; 0 before
  uint64_t ranges[kClusterBlocks];  // smallest key, and from bit 32 on the largest
  uint64_t counts[kClusterBlocks];  // rows above the threshold, and from bit 16 on those of its key
  uint2 warp_ranges[kClusterWarps];
  uint32_t warp_counts[kClusterWarps];  // as counts
  uint64_t total;
  Goal goal;
  Picked picked;
};

/** Of each block; the bins of four that each warp has go to the blocks in turn. */
__device__ inline uint32_t bytes_of_parts() {
  const uint32_t warps = (kClusterWarps - 1 - cluster_rank()) / cluster_blocks() + 1;
  return warps * kWarpBins * cluster_blocks() * static_cast<uint32_t>(sizeof(uint64_t));
}

/** The tokens of a segment: item j of lane l of warp w, of all warps of the cluster, is (w * items + j) * 32 + l. */
struct ClusterTokens {
  uint32_t keys[kClusterItems];  // 0, below every key of a segment without NaN, where there is no token
  uint32_t weights[kClusterItems];
  ClusterShared& shared;
  int items, first;

  __device__ ClusterTokens(ClusterShared& s, int n) : shared(s) {
    const int warps = static_cast<int>(cluster_blocks()) * kClusterWarps;
    items = (n + warps * 32 - 1) / (warps * 32);
    first = (static_cast<int>(cluster_rank()) * kClusterWarps + warp()) * items * 32 + lane();
  }
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }

  /** Loads the keys; the smallest and the largest one of the segment. */
  __device__ uint2 load(const float* scores, int n) {
    uint2 range = make_uint2(0xffffffffu, 0);
#pragma unroll
    for (int j = 0; j < kClusterItems; ++j) {
      const int i = first + j * 32;
      keys[j] = j < items && i < n ? float_to_bits(scores[i]) : 0;
    }
#pragma unroll
    for (int j = 0; j < kClusterItems; ++j) {
      const bool inside = j < items && first + j * 32 < n;
      keys[j] = inside ? order_key(keys[j]) : 0;
      range.x = inside && keys[j] < range.x ? keys[j] : range.x;
      range.y = keys[j] > range.y ? keys[j] : range.y;
    }
    range = make_uint2(WarpReductions::min(range.x), WarpReductions::max(range.y));
    if (lane() == 0) {
      shared.warp_ranges[warp()] = range;
    }
    __syncthreads();
    const int blocks = static_cast<int>(cluster_blocks());
    if (warp() == 0) {
      const uint2 part = shared.warp_ranges[lane()];
      const uint64_t low = WarpReductions::min(part.x);
      const uint64_t high = WarpReductions::max(part.y);
      if (lane() == 0) {
        expect_mail(&shared.mail.ranges, static_cast<uint32_t>(blocks) * 8);
      }
      if (lane() < blocks) {
        send(&shared.ranges[cluster_rank()], static_cast<unsigned>(lane()), high << 32 | low,
             &shared.mail.ranges);
      }
    }
    await_mail(&shared.mail.ranges, 0);
    const uint64_t part = lane() < blocks ? shared.ranges[lane()] : 0xffffffffu;
    return make_uint2(WarpReductions::min(static_cast<uint32_t>(part)),
                      WarpReductions::max(static_cast<uint32_t>(part >> 32)));
  }

  __device__ void weigh(const NucleusSelectArgs& args, float max) {
    if (args.mass_score) {
#pragma unroll
      for (int j = 0; j < kClusterItems; ++j) {
        weights[j] = keys[j] != 0 ? weight_of(args, keys[j], max) : 0;
      }
    } else {
#pragma unroll
      for (int j = 0; j < kClusterItems; ++j) {  // without a branch, so that their chains overlap
        const uint32_t weight =
            softmax_weight(bits_to_float(key_to_bits(keys[j])), max, args.factor);
        weights[j] = keys[j] != 0 ? weight : 0;
      }
    }
  }

  /**
   * The block's rows with a key in [low, low + span], by bins of 2^shift keys, to those who add up. A lane's share of a
   * bin is two words, for shared memory has no 64-bit addition: at most 256 rows in 9 bits with the low 15 bits of
   * their weights above them, and the rest of the weights. A column for each lane, so no two meet at a bank.
   */
  __device__ void share_bins(uint32_t low, uint32_t span, int shift, int turn) {
    constexpr int kNumber = 9;
    constexpr int kLow = 15;
    static_assert(kClusterItems * kClusterWarps < 1 << kNumber && kNumber + kLow + 8 <= 32, "fields");
    if (threadIdx.x == 0) {
      expect_mail(&shared.mail.parts, bytes_of_parts());
      expect_mail(&shared.mail.sums, sizeof shared.sums);
    }
#pragma unroll
    for (int j = 0; j < kClusterItems; ++j) {
      const uint32_t at = keys[j] - low;
      if (at <= span) {
        const uint32_t bin = at >> shift;
        atomicAdd(&shared.words[0][bin][lane()],
                  1u | (weights[j] & ((1u << kLow) - 1u)) << kNumber);
        atomicAdd(&shared.words[1][bin][lane()], weights[j] >> kLow);
      }
    }
    __syncthreads();
    uint64_t sums[kWarpBins];
#pragma unroll
    for (int b = 0; b < kWarpBins; ++b) {
      const int bin = warp() * kWarpBins + b;
      const uint32_t low_word = shared.words[0][bin][lane()];
      sums[b] = 0;
      if (__any_sync(kAllLanes, low_word != 0)) {
        const uint32_t high_word = shared.words[1][bin][lane()];
        shared.words[0][bin][lane()] = 0;  // for the next digit
        shared.words[1][bin][lane()] = 0;
        const uint64_t number = WarpReductions::add(low_word & ((1u << kNumber) - 1u));
        const uint64_t high = WarpReductions::add(high_word);
        sums[b] = (number << kBlockNumberShift) + (high << kLow) +
                  WarpReductions::add(low_word >> kNumber);
      }
    }
    if (lane() < 2) {
      const ulonglong2 pair =
          lane() == 0 ? make_ulonglong2(sums[0], sums[1]) : make_ulonglong2(sums[2], sums[3]);
      uint64_t* const to = &shared.parts[turn][cluster_rank()][warp() * kWarpBins + lane() * 2];
      send(reinterpret_cast<ulonglong2*>(to), static_cast<unsigned>(warp()) % cluster_blocks(), pair,
           &shared.mail.parts);
    }
  }

  /** Adds up the bins that are this block's to add, and sends the sums to all blocks. One warp. */
  __device__ void add_up_bins(int turn) {
    static_assert(kWarpBins == 4 && kClusterBlocks == 16, "a bin of two blocks to a lane");
    const unsigned blocks = cluster_blocks();
    await_mail(&shared.mail.parts, static_cast<unsigned>(turn));
    const unsigned block = static_cast<unsigned>(lane()) / kWarpBins;
#pragma unroll 2
    for (unsigned w = cluster_rank(); w < kClusterWarps; w += blocks) {
      const unsigned bin = w * kWarpBins + static_cast<unsigned>(lane()) % kWarpBins;
      uint64_t mass = 0;
      uint32_t number = 0;
#pragma unroll
      for (unsigned half = 0; half < 2; ++half) {
        const uint64_t part =
            block + half * 8 < blocks ? shared.parts[turn][block + half * 8][bin] : 0;
        mass += part & ((uint64_t{1} << kBlockNumberShift) - 1);
        number += static_cast<uint32_t>(part >> kBlockNumberShift);
      }
#pragma unroll
      for (int distance = kWarpBins; distance < 32; distance *= 2) {
        mass += __shfl_xor_sync(kAllLanes, static_cast<unsigned long long>(mass), distance);
        number += __shfl_xor_sync(kAllLanes, number, distance);
      }
#pragma unroll
      for (unsigned half = 0; half < 2; ++half) {
        if (block + half * 8 < blocks) {
          send(&shared.sums[bin], block + half * 8, make_ulonglong2(mass, number), &shared.mail.sums);
        }
      }
    }
  }
};

/** The bin in which the prefix ends. One warp; the one lane whose bins it ends in writes shared.picked. */
__device__ inline void pick_in_cluster(const NucleusSelectArgs& args, ClusterShared& shared, int n,
                                       bool first, int turn, uint32_t low, int shift, float max) {
  constexpr int kOwn = kClusterBins / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int highest = kClusterBins - 1 - lane * kOwn;  // then those below: the order of the prefix
  await_mail(&shared.mail.sums, static_cast<unsigned>(turn));
  uint64_t own_mass = 0;
  uint32_t own_rows = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    const ulonglong2 sum = shared.sums[highest - k];
    own_mass += sum.x;
    own_rows += static_cast<uint32_t>(sum.y);
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
  ulonglong2 sum = shared.sums[bin];
  while (!goal.reached(mass + sum.x, rows + sum.y)) {
    mass += sum.x;
    rows += static_cast<uint32_t>(sum.y);
    sum = shared.sums[--bin];
  }
  const uint32_t key = low + (static_cast<uint32_t>(bin) << shift);
  const uint32_t number = static_cast<uint32_t>(sum.y);
  Picked picked = {mass, mass + sum.x, rows, key, rows + number, number};
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
    for (int turn = 0;; turn ^= 1) {
      tokens.share_bins(threshold, span, shift, turn);
      if (warp == 0) {
        tokens.add_up_bins(turn);
        pick_in_cluster(args, shared, n, first, turn, threshold, shift, max);
      }
      __syncthreads();
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
    }
    __syncthreads();
    const uint32_t counts = shared.warp_counts[lane];
    const uint32_t before = WarpReductions::add(lane < warp ? counts : 0);
    if (warp == 0) {
      const uint64_t all = WarpReductions::add(counts);
      if (lane == 0) {
        expect_mail(&shared.mail.counts, cluster_blocks() * 8);
      }
      if (lane < static_cast<int>(cluster_blocks())) {
        send(&shared.counts[rank], static_cast<unsigned>(lane), all, &shared.mail.counts);
      }
    }
    await_mail(&shared.mail.counts, 0);
    const uint32_t part =
        lane < static_cast<int>(rank) ? static_cast<uint32_t>(shared.counts[lane]) : 0;
    above_before = WarpReductions::add(part & 0xffffu) + (before & 0xffffu);
    ties_before = WarpReductions::add(part >> 16) + (before >> 16);
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
  if (threadIdx.x == 0) {
    open_mailbox(&shared.mail.ranges);
    open_mailbox(&shared.mail.parts);
    open_mailbox(&shared.mail.sums);
    open_mailbox(&shared.mail.counts);
  }
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

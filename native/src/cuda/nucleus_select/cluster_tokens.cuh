/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What a cluster has of its segment: keys and weights in registers, and their sums by bins of keys, which the blocks
// write into one another's shared memory. See cluster.cuh.

#include "cuda/common/cluster.cuh"
#include "cuda/nucleus_select/goal.cuh"

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

struct ClusterShared {
  uint64_t sums[2][kClusterBlocks][kClusterBins];  // of each block, which writes them; in turn, 0 before
  uint32_t words[2][kClusterBins][32];             // of the block's own rows, a column a lane; 0 before
  uint64_t masses[kClusterBins];                   // of the segment
  uint32_t numbers[kClusterBins];
  uint64_t ranges[kClusterBlocks];  // smallest key, and from bit 32 on the largest
  uint2 counts[kClusterBlocks];     // rows of each block above the threshold, and of its key
  uint2 warp_ranges[kClusterWarps];
  uint32_t warp_counts[kClusterWarps];  // of this block; the latter from bit 16 on
  uint64_t total;
  Goal goal;
  Picked picked;
};

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
      if (lane() < blocks) {
        store_remote(&shared.ranges[cluster_rank()], static_cast<unsigned>(lane()), high << 32 | low);
      }
    }
    cluster_sync();
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
   * The block's rows with a key in [low, low + span], by bins of 2^shift keys, to all blocks. A lane's share of a
   * bin is two words, for shared memory has no 64-bit addition: at most 256 rows in 9 bits with the low 15 bits of
   * their weights above them, and the rest of the weights. A column for each lane, so no two meet at a bank.
   */
  __device__ void share_bins(uint32_t low, uint32_t span, int shift, int turn) {
    constexpr int kNumber = 9;
    constexpr int kLow = 15;
    static_assert(kClusterItems * kClusterWarps < 1 << kNumber && kNumber + kLow + 8 <= 32, "fields");
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
    // Two bins to a block from each lane; nothing where the other block has 0 already.
    const int half = lane() / kClusterBlocks;
    const unsigned block = static_cast<unsigned>(lane() % kClusterBlocks);
    const ulonglong2 pair =
        half == 0 ? make_ulonglong2(sums[0], sums[1]) : make_ulonglong2(sums[2], sums[3]);
    if (block < cluster_blocks() && (pair.x | pair.y) != 0) {
      uint64_t* const to = &shared.sums[turn][cluster_rank()][warp() * kWarpBins + half * 2];
      store_remote(reinterpret_cast<ulonglong2*>(to), block, pair);
    }
    cluster_sync();
  }

  /** Of the bins that the blocks shared: sums over the segment. */
  __device__ void add_up_bins(int turn) {
    if (threadIdx.x < kClusterBins) {
      uint64_t mass = 0;
      uint32_t number = 0;
#pragma unroll
      for (unsigned block = 0; block < kClusterBlocks; ++block) {
        const uint64_t sum =
            block < cluster_blocks() ? shared.sums[turn][block][threadIdx.x] : 0;
        mass += sum & ((uint64_t{1} << kBlockNumberShift) - 1);
        number += static_cast<uint32_t>(sum >> kBlockNumberShift);
      }
      shared.masses[threadIdx.x] = mass;
      shared.numbers[threadIdx.x] = number;
    }
    __syncthreads();
  }

  /**
   * Rows of the block whose number is the warp's, in the bins above `bin`, and in it from bit 16 on; clears what
   * that block shared, for the digit after the next one.
   */
  __device__ uint32_t rows_of_block(int turn, int bin) {
    uint32_t rows = 0;
#pragma unroll
    for (int at = lane(); at < kClusterBins; at += 32) {
      const uint64_t sum = shared.sums[turn][warp()][at];
      const uint32_t number = static_cast<uint32_t>(sum >> kBlockNumberShift);
      rows += at > bin ? number : (at == bin ? number << 16 : 0);
      if (sum != 0) {
        shared.sums[turn][warp()][at] = 0;
      }
    }
    return WarpReductions::add(rows);
  }
};

}  // namespace medpruner::cuda

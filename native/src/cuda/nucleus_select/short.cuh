/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for segments of at most a few thousand tokens, whose keys and weights fit in the registers of a warp or
// of a small block: one launch, from the scores to the list.

#include "cuda/common/dependent.cuh"
#include "cuda/common/prefetch.cuh"
#include "cuda/nucleus_select/registers.cuh"
#include "cuda/nucleus_select/short_cut.cuh"

namespace medpruner::cuda {

/** What the warps of a block tell one another. Sums lie in two places in turn: one barrier each. */
template <int kWarps>
struct ShortShared {
  Packed sums[2][kWarps];
  uint2 ranges[kWarps];
  uint32_t counts[2][kWarps];
  uint32_t few_count;  // 0 before the search
  ShortCut cut;
  uint2 few[kWarpItems];
  uint2 last[32];
};

/** A warp alone. */
template <>
struct ShortShared<1> {
  uint2 last[32];
};

/** The tokens of a segment, kItems per lane: item j of lane l of warp w is token (w * kItems + j) * 32 + l. */
template <int kWarps, int kItems>
struct ShortTokens {
  uint32_t keys[kItems];  // 0, below every key of a segment without NaN, where there is no token
  uint32_t weights[kItems];
  ShortShared<kWarps>& shared;
  int turn = 0;

  __device__ explicit ShortTokens(ShortShared<kWarps>& s) : shared(s) {}
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int warp() { return kWarps == 1 ? 0 : static_cast<int>(threadIdx.x) / 32; }
  __device__ static int first() { return warp() * (kItems * 32) + lane(); }

  /** Over the segment, of what the lanes have. */
  __device__ Packed sum_up(Packed sum) {
    sum = warp_sum_packed(sum);
    if constexpr (kWarps > 1) {
      if (lane() == 0) {
        shared.sums[turn][warp()] = sum;
      }
      __syncthreads();
      sum = 0;
#pragma unroll
      for (int w = 0; w < kWarps; ++w) {
        sum += shared.sums[turn][w];
      }
      turn ^= 1;
    }
    return sum;
  }

  /** Loads the keys; the smallest and the largest one. */
  __device__ uint2 load(const float* scores, int n) {
    uint2 range = make_uint2(0xffffffffu, 0);
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      const int i = first() + j * 32;
      keys[j] = i < n ? float_to_bits(scores[i]) : 0;
    }
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      const bool inside = first() + j * 32 < n;
      keys[j] = inside ? order_key(keys[j]) : 0;
      range.x = inside && keys[j] < range.x ? keys[j] : range.x;
      range.y = keys[j] > range.y ? keys[j] : range.y;
    }
    range = make_uint2(WarpReductions::min(range.x), WarpReductions::max(range.y));
    if constexpr (kWarps > 1) {
      if (lane() == 0) {
        shared.ranges[warp()] = range;
      }
      __syncthreads();
#pragma unroll
      for (int w = 0; w < kWarps; ++w) {
        const uint2 part = shared.ranges[w];
        range.x = part.x < range.x ? part.x : range.x;
        range.y = part.y > range.y ? part.y : range.y;
      }
    }
    return range;
  }

  /** Sets the weights; their sum. */
  __device__ uint64_t weigh(const NucleusSelectArgs& args, float max) {
    if (args.mass_score) {
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        weights[j] = keys[j] != 0 ? weight_of(args, keys[j], max) : 0;
      }
    } else {
#pragma unroll
      for (int j = 0; j < kItems; ++j) {  // without a branch, so that their chains overlap
        const uint32_t weight =
            softmax_weight(bits_to_float(key_to_bits(keys[j])), max, args.factor);
        weights[j] = keys[j] != 0 ? weight : 0;
      }
    }
    Packed sum = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      sum += weights[j];
    }
    return sum_up(sum);
  }

  __device__ ShortCut cut(const NucleusSelectArgs& args, Bracket bracket, const Goal& goal, float max) {
    if constexpr (kWarps == 1) {
      static_assert(kItems == kLaneItems, "a warp has as many as it can");
      return cut_in_warp(keys, weights, bracket, goal, shared.last);
    } else {
      while (bracket.open(kWarpItems)) {
        Pivots<1> pivots(bracket);
#pragma unroll
        for (int j = 0; j < kItems; ++j) {
          pivots.add(keys[j], weights[j]);
        }
        pivots.sums[0] = sum_up(pivots.sums[0]);
        pivots.narrow(&bracket, goal);
      }
      if (bracket.low == bracket.high) {
        return {bracket.low, weight_of(args, bracket.low, max),
                static_cast<uint32_t>(number_in(bracket.from - bracket.above)), bracket.above};
      }
      gather(bracket);
      __syncthreads();
      if (warp() == 0) {
        const uint32_t count = static_cast<uint32_t>(number_in(bracket.from - bracket.above));
        uint32_t few_keys[kLaneItems];
        uint32_t few_weights[kLaneItems];
#pragma unroll
        for (int j = 0; j < kLaneItems; ++j) {
          const uint32_t i = static_cast<uint32_t>(j * 32 + lane());
          const uint2 token = i < count ? shared.few[i] : make_uint2(0, 0);
          few_keys[j] = token.x;
          few_weights[j] = token.y;
        }
        const ShortCut found = cut_in_warp(few_keys, few_weights, bracket, goal, shared.last);
        if (lane() == 0) {
          shared.cut = found;
        }
      }
      __syncthreads();
      return shared.cut;
    }
  }

  /** The tokens of the bracket, in any order. */
  __device__ void gather(const Bracket& bracket) {
    uint32_t own = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      own |= keys[j] - bracket.low <= bracket.high - bracket.low ? 1u << j : 0u;
    }
    const uint32_t count = static_cast<uint32_t>(__popc(own));
    uint32_t at = count > 0 ? atomicAdd(&shared.few_count, count) : 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if ((own >> j & 1u) != 0) {
        shared.few[at++] = make_uint2(keys[j], weights[j]);
      }
    }
  }

  /** Exclusive sum over the warps of what each warp counts; the first and the second one of a segment. */
  __device__ uint32_t before(uint32_t count, int place) {
    uint32_t first = 0;
    if constexpr (kWarps > 1) {
      if (lane() == 0) {
        shared.counts[place][warp()] = count;
      }
      __syncthreads();
#pragma unroll
      for (int w = 0; w < kWarps; ++w) {
        first += w < warp() ? shared.counts[place][w] : 0;
      }
    }
    return first;
  }

  /** Key 0 for the tokens of the threshold's key that come after the first `ties` of them. */
  __device__ void drop_ties(uint32_t threshold, uint32_t ties) {
    const unsigned earlier = (1u << lane()) - 1u;
    uint32_t count = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      count += static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, keys[j] == threshold)));
    }
    uint32_t rank = before(count, 0);
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      const bool tie = keys[j] == threshold;
      const unsigned ties_here = __ballot_sync(kAllLanes, tie);
      if (tie && rank + static_cast<uint32_t>(__popc(ties_here & earlier)) >= ties) {
        keys[j] = 0;
      }
      rank += static_cast<uint32_t>(__popc(ties_here));
    }
  }

  /** Mask and list of the tokens with a key of at least `threshold`. */
  __device__ void write(uint8_t* mask, int64_t* list, int64_t begin, int n, int kept,
                        uint32_t threshold) {
    const unsigned earlier = (1u << lane()) - 1u;
    uint32_t at = 0;
    if constexpr (kWarps > 1) {
      uint32_t count = 0;
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        count += static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, keys[j] >= threshold)));
      }
      at = before(count, 1);
    }
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      const int i = first() + j * 32;
      const bool take = keys[j] >= threshold;
      const unsigned takes = __ballot_sync(kAllLanes, take);
      if (i < n) {
        mask[i] = take ? 1 : 0;
      }
      if (take) {
        list[at + static_cast<uint32_t>(__popc(takes & earlier))] = begin + i;
      }
      at += static_cast<uint32_t>(__popc(takes));
    }
#pragma unroll 2
    for (int i = kept + warp() * 32 + lane(); i < n; i += kWarps * 32) {
      list[i] = -1;
    }
  }
};

/** Everything about segment g, the n > 0 rows from `begin` on. All threads of the group. */
template <int kWarps, int kItems>
__device__ inline void select_short(const NucleusSelectArgs& args, int64_t g, int64_t begin,
                                     int n, ShortShared<kWarps>& shared) {
  ShortTokens<kWarps, kItems> tokens(shared);
  if constexpr (kWarps > 1) {
    if (threadIdx.x == 0) {
      shared.few_count = 0;
    }
  }
  const uint2 range = tokens.load(args.scores + begin, n);
  const uint32_t flags = flags_of_range(range.x, range.y, args.mass_score);
  uint32_t threshold = 1;
  int kept = n;
  uint64_t total = 1;
  uint64_t kept_mass = 1;
  if (flags == 0) {
    const float max = bits_to_float(key_to_bits(range.y));
    total = tokens.weigh(args, max);
    const Goal goal = goal_of(args, mass_target(args.tau_q62, total), n);
    const Packed all = total + (static_cast<uint64_t>(n) << kNumberShift);
    const ShortCut cut = tokens.cut(args, {range.x, range.y, all, 0}, goal, max);
    threshold = cut.threshold;
    uint32_t ties = cut.equal;
    if (reached(goal, cut.above + (cut.equal - 1) * packed(cut.unit))) {
      ties = static_cast<uint32_t>(goal.ties(mass_in(cut.above), number_in(cut.above), cut.unit));
      tokens.drop_ties(threshold, ties);
    }
    kept = static_cast<int>(number_in(cut.above) + ties);
    kept_mass = mass_in(cut.above) + static_cast<uint64_t>(ties) * cut.unit;
  } else {
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      tokens.keys[j] = tokens.first() + j * 32 < n ? 1 : 0;
    }
  }
  tokens.write(args.mask + begin, args.kept_indices + begin, begin, n, kept, threshold);
  if (threadIdx.x == 0) {
    args.flags[g] = flags;
    args.kept_counts[g] = kept;
    args.kept_mass[g] = static_cast<double>(kept_mass) / static_cast<double>(total);
  }
}

/** Which segments nucleus_short takes, by their rows: in a warp, a block, or in memory. */
struct ShortLengths {
  int64_t warp, block;
  bool others;  // longer ones, too
};

constexpr int kShortThreads = 128;

/**
 * A block per segment, and `share` rows that each fetches ahead of knowing its own: together all scores, and
 * mostly its own. Between two launches that miss every cache that took 0.8 us off 8.9 (tuning run, H200).
 */
template <int kItems, int kBlocks>
__global__ void __launch_bounds__(kShortThreads, kBlocks)
    nucleus_short(NucleusSelectArgs args, NucleusWorkspace workspace, ShortLengths lengths,
                  int64_t share) {
  constexpr int kWarps = kShortThreads / 32;
  __shared__ ShortShared<kWarps> shared;
  __shared__ ShortShared<1> warp_shared;
  __shared__ uint64_t scratch[kScratch];
  admit_next_launch();
  const int64_t g = blockIdx.x;
  const int64_t line = threadIdx.x * int64_t{32};  // floats of 128 bytes
  if (line < share && g * share + line < args.rows) {
    prefetch_l2(args.scores + g * share + line);
  }
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
  const int64_t n = end - begin;
  if (!good || n == 0) {
    if (threadIdx.x == 0) {
      note_empty(args, g, good);
    }
  } else if (n <= lengths.warp) {
    if (threadIdx.x < 32) {
      select_short<1, kLaneItems>(args, g, begin, static_cast<int>(n), warp_shared);
    }
  } else if (n <= lengths.block && n <= 8 * kShortThreads) {
    select_short<kWarps, 8>(args, g, begin, static_cast<int>(n), shared);
  } else if (n <= lengths.block) {
    select_short<kWarps, kItems>(args, g, begin, static_cast<int>(n), shared);
  } else if (lengths.others) {
    const uint32_t flags = select_in_memory(args, workspace, begin, end, scratch);
    if (threadIdx.x == 0) {
      args.flags[g] = flags;
    }
    list_kept(args, workspace, g, begin, end, flags != 0, scratch);
  }
}

}  // namespace medpruner::cuda

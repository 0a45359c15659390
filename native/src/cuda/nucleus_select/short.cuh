/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for segments of at most a few thousand tokens, whose keys and weights fit in the registers of a small
// block: one launch, from the scores to the list.

#include <type_traits>

#include "cuda/common/prefetch.cuh"
#include "cuda/nucleus_select/registers.cuh"
#include "cuda/nucleus_select/short_tokens.cuh"

namespace medpruner::cuda {

/** What the threads of a block need for the search among candidates. */
template <int kLaneBins>
struct CutShared {
  CutBins<kLaneBins> bins;
  CutFew few;
  Bracket bracket;
  ShortCut cut;
};

/**
 * A search among kOwn tokens a thread, at most 1024. What a warp does for all is done by the first one, for the
 * others to read, where there are many warps on a multiprocessor; by each for itself where time is all latency.
 */
template <int kWarps, int kOwn, int kLaneBins>
struct ShortSearch {
  static_assert(kWarps * 32 * kOwn <= kBinTokens, "more overflow the bins");
  static constexpr bool kEach = kWarps * 32 * kOwn <= 256;

  const uint32_t (&keys)[kOwn];  // 0, which is in no bracket, where there is no token
  const uint32_t (&weights)[kOwn];
  CutShared<kLaneBins>& shared;

  /** value() of the first warp. */
  template <class T, class Value>
  __device__ static T by_one(T* place, const Value& value) {
    if constexpr (kEach) {
      return value();
    } else {
      if (threadIdx.x < 32) {
        const T own = value();
        if (threadIdx.x == 0) {
          *place = own;
        }
      }
      __syncthreads();
      return *place;
    }
  }

  /** The tokens of keys [low, high] into empty bins. */
  __device__ void fill(uint32_t low, uint32_t high, int shift) {
#pragma unroll
    for (int j = 0; j < kOwn; ++j) {
      const uint32_t down = high - keys[j];
      if (down <= high - low) {
        shared.bins.add(down >> shift, weights[j]);
      }
    }
    __syncthreads();
  }

  /** Of a bracket whose tokens these are; `used`: bins that are not empty. */
  __device__ ShortCut cut(Bracket bracket, const Goal& goal, uint64_t total, bool used) {
#pragma unroll 1
    while (bracket.open(32)) {
      if (used) {
        if constexpr (kEach) {
          __syncthreads();  // else the first warp alone has read them
        }
        shared.bins.template clear<kWarps * 32>();
        __syncthreads();
      }
      used = true;
      const int shift = CutBins<kLaneBins>::shift_for(bracket.low, bracket.high, 32);
      fill(bracket.low, bracket.high, shift);
      bracket = by_one(&shared.bracket, [&] {
        Bracket part = bracket;
        BinSums<kLaneBins>(shared.bins, bracket.above).narrow(goal, shift, &part);
        return part;
      });
    }
    gather(bracket);
    return by_one(&shared.cut, [&] { return cut_of_few(shared.few, bracket, goal, total); });
  }

  /** Of all n tokens, with keys in [low, high] and empty bins: which give the mass of all as well. */
  __device__ ShortCut cut_all(const NucleusSelectArgs& args, uint32_t low, uint32_t high, int n) {
    constexpr int kMost = 20;  // eight bins to an octave of scores, the most of them below the largest
    const int shift = CutBins<kLaneBins>::shift_for(low, high, kMost);
    fill(low, high, shift);
    Goal goal;
    uint64_t total = 0;
    const Bracket bracket = by_one(&shared.bracket, [&] {
      const BinSums<kLaneBins> sums(shared.bins, 0);
      total = mass_in(sums.all);
      goal = short_goal(args, total, n);
      Bracket part = {low, high, sums.all, 0};
      if (part.open(32)) {
        sums.narrow(goal, shift, &part);
      }
      return part;
    });
    return cut(bracket, goal, total, true);
  }

  /** The tokens of a bracket that is not open(32), in any order; one of them, if they are more than 32. */
  __device__ void gather(const Bracket& bracket) {
    uint32_t own = 0;
#pragma unroll
    for (int j = 0; j < kOwn; ++j) {
      own |= keys[j] - bracket.low <= bracket.high - bracket.low ? 1u << j : 0u;
    }
    if (own != 0) {
      uint32_t at = atomicAdd(&shared.few.count, static_cast<uint32_t>(__popc(own)));
      if (bracket.low == bracket.high) {
        own = at == 0 ? own & (0u - own) : 0;
      }
#pragma unroll
      for (int j = 0; j < kOwn; ++j) {
        if ((own >> j & 1u) != 0) {
          shared.few.tokens[at++] = make_uint2(keys[j], weights[j]);
        }
      }
    }
    __syncthreads();
  }
};

/** What a block of nucleus_short has in shared memory, for up to kMany tokens a thread. */
template <int kWarps, int kLaneBins, int kMany>
struct ShortBlock {
  ShortShared<kWarps> tokens;
  CutShared<kLaneBins> cut;
  union {
    uint32_t candidates[2 * kBinTokens];  // keys and weights
    uint32_t rows[kWarps * 32 * kMany + 2];
  };
};

/** Everything about segment g, the n > 0 rows from `begin` on, whose scores are fetched. All threads of the block. */
template <int kWarps, int kItems, int kLaneBins, int kMany>
__device__ inline void select_short(const NucleusSelectArgs& args, int64_t g, int64_t begin, int n,
                                    ShortTokens<kWarps, kItems>& tokens,
                                    ShortBlock<kWarps, kLaneBins, kMany>& block) {
  const uint2 range = tokens.order();
  const uint32_t flags = flags_of_range(range.x, range.y, args.mass_score);
  int kept = n;
  uint64_t total = 1;
  uint64_t kept_mass = 1;
  uint32_t bits = 0;
  if (flags == 0) {
    const uint32_t pivot = range.y - (range.y - range.x) / 2;
    Packed sums[2];
    tokens.weigh(args, score_of(range.y), n, pivot, sums);
    ShortCut cut;
    if constexpr (tokens.kRoom <= kBinTokens) {
      ShortSearch<kWarps, kItems, kLaneBins> all{tokens.keys, tokens.weights, block.cut};
      cut = all.cut_all(args, range.x, range.y, n);
    } else {
      Goal goal;
      const Bracket bracket = tokens.halve(args, range.x, range.y, n, pivot, sums, &goal, &total);
      const int number = tokens.compact(bracket, block.candidates);
      constexpr int kOwn = kBinTokens / (kWarps * 32);
      uint32_t keys[kOwn];
      uint32_t weights[kOwn];
#pragma unroll
      for (int j = 0; j < kOwn; ++j) {
        const int i = j * kWarps * 32 + static_cast<int>(threadIdx.x);
        keys[j] = i < number ? block.candidates[i] : 0;
        weights[j] = i < number ? block.candidates[kBinTokens + i] : 0;
      }
      ShortSearch<kWarps, kOwn, kLaneBins> some{keys, weights, block.cut};
      cut = some.cut(bracket, goal, total, false);
    }
    total = cut.total;
    kept = cut.kept;
    kept_mass = cut.mass;
    bits = tokens.at_least(cut.threshold);
    if (!cut.all) {
      bits = tokens.drop_ties(bits, cut.threshold, cut.ties);
    }
  } else {
    bits = tokens.all_of(n);
  }
  if (threadIdx.x == kWarps * 32 - 1) {  // of the warp with the least to write
    args.flags[g] = flags;
    args.kept_counts[g] = kept;
    args.kept_mass[g] = static_cast<double>(kept_mass) / static_cast<double>(total);
  }
  tokens.write(args.mask + begin, args.kept_indices + begin, begin, n, kept, bits, block.rows);
}

/** Which segments nucleus_short takes with few and with many tokens a thread; longer ones it does in memory. */
struct ShortLengths {
  int64_t few, many;
};

/**
 * A block per segment. Before it knows which rows are its own it loads those that are if all segments have
 * `share`, or fetches as many ahead: the offsets and the scores miss every cache between two launches.
 */
template <int kWarps, int kFew, int kMany, bool kMostlyMany, int kLaneBins, int kBlocks>
__global__ void __launch_bounds__(kWarps * 32, kBlocks)
    nucleus_short(NucleusSelectArgs args, NucleusWorkspace workspace, ShortLengths lengths,
                  int64_t share) {
  using Few = ShortTokens<kWarps, kFew>;
  using Many = ShortTokens<kWarps, kMany>;
  using Usual = std::conditional_t<kMostlyMany, Many, Few>;
  __shared__ ShortBlock<kWarps, kLaneBins, kMany> block;
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  const int64_t guess = g * share;
  const int64_t left = args.rows - guess;
  Usual usual(block.tokens);
  int expected = 0;
  if (share > Usual::kRoom || (kMostlyMany && share <= Few::kRoom)) {
    const int64_t line = threadIdx.x * int64_t{32};  // floats of 128 bytes
    if (line < share && line < left) {
      prefetch_l2(args.scores + guess + line);
    }
  } else if (left > 0) {
    expected = static_cast<int>(share < left ? share : left);
  }
  if (expected > 0) {
    usual.fetch(args.scores + guess, expected);
  }
  block.cut.bins.template clear<kWarps * 32>();
  if (threadIdx.x < 32) {
    block.cut.few.tokens[threadIdx.x] = make_uint2(0, 0);
  }
  if (threadIdx.x == 0) {
    block.cut.few.count = 0;
    block.tokens.candidate_count = 0;
  }
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
  const int64_t n = end - begin;
  if (!good || n == 0) {
    if (threadIdx.x == 0) {
      note_empty(args, g, good);
    }
    return;
  }
  if (n > lengths.many) {
    finish_in_memory(args, workspace, g, begin, end, scratch);
    return;
  }
  const int length = static_cast<int>(n);
  if (kMostlyMany ? n > lengths.few : n <= lengths.few) {
    if (begin != guess || length != expected) {
      usual.fetch(args.scores + begin, length);
    }
    select_short(args, g, begin, length, usual, block);
  } else {
    std::conditional_t<kMostlyMany, Few, Many> tokens(block.tokens);
    tokens.fetch(args.scores + begin, length);
    select_short(args, g, begin, length, tokens, block);
  }
}

}  // namespace medpruner::cuda

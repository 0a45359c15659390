/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for segments of at most a few thousand tokens, whose keys and weights fit in the registers of a small
// block: one launch, from the scores to the list.

#include <type_traits>

#include "cuda/common/prefetch.cuh"
#include "cuda/nucleus_select/registers.cuh"
#include "cuda/nucleus_select/short_cut.cuh"
#include "cuda/nucleus_select/short_list.cuh"

namespace medpruner::cuda {

/** What the warps of a block tell one another. Sums lie in two places in turn: one barrier each. */
template <int kWarps>
struct ShortShared {
  alignas(16) CutBins bins;
  Packed sums[2][kWarps];
  uint2 ranges[kWarps];
  uint32_t counts[2][kWarps];
  uint32_t few_count;
  uint2 few[32];
};

/** Orders as order_key() does, in fewer instructions; NaNs lie below all other keys or above them as well. */
__device__ inline uint32_t key_of(float score) {
  const uint32_t bits = float_to_bits(score + 0.0f);  // makes -0 a +0
  return bits ^ (static_cast<uint32_t>(static_cast<int32_t>(bits) >> 31) | 0x80000000u);
}

__device__ inline float score_of(uint32_t key) {
  return bits_to_float(key ^ (~static_cast<uint32_t>(static_cast<int32_t>(key) >> 31) | 0x80000000u));
}

/** softmax_weight(); what lies 32 octaves below the largest is found afterwards, by one word. */
__device__ inline uint32_t softmax_weight_by(float score, double max, double factor) {
  const double y = (static_cast<double>(score) - max) * factor;
  const double shifted = y + kRounder;
  const uint32_t weight = exp2_weight_by(shifted, y - (shifted - kRounder));
  return static_cast<uint32_t>(double_to_bits(y) >> 32) < 0xc0400000u ? weight : 0;  // y is -32 there
}

/**
 * mass_weight() without a division: the remainder corrects the quotient to some 104 bits, and one of two
 * 24-bit numbers is no closer than 2^-78 of itself to where the rounding to 53 bits turns.
 */
__device__ inline uint32_t mass_weight_by(double value, double max, double inverse) {
  const double near = value * inverse;
  const double share = fma(fma(-near, max, value), inverse, near);
  return static_cast<uint32_t>(double_to_bits(share * 2147483648.0 + kRounder));
}

/**
 * The tokens of a segment, kItems a thread: kUnit side by side (item j is number j % kUnit of them), then those
 * of the next lane; a warp has kItems / kUnit such groups one after the other, and then comes the next warp.
 */
template <int kWarps, int kItems>
struct ShortTokens {
  static constexpr int kThreads = kWarps * 32;
  static constexpr int kRoom = kThreads * kItems;
  static constexpr int kUnit = kItems < 4 ? kItems : 4;
  static constexpr int kGroups = kItems / kUnit;
  static_assert(kItems % kUnit == 0 && kGroups <= 4, "a group's count is a byte");

  uint32_t keys[kItems];  // 0, below every key of a segment without NaN, where there is no token
  uint32_t weights[kItems];
  ShortShared<kWarps>& shared;
  int turn = 0;

  __device__ explicit ShortTokens(ShortShared<kWarps>& s) : shared(s) {}
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  /** Of item j, in the segment. */
  __device__ static int place(int j) {
    return ((warp() * kGroups + j / kUnit) * 32 + lane()) * kUnit + j % kUnit;
  }

  /** Loads n > 0 scores, as they are, into the keys; where there is no token, one of the others. */
  __device__ void fetch(const float* scores, int n) {
    if (kUnit == 4 && n % 4 == 0 && reinterpret_cast<uintptr_t>(scores) % 16 == 0) {
#pragma unroll
      for (int j = 0; j < kItems; j += kUnit) {
        const int i = place(j) < n ? place(j) : n - 4;
        const float4 four = *reinterpret_cast<const float4*>(scores + i);
        keys[j] = float_to_bits(four.x);
        keys[j + 1 % kUnit] = float_to_bits(four.y);
        keys[j + 2 % kUnit] = float_to_bits(four.z);
        keys[j + 3 % kUnit] = float_to_bits(four.w);
      }
      return;
    }
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      keys[j] = float_to_bits(scores[place(j) < n ? place(j) : n - 1]);
    }
  }

  /** Makes keys of the scores; the smallest and the largest one. */
  __device__ uint2 order() {
    uint2 range = make_uint2(0xffffffffu, 0);
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      keys[j] = key_of(bits_to_float(keys[j]));
      range.x = keys[j] < range.x ? keys[j] : range.x;
      range.y = keys[j] > range.y ? keys[j] : range.y;
    }
    range = make_uint2(WarpReductions::min(range.x), WarpReductions::max(range.y));
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
    return range;
  }

  /** Sets the weights of the n tokens; from here on, all others have key 0 and weight 0. */
  __device__ void weigh(const NucleusSelectArgs& args, float max, int n) {
    if (!args.mass_score) {
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        weights[j] = softmax_weight_by(score_of(keys[j]), max, args.factor);
      }
    } else {
      const double inverse = 1.0 / static_cast<double>(max);
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        weights[j] = max == 0 ? 0x80000000u : mass_weight_by(score_of(keys[j]), max, inverse);
      }
    }
    if (n < kRoom) {
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        if (place(j) >= n) {
          keys[j] = 0;
          weights[j] = 0;
        }
      }
    }
  }

  /** Over the segment, of what the threads have. */
  __device__ Packed sum_up(Packed sum) {
    sum = warp_sum_packed(sum);
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
    return sum;
  }

  /** The tokens of keys [low, high] into empty bins. */
  __device__ void fill_bins(uint32_t low, uint32_t high, int shift) {
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      shared.bins.add(high - keys[j], high - low, shift, weights[j]);
    }
    __syncthreads();
  }

  /** Until bins can take the bracket: half of its keys a step. */
  __device__ void halve(const Goal& goal, Bracket* bracket) {
    while (bracket->open(kBinTokens)) {
      const uint32_t pivot = bracket->high - (bracket->high - bracket->low) / 2;
      uint2 sum = make_uint2(0, 0);
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        add_at_least(pivot, keys[j], weights[j], &sum);
      }
      const Packed from = sum_up(static_cast<Packed>(sum.y) << 32 | sum.x);
      if (reached(goal, from)) {
        bracket->low = pivot;
        bracket->from = from;
      } else {
        bracket->high = pivot - 1;
        bracket->above = from;
      }
    }
  }

  /** The tokens of a bracket that is not open(32), in any order; one of them, if they are more than 32. */
  __device__ void gather(const Bracket& bracket) {
    uint32_t own = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      own |= keys[j] - bracket.low <= bracket.high - bracket.low ? 1u << j : 0u;
    }
    if (own != 0) {
      uint32_t at = atomicAdd(&shared.few_count, static_cast<uint32_t>(__popc(own)));
      if (bracket.low == bracket.high) {
        own = at == 0 ? own & (0u - own) : 0;
      }
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        if ((own >> j & 1u) != 0) {
          shared.few[at++] = make_uint2(keys[j], weights[j]);
        }
      }
    }
    __syncthreads();
  }

  /** Where the prefix that the goal wants ends; the mass of all tokens, which are n with keys in [low, high]. */
  __device__ ShortCut cut(const NucleusSelectArgs& args, uint32_t low, uint32_t high, int n, Goal* goal,
                          uint64_t* total) {
    constexpr int kFirst = 20;  // eight bins to an octave of scores, sixteen octaves below the largest
    Bracket bracket = {low, high, 0, 0};
    bool empty = true;
    if constexpr (kRoom <= kBinTokens) {  // bins of the whole segment give its mass as well
      const int shift = bin_shift(low, high, kFirst);
      fill_bins(low, high, shift);
      empty = false;
      const BinSums sums(shared.bins, 0);
      *total = mass_in(sums.all);
      *goal = goal_of(args, mass_target(args.tau_q62, *total), n);
      bracket.from = sums.all;
      if (bracket.open(32)) {
        sums.narrow(*goal, shift, &bracket);
      }
    } else {
      Packed sum = 0;
#pragma unroll
      for (int j = 0; j < kItems; ++j) {
        sum += weights[j];
      }
      *total = sum_up(sum);
      *goal = goal_of(args, mass_target(args.tau_q62, *total), n);
      bracket.from = *total + (static_cast<uint64_t>(n) << kNumberShift);
      halve(*goal, &bracket);
    }
#pragma unroll 1
    while (bracket.open(32)) {
      if (!empty) {
        __syncthreads();
        shared.bins.clear(static_cast<int>(threadIdx.x), kThreads);
        __syncthreads();
      }
      empty = false;
      const int shift = bin_shift(bracket.low, bracket.high, 32);
      fill_bins(bracket.low, bracket.high, shift);
      BinSums(shared.bins, bracket.above).narrow(*goal, shift, &bracket);
    }
    gather(bracket);
    return cut_of_few(shared.few, bracket, *goal);
  }

  /** Where each group's first one of the tokens in `bits` (bit j: item j) comes among the segment's. */
  __device__ void rank(uint32_t bits, int round, uint32_t (&first)[kGroups]) {
    uint32_t own = 0;  // a byte for each group: 32 lanes have at most 128
#pragma unroll
    for (int q = 0; q < kGroups; ++q) {
      own |= static_cast<uint32_t>(__popc(bits >> (q * kUnit) & ((1u << kUnit) - 1u))) << (8 * q);
    }
    uint32_t sum = own;
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
      const uint32_t other = __shfl_up_sync(kAllLanes, sum, distance);
      sum += lane() >= distance ? other : 0;
    }
    const uint32_t all = __shfl_sync(kAllLanes, sum, 31);
    uint32_t before = 0;
    uint32_t count = 0;
#pragma unroll
    for (int q = 0; q < kGroups; ++q) {
      first[q] = count + ((sum - own) >> (8 * q) & 0xffu);
      count += all >> (8 * q) & 0xffu;
    }
    if (lane() == 0) {
      shared.counts[round][warp()] = count;
    }
    __syncthreads();
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
      before += w < warp() ? shared.counts[round][w] : 0;
    }
#pragma unroll
    for (int q = 0; q < kGroups; ++q) {
      first[q] += before;
    }
  }

  /** Bit j for item j. */
  __device__ uint32_t at_least(uint32_t threshold) const {
    uint32_t bits = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      bits |= keys[j] >= threshold ? 1u << j : 0u;
    }
    return bits;
  }
  __device__ static uint32_t all_of(int n) {
    uint32_t bits = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      bits |= place(j) < n ? 1u << j : 0u;
    }
    return bits;
  }

  /** `bits` without the tokens of the threshold's key that come after the first `ties` of them. */
  __device__ uint32_t drop_ties(uint32_t bits, uint32_t threshold, uint32_t ties) {
    uint32_t equal = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      equal |= keys[j] == threshold ? 1u << j : 0u;
    }
    uint32_t first[kGroups];
    rank(equal, 0, first);
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if ((equal >> j & 1u) != 0 && first[j / kUnit]++ >= ties) {
        bits &= ~(1u << j);
      }
    }
    return bits;
  }

  /** Mask and list of the tokens in `bits`. */
  __device__ void write(uint8_t* mask, int64_t* kept_indices, int64_t begin, int n, int kept,
                        uint32_t bits, uint32_t* room) {
    write_mask<kUnit, kGroups>(mask, place(0), n, bits);
    uint32_t first[kGroups];
    rank(bits, 1, first);
    const int lead = lead_of(kept_indices);
    const uint32_t row = static_cast<uint32_t>(begin);  // there are fewer than 2^32
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if ((bits >> j & 1u) != 0) {
        room[static_cast<uint32_t>(lead) + first[j / kUnit]++] = row + static_cast<uint32_t>(place(j));
      }
    }
    __syncthreads();
    write_list<kThreads>(kept_indices, room, lead, kept, n);
  }
};

/** Everything about segment g, the n > 0 rows from `begin` on, whose scores are fetched. All threads of the block. */
template <int kWarps, int kItems>
__device__ inline void select_short(const NucleusSelectArgs& args, int64_t g, int64_t begin, int n,
                                    ShortTokens<kWarps, kItems>& tokens, uint32_t* room) {
  const uint2 range = tokens.order();
  const uint32_t flags = flags_of_range(range.x, range.y, args.mass_score);
  uint32_t threshold = 0;
  uint32_t ties = 0xffffffffu;
  int kept = n;
  uint64_t total = 1;
  uint64_t kept_mass = 1;
  if (flags == 0) {
    tokens.weigh(args, score_of(range.y), n);
    Goal goal;
    const ShortCut cut = tokens.cut(args, range.x, range.y, n, &goal, &total);
    threshold = cut.threshold;
    uint32_t taken = cut.equal;
    if (reached(goal, cut.above + (cut.equal - 1) * packed(cut.unit))) {
      taken = static_cast<uint32_t>(goal.ties(mass_in(cut.above), number_in(cut.above), cut.unit));
      ties = taken;
    }
    kept = static_cast<int>(number_in(cut.above) + taken);
    kept_mass = mass_in(cut.above) + static_cast<uint64_t>(taken) * cut.unit;
  }
  if (threadIdx.x == kWarps * 32 - 1) {  // of the warp with the least to write
    args.flags[g] = flags;
    args.kept_counts[g] = kept;
    args.kept_mass[g] = static_cast<double>(kept_mass) / static_cast<double>(total);
  }
  uint32_t bits = flags == 0 ? tokens.at_least(threshold) : tokens.all_of(n);
  if (ties != 0xffffffffu) {
    bits = tokens.drop_ties(bits, threshold, ties);
  }
  tokens.write(args.mask + begin, args.kept_indices + begin, begin, n, kept, bits, room);
}

/** Which segments nucleus_short takes with few and with many tokens a thread; longer ones it does in memory. */
struct ShortLengths {
  int64_t few, many;
};

/**
 * A block per segment. Before it knows which rows are its own it loads those that are if all segments have
 * `share`, or fetches as many ahead: the offsets and the scores miss every cache between two launches.
 */
template <int kWarps, int kFew, int kMany, bool kMostlyMany, int kBlocks>
__global__ void __launch_bounds__(kWarps * 32, kBlocks)
    nucleus_short(NucleusSelectArgs args, NucleusWorkspace workspace, ShortLengths lengths,
                  int64_t share) {
  using Few = ShortTokens<kWarps, kFew>;
  using Many = ShortTokens<kWarps, kMany>;
  using Usual = std::conditional_t<kMostlyMany, Many, Few>;
  __shared__ ShortShared<kWarps> shared;
  alignas(16) __shared__ uint32_t room[Many::kRoom + 2];
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  const int64_t guess = g * share;
  const int64_t left = args.rows - guess;
  Usual usual(shared);
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
  shared.bins.clear(static_cast<int>(threadIdx.x), kWarps * 32);
  if (threadIdx.x == 0) {
    shared.few_count = 0;
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
    select_short(args, g, begin, length, usual, room);
  } else {
    std::conditional_t<kMostlyMany, Few, Many> tokens(shared);
    tokens.fetch(args.scores + begin, length);
    select_short(args, g, begin, length, tokens, room);
  }
}

}  // namespace medpruner::cuda

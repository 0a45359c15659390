/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The tokens of a short segment in the registers of a block: their keys and weights, sums over them, and what is
// written of those that are taken.

#include "cuda/nucleus_select/short_cut.cuh"
#include "cuda/nucleus_select/short_list.cuh"

namespace medpruner::cuda {

/** What the warps of a block tell one another. Sums lie in two places in turn: one barrier each. */
template <int kWarps>
struct ShortShared {
  Packed sums[2][2][kWarps];
  uint2 ranges[kWarps];
  uint32_t counts[2][kWarps];
  uint32_t candidate_count;
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

/** Sum over the lanes up to this one. */
__device__ inline uint32_t warp_prefix(uint32_t value) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, value, distance);
    value += lane >= distance ? other : 0;
  }
  return value;
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

  /**
   * Sets the weights of the n tokens; from here on, all others have key 0 and weight 0. What the thread's own keys
   * from `pivot` on, and all of them, add up to: in one piece with the weights, so that one hides the other.
   */
  __device__ void weigh(const NucleusSelectArgs& args, float max, int n, uint32_t pivot, Packed (&sums)[2]) {
    if (!args.mass_score) {
      const auto weight = [&](uint32_t key) { return softmax_weight_by(score_of(key), max, args.factor); };
      if (n == kRoom) {
        weigh_by<true>(weight, n, pivot, sums);
      } else {
        weigh_by<false>(weight, n, pivot, sums);
      }
    } else {
      const double inverse = 1.0 / static_cast<double>(max);
      weigh_by<false>([&](uint32_t key) {
        return max == 0 ? 0x80000000u : mass_weight_by(score_of(key), max, inverse);
      }, n, pivot, sums);
    }
  }
  template <bool kFull, class Weight>
  __device__ void weigh_by(const Weight& weight, int n, uint32_t pivot, Packed (&sums)[2]) {
    Tally from;
    Tally all;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      weights[j] = weight(keys[j]);
      if (!kFull && place(j) >= n) {
        keys[j] = 0;
        weights[j] = 0;
      }
      all.add(weights[j]);
      from.add_if_at_least(pivot, keys[j], weights[j]);
    }
    sums[0] = from.sum();
    sums[1] = all.mass;
  }

  /** Over the segment, of what the threads have. */
  template <int kSums>
  __device__ void sum_up(Packed (&sums)[kSums]) {
#pragma unroll
    for (int s = 0; s < kSums; ++s) {
      sums[s] = warp_sum_packed(sums[s]);
      if (lane() == 0) {
        shared.sums[turn][s][warp()] = sums[s];
      }
      sums[s] = 0;
    }
    __syncthreads();
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
#pragma unroll
      for (int s = 0; s < kSums; ++s) {
        sums[s] += shared.sums[turn][s][w];
      }
    }
    turn ^= 1;
  }

  /** Of the thread's own tokens with keys of at least `pivot`. */
  __device__ Packed sum_from(uint32_t pivot) const {
    Tally from;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      from.add_if_at_least(pivot, keys[j], weights[j]);
    }
    return from.sum();
  }

  /** Halves a bracket until bins can take it. `sums`: of weigh(). */
  __device__ Bracket halve(const NucleusSelectArgs& args, uint32_t low, uint32_t high, int n, uint32_t pivot,
                           Packed (&sums)[2], Goal* goal, uint64_t* total) {
    sum_up(sums);
    *total = sums[1];
    *goal = short_goal(args, *total, n);
    Bracket bracket = {low, high, *total + (static_cast<uint64_t>(n) << kNumberShift), 0};
    bracket.halve(*goal, pivot, sums[0]);
#pragma unroll 1
    while (bracket.open(kBinTokens)) {
      pivot = bracket.high - (bracket.high - bracket.low) / 2;
      Packed sum[1] = {sum_from(pivot)};
      sum_up(sum);
      bracket.halve(*goal, pivot, sum[0]);
    }
    return bracket;
  }

  /**
   * Keys and, kBinTokens behind them, weights of a bracket's tokens in any order; one, if they are more than bins
   * take. Their number.
   */
  __device__ int compact(const Bracket& bracket, uint32_t* candidates) {
    uint32_t own = 0;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      own |= keys[j] - bracket.low <= bracket.high - bracket.low ? 1u << j : 0u;
    }
    const uint32_t count = static_cast<uint32_t>(__popc(own));
    uint32_t at = warp_prefix(count);
    uint32_t base = 0;
    if (lane() == 31 && at != 0) {
      base = atomicAdd(&shared.candidate_count, at);
    }
    at += __shfl_sync(kAllLanes, base, 31) - count;
    int number = static_cast<int>(number_in(bracket.from - bracket.above));
    if (number > kBinTokens) {  // of one key
      own = at == 0 ? own & (0u - own) : 0;
      number = 1;
    }
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      const uint32_t one = own >> j & 1u;
      if (one != 0) {
        candidates[at] = keys[j];
        candidates[kBinTokens + at] = weights[j];
      }
      at += one;
    }
    __syncthreads();
    return number;
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

  /** Where each group's first one of the tokens in `bits` (bit j: item j) comes among the segment's. */
  __device__ void rank(uint32_t bits, int round, uint32_t (&first)[kGroups]) {
    uint32_t own = 0;  // a byte for each group: 32 lanes have at most 128
#pragma unroll
    for (int q = 0; q < kGroups; ++q) {
      own |= static_cast<uint32_t>(__popc(bits >> (q * kUnit) & ((1u << kUnit) - 1u))) << (8 * q);
    }
    const uint32_t sum = warp_prefix(own);
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
      const uint32_t one = bits >> j & 1u;
      if (one != 0) {
        room[static_cast<uint32_t>(lead) + first[j / kUnit]] = row + static_cast<uint32_t>(place(j));
      }
      first[j / kUnit] += one;
    }
    __syncthreads();
    write_list<kThreads, kItems>(kept_indices, room, lead, kept, n);
  }
};

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Where the prefix of a short segment ends. The threshold key is searched between the smallest and the
// largest key, by the mass and the number of the tokens at or above pivots, until few enough tokens are left
// for one warp, and then for one a lane, each of which is compared with all others.

#include "cuda/nucleus_select/goal.cuh"

namespace medpruner::cuda {

/** Tokens a lane has of those that one warp takes over. */
constexpr int kLaneItems = 8;
constexpr int kWarpItems = 32 * kLaneItems;

/** Mass of some tokens and, from bit 48 on, their number: of at most 65535 tokens. */
using Packed = uint64_t;
constexpr int kNumberShift = 48;

__device__ inline uint64_t mass_in(Packed sum) {
  return sum & ((uint64_t{1} << kNumberShift) - 1);
}
__device__ inline uint64_t number_in(Packed sum) { return sum >> kNumberShift; }
__device__ inline Packed packed(uint32_t weight) {
  return weight | uint64_t{1} << kNumberShift;
}

/** Over a warp whose lanes have at most 32 tokens each. */
__device__ inline Packed warp_sum_packed(Packed value) {
  constexpr int kLow = 27;
  const uint32_t low = WarpReductions::add(static_cast<uint32_t>(value) & ((1u << kLow) - 1u));
  const uint32_t high = WarpReductions::add(static_cast<uint32_t>(value >> kLow));
  return (static_cast<uint64_t>(high) << kLow) + low;
}

__device__ inline bool reached(const Goal& goal, Packed prefix) {
  return goal.reached(mass_in(prefix), number_in(prefix));
}

/** The keys from `low` on reach the goal, those above `high` do not; `from` and `above`: their sums. */
struct Bracket {
  uint32_t low, high;
  Packed from, above;

  __device__ bool open(uint32_t candidates) const {
    return low < high && number_in(from - above) > candidates;
  }
};

/** Evenly spaced keys of a bracket with low < high, ascending, all above low and none above high. */
template <int kPivots>
struct Pivots {
  uint32_t keys[kPivots];
  Packed sums[kPivots];  // of the tokens at or above each

  __device__ explicit Pivots(const Bracket& bracket) {
    const uint32_t step = (bracket.high - bracket.low) / (kPivots + 1);
#pragma unroll
    for (int p = 0; p < kPivots; ++p) {
      keys[p] = bracket.high - static_cast<uint32_t>(kPivots - p) * step;
      sums[p] = 0;
    }
  }

  __device__ void add(uint32_t key, uint32_t weight) {
#pragma unroll
    for (int p = 0; p < kPivots; ++p) {
      if (key >= keys[p]) {
        sums[p] += packed(weight);
      }
    }
  }

  /** By the sums over the whole segment. */
  __device__ void narrow(Bracket* bracket, const Goal& goal) const {
#pragma unroll
    for (int p = kPivots - 1; p >= 0; --p) {
      if (reached(goal, sums[p])) {
        bracket->low = keys[p];
        bracket->from = sums[p];
        return;
      }
      bracket->high = keys[p] - 1;
      bracket->above = sums[p];
    }
  }
};

/** All keys above the threshold, and the first of the `equal` ones that have its key. */
struct ShortCut {
  uint32_t threshold;
  uint32_t unit;  // their weight
  uint32_t equal;
  Packed above;
};

/**
 * By the tokens of one warp, which are all those of the bracket; key 0: none. `last` has room for 32 keys and
 * their weights.
 */
__device__ inline ShortCut cut_in_warp(const uint32_t (&keys)[kLaneItems],
                                  const uint32_t (&weights)[kLaneItems], Bracket bracket,
                                  const Goal& goal, uint2* last) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const unsigned earlier = (1u << lane) - 1u;
  const Packed outside = bracket.above;  // of the keys above, which this warp does not have
  while (bracket.open(32)) {
    Pivots<3> pivots(bracket);  // cost little more time than one, and quarter the bracket
#pragma unroll
    for (int j = 0; j < kLaneItems; ++j) {
      pivots.add(keys[j], weights[j]);
    }
#pragma unroll
    for (Packed& sum : pivots.sums) {
      sum = outside + warp_sum_packed(sum);
    }
    pivots.narrow(&bracket, goal);
  }
  uint32_t own = 0;  // bit j: item j is in the bracket
#pragma unroll
  for (int j = 0; j < kLaneItems; ++j) {
    own |= keys[j] - bracket.low <= bracket.high - bracket.low ? 1u << j : 0u;
  }
  if (bracket.low == bracket.high) {  // one key, of any number of tokens
    uint32_t unit = 0;
#pragma unroll
    for (int j = 0; j < kLaneItems; ++j) {
      unit = (own >> j & 1u) != 0 ? weights[j] : unit;
    }
    return {bracket.low, WarpReductions::max(unit),
            static_cast<uint32_t>(number_in(bracket.from - bracket.above)), bracket.above};
  }
  const uint32_t count = static_cast<uint32_t>(__popc(own));
  uint32_t at = 0;
#pragma unroll
  for (int bit = 0; bit < 4; ++bit) {  // counts are at most kLaneItems
    at += static_cast<uint32_t>(
              __popc(__ballot_sync(kAllLanes, (count >> bit & 1u) != 0) & earlier))
          << bit;
  }
#pragma unroll
  for (int j = 0; j < kLaneItems; ++j) {
    if ((own >> j & 1u) != 0) {
      last[at++] = make_uint2(keys[j], weights[j]);
    }
  }
  __syncwarp();
  const int number = static_cast<int>(number_in(bracket.from - bracket.above));
  const uint2 mine = lane < number ? last[lane] : make_uint2(0, 0);
  Packed sum = bracket.above;  // with the lane's own key
#pragma unroll 4
  for (int i = 0; i < number; ++i) {
    const uint2 other = last[i];
    if (other.x >= mine.x) {
      sum += packed(other.y);
    }
  }
  const uint32_t threshold =
      WarpReductions::max(lane < number && reached(goal, sum) ? mine.x : 0);
  const unsigned equal = __ballot_sync(kAllLanes, mine.x == threshold);
  const int leader = __ffs(static_cast<int>(equal)) - 1;
  const uint32_t unit = __shfl_sync(kAllLanes, mine.y, leader);
  sum = __shfl_sync(kAllLanes, static_cast<unsigned long long>(sum), leader);
  const uint32_t ties = static_cast<uint32_t>(__popc(equal));
  return {threshold, unit, ties, sum - ties * packed(unit)};
}

}  // namespace medpruner::cuda

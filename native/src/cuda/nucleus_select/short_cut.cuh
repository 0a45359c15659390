/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Where the prefix of a short segment ends. The threshold key lies in a bracket of keys, which bins cut to one
// of 64 or 128 parts by the exact mass and number of the tokens in each, mostly once: then so few are left that
// each lane of a warp compares one with all others.

#include "cuda/nucleus_select/goal.cuh"

namespace medpruner::cuda {

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

/**
 * A sum in a thread. A product with 1 that the compiler cannot know, the grid's height, is one instruction of a pipe
 * that has little to do here; adding 64 bits is two of the one that has all comparisons.
 */
struct Tally {
  uint64_t mass = 0;
  uint32_t number = 0;

  __device__ void add_if_at_least(uint32_t pivot, uint32_t key, uint32_t weight) {
    const uint32_t take = key >= pivot ? gridDim.y : 0;
    mass += uint64_t{weight} * take;
    number += take;
  }
  __device__ void add(uint32_t weight) { mass += uint64_t{weight} * gridDim.y; }

  __device__ Packed sum() const { return mass + (uint64_t{number} << kNumberShift); }
};

/** Of a goal of at most as many rows as the segment has. */
__device__ inline bool reached(const Goal& goal, Packed prefix) {
  const uint32_t rows = static_cast<uint32_t>(number_in(prefix));
  return (mass_in(prefix) >= goal.mass && rows >= static_cast<uint32_t>(goal.least)) ||
         rows >= static_cast<uint32_t>(goal.most);
}

/** Never of more rows than the segment has, which then are all it takes. */
__device__ inline Goal short_goal(const NucleusSelectArgs& args, uint64_t total, int n) {
  Goal goal = goal_of(args, mass_target(args.tau_q62, total), n);
  goal.most = goal.most < static_cast<uint64_t>(n) ? goal.most : static_cast<uint64_t>(n);
  return goal;
}

/** The keys from `low` on reach the goal, those above `high` do not; `from` and `above`: their sums. */
struct Bracket {
  uint32_t low, high;
  Packed from, above;

  __device__ bool open(uint32_t candidates) const {
    return low < high && number_in(from - above) > candidates;
  }

  /** By the sum of the keys from `pivot` on, which lies above `low`. */
  __device__ void halve(const Goal& goal, uint32_t pivot, Packed sum) {
    if (reached(goal, sum)) {
      low = pivot;
      from = sum;
    } else {
      high = pivot - 1;
      above = sum;
    }
  }
};

/** The most tokens that bins take: more would overflow their words. */
constexpr int kBinTokens = 1024;

/** In shared memory. Bin b has the keys from high - (b << shift) down to the next bin's, the last one all below. */
template <int kLaneBins>
struct CutBins {
  static constexpr int kBins = 32 * kLaneBins;
  static constexpr int kNumberBits = 11;
  static constexpr uint32_t kNumbers = (1u << kNumberBits) - 1u;
  alignas(16) uint32_t low[kBins];   // the number, and above it what the weights' lowest 11 bits add up to
  alignas(16) uint32_t high[kBins];  // what their other bits add up to

  template <int kThreads>
  __device__ void clear() {
#pragma unroll
    for (int first = 0; first < kBins; first += kThreads) {
      const int b = first + static_cast<int>(threadIdx.x);
      if (kBins % kThreads == 0 || b < kBins) {
        low[b] = 0;
        high[b] = 0;
      }
    }
  }

  __device__ void add(uint32_t bin, uint32_t weight) {
#if defined(__CUDACC__)
    asm volatile("" : "+r"(weight));  // else both words of all weights are made ahead of a loop, and spilled
#endif
    bin = bin < kBins ? bin : kBins - 1;
    atomicAdd(&low[bin], (weight & kNumbers) << kNumberBits | 1u);
    atomicAdd(&high[bin], weight >> kNumberBits);
  }

  __device__ Packed sum(int bin) const {
    return (static_cast<uint64_t>(high[bin]) << kNumberBits) + (low[bin] >> kNumberBits) +
           (static_cast<uint64_t>(low[bin] & kNumbers) << kNumberShift);
  }

  /**
   * By which the bins hold keys [low, high]. `most` below 26 leaves the last bin what the others do not hold, so
   * that a few keys far below all others, zeros above all, do not take the others' bins.
   */
  __device__ static int shift_for(uint32_t low, uint32_t high, int most) {
    constexpr int kBits = kLaneBins == 4 ? 7 : 6;
    static_assert(kBins == 1 << kBits, "of their number");
    const int bits = 32 - __clz(static_cast<int>(high - low));
    const int shift = bits > kBits ? bits - kBits : 0;
    return shift < most ? shift : most;
  }
};

/** What the keys above a bracket and its bins add up to, bin after bin; a lane has kLaneBins side by side. */
template <int kLaneBins>
struct BinSums {
  Packed before, upto[kLaneBins];
  Packed all;

  /** All lanes of the warp. */
  __device__ BinSums(const CutBins<kLaneBins>& bins, Packed above) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    unsigned long long sum = 0;
#pragma unroll
    for (int b = 0; b < kLaneBins; ++b) {
      sum += bins.sum(lane * kLaneBins + b);
      upto[b] = sum;
    }
    const Packed own = sum;
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
      const unsigned long long other = __shfl_up_sync(kAllLanes, sum, distance);
      sum += lane >= distance ? other : 0;
    }
    all = above + __shfl_sync(kAllLanes, sum, 31);
    before = above + sum - own;
#pragma unroll
    for (Packed& end : upto) {
      end += before;
    }
  }

  /** The bracket of the bin that the goal is reached in. */
  __device__ void narrow(const Goal& goal, int shift, Bracket* bracket) const {
    const unsigned reaching = __ballot_sync(kAllLanes, reached(goal, upto[kLaneBins - 1]));
    const int lane = __ffs(static_cast<int>(reaching)) - 1;
    uint32_t bin = 0;
    unsigned long long above = before;
    unsigned long long from = upto[0];
#pragma unroll
    for (int b = 0; b + 1 < kLaneBins; ++b) {
      if (!reached(goal, upto[b])) {
        bin = static_cast<uint32_t>(b) + 1;
        above = upto[b];
        from = upto[b + 1];
      }
    }
    bin = __shfl_sync(kAllLanes, bin, lane) + static_cast<uint32_t>(lane * kLaneBins);
    bracket->above = __shfl_sync(kAllLanes, above, lane);
    bracket->from = __shfl_sync(kAllLanes, from, lane);
    bracket->high -= bin << shift;
    const uint32_t width = (1u << shift) - 1u;
    if (bin < CutBins<kLaneBins>::kBins - 1 && bracket->high - bracket->low > width) {
      bracket->low = bracket->high - width;
    }
  }
};

/** The tokens taken: all keys above the threshold, and the first `ties` that have its key. */
struct ShortCut {
  uint32_t threshold;
  uint32_t ties;
  bool all;  // ... which are all that have it
  int kept;
  uint64_t mass, total;  // of the tokens taken, and of all

  /** By the `equal` keys of the threshold, `unit` each, and the sum of those above. */
  __device__ ShortCut(const Goal& goal, uint32_t key, uint32_t equal, uint32_t unit, Packed above,
                      uint64_t whole)
      : threshold(key), ties(equal), all(!reached(goal, above + (equal - 1) * packed(unit))), total(whole) {
    if (!all) {
      ties = static_cast<uint32_t>(goal.ties(mass_in(above), number_in(above), unit));
    }
    kept = static_cast<int>(number_in(above) + ties);
    mass = mass_in(above) + static_cast<uint64_t>(ties) * unit;
  }
  ShortCut() = default;
};

/** The last tokens of a search. */
struct alignas(16) CutFew {
  uint2 tokens[32];  // keys and weights; zeros behind them
  uint32_t count;
};

/** By the tokens of the bracket: all of them, or any of one key that more than 32 have. All lanes of a warp. */
__device__ inline ShortCut cut_of_few(const CutFew& few, const Bracket& bracket, const Goal& goal,
                                      uint64_t total) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int number = static_cast<int>(number_in(bracket.from - bracket.above));
  if (bracket.low == bracket.high) {
    return ShortCut(goal, bracket.low, static_cast<uint32_t>(number), few.tokens[0].y, bracket.above, total);
  }
  const uint2 mine = few.tokens[lane];
  Tally tally;  // with the lane's own key
#pragma unroll 2
  for (int i = 0; i < number; i += 2) {
    const uint4 two = *reinterpret_cast<const uint4*>(few.tokens + i);
    tally.add_if_at_least(mine.x, two.x, two.y);
    tally.add_if_at_least(mine.x, two.z, two.w);
  }
  Packed sum = bracket.above + tally.sum();
  const uint32_t threshold = WarpReductions::max(lane < number && reached(goal, sum) ? mine.x : 0);
  const unsigned equal = __ballot_sync(kAllLanes, mine.x == threshold);
  const int leader = __ffs(static_cast<int>(equal)) - 1;
  const uint32_t unit = __shfl_sync(kAllLanes, mine.y, leader);
  sum = __shfl_sync(kAllLanes, static_cast<unsigned long long>(sum), leader);
  const uint32_t ties = static_cast<uint32_t>(__popc(equal));
  return ShortCut(goal, threshold, ties, unit, sum - ties * packed(unit), total);
}

}  // namespace medpruner::cuda

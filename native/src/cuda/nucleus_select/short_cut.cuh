/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Where the prefix of a short segment ends. The threshold key lies in a bracket of keys, which bins cut to one
// of 128 parts by the exact mass and number of the tokens in each, mostly once: then so few are left that each
// lane of a warp compares one with all others.

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

/** Adds packed(weight) if key >= pivot: three instructions, where nvcc makes five of the plain form. */
__device__ inline void add_at_least(uint32_t pivot, uint32_t key, uint32_t weight, uint2* sum) {
#if defined(__CUDACC__)
  asm("{\n\t"
      ".reg .pred above;\n\t"
      "setp.ge.u32 above, %2, %3;\n\t"
      "@above add.cc.u32 %0, %0, %4;\n\t"
      "@above addc.u32 %1, %1, 0x10000;\n\t"
      "}"
      : "+r"(sum->x), "+r"(sum->y)
      : "r"(key), "r"(pivot), "r"(weight));
#else
  const Packed more = key >= pivot ? packed(weight) : 0;
  const Packed all = (static_cast<Packed>(sum->y) << 32 | sum->x) + more;
  *sum = make_uint2(static_cast<uint32_t>(all), static_cast<uint32_t>(all >> 32));
#endif
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

constexpr int kLaneBins = 4;
constexpr int kCutBins = 32 * kLaneBins;
/** The most tokens that bins take: more would overflow their words. */
constexpr int kBinTokens = 1024;

/** In shared memory. Bin b has the keys from high - (b << shift) down to the next bin's, the last one all below. */
struct CutBins {
  static constexpr int kNumberBits = 11;
  static constexpr uint32_t kNumbers = (1u << kNumberBits) - 1u;
  uint32_t low[kCutBins];   // the number, and above it what the weights' lowest 11 bits add up to
  uint32_t high[kCutBins];  // what their other bits add up to

  __device__ void clear(int thread, int threads) {
    for (int b = thread; b < kCutBins; b += threads) {
      low[b] = 0;
      high[b] = 0;
    }
  }

  /** A token of weight `weight` whose key lies `down` below the bracket's highest, if it is one of `span`. */
  __device__ void add(uint32_t down, uint32_t span, int shift, uint32_t weight) {
    const uint32_t part = down >> shift;
    const uint32_t bin = part < kCutBins ? part : kCutBins - 1;
    const uint32_t lowest = (weight & kNumbers) << kNumberBits | 1u;
#if defined(__CUDACC__)  // predicated: a branch and the threads' meeting behind it are three instructions more
    const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(low + bin));
    asm volatile("{\n\t"
                 ".reg .pred inside;\n\t"
                 "setp.le.u32 inside, %0, %1;\n\t"
                 "@inside red.shared.add.u32 [%2], %3;\n\t"
                 "@inside red.shared.add.u32 [%2+%5], %4;\n\t"
                 "}" ::"r"(down), "r"(span), "r"(address), "r"(lowest), "r"(weight >> kNumberBits),
                 "n"(sizeof low)
                 : "memory");
#else
    if (down <= span) {
      atomicAdd(&low[bin], lowest);
      atomicAdd(&high[bin], weight >> kNumberBits);
    }
#endif
  }

  __device__ static Packed sum(uint32_t low, uint32_t high) {
    return (static_cast<uint64_t>(high) << kNumberBits) + (low >> kNumberBits) +
           (static_cast<uint64_t>(low & kNumbers) << kNumberShift);
  }
};

/**
 * By which 128 bins hold the bracket. `most` below 25 leaves the last bin what the others do not hold, so that
 * a few keys far below all others, zeros above all, do not take the others' bins.
 */
__device__ inline int bin_shift(uint32_t low, uint32_t high, int most) {
  const int bits = 32 - __clz(static_cast<int>(high - low));
  const int shift = bits > 7 ? bits - 7 : 0;
  return shift < most ? shift : most;
}

/** What the keys above a bracket and its bins add up to, bin after bin; lane l has bins 4 l to 4 l + 3. */
struct BinSums {
  Packed before, upto[kLaneBins];
  Packed all;

  /** All lanes of the warp. */
  __device__ BinSums(const CutBins& bins, Packed above) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const uint4 low = reinterpret_cast<const uint4*>(bins.low)[lane];
    const uint4 high = reinterpret_cast<const uint4*>(bins.high)[lane];
    upto[0] = CutBins::sum(low.x, high.x);
    upto[1] = upto[0] + CutBins::sum(low.y, high.y);
    upto[2] = upto[1] + CutBins::sum(low.z, high.z);
    upto[3] = upto[2] + CutBins::sum(low.w, high.w);
    unsigned long long sum = upto[3];
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
      const unsigned long long other = __shfl_up_sync(kAllLanes, sum, distance);
      sum += lane >= distance ? other : 0;
    }
    all = above + __shfl_sync(kAllLanes, sum, 31);
    before = above + sum - upto[3];
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
    if (bin < kCutBins - 1 && bracket->high - bracket->low > width) {
      bracket->low = bracket->high - width;
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

/** By the keys and weights of the bracket: all of them, or any of one key that more than 32 have. All lanes. */
__device__ inline ShortCut cut_of_few(const uint2* few, const Bracket& bracket, const Goal& goal) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int number = static_cast<int>(number_in(bracket.from - bracket.above));
  if (bracket.low == bracket.high) {
    return {bracket.low, few[0].y, static_cast<uint32_t>(number), bracket.above};
  }
  const uint2 mine = lane < number ? few[lane] : make_uint2(0, 0);
  Packed sum = bracket.above;  // with the lane's own key
#pragma unroll 4
  for (int i = 0; i < number; ++i) {
    const uint2 other = few[i];
    sum += other.x >= mine.x ? packed(other.y) : 0;
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

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for segments of up to 16384 tokens whose keys and weights fit in the registers of a block. The threshold
// key is bisected between the smallest and the largest key. A step also finds the keys on both sides of its
// pivot, and the bracket shrinks to them until one key is left: of 16384 normal scores 16 steps on average where
// plain halving takes 31, and never more than 32. Everything is one launch, from the scores to the list.

#include "cuda/nucleus_select/nucleus_select.cuh"

namespace medpruner::cuda {

/** Warps of a block of nucleus_blocks: 32 tokens a lane, at the 128 registers that 512 threads can have. */
constexpr int kBlockWarps = 16;
constexpr int kMaxItems = 32;

/** Of some keys, in a lane, a warp or a segment. */
struct Probe {
  uint64_t sum;        // of the mass, or the number, of those at or above a pivot; below 2^53
  uint32_t low, high;  // the smallest of those, the largest of the others
};

__device__ inline Probe combine_warp(const Probe& lane) {
  return {warp_sum_53(lane.sum), WarpReductions::min(lane.low), WarpReductions::max(lane.high)};
}

/** The threads that hold a segment. Results alternate between two places: one barrier per reduction is enough. */
struct BlockGroup {
  static constexpr int kWarps = kBlockWarps;
  Probe (*parts)[kBlockWarps];  // two of them, in shared memory
  int turn;

  __device__ int warp() const { return static_cast<int>(threadIdx.x) / 32; }
  __device__ Probe combine(const Probe& lane) {
    const int l = static_cast<int>(threadIdx.x) % 32;
    const Probe own = combine_warp(lane);
    if (l == 0) {
      parts[turn][warp()] = own;
    }
    __syncthreads();
    const Probe part = l < kWarps ? parts[turn][l] : Probe{0, 0xffffffffu, 0};
    turn ^= 1;
    return combine_warp(part);
  }
  __device__ uint32_t before(uint32_t count, uint32_t* total) {
    if (threadIdx.x % 32 == 0) {
      parts[turn][warp()].sum = count;
    }
    __syncthreads();
    uint32_t first = 0;
    uint32_t all = 0;
    for (int w = 0; w < kWarps; ++w) {
      const uint32_t part = static_cast<uint32_t>(parts[turn][w].sum);
      first += w < warp() ? part : 0;
      all += part;
    }
    turn ^= 1;
    *total = all;
    return first;
  }
};

/** The shortest prefix: all keys above the threshold, and the first `ties` equal to it. */
struct Cut {
  uint32_t threshold;
  uint64_t ties;
  uint64_t above;  // mass or number of the keys above
};

/** The tokens of a segment, kItems per lane: item j of lane l of warp w is token (w * kItems + j) * 32 + l. */
template <int kItems>
struct Tokens {
  uint32_t keys[kItems];     // 0, below every key of a segment without NaN, where there is no token
  uint32_t weights[kItems];  // 0 there
  BlockGroup group;

  /** Mass or number of the keys of at least `pivot`, and its neighbours. */
  __device__ Probe probe(uint32_t pivot, bool by_mass) {
    Probe p = {0, 0xffffffffu, 0};
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if (keys[j] >= pivot) {
        p.sum += by_mass ? weights[j] : 1;
        p.low = keys[j] < p.low ? keys[j] : p.low;
      } else {
        p.high = keys[j] > p.high ? keys[j] : p.high;
      }
    }
    return group.combine(p);
  }

  /** The shortest prefix that reaches `target`, with all keys in [low, high]; unit(key): what one adds. */
  template <class Unit>
  __device__ Cut cut(uint32_t low, uint32_t high, bool by_mass, uint64_t target, Unit unit) {
    uint64_t above = 0;
    while (low < high) {  // both are keys; those from `low` on reach the target, those above `high` do not
      const Probe p = probe(high - (high - low) / 2, by_mass);
      if (p.sum >= target) {
        low = p.low;
      } else {
        high = p.high;
        above = p.sum;
      }
    }
    const uint64_t each = unit(low);
    return {low, (target - above + each - 1) / each, above};
  }
};

/** Everything about segment g, the n > 0 rows from `begin` on. All threads of the group. */
template <int kItems>
__device__ void select_in_registers(const NucleusSelectArgs& args, int64_t g, int64_t begin, int n,
                                    const BlockGroup& group) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const unsigned earlier_lanes = (1u << lane) - 1u;
  Tokens<kItems> tokens;
  tokens.group = group;
  const int first = tokens.group.warp() * (kItems * 32) + lane;
  Probe range = {0, 0xffffffffu, 0};
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    const bool inside = first + j * 32 < n;
    const uint32_t key =
        inside ? order_key(float_to_bits(args.scores[begin + first + j * 32])) : 0;
    tokens.keys[j] = key;
    range.low = inside && key < range.low ? key : range.low;
    range.high = key > range.high ? key : range.high;
  }
  range = tokens.group.combine(range);
  const uint32_t flags = flags_of_range(range.low, range.high, args.mass_score);

  Cut cut = {0, static_cast<uint64_t>(n), 0};  // everything
  uint64_t total = 1;
  uint64_t kept_weight = 1;
  if (flags == 0) {
    const float max = bits_to_float(key_to_bits(range.high));
    const auto weight = [&](uint32_t key) { return weight_of(args, key, max); };
    Probe sum = {0, 0xffffffffu, 0};
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      tokens.weights[j] = tokens.keys[j] != 0 ? weight(tokens.keys[j]) : 0;
      sum.sum += tokens.weights[j];
    }
    total = tokens.group.combine(sum).sum;
    kept_weight = total;
    if (!args.keep_all) {
      cut = tokens.cut(range.low, range.high, true, mass_target(args.tau_q62, total), weight);
      kept_weight = cut.above + cut.ties * weight(cut.threshold);
    }
    if (args.min_tokens > 0 || args.max_tokens > 0) {
      const uint64_t length =
          args.keep_all ? static_cast<uint64_t>(n)
                        : tokens.probe(cut.threshold + 1, false).sum + cut.ties;
      const uint64_t bounded =
          static_cast<uint64_t>(bounded_length(args, static_cast<int64_t>(length), n));
      if (bounded != length) {
        cut = tokens.cut(range.low, range.high, false, bounded, [](uint32_t) { return 1u; });
        kept_weight =
            tokens.probe(cut.threshold + 1, true).sum + cut.ties * weight(cut.threshold);
      }
    }
  }

  uint32_t ties = 0;  // of the warps before, then of the items before as well
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    const bool tie = first + j * 32 < n && tokens.keys[j] == cut.threshold;
    ties += static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, tie)));
  }
  uint32_t all = 0;
  ties = tokens.group.before(ties, &all);
  uint32_t taken = 0;  // bit j: item j
  uint32_t kept = 0;
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    const bool inside = first + j * 32 < n;
    const bool tie = inside && tokens.keys[j] == cut.threshold;
    const unsigned tied = __ballot_sync(kAllLanes, tie);
    const uint32_t rank = ties + static_cast<uint32_t>(__popc(tied & earlier_lanes));
    const bool take = tie ? rank < cut.ties : inside && tokens.keys[j] > cut.threshold;
    ties += static_cast<uint32_t>(__popc(tied));
    taken |= take ? 1u << j : 0u;
    kept += static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, take)));
    if (inside) {
      args.mask[begin + first + j * 32] = take ? 1 : 0;
    }
  }
  uint32_t count = 0;
  uint32_t at = tokens.group.before(kept, &count);
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    const bool take = (taken >> j & 1u) != 0;
    const unsigned takes = __ballot_sync(kAllLanes, take);
    if (take) {
      args.kept_indices[begin + at + static_cast<uint32_t>(__popc(takes & earlier_lanes))] =
          begin + first + j * 32;
    }
    at += static_cast<uint32_t>(__popc(takes));
  }
  const int thread = tokens.group.warp() * 32 + lane;
  for (int i = static_cast<int>(count) + thread; i < n; i += BlockGroup::kWarps * 32) {
    args.kept_indices[begin + i] = -1;
  }
  if (thread == 0) {
    args.flags[g] = flags;
    args.kept_counts[g] = count;
    args.kept_mass[g] = static_cast<double>(kept_weight) / static_cast<double>(total);
  }
}

/** As few items per lane as hold the segment; fewer than 8 are not worth their code. */
__device__ inline void select_in_registers(const NucleusSelectArgs& args, int64_t g, int64_t begin,
                                           int n, const BlockGroup& group) {
  constexpr int kThreads = BlockGroup::kWarps * 32;
  if (n <= 8 * kThreads) {
    select_in_registers<8>(args, g, begin, n, group);
  } else if (n <= 16 * kThreads) {
    select_in_registers<16>(args, g, begin, n, group);
  } else {
    select_in_registers<kMaxItems>(args, g, begin, n, group);
  }
}

/** What is said of segment g, which is good but empty, or not good. One thread. */
__device__ inline void note_empty(const NucleusSelectArgs& args, int64_t g, bool good) {
  args.flags[g] = good ? 0 : MEDPRUNER_SEGMENT_BAD_OFFSETS;
  if (good) {
    args.kept_counts[g] = 0;
    args.kept_mass[g] = 0;
  }
}

/** One block per segment; in registers up to `longest`. */
__global__ void __launch_bounds__(kBlockWarps * 32)
    nucleus_blocks(NucleusSelectArgs args, NucleusWorkspace workspace, int64_t longest) {
  __shared__ Probe parts[2][kBlockWarps];
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
  if (!good || begin == end) {
    if (threadIdx.x == 0) {
      note_empty(args, g, good);
    }
  } else if (end - begin <= longest) {
    select_in_registers(args, g, begin, static_cast<int>(end - begin), BlockGroup{parts, 0});
  } else {
    finish_in_memory(args, workspace, g, begin, end, scratch);
  }
}

}  // namespace medpruner::cuda

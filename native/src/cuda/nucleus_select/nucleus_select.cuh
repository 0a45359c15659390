/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for volumes with bounds, and for a long segment among short ones: integer weights as on the CPU, then
// the threshold key by bisection, each step one sum over the segment. The bracket shrinks to keys that occur:
// at most 32 steps, 12 to 20 for 300,000 scores, no histogram, no float sum. One block per segment, however
// long; then one block per bounded volume. registers.cuh and spread.cuh have the rest.

#include <stdint.h>

#include "common/exp2poly.hpp"
#include "common/op_args.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

constexpr int kMemoryThreads = 1024;  // of a block that works in memory, at most

struct NucleusWorkspace {
  uint32_t* keys;     // [rows]
  uint32_t* weights;  // [rows]
  uint8_t* ranked;    // [rows]: 1 for tokens that floors and caps rank; null without volume bounds
};

/** By the smallest and the largest key: 0, or the flag that keeps the segment whole. */
__device__ inline uint32_t flags_of_range(uint32_t bottom, uint32_t top, bool mass_score) {
  constexpr uint32_t kMinusInf = 0x007fffffu;  // order_key puts NaNs below it or above +Inf
  constexpr uint32_t kPlusInf = 0xff800000u;
  constexpr uint32_t kZero = 0x80000000u;
  if (bottom < kMinusInf || top >= kPlusInf || top == kMinusInf) {
    return MEDPRUNER_SEGMENT_NON_FINITE;
  }
  return mass_score && bottom < kZero ? MEDPRUNER_SEGMENT_NEGATIVE_MASS : 0;
}

/** Of a key of the segment whose largest score is `max`; equal keys have equal weights. */
__device__ inline uint32_t weight_of(const NucleusSelectArgs& args, uint32_t key, float max) {
  const float score = bits_to_float(key_to_bits(key));
  return !args.mass_score ? softmax_weight(score, max, args.factor)
         : max == 0       ? 0x80000000u
                          : mass_weight(score, max);
}

/** A nucleus of `length` of `n` tokens, with the floor and the cap per segment. */
__device__ inline int64_t bounded_length(const NucleusSelectArgs& args, int64_t length, int64_t n) {
  if (args.min_tokens > length) {
    length = args.min_tokens < n ? args.min_tokens : n;
  }
  return args.max_tokens > 0 && length > args.max_tokens ? args.max_tokens : length;
}

/** Tokens [begin, end), those of them with ranked = 1 and mask = from when `mask` is given. */
struct Candidates {
  const NucleusWorkspace* workspace;
  int64_t begin, end;
  const uint8_t* mask;
  uint8_t from;

  __device__ bool has(int64_t i) const {
    return mask == nullptr || (workspace->ranked[i] != 0 && mask[i] == from);
  }

  /**
   * Mass (or number) of the candidates with a key of at least `pivot`; of the thread's own, the smallest of
   * those keys and the largest of the others. All threads of the block.
   */
  __device__ uint64_t at_least(uint32_t pivot, bool by_mass, uint64_t* scratch, uint32_t* low,
                               uint32_t* high) const {
    uint64_t sum = 0;
    *low = 0xffffffffu;
    *high = 0;
#pragma unroll 4
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      if (!has(i)) {  // only ranked rows have a key
        continue;
      }
      const uint32_t key = workspace->keys[i];
      const uint32_t unit = by_mass ? workspace->weights[i] : 1;  // ahead of the branch: loads overlap
      if (key >= pivot) {
        sum += unit;
        *low = key < *low ? key : *low;
      } else {
        *high = key > *high ? key : *high;
      }
    }
    return block_sum(sum, scratch);
  }
};

/**
 * Sets to[i] = value for the shortest prefix, in the order (key descending, index ascending), that
 * reaches `target`, which is at least 1 and at most the whole. All threads of the block; returns how
 * many.
 */
__device__ inline int64_t mark_prefix(const Candidates& candidates, bool by_mass, uint64_t target,
                                      uint8_t* to, uint8_t value, uint64_t* scratch) {
  uint32_t threshold = 0;
  uint32_t highest = 0xffffffffu;  // the keys from threshold on reach the target, those above it do not
  uint64_t above = 0;
  while (threshold < highest) {
    uint32_t low = 0;
    uint32_t high = 0;
    const uint32_t pivot = highest - (highest - threshold) / 2;
    const uint64_t sum = candidates.at_least(pivot, by_mass, scratch, &low, &high);
    if (sum >= target) {
      threshold = ~block_max(~low, scratch);
    } else {
      highest = block_max(high, scratch);
      above = sum;
    }
  }
  // Equal keys have equal weights.
  uint32_t unit = 0;
  for (int64_t i = candidates.begin + threadIdx.x; i < candidates.end; i += blockDim.x) {
    if (candidates.has(i) && candidates.workspace->keys[i] == threshold) {
      unit = by_mass ? candidates.workspace->weights[i] : 1;
    }
  }
  unit = block_max(unit, scratch);
  const uint64_t equal = (target - above + unit - 1) / unit;

  uint64_t seen = 0;
  uint64_t marked = 0;
  for (int64_t base = candidates.begin; base < candidates.end; base += blockDim.x) {
    const int64_t i = base + threadIdx.x;
    const bool inside = i < candidates.end && candidates.has(i);
    const uint32_t key = inside ? candidates.workspace->keys[i] : 0;
    const bool tie = inside && key == threshold;
    uint32_t ties = 0;
    const uint32_t rank = block_rank(tie, scratch, &ties);
    const bool take = (inside && key > threshold) || (tie && seen + rank < equal);
    if (take) {
      to[i] = value;
      ++marked;
    }
    seen += ties;
  }
  return static_cast<int64_t>(block_sum(marked, scratch));
}

__global__ void nucleus_clear(uint8_t* ranked, int64_t rows) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows;
       i += step) {
    ranked[i] = 0;
  }
}

/** Keys, weights and mask of segment [begin, end), not empty; returns its flags. All threads of the block. */
__device__ inline uint32_t select_in_memory(const NucleusSelectArgs& args,
                                            const NucleusWorkspace& workspace, int64_t begin,
                                            int64_t end, uint64_t* scratch) {
  const int64_t n = end - begin;
  uint32_t bottom = 0xffffffffu;
  uint32_t top = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
    const uint32_t key = order_key(float_to_bits(args.scores[i]));
    workspace.keys[i] = key;
    bottom = key < bottom ? key : bottom;
    top = key > top ? key : top;
  }
  bottom = ~block_max(~bottom, scratch);
  top = block_max(top, scratch);
  const uint32_t flags = flags_of_range(bottom, top, args.mass_score);
  const float max = bits_to_float(key_to_bits(top));
  uint64_t total = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
    args.mask[i] = flags != 0 || args.keep_all ? 1 : 0;
    if (workspace.ranked != nullptr) {
      workspace.ranked[i] = flags == 0 ? 1 : 0;
    }
    if (flags == 0) {
      const uint32_t weight = weight_of(args, workspace.keys[i], max);
      workspace.weights[i] = weight;
      total += weight;
    }
  }
  if (flags != 0) {
    return flags;
  }
  // Also makes every thread's keys, weights and mask visible to the whole block.
  total = block_sum(total, scratch);

  const Candidates all = {&workspace, begin, end, nullptr, 0};
  int64_t length = n;
  if (!args.keep_all) {
    length = mark_prefix(all, true, mass_target(args.tau_q62, total), args.mask, 1, scratch);
  }
  const int64_t bounded = bounded_length(args, length, n);
  if (bounded != length) {
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      args.mask[i] = 0;  // by the thread that may set it below
    }
    mark_prefix(all, false, static_cast<uint64_t>(bounded), args.mask, 1, scratch);
  }
  return 0;
}

/** List, count and kept mass of segment g by its mask. All threads of the block. */
__device__ inline void list_kept(const NucleusSelectArgs& args, const NucleusWorkspace& workspace,
                                 int64_t g, int64_t begin, int64_t end, bool whole,
                                 uint64_t* scratch) {
  uint64_t total = 0;
  uint64_t kept_weight = 0;
  int64_t kept = 0;
  for (int64_t base = begin; base < end; base += blockDim.x) {
    const int64_t i = base + threadIdx.x;
    const bool keep = i < end && args.mask[i] != 0;
    if (!whole && i < end) {
      total += workspace.weights[i];
      kept_weight += keep ? workspace.weights[i] : 0;
    }
    uint32_t count = 0;
    const uint32_t rank = block_rank(keep, scratch, &count);
    if (keep) {
      args.kept_indices[begin + kept + rank] = i;
    }
    kept += count;
  }
  for (int64_t at = begin + kept + threadIdx.x; at < end; at += blockDim.x) {
    args.kept_indices[at] = -1;
  }
  total = block_sum(total, scratch);
  kept_weight = block_sum(kept_weight, scratch);
  if (threadIdx.x == 0) {
    args.kept_counts[g] = kept;
    args.kept_mass[g] =
        whole ? 1.0
              : (total == 0 ? 0.0
                            : static_cast<double>(kept_weight) / static_cast<double>(total));
  }
}

/** Everything about segment g, rows [begin, end), not empty. All threads of the block. */
__device__ inline void finish_in_memory(const NucleusSelectArgs& args, const NucleusWorkspace& workspace,
                                        int64_t g, int64_t begin, int64_t end, uint64_t* scratch) {
  const uint32_t flags = select_in_memory(args, workspace, begin, end, scratch);
  if (threadIdx.x == 0) {
    args.flags[g] = flags;
  }
  list_kept(args, workspace, g, begin, end, flags != 0, scratch);
}

/** One block per segment of bounded volumes: flags, and the mask before the bounds. */
__global__ void __launch_bounds__(kMemoryThreads)
    nucleus_segment(NucleusSelectArgs args, NucleusWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  int64_t begin = 0;
  int64_t end = 0;
  uint32_t flags = 0;
  if (!segment_of(args.offsets, g, args.rows, &begin, &end)) {
    flags = MEDPRUNER_SEGMENT_BAD_OFFSETS;
  } else if (begin < end) {
    flags = select_in_memory(args, workspace, begin, end, scratch);
  }
  if (threadIdx.x == 0) {
    args.flags[g] = flags;
  }
}

/** One block per volume: floor and cap over its ranked tokens. */
__global__ void __launch_bounds__(kMemoryThreads)
    nucleus_volume(NucleusSelectArgs args, NucleusWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  int64_t first = 0;
  int64_t last = args.segments;
  if (args.volumes != nullptr &&
      !segment_of(args.volumes, blockIdx.x, args.segments, &first, &last)) {
    if (threadIdx.x == 0 && args.segments > 0) {
      const int64_t g = first < 0 ? 0 : (first < args.segments ? first : args.segments - 1);
      atomicOr(&args.flags[g], static_cast<uint32_t>(MEDPRUNER_SEGMENT_BAD_OFFSETS));
    }
    return;
  }
  // From the first row of its good segments to the last: offsets[first] and offsets[last] may belong to
  // bad ones, and would then take in the rows of other volumes. N < 2^32, so rows fit in 32 bits.
  uint32_t before = 0;  // rows from the first one on: its maximum is the first row's minimum
  uint32_t past = 0;
  for (int64_t g = first + threadIdx.x; g < last; g += blockDim.x) {
    int64_t low = 0;
    int64_t high = 0;
    if (segment_of(args.offsets, g, args.rows, &low, &high) && low < high) {
      const uint32_t after = static_cast<uint32_t>(args.rows - low);
      before = after > before ? after : before;
      past = high > past ? static_cast<uint32_t>(high) : past;
    }
  }
  const int64_t begin = args.rows - block_max(before, scratch);
  const int64_t end = block_max(past, scratch);
  uint64_t tokens = 0;
  uint64_t selected = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
    if (workspace.ranked[i] != 0) {
      ++tokens;
      selected += args.mask[i];
    }
  }
  tokens = block_sum(tokens, scratch);
  selected = block_sum(selected, scratch);
  const uint64_t wanted = static_cast<uint64_t>(args.volume_min_tokens);
  const uint64_t floor = wanted < tokens ? wanted : tokens;
  const uint64_t cap = static_cast<uint64_t>(args.volume_max_tokens);
  if (selected < floor) {
    const Candidates left = {&workspace, begin, end, args.mask, 0};
    mark_prefix(left, false, floor - selected, args.mask, 1, scratch);
  } else if (cap > 0 && selected > cap) {
    // 2 marks the best of the selected; then what stayed 1 is dropped.
    const Candidates in = {&workspace, begin, end, args.mask, 1};
    mark_prefix(in, false, cap, args.mask, 2, scratch);
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      if (workspace.ranked[i] != 0) {
        args.mask[i] = args.mask[i] == 2 ? 1 : 0;
      }
    }
  }
}

/** One block per segment of bounded volumes: list, count and kept mass. */
__global__ void __launch_bounds__(kMemoryThreads)
    nucleus_finish(NucleusSelectArgs args, NucleusWorkspace workspace) {
  __shared__ uint64_t scratch[kScratch];
  const int64_t g = blockIdx.x;
  int64_t begin = 0;
  int64_t end = 0;
  if (segment_of(args.offsets, g, args.rows, &begin, &end)) {
    const bool whole = (args.flags[g] & (MEDPRUNER_SEGMENT_NON_FINITE |
                                         MEDPRUNER_SEGMENT_NEGATIVE_MASS)) != 0;
    list_kept(args, workspace, g, begin, end, whole, scratch);
  }
}

}  // namespace medpruner::cuda

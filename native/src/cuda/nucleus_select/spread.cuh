/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for long segments over many blocks, six launches whatever their number and lengths:
//   nucleus_spread_first   the segments that a block holds, and the range of keys in each tile of the others
//   nucleus_digit, thrice  11, 11 and 10 bits of the threshold key from the top: mass and number of the keys in
//                          each bin, then the bin in which the prefix ends (spread_digits.cuh)
//   nucleus_count          the keys of each tile above the threshold and equal to it
//   nucleus_write          mask and list, each row's place from the counts of the tiles before its own
// The rows of the call are cut into tiles wherever its segments lie; a tile is no longer than the longest
// segment that is not spread, so at most two spread segments share one: the one that its first row is in,
// and one that begins behind it. Sums are integers, so no result depends on who adds first.

#include "cuda/common/dependent.cuh"
#include "cuda/nucleus_select/registers.cuh"

namespace medpruner::cuda {

constexpr int kSpreadThreads = 256;
constexpr int kBins = 2048;

/** What the launches know of a spread segment; written by nucleus_spread_first and the last part to arrive. */
struct SpreadState {
  uint64_t total, target;   // mass of the segment, and what the prefix has to reach
  uint64_t above_mass;      // of the keys above those that begin with `digits`, and their number
  uint32_t above_rows;
  uint32_t digits;          // the threshold's first ones, in the end the threshold
  uint32_t ties;            // how many rows of the threshold's key are kept
  uint32_t kept;            // rows
  uint32_t top;             // the largest key
  uint32_t flags;
  uint32_t arrived;         // parts
};

struct KeyRange {
  uint32_t low, high;
};

/** Slot 2 * t: the segment that tile t's first row is in; 2 * t + 1: the one that begins behind that row. */
struct SpreadWorkspace {
  int tile_shift;  // a tile has 2^tile_shift rows
  int64_t tiles;
  int32_t* owners;                 // [2 * tiles], -1: none
  KeyRange* ranges;                // [2 * tiles]
  uint64_t* counts;                // [2 * tiles]: rows above the threshold, and of its key from bit 32 on
  SpreadState* states;             // [segments]
  uint32_t* bin_rows;              // [segments, kBins]
  unsigned long long* bin_masses;  // [segments, kBins]
};

/** The rows of a spread segment in one tile. */
struct SpreadPart {
  int64_t segment;
  int64_t begin, end;         // of the segment
  int64_t from, to;           // of the part
  int64_t first_tile, tiles;  // of the segment
  bool aligned;               // the segment begins where its first tile does

  /** Of the part in the segment's tile u. */
  __device__ int64_t slot(int64_t u) const {
    return 2 * (first_tile + u) + (u == 0 && !aligned ? 1 : 0);
  }
};

__device__ inline bool part_of(const NucleusSelectArgs& args, const SpreadWorkspace& spread,
                               int64_t slot, SpreadPart* part) {
  const int64_t g = spread.owners[slot];
  if (g < 0) {
    return false;
  }
  const int64_t tile_begin = (slot / 2) << spread.tile_shift;
  const int64_t tile_end = (slot / 2 + 1) << spread.tile_shift;
  part->segment = g;
  part->begin = args.offsets[g];
  part->end = args.offsets[g + 1];
  part->from = part->begin > tile_begin ? part->begin : tile_begin;
  part->to = part->end < tile_end ? part->end : tile_end;
  part->first_tile = part->begin >> spread.tile_shift;
  part->tiles = ((part->end - 1) >> spread.tile_shift) - part->first_tile + 1;
  part->aligned = part->first_tile << spread.tile_shift == part->begin;
  return true;
}

/** Owners and key ranges of a tile; segments up to `longest` are not spread. All threads of the block. */
__device__ inline void range_of_tile(const NucleusSelectArgs& args, const SpreadWorkspace& spread,
                                     int64_t tile, int64_t longest, uint64_t* scratch) {
  const int64_t tile_begin = tile << spread.tile_shift;
  const int64_t tile_end = (tile + 1) << spread.tile_shift;
  uint32_t found[2] = {0, 0};  // segment + 1
  for (int64_t g = threadIdx.x; g < args.segments; g += blockDim.x) {
    int64_t begin = 0;
    int64_t end = 0;
    if (segment_of(args.offsets, g, args.rows, &begin, &end) && end - begin > longest &&
        begin < tile_end && end > tile_begin) {
      found[begin > tile_begin ? 1 : 0] = static_cast<uint32_t>(g + 1);
    }
  }
  for (int which = 0; which < 2; ++which) {
    const int64_t slot = 2 * tile + which;
    const int32_t owner = static_cast<int32_t>(block_max(found[which], scratch)) - 1;
    if (threadIdx.x == 0) {
      spread.owners[slot] = owner;
    }
    if (owner < 0) {
      continue;
    }
    const int64_t from = args.offsets[owner] > tile_begin ? args.offsets[owner] : tile_begin;
    const int64_t to = args.offsets[owner + 1] < tile_end ? args.offsets[owner + 1] : tile_end;
    KeyRange range = {0xffffffffu, 0};
    for (int64_t i = from + threadIdx.x; i < to; i += blockDim.x) {
      const uint32_t key = order_key(float_to_bits(args.scores[i]));
      range.low = key < range.low ? key : range.low;
      range.high = key > range.high ? key : range.high;
    }
    range.low = ~block_max(~range.low, scratch);
    range.high = block_max(range.high, scratch);
    if (threadIdx.x == 0) {
      spread.ranges[slot] = range;
    }
  }
}

/** A block per segment, then one per tile. */
__global__ void __launch_bounds__(kBlockWarps * 32)
    nucleus_spread_first(NucleusSelectArgs args, SpreadWorkspace spread, int64_t longest) {
  __shared__ Probe parts[2][kBlockWarps];
  __shared__ uint64_t scratch[kScratch];
  admit_next_launch();
  const int64_t g = blockIdx.x;
  if (g >= args.segments) {
    range_of_tile(args, spread, g - args.segments, longest, scratch);
    return;
  }
  int64_t begin = 0;
  int64_t end = 0;
  const bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
  if (good && begin < end && end - begin <= longest) {
    select_in_registers(args, g, begin, static_cast<int>(end - begin), BlockGroup{parts, 0});
    return;
  }
  if (threadIdx.x == 0) {
    note_empty(args, g, good);  // a spread segment looks empty until its threshold is there
  }
  if (good && begin < end) {
    if (threadIdx.x == 0) {
      spread.states[g] = {};
    }
    for (int64_t bin = g * kBins + threadIdx.x; bin < (g + 1) * kBins; bin += blockDim.x) {
      spread.bin_rows[bin] = 0;
      spread.bin_masses[bin] = 0;
    }
  }
}

/** Blocks stride over the slots. */
__global__ void __launch_bounds__(kSpreadThreads)
    nucleus_count(NucleusSelectArgs args, SpreadWorkspace spread) {
  __shared__ uint64_t scratch[kScratch];
  await_former_launch();
  admit_next_launch();
  for (int64_t slot = blockIdx.x; slot < 2 * spread.tiles; slot += gridDim.x) {
    SpreadPart part;
    if (!part_of(args, spread, slot, &part)) {
      continue;
    }
    const uint32_t threshold = spread.states[part.segment].digits;
    uint64_t count = 0;
    for (int64_t i = part.from + threadIdx.x; i < part.to; i += kSpreadThreads) {
      const uint32_t key = order_key(float_to_bits(args.scores[i]));
      count += key > threshold ? 1 : (key == threshold ? uint64_t{1} << 32 : 0);
    }
    count = block_sum(count, scratch);
    if (threadIdx.x == 0) {
      spread.counts[slot] = count;
    }
  }
}

/** Blocks stride over the slots. */
__global__ void __launch_bounds__(kSpreadThreads)
    nucleus_write(NucleusSelectArgs args, SpreadWorkspace spread) {
  __shared__ uint64_t scratch[kScratch];
  __shared__ int64_t scan_scratch[kScratch];
  await_former_launch();
  for (int64_t slot = blockIdx.x; slot < 2 * spread.tiles; slot += gridDim.x) {
    SpreadPart part;
    if (!part_of(args, spread, slot, &part)) {
      continue;
    }
    const SpreadState& state = spread.states[part.segment];
    const bool whole = state.flags != 0;
    const int64_t n = part.end - part.begin;
    const int64_t kept = state.kept;
    const int64_t ties = state.ties;
    const uint32_t threshold = state.digits;
    uint64_t before = 0;  // of the segment's tiles before this one
    for (int64_t u = threadIdx.x; u < slot / 2 - part.first_tile; u += kSpreadThreads) {
      before += spread.counts[part.slot(u)];
    }
    before = block_sum(before, scratch);
    for (int64_t base = part.from; base < part.to; base += kSpreadThreads) {
      const int64_t i = base + threadIdx.x;
      const bool inside = i < part.to;
      const uint32_t key = inside ? order_key(float_to_bits(args.scores[i])) : 0;
      const bool above = inside && key > threshold;
      const bool tie = inside && key == threshold;
      const uint64_t own = (above ? 1 : 0) + (tie ? uint64_t{1} << 32 : 0);
      int64_t all = 0;
      const uint64_t earlier =
          before - own +
          static_cast<uint64_t>(block_scan(static_cast<int64_t>(own), scan_scratch, &all));
      before += static_cast<uint64_t>(all);
      if (!inside) {
        continue;
      }
      const int64_t tied = static_cast<int64_t>(earlier >> 32);
      const int64_t rank = i - part.begin;
      const int64_t taken =
          whole ? rank : static_cast<int64_t>(earlier & 0xffffffffu) + (tied < ties ? tied : ties);
      const bool take = whole || above || (tie && tied < ties);
      args.mask[i] = take ? 1 : 0;
      // Dropped rows fill the list behind the kept ones. Only segments that overlap, whose counts are
      // each other's, can come to a place outside.
      const int64_t at = take ? taken : kept + rank - taken;
      if (at >= 0 && at < n) {
        args.kept_indices[part.begin + at] = take ? i : -1;
      }
    }
  }
}

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K3 for long segments over many blocks, six launches whatever their number and lengths:
//   nucleus_spread_first   the segments that a block holds, and the range of keys in each tile of the others
//   nucleus_digit, thrice  11, 11 and 10 bits of the threshold key from the top: the mass and the number of
//                          the keys in each bin, then the bin in which the prefix ends
//   nucleus_count          the keys of each tile above the threshold and equal to it
//   nucleus_write          mask and list, each row's place from the counts of the tiles before its own
// The rows of the call are cut into tiles wherever its segments lie; a tile is no longer than the longest
// segment that is not spread, so at most two spread segments share one: the one that its first row is in,
// and one that begins behind it. Sums are integers, so no result depends on who adds first.

#include "cuda/nucleus_select/registers.cuh"

namespace medpruner::cuda {

constexpr int kSpreadThreads = 256;
constexpr int kBins = 2048;
constexpr int kDigits = 3;
/** Rows that are binned in shared memory before the bins go to the segment's: see nucleus_digit. */
constexpr int kBatchRows = 1024;

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

/**
 * When a prefix is long enough. Floor and cap ask for prefixes of the same order as the mass does, so the
 * three are one condition, and one selection finds where it begins to hold.
 */
struct SpreadGoal {
  uint64_t mass;
  uint64_t least, most;  // rows

  __device__ bool reached(uint64_t prefix_mass, uint64_t rows) const {
    return (prefix_mass >= mass && rows >= least) || rows >= most;
  }

  /** How many rows of mass `unit` each must follow a prefix that falls short. */
  __device__ uint64_t ties(uint64_t prefix_mass, uint64_t rows, uint64_t unit) const {
    const uint64_t none = ~uint64_t{0};
    const uint64_t short_of = mass > prefix_mass ? mass - prefix_mass : 0;
    const uint64_t by_mass = short_of == 0 ? 0 : (unit == 0 ? none : (short_of - 1) / unit + 1);
    const uint64_t by_rows = least > rows ? least - rows : 0;
    const uint64_t wanted = by_mass > by_rows ? by_mass : by_rows;
    return wanted < most - rows ? wanted : most - rows;
  }
};

__device__ inline SpreadGoal goal_of(const NucleusSelectArgs& args, uint64_t target, int64_t n) {
  const uint64_t rows = static_cast<uint64_t>(n);
  const uint64_t floor = static_cast<uint64_t>(args.min_tokens);
  const uint64_t least = args.keep_all || floor > rows ? rows : floor;
  const uint64_t most = args.max_tokens > 0 ? static_cast<uint64_t>(args.max_tokens) : rows;
  return {args.keep_all ? 0 : target, least, most};
}

/** Where the digit of a pass lies in a key. */
struct Digit {
  int shift, bits;
  __device__ explicit Digit(int pass)
      : shift(pass == 0 ? 21 : (pass == 1 ? 10 : 0)), bits(pass == 2 ? 10 : 11) {}
};

/**
 * Adds the rows [from, to) whose key begins with state.digits to the bins of their segment. A bin of a batch
 * is two words, for shared memory has no 64-bit addition: rows (at most 1024) in 11 bits with the low 11
 * bits of the weights above them, and the rest of the weights, at most 2^20 each. All threads of the block;
 * the words are zero, and are again behind the next barrier.
 */
__device__ inline void add_to_bins(const NucleusSelectArgs& args, const SpreadWorkspace& spread,
                                   const SpreadPart& part, Digit digit, uint32_t digits,
                                   uint32_t top, uint32_t (*words)[kBins]) {
  constexpr int kLow = 11;
  constexpr uint32_t kLowMask = (1u << kLow) - 1u;
  static_assert(kBatchRows < 1 << kLow && kBatchRows % kSpreadThreads == 0, "fields and rounds");
  const float max = bits_to_float(key_to_bits(top));
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int64_t batch = part.from; batch < part.to; batch += kBatchRows) {
    __syncthreads();
    const int64_t end = part.to - batch < kBatchRows ? part.to : batch + kBatchRows;
#pragma unroll
    for (int round = 0; round < kBatchRows; round += kSpreadThreads) {
      const int64_t i = batch + round + threadIdx.x;
      const uint32_t key = i < end ? order_key(float_to_bits(args.scores[i])) : 0;
      const bool in =
          i < end && static_cast<uint64_t>(key) >> (digit.shift + digit.bits) == digits;
      const uint32_t weight = in ? weight_of(args, key, max) : 0;
      const uint32_t low = in ? 1u | (weight & kLowMask) << kLow : 0;
      const uint32_t high = weight >> kLow;
      const uint32_t bin = key >> digit.shift & ((1u << digit.bits) - 1u);
      const unsigned lanes = __ballot_sync(kAllLanes, in);
      if (lanes == 0) {
        continue;
      }
      // Scores close to one another share a bin: one addition a warp then, not 32 to one word.
      const int leader = __ffs(static_cast<int>(lanes)) - 1;
      const uint32_t shared = __shfl_sync(kAllLanes, bin, leader);
      if (__all_sync(kAllLanes, !in || bin == shared)) {
        const uint32_t low_sum = WarpReductions::add(low);
        const uint32_t high_sum = WarpReductions::add(high);
        if (lane == leader) {
          atomicAdd(&words[0][bin], low_sum);
          atomicAdd(&words[1][bin], high_sum);
        }
      } else if (in) {
        atomicAdd(&words[0][bin], low);
        atomicAdd(&words[1][bin], high);
      }
    }
    __syncthreads();
    for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += kSpreadThreads) {
      const uint32_t low = words[0][bin];
      if (low != 0) {
        const uint64_t mass =
            (static_cast<uint64_t>(words[1][bin]) << kLow) + (low >> kLow);
        words[0][bin] = 0;
        words[1][bin] = 0;
        atomicAdd(&spread.bin_rows[part.segment * kBins + bin], low & kLowMask);
        atomicAdd(&spread.bin_masses[part.segment * kBins + bin],
                  static_cast<unsigned long long>(mass));
      }
    }
  }
}

/** The bin of the whole segment in which the prefix ends. All threads of the last block to arrive. */
__device__ inline void pick_bin(const NucleusSelectArgs& args, const SpreadWorkspace& spread,
                                const SpreadPart& part, int pass, uint32_t top, int64_t* scratch) {
  constexpr int kOwn = kBins / kSpreadThreads;
  SpreadState* const state = &spread.states[part.segment];
  // Read ahead of the scans, whose barriers keep the one thread that writes behind all that read.
  const uint32_t digits = state->digits;
  const uint64_t above_mass = state->above_mass;
  const uint64_t above_rows = state->above_rows;
  const uint64_t old_total = state->total;
  const uint64_t old_target = state->target;
  // Thread t has bins kBins - 1 - t * kOwn and those below: the order of the prefix.
  const int64_t highest =
      part.segment * kBins + kBins - 1 - static_cast<int64_t>(threadIdx.x) * kOwn;
  uint64_t masses[kOwn];
  uint32_t rows[kOwn];
  uint64_t own_mass = 0;
  uint64_t own_rows = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    masses[k] = spread.bin_masses[highest - k];
    rows[k] = spread.bin_rows[highest - k];
    own_mass += masses[k];
    own_rows += rows[k];
    spread.bin_masses[highest - k] = 0;  // for the next digit
    spread.bin_rows[highest - k] = 0;
  }
  int64_t all_mass = 0;  // at most 2^32 rows of 2^31 each
  int64_t all_rows = 0;
  const int64_t mass_to = block_scan(static_cast<int64_t>(own_mass), scratch, &all_mass);
  const int64_t rows_to = block_scan(static_cast<int64_t>(own_rows), scratch, &all_rows);
  const uint64_t total = pass == 0 ? static_cast<uint64_t>(all_mass) : old_total;
  const uint64_t target = pass == 0 ? mass_target(args.tau_q62, total) : old_target;
  const SpreadGoal goal = goal_of(args, target, part.end - part.begin);
  uint64_t mass = above_mass + static_cast<uint64_t>(mass_to) - own_mass;
  uint64_t count = above_rows + static_cast<uint64_t>(rows_to) - own_rows;
  if (goal.reached(mass, count) || !goal.reached(mass + own_mass, count + own_rows)) {
    return;  // it ends in another thread's bins
  }
  int k = 0;
#pragma unroll
  for (int next = 0; next < kOwn; ++next) {
    if (k == next && !goal.reached(mass + masses[next], count + rows[next])) {
      mass += masses[next];
      count += rows[next];
      ++k;
    }
  }
  const uint32_t bin = static_cast<uint32_t>(highest - k - part.segment * kBins);
  const uint32_t next = digits << Digit(pass).bits | bin;
  state->digits = next;
  state->above_mass = mass;
  state->above_rows = static_cast<uint32_t>(count);
  if (pass == 0) {
    state->total = total;
    state->target = target;
    state->top = top;
  }
  if (pass == kDigits - 1) {
    const uint64_t unit = weight_of(args, next, bits_to_float(key_to_bits(top)));
    const uint64_t ties = goal.ties(mass, count, unit);
    state->ties = static_cast<uint32_t>(ties);
    state->kept = static_cast<uint32_t>(count + ties);
    args.kept_counts[part.segment] = static_cast<int64_t>(count + ties);
    args.kept_mass[part.segment] =
        static_cast<double>(mass + ties * unit) / static_cast<double>(total);
  }
}

/** Blocks stride over the slots. */
__global__ void __launch_bounds__(kSpreadThreads)
    nucleus_digit(NucleusSelectArgs args, SpreadWorkspace spread, int pass) {
  __shared__ uint32_t words[2][kBins];
  __shared__ uint64_t scratch[kScratch];
  __shared__ int64_t scan_scratch[kScratch];
  __shared__ bool last;
  for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += kSpreadThreads) {
    words[0][bin] = 0;
    words[1][bin] = 0;
  }
  for (int64_t slot = blockIdx.x; slot < 2 * spread.tiles; slot += gridDim.x) {
    SpreadPart part;
    if (!part_of(args, spread, slot, &part)) {
      continue;
    }
    SpreadState* const state = &spread.states[part.segment];
    uint32_t flags = state->flags;  // of the pass before
    uint32_t top = state->top;
    const uint32_t digits = state->digits;
    if (pass == 0) {
      KeyRange range = {0xffffffffu, 0};
      for (int64_t u = threadIdx.x; u < part.tiles; u += kSpreadThreads) {
        const KeyRange of_tile = spread.ranges[part.slot(u)];
        range.low = of_tile.low < range.low ? of_tile.low : range.low;
        range.high = of_tile.high > range.high ? of_tile.high : range.high;
      }
      range.low = ~block_max(~range.low, scratch);
      top = block_max(range.high, scratch);
      flags = flags_of_range(range.low, top, args.mass_score);
    }
    if (flags == 0) {
      add_to_bins(args, spread, part, Digit(pass), digits, top, words);
    } else if (pass > 0) {
      continue;
    }
    __syncthreads();  // the fence below is for the whole block
    if (threadIdx.x == 0) {
      const uint32_t parts = static_cast<uint32_t>(part.tiles);
      __threadfence();
      last = atomicInc(&state->arrived, parts - 1) == parts - 1;  // the last one sets it to 0
      __threadfence();
    }
    __syncthreads();
    if (!last) {
      continue;
    }
    if (flags == 0) {
      pick_bin(args, spread, part, pass, top, scan_scratch);
    } else if (threadIdx.x == 0) {
      state->flags = flags;
      args.flags[part.segment] = flags;
      args.kept_counts[part.segment] = part.end - part.begin;
      args.kept_mass[part.segment] = 1;
    }
  }
}

/** Blocks stride over the slots. */
__global__ void __launch_bounds__(kSpreadThreads)
    nucleus_count(NucleusSelectArgs args, SpreadWorkspace spread) {
  __shared__ uint64_t scratch[kScratch];
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

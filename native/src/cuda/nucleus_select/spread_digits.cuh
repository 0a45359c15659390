/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The threshold of spread segments, digit by digit from the top of the key: see spread.cuh.

#include "cuda/common/dependent.cuh"
#include "cuda/nucleus_select/goal.cuh"
#include "cuda/nucleus_select/spread.cuh"

namespace medpruner::cuda {

constexpr int kDigits = 3;
/** Rows that are binned in shared memory before their bins are added to the segment's. */
constexpr int kBatchRows = 1024;

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
  // Thread t has the bins [kBins - (t + 1) * kOwn, kBins - t * kOwn): the order of the prefix is descending.
  const int64_t lowest =
      (part.segment + 1) * kBins - (static_cast<int64_t>(threadIdx.x) + 1) * kOwn;
  ulonglong2* const of_masses = reinterpret_cast<ulonglong2*>(spread.bin_masses + lowest);
  uint4* const of_rows = reinterpret_cast<uint4*>(spread.bin_rows + lowest);
  static_assert(kOwn == 8, "four and two units of 16 bytes");
  ulonglong2 mass_units[4];
  uint4 row_units[2];
#pragma unroll
  for (int u = 0; u < 4; ++u) {
    mass_units[u] = of_masses[u];
  }
#pragma unroll
  for (int u = 0; u < 2; ++u) {
    row_units[u] = of_rows[u];
  }
#pragma unroll
  for (int u = 0; u < 4; ++u) {  // for the next digit
    of_masses[u] = make_ulonglong2(0, 0);
  }
#pragma unroll
  for (int u = 0; u < 2; ++u) {
    of_rows[u] = make_uint4(0, 0, 0, 0);
  }
  const uint64_t masses[kOwn] = {mass_units[3].y, mass_units[3].x, mass_units[2].y, mass_units[2].x,
                                 mass_units[1].y, mass_units[1].x, mass_units[0].y, mass_units[0].x};
  const uint32_t rows[kOwn] = {row_units[1].w, row_units[1].z, row_units[1].y, row_units[1].x,
                               row_units[0].w, row_units[0].z, row_units[0].y, row_units[0].x};
  uint64_t own_mass = 0;
  uint64_t own_rows = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    own_mass += masses[k];
    own_rows += rows[k];
  }
  int64_t all_mass = 0;  // at most 2^32 rows of 2^31 each
  int64_t all_rows = 0;
  const int64_t mass_to = block_scan(static_cast<int64_t>(own_mass), scratch, &all_mass);
  const int64_t rows_to = block_scan(static_cast<int64_t>(own_rows), scratch, &all_rows);
  const uint64_t total = pass == 0 ? static_cast<uint64_t>(all_mass) : old_total;
  const uint64_t target = pass == 0 ? mass_target(args.tau_q62, total) : old_target;
  const Goal goal = goal_of(args, target, part.end - part.begin);
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
  const uint32_t bin = static_cast<uint32_t>(lowest + kOwn - 1 - k - part.segment * kBins);
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
  await_former_launch();
  admit_next_launch();
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

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cuda/nucleus_select/nucleus_select.cuh"

namespace medpruner::cuda {

/**
 * When a prefix is long enough. Floor and cap ask for prefixes of the same order as the mass does, so the
 * three are one condition, and one search finds where it begins to hold.
 */
struct Goal {
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

__device__ inline Goal goal_of(const NucleusSelectArgs& args, uint64_t target, int64_t n) {
  const uint64_t rows = static_cast<uint64_t>(n);
  const uint64_t floor = static_cast<uint64_t>(args.min_tokens);
  const uint64_t least = args.keep_all || floor > rows ? rows : floor;
  const uint64_t most = args.max_tokens > 0 ? static_cast<uint64_t>(args.max_tokens) : rows;
  return {args.keep_all ? 0 : target, least, most};
}

}  // namespace medpruner::cuda

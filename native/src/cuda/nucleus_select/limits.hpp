/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

namespace medpruner::cuda {

/** Which segments take which kernels; no result depends on it. */
struct NucleusLimits {
  /** The longest segments that a warp and a block hold in registers. */
  int64_t warp_rows = 256;
  int64_t block_rows = 16384;
  /**
   * Longer ones are spread over many blocks where the call's segments have more rows than this on average.
   * Where they have fewer, a longer one is an exception that gets one block: the host does not know the
   * lengths, and four launches more would cost every batch of ordinary slices.
   */
  int64_t spread_average = 4096;
  /** Spread segments are cut into tiles of 2^tile_shift rows; more, up to block_rows, beyond most_tiles. */
  int tile_shift = 10;
  int64_t most_tiles = 2048;
  /** The longest segments for a small block; some hold less. */
  int64_t short_rows = 4096;
  /**
   * Calls of no more rows a segment than this are one launch, and a longer segment is an exception for which
   * a small block works in memory: a launch more, which mostly finds nothing, costs 2.6 us (tuning run, H200).
   */
  int64_t short_average = 512;
  /**
   * Calls that spread segments, but have no more rows than a cluster of sm_90 holds, and no more segments than
   * clusters that run at a time, get clusters of so many blocks; 0: none.
   */
  int cluster_blocks = 16;
};

#if defined(MEDPRUNER_SIMT)
/** Tests on the SIMT executor lower it, so that small inputs take every path. */
extern NucleusLimits g_nucleus_limits;
#endif

}  // namespace medpruner::cuda

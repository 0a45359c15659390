/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/op_args.hpp"

namespace medpruner::cuda {

/** Which segments take which kernels; no result depends on it. */
struct NucleusLimits {
  /** The longest segments that may have few tokens a thread, and that a block holds in registers. */
  int64_t few_rows = 1024;
  int64_t block_rows = 16384;
  /**
   * Longer ones are spread over many blocks where the call's segments have more rows than this on average.
   * Where they have fewer, a longer one is an exception that gets one block: the host does not know the
   * lengths, and five launches more would cost every batch of ordinary slices.
   */
  int64_t spread_average = 4096;
  /** Spread segments are cut into tiles of 2^tile_shift rows; more, up to block_rows, beyond most_tiles. */
  int tile_shift = 10;
  int64_t most_tiles = 2048;
  /**
   * Calls of no more rows a segment on average get blocks for 256 tokens, then for 4096, then large ones. A
   * longer segment is an exception for which such a block works in memory: a launch of its own would mostly
   * find nothing, and 512 large blocks that found nothing took 2.6 us and more (tuning run, H200).
   */
  int64_t short_average = 256;
  int64_t medium_average = 4096;
  /**
   * Calls that spread segments, but have no more rows than a cluster of sm_90 holds, and no more segments than
   * clusters that run at a time, get clusters of so many blocks; 0: none.
   */
  int cluster_blocks = 16;
};

/** Refuses what the launches cannot number; a call that goes on to nucleus_select() asks before launches of its own. */
void check_nucleus_extents(const NucleusSelectArgs& args);

#if defined(MEDPRUNER_SIMT)
/** Tests on the SIMT executor lower it, so that small inputs take every path. */
extern NucleusLimits g_nucleus_limits;
#endif

}  // namespace medpruner::cuda

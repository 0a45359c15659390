/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// While the selection and the plan leave the memory idle, blocks beside the plan's bring keys and features to
// L2: every row of them is read once, in the nucleus or not.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/common/prefetch.cuh"
#include "cuda/common/units.cuh"

namespace medpruner::cuda {

/** How many bytes of each row are fetched, and by how many blocks per segment of average length. */
struct Fetch {
  uint32_t features = 0;
  uint32_t keys = 0;
  unsigned blocks = 0;

  // Half the 50 MB that an H200 has as L2. Of more than fits, nothing: it would be gone before it is used.
  static constexpr int64_t kFeatures = int64_t{24} << 20;
  static constexpr int64_t kKeys = int64_t{4} << 20;

  Fetch() = default;

  /** With `copies` every feature is read, else few are. */
  Fetch(const ContextualMergeArgs& args, bool copies, int32_t device) {
    const int64_t element = args.dtype == DType::kF32 ? 4 : 2;
    const int64_t row = args.channels * element;
    const int64_t key = args.dim * 4;
    if (args.rows == 0) {
      return;
    }
    if (copies && row <= 2 * kFeatures / args.rows &&
        row_alignment(args.features, 0, args.features, args.feature_stride * element, row) % 16 == 0) {
      const int64_t share = kFeatures / args.rows / 128 * 128;
      features = static_cast<uint32_t>(row < share ? row : share);
    }
    if (key <= kKeys / args.rows &&
        row_alignment(args.keys, 0, args.keys, args.key_stride * 4, key) % 16 == 0) {
      keys = static_cast<uint32_t>(key);
    }
    if (features == 0 && keys == 0) {
      return;
    }
    const unsigned held = static_cast<unsigned>(multiprocessors(device) / args.segments) + 1;
    const unsigned most = blocks_per_segment(args.rows, args.segments, kRowWarps);
    blocks = held < most ? held : most;
  }
};

/** All threads of block blockIdx.y - 1 of a segment's: its share of rows [begin, begin + count). */
__device__ inline void fetch_rows(const ContextualMergeArgs& args, const Fetch& fetch, int64_t begin,
                                  int64_t count) {
  if (threadIdx.x % 32 != 0) {
    return;
  }
  const int64_t element = args.dtype == DType::kF32 ? 4 : 2;
  const char* features = static_cast<const char*>(args.features);
  const uint32_t warps = blockDim.x / 32;
  for (int64_t i = int64_t{blockIdx.y - 1} * warps + threadIdx.x / 32; i < count;
       i += int64_t{gridDim.y - 1} * warps) {
    if (fetch.keys > 0) {
      prefetch_l2(args.keys + (begin + i) * args.key_stride, fetch.keys);
    }
    if (fetch.features > 0) {
      prefetch_l2(features + (begin + i) * args.feature_stride * element, fetch.features);
    }
  }
}

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/gather_rows/gather_rows.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

constexpr int kThreads = 256;

template <class Unit>
void copy(const GatherRowsArgs& args, Launch launch) {
  const unsigned split = blocks_per_segment(args.rows, args.segments, kThreads / 32);
  MEDPRUNER_LAUNCH(gather_copy<Unit>, dim3(grid_extent(args.segments), split), kThreads,
                   launch.stream, args, args.row_bytes / static_cast<int64_t>(sizeof(Unit)));
}

}  // namespace

size_t gather_rows_workspace(const GatherRowsArgs&) { return 0; }

void gather_rows(const GatherRowsArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  MEDPRUNER_LAUNCH(gather_offsets, 1, kScanThreads, launch.stream, args);
  if (args.segments == 0 || args.rows == 0 || args.row_bytes == 0 || args.capacity == 0) {
    return;
  }
  const uint64_t alignment = row_alignment(args.packed, args.row_bytes, args.source,
                                           args.row_stride_bytes, args.row_bytes);
  if (alignment % 16 == 0) {
    copy<Unit16>(args, launch);
  } else if (alignment % 8 == 0) {
    copy<uint64_t>(args, launch);
  } else if (alignment % 4 == 0) {
    copy<uint32_t>(args, launch);
  } else if (alignment % 2 == 0) {
    copy<uint16_t>(args, launch);
  } else {
    copy<uint8_t>(args, launch);
  }
}

}  // namespace medpruner::cuda

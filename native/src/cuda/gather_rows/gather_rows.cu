/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/gather_rows/gather_rows.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

constexpr int64_t kFewRows = 4096;  // of a segment, which its first block looks through

template <class Unit>
void copy(const GatherRowsArgs& args, bool few, Launch launch) {
  const unsigned split = row_blocks(args.rows, args.segments, launch.device);
  MEDPRUNER_LAUNCH(gather_copy<Unit>, dim3(grid_extent(args.segments), split), kRowThreads,
                   launch.stream, args, args.row_bytes / static_cast<int64_t>(sizeof(Unit)), few);
}

}  // namespace

size_t gather_rows_workspace(const GatherRowsArgs&) { return 0; }

void gather_rows(const GatherRowsArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  grid_extent(args.segments);  // may refuse: before the first launch
  // Rows of no values are none to copy, but they may be stray.
  const bool empty = args.segments == 0 || args.rows == 0 || args.capacity == 0;
  const bool few = !empty && args.segments <= kFewSegments &&
                   args.rows / args.segments <= kFewRows;
  if (!few) {
    MEDPRUNER_LAUNCH(gather_offsets, 1, kScanThreads, launch.stream, args);
  }
  if (empty) {
    return;
  }
  const uint64_t alignment = row_alignment(args.packed, args.row_bytes, args.source,
                                           args.row_stride_bytes, args.row_bytes);
  if (alignment % 16 == 0) {
    copy<Unit16>(args, few, launch);
  } else if (alignment % 8 == 0) {
    copy<uint64_t>(args, few, launch);
  } else if (alignment % 4 == 0) {
    copy<uint32_t>(args, few, launch);
  } else if (alignment % 2 == 0) {
    copy<uint16_t>(args, few, launch);
  } else {
    copy<uint8_t>(args, few, launch);
  }
}

}  // namespace medpruner::cuda

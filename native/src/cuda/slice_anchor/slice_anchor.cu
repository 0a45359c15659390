/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/slice_anchor/slice_anchor.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

int64_t chunk_count(const SliceAnchorArgs& args) {
  return (args.cols - 1) / kChunkValues + 1;
}

AnchorWorkspace lay_out(const SliceAnchorArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  AnchorWorkspace workspace;
  const int64_t chunks = chunk_count(args);
  workspace.start = layout.take<int32_t>(args.rows);
  workspace.totals = layout.take<ChunkTotal>(chunks * kPairs);
  workspace.specials = layout.take<uint32_t>(chunks);
  if (layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "slices: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

template <class T>
void run(const SliceAnchorArgs& args, Launch launch) {
  size_t size = 0;
  const AnchorWorkspace workspace = lay_out(args, args.workspace, &size);
  const unsigned segments = grid_extent(args.segments);
  if (args.rows > 0) {
    const int64_t chunks = chunk_count(args);
    const bool integers = args.dtype == DType::kU8 || args.dtype == DType::kI16;
    MEDPRUNER_LAUNCH(anchor_clear, grid_extent((args.rows + 255) / 256), 256,
                     launch.stream, workspace, args.rows);
    if (segments > 0) {
      MEDPRUNER_LAUNCH(anchor_starts, segments, 256, launch.stream, args.offsets, workspace,
                       args.rows);
    }
    const unsigned blocks = grid_extent((chunks + kWarpsPerBlock - 1) / kWarpsPerBlock);
    for (int64_t first = 0; first < args.rows; first += kWindow) {
      MEDPRUNER_LAUNCH(anchor_pairs<T>, blocks, kWarpsPerBlock * 32, launch.stream,
                       static_cast<const T*>(args.slices), args.row_stride, args.cols, args.rows,
                       first, args.representative, workspace);
      MEDPRUNER_LAUNCH(anchor_decide, 1, 32, launch.stream, args, workspace, first, chunks,
                       integers);
    }
  }
  if (segments > 0) {
    MEDPRUNER_LAUNCH(anchor_list, segments, 256, launch.stream, args);
  }
}

}  // namespace

size_t slice_anchor_workspace(const SliceAnchorArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void slice_anchor(const SliceAnchorArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  switch (args.dtype) {
    case DType::kU8:
      return run<uint8_t>(args, launch);
    case DType::kI16:
      return run<int16_t>(args, launch);
    case DType::kF16:
      return run<Half>(args, launch);
    case DType::kBF16:
      return run<BFloat>(args, launch);
    default:
      return run<float>(args, launch);
  }
}

}  // namespace medpruner::cuda

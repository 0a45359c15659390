/* SPDX-License-Identifier: Apache-2.0 */
#include "common/visit.hpp"
#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/slice_anchor/steps.cuh"
#include "cuda/slice_anchor/windows.hpp"

namespace medpruner::cuda {
namespace {

// From here on a launch of its own lists the segments, a block for each.
constexpr int64_t kFewSegments = 32;

bool integers(const SliceAnchorArgs& args) {
  return args.dtype == DType::kU8 || args.dtype == DType::kI16;
}

AnchorWorkspace lay_out(const SliceAnchorArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  AnchorWorkspace workspace;
  workspace.state = layout.take<AnchorState>(1);
  workspace.start = layout.take<int32_t>(args.rows);
  workspace.chunks = layout.take<ChunkSums<ChunkWindow::kPairs>>(integers(args) ? 0 : chunk_count(args));
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
  const bool list_apart = args.rows == 0 || args.segments > kFewSegments;
  const unsigned segments = grid_extent(args.segments);  // these may refuse: before the first launch
  const unsigned blocks = args.rows > 0 ? window_blocks<T>(args) : 0;
  if (args.rows > 0) {
    MEDPRUNER_LAUNCH(anchor_prepare, 1, 1024, launch.stream, args, workspace);
    run_windows<T>(args, workspace, blocks, !list_apart, launch.stream);
  }
  if (list_apart && segments > 0) {
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
  visit_slice(args.dtype, [&](auto stored) { run<decltype(stored)>(args, launch); });
}

}  // namespace medpruner::cuda

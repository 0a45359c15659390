/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/nucleus_select/nucleus_select.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"
#include "cuda/nucleus_select/limits.hpp"
#include "cuda/nucleus_select/registers.cuh"

namespace medpruner::cuda {

#if defined(MEDPRUNER_SIMT)
NucleusLimits g_nucleus_limits;
#else
namespace {
constexpr NucleusLimits g_nucleus_limits;
}
#endif

namespace {

bool volumes_bounded(const NucleusSelectArgs& args) {
  return args.volume_min_tokens > 0 || args.volume_max_tokens > 0;
}

/** Nothing for what is sure to stay in registers. */
NucleusWorkspace lay_out(const NucleusSelectArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  const bool bounded = volumes_bounded(args);
  const int64_t rows = bounded || args.rows > g_nucleus_limits.block_rows ? args.rows : 0;
  NucleusWorkspace workspace;
  workspace.keys = layout.take<uint32_t>(rows);
  workspace.weights = layout.take<uint32_t>(rows);
  workspace.ranked = bounded ? layout.take<uint8_t>(rows) : nullptr;
  *size = layout.size();
  return workspace;
}

/** Enough threads for a segment of average length, so that short ones do not idle a whole block. */
int threads_for(int64_t rows, int64_t segments) {
  const int64_t average = rows / segments;
  return average <= 256 ? 128 : (average <= 2048 ? 512 : 1024);
}

void select_bounded(const NucleusSelectArgs& args, const NucleusWorkspace& workspace,
                    void* stream) {
  const unsigned segments = grid_extent(args.segments);
  const unsigned volumes = grid_extent(args.volume_count);
  const int threads = threads_for(args.rows, args.segments);
  if (args.rows > 0) {
    MEDPRUNER_LAUNCH(nucleus_clear, 256, 256, stream, workspace.ranked, args.rows);
  }
  MEDPRUNER_LAUNCH(nucleus_segment, segments, threads, stream, args, workspace);
  if (volumes > 0) {
    MEDPRUNER_LAUNCH(nucleus_volume, volumes, 1024, stream, args, workspace);
  }
  MEDPRUNER_LAUNCH(nucleus_finish, segments, threads, stream, args, workspace);
}

}  // namespace

size_t nucleus_select_workspace(const NucleusSelectArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void nucleus_select(const NucleusSelectArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  if (args.segments == 0) {
    return;
  }
  size_t size = 0;
  const NucleusWorkspace workspace = lay_out(args, args.workspace, &size);
  if (volumes_bounded(args)) {
    select_bounded(args, workspace, launch.stream);
    return;
  }
  const NucleusLimits limits = g_nucleus_limits;
  const unsigned blocks = grid_extent((args.segments + kWarpSegments - 1) / kWarpSegments);
  MEDPRUNER_LAUNCH(nucleus_warps, blocks, kWarpSegments * 32, launch.stream, args,
                   limits.warp_rows);
  if (args.rows > limits.warp_rows) {  // else no segment can be longer
    MEDPRUNER_LAUNCH(nucleus_blocks, grid_extent(args.segments), kBlockWarps * 32, launch.stream,
                     args, workspace, limits.warp_rows, limits.block_rows);
  }
}

}  // namespace medpruner::cuda

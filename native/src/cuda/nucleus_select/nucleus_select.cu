/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/nucleus_select/nucleus_select.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

NucleusWorkspace lay_out(const NucleusSelectArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  NucleusWorkspace workspace;
  workspace.keys = layout.take<uint32_t>(args.rows);
  workspace.weights = layout.take<uint32_t>(args.rows);
  workspace.ranked = layout.take<uint8_t>(args.rows);
  *size = layout.size();
  return workspace;
}

/** Enough threads for a segment of average length, so that short ones do not idle a whole block. */
int threads_for(int64_t rows, int64_t segments) {
  const int64_t average = rows / segments;
  return average <= 256 ? 128 : (average <= 2048 ? 512 : 1024);
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
  const unsigned segments = grid_extent(args.segments);
  const unsigned volumes = grid_extent(args.volume_count);
  const int threads = threads_for(args.rows, args.segments);
  const bool bounded = args.volume_min_tokens > 0 || args.volume_max_tokens > 0;
  if (args.rows > 0) {
    MEDPRUNER_LAUNCH(nucleus_clear, 256, 256, launch.stream, workspace.ranked, args.rows);
  }
  MEDPRUNER_LAUNCH(nucleus_segment, segments, threads, launch.stream, args, workspace);
  if (bounded && volumes > 0) {
    MEDPRUNER_LAUNCH(nucleus_volume, volumes, 1024, launch.stream, args, workspace);
  }
  MEDPRUNER_LAUNCH(nucleus_finish, segments, threads, launch.stream, args, workspace);
}

}  // namespace medpruner::cuda

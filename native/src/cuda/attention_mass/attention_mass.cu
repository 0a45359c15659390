/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/attention_mass/attention_mass.cuh"

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

MassWorkspace lay_out(const AttentionMassArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  MassWorkspace workspace;
  int64_t values = 0;
  const bool too_large = __builtin_mul_overflow(args.rows, args.heads, &values);
  workspace.tiles = layout.take<int64_t>(args.segments + 1);
  workspace.lse = layout.take<float>(too_large ? 0 : values);
  workspace.head_mass = layout.take<float>(too_large ? 0 : values);
  if (too_large || layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "query: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

template <class T>
void run(const AttentionMassArgs& args, Launch launch) {
  size_t size = 0;
  const MassWorkspace workspace = lay_out(args, args.workspace, &size);
  const unsigned segments = grid_extent(args.segments);
  // As many tiles as good offsets can have, capped: the kernel strides over the rest.
  const int64_t tiles = args.rows / kTile + args.segments;
  const dim3 grid(static_cast<unsigned>(tiles < 1 << 20 ? tiles : 1 << 20),
                  static_cast<unsigned>(args.heads < 1024 ? args.heads : 1024));
  const float factor = static_cast<float>(args.scale * kLog2E);
  MEDPRUNER_LAUNCH(mass_segments, 1, 1024, launch.stream, args, workspace);
  if (args.lse != nullptr) {
    MEDPRUNER_LAUNCH(mass_convert_lse, 1024, 256, launch.stream, args.lse, workspace.lse,
                     args.rows * args.heads);
  } else {
    MEDPRUNER_LAUNCH((mass_pass<T, false>), grid, kMassThreads, launch.stream, args, workspace,
                     factor);
  }
  MEDPRUNER_LAUNCH((mass_pass<T, true>), grid, kMassThreads, launch.stream, args, workspace,
                   factor);
  MEDPRUNER_LAUNCH(mass_pool, segments, 256, launch.stream, args, workspace);
  if (args.pooled_keys != nullptr) {
    const unsigned split = blocks_per_segment(args.rows / args.pool * args.dim, args.segments, 256);
    MEDPRUNER_LAUNCH(mass_pool_keys<T>, dim3(segments, split), 256, launch.stream, args);
  }
}

}  // namespace

size_t attention_mass_workspace(const AttentionMassArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void attention_mass(const AttentionMassArgs& args, Launch launch) {
  const DeviceScope scope(launch.device);
  if (args.segments == 0) {
    return;
  }
  switch (args.dtype) {
    case DType::kF16:
      return run<Half>(args, launch);
    case DType::kBF16:
      return run<BFloat>(args, launch);
    default:
      return run<float>(args, launch);
  }
}

}  // namespace medpruner::cuda

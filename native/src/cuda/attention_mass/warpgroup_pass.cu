/* SPDX-License-Identifier: Apache-2.0 */
// Compiled for sm_90a alone: its instructions are in no other architecture, before or after.
#include "cuda/attention_mass/warpgroup_pass.hpp"

#include "cuda/attention_mass/warpgroup_pass.cuh"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

struct Pass {
  const AttentionMassArgs& args;
  const MassWorkspace& workspace;
  float factor;
  unsigned blocks;
  void* stream;

  template <class T, bool kColumns>
  void run() const {
    switch ((args.dim + 15) / 16) {
      case 5:
        return run<T, kColumns, 5>();
      case 6:
        return run<T, kColumns, 6>();
      case 7:
      case 8:
        return run<T, kColumns, 8>();
      default:
        return run<T, kColumns, 4>();
    }
  }
  template <class T, bool kColumns, int kSteps>
  void run() const {
    using Shape = WarpgroupShape<kSteps>;
    MEDPRUNER_LAUNCH_SHARED((mass_warpgroup_pass<T, kSteps, kColumns>), blocks,
                            static_cast<unsigned>(kWarpgroupThreads),
                            static_cast<size_t>(Shape::kSharedBytes), stream, args,
                            workspace, factor);
  }
};

bool aligned(const void* data, int64_t row_stride, int64_t head_stride) {
  return (reinterpret_cast<uintptr_t>(data) | static_cast<uint64_t>(row_stride) * 2 |
          static_cast<uint64_t>(head_stride) * 2) %
             16 ==
         0;
}

}  // namespace

int warpgroup_block_rows() { return kWarpgroupRows; }

bool takes_warpgroups(const AttentionMassArgs& args, int compute_capability) {
  return compute_capability == 90 && args.dim % 8 == 0 && args.dim <= 128 &&
         aligned(args.query, args.query_row_stride, args.query_head_stride) &&
         aligned(args.key, args.key_row_stride, args.key_head_stride);
}

void warpgroup_pass(const AttentionMassArgs& args, const MassWorkspace& workspace, float factor,
                    unsigned blocks, bool columns, void* stream) {
  const Pass pass = {args, workspace, factor, blocks, stream};
  if (args.dtype == DType::kF16) {
    return columns ? pass.run<Half, true>() : pass.run<Half, false>();
  }
  return columns ? pass.run<BFloat, true>() : pass.run<BFloat, false>();
}

}  // namespace medpruner::cuda

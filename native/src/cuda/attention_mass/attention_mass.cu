/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/attention_mass/attention_mass.cuh"

#include <float.h>

#include <algorithm>

#include "common/visit.hpp"
#include "cuda/attention_mass/limits.hpp"
#include "cuda/attention_mass/scalar_pass.cuh"
#include "cuda/attention_mass/steps.cuh"
#include "cuda/attention_mass/tensor_pass.cuh"
#include "cuda/attention_mass/warpgroup_pass.hpp"
#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {

#if !defined(MEDPRUNER_WARPGROUPS)
bool takes_warpgroups(const AttentionMassArgs&, int) { return false; }
int warpgroup_block_rows() { return 0; }
void warpgroup_pass(const AttentionMassArgs&, const MassWorkspace&, float, unsigned, bool, void*) {}
#endif

#if defined(MEDPRUNER_SIMT)
MassLimits g_mass_limits;
#else
namespace {
constexpr MassLimits g_mass_limits;
}
#endif

namespace {

MassWorkspace lay_out(const AttentionMassArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  MassWorkspace workspace;
  int64_t values = 0;
  int64_t sequences = 0;
  const bool too_large = __builtin_mul_overflow(args.rows, args.heads, &values) ||
                         __builtin_mul_overflow(args.segments, args.heads, &sequences);
  workspace.tiles = layout.take<int64_t>(args.segments + 1);
  workspace.lse = layout.take<float>(too_large ? 0 : values);
  workspace.head_mass = layout.take<float>(too_large ? 0 : values);
  workspace.peaks = layout.take<ScorePeaks>(too_large ? 0 : sequences);
  workspace.tails = layout.take<float>(too_large ? 0 : values);
  if (too_large || layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "query: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

/** Beyond every number: with the caller's log-sum-exp no pass looks at the queries first. */
constexpr uint32_t kUnknownPeak = 0x7fff;

/** The fewest rows of a block of any pass, which do not depend on the device. */
constexpr int kLeastBlockRows = 64;
static_assert(kLeastBlockRows <= kTile && kLeastBlockRows <= kStreamRows,
              "tensor_block_rows() ends at these; a block of warpgroups has 128 rows or more");

/** Items of work that good offsets can make, at most, for blocks of so many rows. */
int64_t most_items(const AttentionMassArgs& args, int64_t block_rows) {
  int64_t items = 0;
  return __builtin_mul_overflow(args.rows / block_rows + args.segments, args.heads, &items) ? INT64_MAX
                                                                                          : items;
}

/** A block per item, capped. */
unsigned pass_blocks(const AttentionMassArgs& args, int64_t block_rows) {
  return std::min(grid_extent(most_items(args, block_rows), "query"), g_mass_limits.blocks);
}

/**
 * Rows per block: the more, the less often the other operand is read again; but not more than a segment
 * has on average, nor so many that a multiprocessor has fewer than two blocks. No result depends on it.
 */
int tensor_block_rows(const AttentionMassArgs& args, int32_t device) {
  if (g_mass_limits.block_rows != 0) {
    return g_mass_limits.block_rows;
  }
  const int64_t wanted = 2 * int64_t{multiprocessors(device)};
  int rows = kMaxBlockRows;
  while (rows > kStreamRows &&
         (args.rows / args.segments <= rows / 2 || args.rows / rows * args.heads < wanted)) {
    rows /= 2;
  }
  return rows;
}

/** Bytes that all rows of an operand of 16-bit values are aligned to, at most 16. */
int copy_width(const void* data, int64_t row_stride, int64_t head_stride) {
  const uint64_t bits = reinterpret_cast<uintptr_t>(data) | static_cast<uint64_t>(row_stride) * 2 |
                        static_cast<uint64_t>(head_stride) * 2 | 16;
  return static_cast<int>(bits & (~bits + 1));
}

/** Runs a pass on tensor cores. */
template <class T, bool kColumns>
struct TensorPass {
  const AttentionMassArgs& args;
  const MassWorkspace& workspace;
  float factor;
  unsigned blocks;
  int block_rows;
  void* stream;

  void run() const {
    switch ((args.dim + 15) / 16) {
      case 4:
        return run<4>();
      case 5:
        return run<5>();
      case 6:
        return run<6>();
      case 7:
      case 8:
        return run<8>();
      default:
        return run<0>();
    }
  }

  template <int kSteps>
  void run() const {
    const int steps = kSteps == 0 ? static_cast<int>((args.dim + 15) / 16) : kSteps;
    const auto bytes = [](int of_steps) {
      return static_cast<size_t>(TensorShape<kSteps>::kStages * stage_bytes(of_steps));
    };
    const SharedBytes shared = {bytes(steps), bytes(TensorShape<kSteps>::kHeld)};
    const CopyWidths widths = {
        copy_width(args.query, args.query_row_stride, args.query_head_stride),
        copy_width(args.key, args.key_row_stride, args.key_head_stride)};
    MEDPRUNER_LAUNCH_SHARED((mass_tensor_pass<T, kSteps, kColumns>), blocks,
                            static_cast<unsigned>(block_rows), shared, stream, args, workspace,
                            widths, factor);
  }
};

template <class T>
void run(const AttentionMassArgs& args, Launch launch) {
  size_t size = 0;
  const MassWorkspace workspace = lay_out(args, args.workspace, &size);
  const unsigned segments = grid_extent(args.segments);
  const int capability = compute_capability(launch.device);
  const bool tensor = sizeof(T) == 2 && capability >= 80;
  const bool warpgroups = sizeof(T) == 2 && takes_warpgroups(args, capability);
  const int tile_rows = warpgroups ? warpgroup_block_rows()
                        : tensor   ? tensor_block_rows(args, launch.device)
                                   : kTile;
  const unsigned blocks = pass_blocks(args, tile_rows);
  // Not 0, so that a score of minus infinity stays one.
  const float factor = std::max(static_cast<float>(args.scale * kLog2E), FLT_TRUE_MIN);
  MEDPRUNER_LAUNCH(mass_segments, 1, 1024, launch.stream, args, workspace, tile_rows,
                   args.lse != nullptr ? kUnknownPeak : 0u);
  if (args.lse != nullptr) {
    MEDPRUNER_LAUNCH(mass_convert_lse, 1024, 256, launch.stream, args.lse, workspace.lse,
                     args.rows * args.heads);
  }
  if constexpr (sizeof(T) == 2) {
    if (warpgroups) {
      if (args.lse == nullptr) {
        warpgroup_pass(args, workspace, factor, blocks, false, launch.stream);
      }
      warpgroup_pass(args, workspace, factor, blocks, true, launch.stream);
    } else if (tensor) {
      if (args.lse == nullptr) {
        TensorPass<T, false>{args, workspace, factor, blocks, tile_rows, launch.stream}.run();
      }
      TensorPass<T, true>{args, workspace, factor, blocks, tile_rows, launch.stream}.run();
    }
  }
  if (!tensor) {
    if (args.lse == nullptr) {
      MEDPRUNER_LAUNCH((mass_scalar_pass<T, false>), blocks, kMassThreads, launch.stream, args,
                       workspace, factor);
    }
    MEDPRUNER_LAUNCH((mass_scalar_pass<T, true>), blocks, kMassThreads, launch.stream, args, workspace,
                     factor);
  }
  // Few long segments are few blocks.
  const unsigned pool_threads = args.rows / args.pool / args.segments >= 1024 ? 1024 : 256;
  MEDPRUNER_LAUNCH(mass_pool, segments, pool_threads, launch.stream, args, workspace);
  if (args.pooled_keys != nullptr) {
    const unsigned split = blocks_per_segment(args.rows / args.pool * args.dim, args.segments, 256);
    MEDPRUNER_LAUNCH(mass_pool_keys<T>, dim3(segments, split), 256, launch.stream, args);
  }
}

}  // namespace

void check_mass_extents(const AttentionMassArgs& args) {
  grid_extent(args.segments);
  grid_extent(most_items(args, kLeastBlockRows), "query");
}

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
  check_mass_extents(args);
  visit_float(args.dtype, [&](auto stored) { run<decltype(stored)>(args, launch); });
}

}  // namespace medpruner::cuda

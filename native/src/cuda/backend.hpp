/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The CUDA backend as the C entries see it; no CUDA header. cuda/absent.cpp stands in for it in a build
// without a CUDA compiler. Functions that can fail throw Failure.

#include <stddef.h>
#include <stdint.h>

#include "common/op_args.hpp"
#include "medpruner/version.h"

namespace medpruner::cuda {

/** Usable devices; with none, writes the reason. */
int32_t device_count(char* reason, size_t capacity) noexcept;

void device_info(int32_t index, medpruner_cuda_device_info* info);
/** CUDART_VERSION of the build, 0 without CUDA. */
int32_t built_with() noexcept;

void* allocate(int32_t device, size_t bytes);
void release(int32_t device, void* pointer);
enum class Direction { kToDevice, kToHost, kBetweenDevices };
/** `device` owns the stream. */
void copy(int32_t device, void* destination, int32_t destination_device, const void* source,
          int32_t source_device, Direction direction, size_t bytes, void* stream);
void* stream_create(int32_t device);
void stream_destroy(int32_t device, void* stream);
void stream_synchronize(int32_t device, void* stream);
void graph_begin(int32_t device, void* stream);
/** The executable graph; null when it is not to be kept. */
void* graph_end(int32_t device, void* stream, bool keep);
void graph_launch(int32_t device, void* executable, void* stream);
void graph_destroy(int32_t device, void* executable);

/** One launch on a device's stream. */
struct Launch {
  int32_t device;
  void* stream;
};

size_t slice_anchor_workspace(const SliceAnchorArgs& args);
void slice_anchor(const SliceAnchorArgs& args, Launch launch);
size_t attention_mass_workspace(const AttentionMassArgs& args);
void attention_mass(const AttentionMassArgs& args, Launch launch);
size_t nucleus_select_workspace(const NucleusSelectArgs& args);
void nucleus_select(const NucleusSelectArgs& args, Launch launch);
size_t contextual_merge_workspace(const ContextualMergeArgs& args);
void contextual_merge(const ContextualMergeArgs& args, Launch launch);
size_t gather_rows_workspace(const GatherRowsArgs& args);
void gather_rows(const GatherRowsArgs& args, Launch launch);
size_t prune_workspace(const PruneArgs& args);
void prune(const PruneArgs& args, Launch launch);

}  // namespace medpruner::cuda

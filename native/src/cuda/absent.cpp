/* SPDX-License-Identifier: Apache-2.0 */
// The CUDA backend of a build without a CUDA compiler: no device, and why.

#include <stdio.h>

#include "common/status.hpp"
#include "cuda/backend.hpp"

namespace medpruner::cuda {
namespace {

constexpr const char* kReason = "this libmedpruner was built without CUDA";

[[noreturn]] void unavailable() { fail(MEDPRUNER_ERR_BACKEND_UNAVAILABLE, "%s", kReason); }

}  // namespace

int32_t device_count(char* reason, size_t capacity) noexcept {
  if (reason != nullptr && capacity > 0) {
    snprintf(reason, capacity, "%s", kReason);
  }
  return 0;
}

int32_t built_with() noexcept { return 0; }
void device_info(int32_t, medpruner_cuda_device_info*) { unavailable(); }
void* allocate(int32_t, size_t) { unavailable(); }
void release(int32_t, void*) { unavailable(); }
void copy(int32_t, void*, int32_t, const void*, int32_t, Direction, size_t, void*) { unavailable(); }
void* stream_create(int32_t) { unavailable(); }
void stream_destroy(int32_t, void*) { unavailable(); }
void stream_synchronize(int32_t, void*) { unavailable(); }
void graph_begin(int32_t, void*) { unavailable(); }
void* graph_end(int32_t, void*, bool) { unavailable(); }
void graph_launch(int32_t, void*, void*) { unavailable(); }
void graph_destroy(int32_t, void*) { unavailable(); }

size_t slice_anchor_workspace(const SliceAnchorArgs&) { unavailable(); }
void slice_anchor(const SliceAnchorArgs&, Launch) { unavailable(); }
size_t attention_mass_workspace(const AttentionMassArgs&) { unavailable(); }
void attention_mass(const AttentionMassArgs&, Launch) { unavailable(); }
size_t nucleus_select_workspace(const NucleusSelectArgs&) { unavailable(); }
void nucleus_select(const NucleusSelectArgs&, Launch) { unavailable(); }
size_t contextual_merge_workspace(const ContextualMergeArgs&) { unavailable(); }
void contextual_merge(const ContextualMergeArgs&, Launch) { unavailable(); }
size_t gather_rows_workspace(const GatherRowsArgs&) { unavailable(); }
void gather_rows(const GatherRowsArgs&, Launch) { unavailable(); }
size_t prune_workspace(const PruneArgs&) { unavailable(); }
void prune(const PruneArgs&, Launch) { unavailable(); }

}  // namespace medpruner::cuda

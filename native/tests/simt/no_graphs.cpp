/* SPDX-License-Identifier: Apache-2.0 */
// The executor has no graphs; callers of the shared library are told so.

#include "common/status.hpp"
#include "cuda/backend.hpp"

namespace medpruner::cuda {
namespace {

[[noreturn]] void none() { fail(MEDPRUNER_ERR_UNSUPPORTED, "the SIMT executor has no graphs"); }

}  // namespace

void graph_begin(int32_t, void*) { none(); }
void* graph_end(int32_t, void*, bool) { none(); }
void graph_launch(int32_t, void*, void*) { none(); }
void graph_destroy(int32_t, void*) { none(); }

}  // namespace medpruner::cuda

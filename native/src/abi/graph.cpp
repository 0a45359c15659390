/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/graph.h"

#include "abi/device_check.hpp"
#include "common/status.hpp"
#include "cuda/backend.hpp"

struct medpruner_graph {
  int32_t device;
  void* executable;
};

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

void check_capturing(const medpruner_device* device, const void* stream) {
  if (!check_device("device", device)) {
    fail(MEDPRUNER_ERR_UNSUPPORTED, "device: is the CPU, which has no graphs; call the ops");
  }
  if (stream == nullptr) {
    fail(kInvalid, "stream: is NULL, but the default stream cannot be recorded");
  }
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_graph_begin(const medpruner_device* device, void* stream) {
  return guard([&] {
    check_capturing(device, stream);
    cuda::graph_begin(device->device_id, stream);
  });
}

medpruner_status medpruner_graph_end(const medpruner_device* device, void* stream,
                                     medpruner_graph** graph) {
  return guard([&] {
    if (graph != nullptr) {
      *graph = nullptr;
    }
    check_capturing(device, stream);
    // Before the capture ends, so that nothing is left to clean up when memory runs out.
    medpruner_graph* made = graph == nullptr ? nullptr : new medpruner_graph{device->device_id, nullptr};
    try {
      void* const executable = cuda::graph_end(device->device_id, stream, made != nullptr);
      if (made != nullptr) {
        made->executable = executable;
        *graph = made;
      }
    } catch (...) {
      delete made;
      throw;
    }
  });
}

medpruner_status medpruner_graph_launch(medpruner_graph* graph, void* stream) {
  return guard([&] {
    if (graph == nullptr) {
      fail(kInvalid, "graph: is NULL");
    }
    cuda::graph_launch(graph->device, graph->executable, stream);
  });
}

medpruner_status medpruner_graph_destroy(medpruner_graph* graph) {
  return guard([&] {
    if (graph == nullptr) {
      return;
    }
    const medpruner_graph destroyed = *graph;
    delete graph;
    cuda::graph_destroy(destroyed.device, destroyed.executable);
  });
}

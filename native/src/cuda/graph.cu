/* SPDX-License-Identifier: Apache-2.0 */
// Graphs: what a stream records, made executable.

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

struct Recorded {
  cudaGraph_t graph = nullptr;

  Recorded() = default;
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;
  ~Recorded() {
    if (graph != nullptr) {
      cudaGraphDestroy(graph);
    }
  }
};

struct Event {
  cudaEvent_t event = nullptr;

  Event() { check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event); }
};

struct Executable {
  Event launched;  // behind the last launch: waiting for the whole device would break what other threads record
  cudaGraphExec_t graph = nullptr;

  explicit Executable(const Recorded& recorded) {
    check(cudaGraphInstantiateWithFlags(&graph, recorded.graph, 0), "cudaGraphInstantiateWithFlags");
  }
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;
  ~Executable() { cudaGraphExecDestroy(graph); }
};

}  // namespace

void graph_begin(int32_t device, void* stream) {
  const DeviceScope scope(device);
  // By thread: an allocation on another thread neither fails nor breaks the capture.
  check(cudaStreamBeginCapture(static_cast<cudaStream_t>(stream), cudaStreamCaptureModeThreadLocal),
        "cudaStreamBeginCapture");
}

void* graph_end(int32_t device, void* stream, bool keep) {
  const DeviceScope scope(device);
  Recorded recorded;
  check(cudaStreamEndCapture(static_cast<cudaStream_t>(stream), &recorded.graph), "cudaStreamEndCapture");
  return keep ? new Executable(recorded) : nullptr;
}

void graph_launch(int32_t device, void* executable, void* stream) {
  const DeviceScope scope(device);
  const Executable& launch = *static_cast<const Executable*>(executable);
  const cudaStream_t queue = static_cast<cudaStream_t>(stream);
  check(cudaGraphLaunch(launch.graph, queue), "cudaGraphLaunch");
  cudaStreamCaptureStatus recording = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(queue, &recording), "cudaStreamIsCapturing");
  if (recording == cudaStreamCaptureStatusNone) {  // an event that is itself recorded cannot be waited for
    check(cudaEventRecord(launch.launched.event, queue), "cudaEventRecord");
  }
}

void graph_destroy(int32_t device, void* executable) {
  const DeviceScope scope(device);
  const Executable* const destroyed = static_cast<const Executable*>(executable);
  const cudaError_t waited = cudaEventSynchronize(destroyed->launched.event);
  delete destroyed;
  check(waited, "cudaEventSynchronize");
}

}  // namespace medpruner::cuda

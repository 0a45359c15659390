/* SPDX-License-Identifier: Apache-2.0 */
// Graphs: what a stream records, made executable.

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {

void graph_begin(int32_t device, void* stream) {
  const DeviceScope scope(device);
  // By thread: an allocation on another thread neither fails nor breaks the capture.
  check(cudaStreamBeginCapture(static_cast<cudaStream_t>(stream), cudaStreamCaptureModeThreadLocal),
        "cudaStreamBeginCapture");
}

void* graph_end(int32_t device, void* stream, bool keep) {
  const DeviceScope scope(device);
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(static_cast<cudaStream_t>(stream), &graph);
  if (ended != cudaSuccess && graph != nullptr) {
    cudaGraphDestroy(graph);
  }
  check(ended, "cudaStreamEndCapture");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t made =
      keep ? cudaGraphInstantiateWithFlags(&executable, graph, 0) : cudaSuccess;
  cudaGraphDestroy(graph);
  check(made, "cudaGraphInstantiateWithFlags");
  return executable;
}

void graph_launch(int32_t device, void* executable, void* stream) {
  const DeviceScope scope(device);
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(executable),
                        static_cast<cudaStream_t>(stream)),
        "cudaGraphLaunch");
}

void graph_destroy(int32_t device, void* executable) {
  const DeviceScope scope(device);
  const cudaError_t waited = cudaDeviceSynchronize();
  check(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(executable)), "cudaGraphExecDestroy");
  check(waited, "cudaDeviceSynchronize");
}

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda_clock.hpp"

#include <stdio.h>

#include "cuda_memory.cuh"

namespace cuda_clock {
namespace {

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "cudaEventCreate"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event_); }
  void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "cudaEventRecord"); }
  double until(const Event& end) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, event_, end.event_), "cudaEventElapsedTime");
    return static_cast<double>(milliseconds) * 1e-3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

size_t l2_bytes() { return static_cast<size_t>(attribute(cudaDevAttrL2CacheSize)); }

/**
 * The flush also keeps the device busy while the host queues events and launches, so that the events
 * see the device's time alone: at least 64 MB, about 20 us on the fastest cards.
 */
std::vector<double> time_flushed(const Call& call, int runs, cudaStream_t stream) {
  const size_t bytes = std::max<size_t>(2 * l2_bytes(), size_t{64} << 20);
  const Memory spoiler(bytes);
  std::vector<double> seconds;
  Event begin, end;
  for (int i = 0; i < runs; ++i) {
    check(cudaMemsetAsync(spoiler.get(), i, bytes, stream), "cudaMemsetAsync");
    begin.record(stream);
    call();
    end.record(stream);
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    seconds.push_back(begin.until(end));
  }
  return seconds;
}

__global__ void copy_kernel(uint4* to, const uint4* from, size_t count) {
  const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x;
  for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    to[i] = from[i];
  }
}

__global__ void nothing_kernel() {}

}  // namespace

std::vector<double> time(const Call& call, int runs, void* stream) {
  const cudaStream_t queue = static_cast<cudaStream_t>(stream);
  time_flushed(call, 3, queue);
  return time_flushed(call, runs, queue);
}

std::vector<double> time_graph(const Call& call, int runs, void* stream, size_t* nodes) {
  const cudaStream_t queue = static_cast<cudaStream_t>(stream);
  cudaGraph_t graph = nullptr;
  check(cudaStreamBeginCapture(queue, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  call();
  check(cudaStreamEndCapture(queue, &graph), "cudaStreamEndCapture");
  check(cudaGraphGetNodes(graph, nullptr, nodes), "cudaGraphGetNodes");
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  std::vector<double> seconds = time(
      [&] { check(cudaGraphLaunch(executable, queue), "cudaGraphLaunch"); }, runs, stream);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  return seconds;
}

std::vector<double> time_copy(size_t bytes, int runs, void* stream) {
  const Memory from(bytes), to(bytes);
  const cudaStream_t queue = static_cast<cudaStream_t>(stream);
  check(cudaMemsetAsync(from.get(), 1, bytes, queue), "cudaMemsetAsync");
  const int processors = attribute(cudaDevAttrMultiProcessorCount);
  return time(
      [&] {
        copy_kernel<<<static_cast<unsigned>(processors) * 8, 512, 0, queue>>>(
            static_cast<uint4*>(to.get()), static_cast<const uint4*>(from.get()),
            bytes / sizeof(uint4));
        check(cudaGetLastError(), "copy_kernel");
      },
      runs, stream);
}

std::vector<double> time_nothing(int runs, void* stream) {
  return time(
      [&] {
        nothing_kernel<<<1, 32, 0, static_cast<cudaStream_t>(stream)>>>();
        check(cudaGetLastError(), "nothing_kernel");
      },
      runs, stream);
}

std::string driver() {
  std::string version;
  if (FILE* file = fopen("/proc/driver/nvidia/version", "r")) {
    char line[256];
    if (fgets(line, sizeof line, file) != nullptr) {
      // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu ..."
      const std::string text(line);
      for (size_t i = 0; i + 1 < text.size() && version.empty(); ++i) {
        const bool start = text[i] == ' ' && text[i + 1] >= '0' && text[i + 1] <= '9';
        const size_t end = text.find(' ', i + 1);
        const std::string word = text.substr(i + 1, end - i - 1);
        if (start && word.find('.') != std::string::npos) {
          version = word;
        }
      }
    }
    fclose(file);
  }
  return version;
}

}  // namespace cuda_clock

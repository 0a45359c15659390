/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "cuda_clock.hpp"
#include "cuda_memory.cuh"
#include "rate_block.hpp"

namespace cuda_clock {

/** A launch of a kernel that does nothing but arithmetic: some milliseconds of it. */
struct Arithmetic {
  void (*kernel)(float* sums, int rounds);
  int rounds;
  int blocks;         // on a multiprocessor
  double operations;  // of a round of a block
  std::vector<float> sums;  // of the lanes of a warp, or one of all
  const char* how;
};

/** Times the launch and sees that each thread did all of its work. */
inline Rate time_rate(const Arithmetic& work, int runs, void* stream) {
  const size_t blocks = static_cast<size_t>(attribute(cudaDevAttrMultiProcessorCount)) *
                        static_cast<size_t>(work.blocks);
  std::vector<float> sums(blocks * rates::kThreads);
  const Memory memory(sums.size() * sizeof(float));
  const cudaStream_t queue = static_cast<cudaStream_t>(stream);
  Rate rate;
  rate.seconds = time(
      [&] {
        work.kernel<<<static_cast<unsigned>(blocks), rates::kThreads, 0, queue>>>(
            static_cast<float*>(memory.get()), work.rounds);
        check(cudaGetLastError(), work.how);
      },
      runs, stream);
  check(cudaMemcpyAsync(sums.data(), memory.get(), sums.size() * sizeof(float), cudaMemcpyDeviceToHost, queue),
        "cudaMemcpyAsync");
  check(cudaStreamSynchronize(queue), work.how);
  for (size_t i = 0; i < sums.size(); ++i) {
    const float expected = work.sums[i % work.sums.size()];
    if (memcmp(&sums[i], &expected, sizeof expected) != 0) {
      throw std::runtime_error(std::string(work.how) + ": a sum is " + std::to_string(sums[i]) + ", expected " +
                               std::to_string(expected) + ", so the work was not done");
    }
  }
  rate.operations = work.operations * work.rounds * static_cast<double>(blocks);
  rate.how = work.how;
  return rate;
}

}  // namespace cuda_clock

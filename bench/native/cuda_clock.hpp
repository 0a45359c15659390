/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// CUDA events and what they need; a stand-in without CUDA says why there is none.

#include <stdint.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cuda_clock {

using Call = std::function<void()>;

/** Runs each call after a write of twice the L2 cache, so that no input is still in it. */
std::vector<double> time(const Call& call, int runs, void* stream);

/**
 * The same with the call captured once as a CUDA graph and replayed. A host synchronisation or an
 * allocation inside the call fails the capture.
 *
 * @param nodes number of nodes of the graph
 */
std::vector<double> time_graph(const Call& call, int runs, void* stream, size_t* nodes);

/** A copy kernel over `bytes` bytes, read and written. */
std::vector<double> time_copy(size_t bytes, int runs, void* stream);

/** A kernel that does nothing: what launch and events cost by themselves. */
std::vector<double> time_nothing(int runs, void* stream);

/** A rate of arithmetic: the times of a launch, the operations in it, and which they are. */
struct Rate {
  std::vector<double> seconds;
  double operations = 0;
  std::string how;
};

/** f32 multiply-adds. */
Rate time_fma(int runs, void* stream);

/**
 * Matrix products of bf16 with f32 sums, by the fastest instruction that an op of this build has on the device. None
 * where the device has no such instruction. Of ones, so that no limit of power slows the clock: an upper bound.
 */
std::optional<Rate> time_products(int runs, void* stream);

/** The driver's own version, "570.86.15"; empty where the system does not say. */
std::string driver();

}  // namespace cuda_clock

/* SPDX-License-Identifier: Apache-2.0 */
// No CUDA compiler in this build: no device is ever found, so none of these is called.

#include <stdexcept>

#include "cuda_clock.hpp"

namespace cuda_clock {
namespace {
[[noreturn]] void absent() { throw std::logic_error("this build has no CUDA backend"); }
}  // namespace

std::vector<double> time(const Call&, int, void*) { absent(); }
std::vector<double> time_graph(const Call&, int, void*, size_t*) { absent(); }
std::vector<double> time_copy(size_t, int, void*) { absent(); }
std::vector<double> time_nothing(int, void*) { absent(); }
Rate time_fma(int, void*) { absent(); }
std::optional<Rate> time_products(int, void*) { absent(); }
std::string driver() { return {}; }

}  // namespace cuda_clock

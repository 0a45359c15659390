/* SPDX-License-Identifier: Apache-2.0 */
// The reductions of src/cuda/common/warp.cuh: what GPUs before sm_80 run, which no other test here does, and
// the instructions' stand-ins.

#include "cuda/common/warp.cuh"

#include "launches.hpp"

namespace {

using medpruner::cuda::ShuffleReductions;
using medpruner::cuda::warp_sum_53;
using medpruner::cuda::WarpReductions;

template <class Reductions>
__global__ void reduce(const uint64_t* values, uint64_t* out) {
  const uint64_t value = values[threadIdx.x];
  uint64_t* own = out + threadIdx.x * 4;
  own[0] = Reductions::add(static_cast<uint32_t>(value));
  own[1] = Reductions::max(static_cast<uint32_t>(value));
  own[2] = Reductions::min(static_cast<uint32_t>(value));
  own[3] = warp_sum_53<Reductions>(value);
}

template <class Reductions>
void check_reductions(const std::vector<uint64_t>& values) {
  uint64_t sum = 0;
  uint32_t largest = 0;
  uint32_t smallest = UINT32_MAX;
  for (const uint64_t value : values) {
    sum += value;
    largest = std::max(largest, static_cast<uint32_t>(value));
    smallest = std::min(smallest, static_cast<uint32_t>(value));
  }
  const Device<uint64_t> in(values);
  Device<uint64_t> out(32 * 4);
  CHECK(run(reduce<Reductions>, 1, 32, 0, in.data, out.data).empty());
  const std::vector<uint64_t> result = out.host();
  for (size_t lane = 0; lane < 32; ++lane) {
    CHECK_EQUAL(result[lane * 4], static_cast<uint32_t>(sum));
    CHECK_EQUAL(result[lane * 4 + 1], largest);
    CHECK_EQUAL(result[lane * 4 + 2], smallest);
    CHECK_EQUAL(result[lane * 4 + 3], sum);
  }
}

TEST(reductions_are_exact) {
  const uint64_t most = ((uint64_t{1} << 53) - 1) / 32;  // so that the sum stays below 2^53
  std::vector<std::vector<uint64_t>> cases(4, std::vector<uint64_t>(32, 0));
  for (size_t lane = 0; lane < 32; ++lane) {
    cases[1][lane] = most - lane;
    cases[2][lane] = lane * 0x9e3779b97f4a7c15u >> 16;
    cases[3][lane] = lane == 17 ? (uint64_t{1} << 53) - 1 : 0;
  }
  for (const std::vector<uint64_t>& values : cases) {
    check_reductions<ShuffleReductions>(values);
    check_reductions<WarpReductions>(values);
  }
}

}  // namespace

int main() { return harness::run_tests(); }

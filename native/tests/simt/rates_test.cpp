/* SPDX-License-Identifier: Apache-2.0 */
// The kernels that the benchmark takes a GPU's rates of arithmetic from: each thread's sum, by which the benchmark sees
// that the work was done, and that the operations it counts are those that are in the sums.

#include "launches.hpp"
#include "rate_kernels.cuh"
#include "warpgroup_rate.cuh"

namespace {

constexpr unsigned kBlocks = 2;
constexpr int kRounds = 3;

std::vector<float> sums_of(void (*kernel)(float*, int)) {
  const Device<float> sums(kBlocks * rates::kThreads);
  CHECK(run(kernel, kBlocks, rates::kThreads, 0, sums.data, kRounds).empty());
  return sums.host();
}

/** Of a round of a block, for sums that are made of products of ones. */
double operations(const std::vector<float>& sums) {
  double all = 0;
  for (const float sum : sums) {
    all += static_cast<double>(sum);
  }
  return 2 * all / kRounds / kBlocks;  // a product and an addition for each 1
}

TEST(products_of_warps) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    set_seed(seed);
    const std::vector<float> sums = sums_of(rates::product_rate);
    CHECK_SAME(sums, std::vector<float>(sums.size(), rates::product_sum(kRounds)));
    CHECK_EQUAL(operations(sums), rates::kProductOperations);
  }
}

TEST(products_of_warpgroups) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    set_seed(seed);
    const std::vector<float> sums = sums_of(rates::warpgroup_rate);
    CHECK_SAME(sums, std::vector<float>(sums.size(), rates::warpgroup_sum(kRounds)));
    CHECK_EQUAL(32 * operations(sums), rates::kWarpgroupOperations);  // a thread looks at 2 of its 64 sums
  }
}

TEST(multiply_adds) {
  set_seed(1);
  const std::vector<float> sums = sums_of(rates::fma_rate);
  for (int lane = 0; lane < 32; ++lane) {
    float expected = 0;
    for (int c = 0; c < 16; ++c) {
      float x = static_cast<float>(lane * 16 + c);
      for (int r = 0; r < kRounds; ++r) {
        x = fmaf(x, 0.999f, 1e-3f);
      }
      expected += x;
    }
    CHECK_EQUAL(rates::fma_sum(kRounds, lane), expected);
    for (size_t thread = static_cast<size_t>(lane); thread < sums.size(); thread += 32) {
      CHECK_EQUAL(sums[thread], expected);
    }
    // Else a GPU may do a warp's work once.
    CHECK(lane == 0 || sums[static_cast<size_t>(lane)] != sums[0]);
  }
  CHECK_EQUAL(rates::kFmaOperations, 2.0 * 16 * 256);
}

}  // namespace

int main() { return harness::run_tests(); }

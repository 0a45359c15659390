/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu.hpp"
#include "prune_cases.hpp"

namespace {

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < (gpu_quick() ? 12 : 60); ++round) {
    PruneCase<T> c = prune_cases::random_case<T>(random, round, gpu_quick() ? 100 : 400,
                                                 gpu_quick() ? 100 : 700);
    if (round % 6 == 4) {  // rows of whole vectors
      c.features = cases::matrix<T>(random, c.offsets.back(), 264);
    }
    check_same(prune(kGpu, c), prune(kCpu, c));
    // The masses of the two backends are not the same bits, so the ops run one by one on CUDA too.
    PruneCase<T> q = prune_cases::query_case<T>(random, round);
    check_same(prune(kGpu, q), prune_cases::compose(kGpu, q));
  }
}

TEST(prune_f32) { dtype_cases<float>(19); }
TEST(prune_f16) { dtype_cases<F16>(20); }
TEST(prune_bf16) { dtype_cases<BF16>(21); }

/** Both sides of what a warp adds up by itself; more are scanned by a block. */
TEST(prune_many_segments) {
  cases::Random random(26);
  for (const int64_t segments : {256, 257, 1000}) {
    PruneCase<BF16> c = prune_cases::many_segments(random, segments, 40, 64);
    check_same(prune(kGpu, c), prune(kCpu, c));
  }
}

}  // namespace

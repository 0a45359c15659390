/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.hpp"
#include "gpu.hpp"
#include "merge_cases.hpp"

namespace {

using merge_cases::Case;
using merge_cases::merge;

template <class T>
void check(Case<T> c) {
  const MergeResult<T> cpu = merge(kCpu, c);
  check_same(merge(kGpu, c), cpu);
  if (c.features.strides.empty()) {
    check_same(merge(kGpu, c, true), cpu);
  }
}

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < gpu_rounds(40); ++round) {
    check(merge_cases::random_case<T>(random, round, gpu_quick() ? 150 : 400, 80, 600));
  }
  for (const int64_t channels : merge_cases::kWideRows) {
    check(merge_cases::rows_of_width<T>(random, channels));
  }
}

TEST(contextual_merge_f32) { dtype_cases<float>(12); }
TEST(contextual_merge_f16) { dtype_cases<F16>(13); }
TEST(contextual_merge_bf16) { dtype_cases<BF16>(14); }

TEST(contextual_merge_keys_of_every_width_and_alignment) {
  cases::Random random(37);
  for (const int64_t width : merge_cases::kKeyWidths) {
    for (const uint64_t offset : {0, 1}) {
      check(merge_cases::keys_of_width(random, width, offset));
    }
  }
}

/** Segments longer than a block, several groups of targets, and every width of what a thread moves at a time. */
template <class T>
void long_segments(uint64_t seed) {
  cases::Random random(seed);
  for (const int64_t width : {72, 128, 130}) {
    for (const int64_t channels : {520, 516, 514, 513, 3000}) {
      Case<T> c;
      c.ratio = channels == 520 ? 0 : 0.05;
      c.offsets = {0, 5000, 5003, 5003, 6300};
      c.keys = cases::matrix<float>(random, 6300, width, width % 4);
      c.features = cases::matrix<T>(random, 6300, channels);
      c.nucleus = cases::mask(random, 6300, 1);
      check(c);
    }
  }
}

TEST(contextual_merge_long_segments_f32) { long_segments<float>(22); }
TEST(contextual_merge_long_segments_f16) { long_segments<F16>(23); }
TEST(contextual_merge_long_segments_bf16) { long_segments<BF16>(24); }

}  // namespace

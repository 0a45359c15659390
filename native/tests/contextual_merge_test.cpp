/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "checks.hpp"

namespace {

template <class T>
void random_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 60; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 0, 4), 90);
    const int64_t rows = offsets.back();
    const int64_t dim = cases::integer(random, 1, 40);
    Tensor<float> keys = cases::matrix<float>(random, rows, dim, round % 3);
    for (int64_t i = 0; i < rows; ++i) {  // zero and repeated keys
      const int64_t kind = cases::integer(random, 0, 9);
      for (int64_t c = 0; kind < 2 && c < dim; ++c) {
        keys.values[static_cast<size_t>(i * (dim + round % 3) + c)] = kind == 0 ? 0 : 1;
      }
    }
    Tensor<T> features = cases::matrix<T>(random, rows, cases::integer(random, 1, 600), round % 2);
    std::vector<uint8_t> nucleus(static_cast<size_t>(rows));
    const int64_t share = cases::integer(random, 0, 10);
    for (uint8_t& in : nucleus) {
      in = cases::integer(random, 0, 9) < share ? static_cast<uint8_t>(1 + round % 2) : 0;
    }
    const double ratio = std::vector<double>{0, 0.05, 0.3, 1}[static_cast<size_t>(round % 4)];
    const auto expected = reference::contextual_merge(ratio, &features, keys, nucleus, offsets);
    check_same(contextual_merge(kCpu, ratio, &features, keys, nucleus, offsets), expected);
    check_same_roles(contextual_merge<T>(kCpu, ratio, nullptr, keys, nucleus, offsets), expected);
    if (features.strides.empty()) {
      check_same(contextual_merge(kCpu, ratio, &features, keys, nucleus, offsets, true), expected);
    }
  }
}

TEST(matches_reference_f32) { random_cases<float>(21); }
TEST(matches_reference_f16) { random_cases<F16>(22); }
TEST(matches_reference_bf16) { random_cases<BF16>(23); }

TEST(one_row_in_place_whatever_its_row_stride_says) {
  Tensor<float> features({1, 4}, {1, 2, 3, 4});
  Tensor<float> keys({1, 2}, {1, 2});
  Tensor<uint8_t> nucleus({1}, {1});
  Tensor<int64_t> bounds({2}, {0, 1});
  MergeResult<float> r;
  r.role = output<uint8_t>({1});
  r.assignment = output<int64_t>({1});
  r.kept_indices = output<int64_t>({1});
  r.kept_counts = output<int64_t>({1});
  r.flags = output<uint32_t>({1});
  const medpruner_contextual_merge_params params = {sizeof params, 0, 0.05};
  Call call(kCpu);
  const auto* k = call.in(keys);
  const auto* o = call.in(bounds);
  const auto* f = call.in(features);
  int64_t never_taken[] = {99, 1};
  medpruner_tensor merged = *f;
  merged.strides = never_taken;
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_contextual_merge_workspace(&params, k, o, &bytes), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_contextual_merge(&params, f, k, call.in(nucleus), o, &merged, call.out(r.role),
                                         call.out(r.assignment), call.out(r.kept_indices),
                                         call.out(r.kept_counts), call.out(r.flags), call.workspace(bytes),
                                         bytes, call.stream()),
              MEDPRUNER_OK);
  call.finish();
  CHECK_SAME(features.values, (std::vector<float>{1, 2, 3, 4}));
}

TEST(everything_selected_changes_nothing) {
  Tensor<float> keys({3, 1}, {1, 2, 3});
  Tensor<float> features({3, 1}, {4, 5, 6});
  const auto r = contextual_merge(kCpu, 0.05, &features, keys, {1, 1, 1}, {0, 3});
  CHECK_SAME(r.merged.values, features.values);
  CHECK_SAME(r.role.values, (std::vector<uint8_t>{1, 1, 1}));
  CHECK_EQUAL(r.kept_counts.values[0], 3);
  CHECK_EQUAL(r.flags.values[0], 0u);
}

TEST(fewer_left_than_targets) {
  // m = 30 of 60, N = 2: both become targets and keep their features.
  std::vector<uint8_t> nucleus(60, 1);
  nucleus[5] = nucleus[9] = 0;
  cases::Random random(24);
  Tensor<float> keys = cases::matrix<float>(random, 60, 4);
  Tensor<float> features = cases::matrix<float>(random, 60, 3);
  const auto r = contextual_merge(kCpu, 0.5, &features, keys, nucleus, {0, 60});
  CHECK_SAME(r.merged.values, features.values);
  CHECK_EQUAL(r.role.values[5], MEDPRUNER_ROLE_TARGET);
  CHECK_EQUAL(r.role.values[9], MEDPRUNER_ROLE_TARGET);
  CHECK_EQUAL(r.kept_counts.values[0], 60);
}

TEST(mean_is_added_and_ties_go_to_the_lowest_target) {
  // Ratio 0.4 of 5: m = 2, N = 5, step 2, targets 0 and 2; keys all alike, so 1, 3, 4 go to 0.
  Tensor<float> keys({5, 2}, std::vector<float>(10, 3));
  Tensor<float> features({5, 1}, {1, 10, 100, 20, 60});
  const auto r = contextual_merge(kCpu, 0.4, &features, keys, {0, 0, 0, 0, 0}, {0, 5});
  CHECK_SAME(r.assignment.values, (std::vector<int64_t>{0, 0, 2, 0, 0}));
  CHECK_SAME(r.merged.values, (std::vector<float>{31, 10, 100, 20, 60}));
  CHECK_SAME(r.kept_indices.values, (std::vector<int64_t>{0, 2, -1, -1, -1}));
}

TEST(zero_and_broken_keys) {
  const float inf = INFINITY;
  Tensor<float> keys({5, 1}, {0, -1, NAN, inf, 1e-13f});
  Tensor<float> features({5, 1}, {1, 2, 3, 4, 5});
  // Ratio 0.4: targets 0 (zero key) and 2 (NaN key): every similarity is 0, all go to target 0.
  const auto r = contextual_merge(kCpu, 0.4, &features, keys, {0, 0, 0, 0, 0}, {0, 5});
  CHECK_EQUAL(r.flags.values[0], static_cast<uint32_t>(MEDPRUNER_SEGMENT_ZERO_KEY));
  CHECK_SAME(r.assignment.values, (std::vector<int64_t>{0, 0, 2, 0, 0}));
  // Targets 0 (key 1) and 2 (zero key): similarity -1 loses to 0, 1 wins over it.
  Tensor<float> opposite({4, 1}, {1, -1, 0, 2});
  const auto s = contextual_merge<float>(kCpu, 0.5, nullptr, opposite, {0, 0, 0, 0}, {0, 4});
  CHECK_SAME(s.assignment.values, (std::vector<int64_t>{0, 2, 2, 0}));
}

TEST(nan_features_are_written_canonically) {
  Tensor<float> keys({2, 1}, {1, 1});
  Tensor<F16> features({2, 2}, {{0x3c00}, {0x7bff}, {0xfe01}, {0x7bff}});
  const auto r = contextual_merge(kCpu, 0, &features, keys, {0, 0}, {0, 2});
  CHECK_EQUAL(r.merged.values[0].bits, 0x7e00);
  CHECK_EQUAL(r.merged.values[1].bits, 0x7c00);  // 2 * 65504 rounds to infinity
  CHECK_EQUAL(r.merged.values[2].bits, 0xfe01);  // a merged row is copied bit for bit
}

}  // namespace

int main() { return harness::run_tests(); }

/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "harness.hpp"

namespace {

void check_same(const AnchorResult& actual, const AnchorResult& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  CHECK_SAME(actual.keep.values, expected.keep.values);
  CHECK_SAME(actual.distance.values, expected.distance.values);
  CHECK_SAME(actual.representative.values, expected.representative.values);
  CHECK_SAME(actual.kept_indices.values, expected.kept_indices.values);
  CHECK_SAME(actual.kept_counts.values, expected.kept_counts.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
}

template <class T>
void random_cases(uint64_t seed, double gamma, double scale) {
  cases::Random random(seed);
  for (int64_t size : {1, 31, 32, 33, 100, 4095, 4096, 4097, 9000}) {
    const std::vector<int64_t> offsets = cases::ragged(random, 4, 9);
    Tensor<T> slices = cases::matrix<T>(random, offsets.back(), size, cases::integer(random, 0, 3),
                                        static_cast<uint64_t>(cases::integer(random, 0, 5)));
    for (int64_t max_gap : {0, 3}) {
      check_same(slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap),
                 reference::slice_anchor(slices, offsets, gamma, scale, max_gap));
    }
  }
}

TEST(matches_reference_u8) { random_cases<uint8_t>(1, 0.67, 1 / 127.5); }
TEST(matches_reference_i16) { random_cases<int16_t>(2, 21800, 1); }
TEST(matches_reference_f16) { random_cases<F16>(3, 1.128, 1); }
TEST(matches_reference_bf16) { random_cases<BF16>(4, 1.128, 1); }
TEST(matches_reference_f32) { random_cases<float>(5, 1.128, 1); }

TEST(equality_drops_and_scale_counts) {
  Tensor<uint8_t> slices({3, 2}, {0, 0, 10, 30, 11, 30});
  const AnchorResult at = slice_anchor(kCpu, slices, {0, 3}, 20, 1);
  CHECK_SAME(at.keep.values, (std::vector<uint8_t>{1, 0, 1}));  // 20 is not above 20, 20.5 is
  CHECK_SAME(at.distance.values, (std::vector<float>{0, 20, 20.5f}));
  CHECK_SAME(at.representative.values, (std::vector<int32_t>{0, 0, 2}));
  const AnchorResult halved = slice_anchor(kCpu, slices, {0, 3}, 10.2, 0.5);
  CHECK_SAME(halved.keep.values, (std::vector<uint8_t>{1, 0, 1}));
  const AnchorResult all = slice_anchor(kCpu, slices, {0, 3}, -1, 1);
  CHECK_SAME(all.keep.values, (std::vector<uint8_t>{1, 1, 1}));
}

TEST(constant_volume_keeps_one_and_gap_breaks_it) {
  Tensor<float> slices({7, 5}, std::vector<float>(35, 2.5f));
  const AnchorResult plain = slice_anchor(kCpu, slices, {0, 7}, 0, 1);
  CHECK_EQUAL(plain.kept_counts.values[0], 1);
  const AnchorResult gap = slice_anchor(kCpu, slices, {0, 7}, 0, 1, 3);
  CHECK_SAME(gap.kept_indices.values, (std::vector<int32_t>{0, 3, 6, -1, -1, -1, -1}));
}

TEST(non_finite_slices_are_kept_and_flagged) {
  Tensor<float> slices({6, 2}, {1, 1, 1, NAN, 1, 1, 1, 1, INFINITY, 1, 1, 1});
  const AnchorResult r = slice_anchor(kCpu, slices, {0, 6}, 0.5, 1);
  check_same(r, reference::slice_anchor(slices, {0, 6}, 0.5, 1, 0));
  // 1: NaN; 2: against a NaN anchor; 3: equal to 2; 4: Inf; 5: against an Inf anchor.
  CHECK_SAME(r.keep.values, (std::vector<uint8_t>{1, 1, 1, 0, 1, 1}));
  CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, 1, 1, 0, 1, 1}));
  Tensor<float> first({2, 2}, {NAN, 0, 0, 0});
  CHECK_EQUAL(slice_anchor(kCpu, first, {0, 2}, 0.5, 1).flags.values[0], 1u);
  // Finite values whose difference is not: kept and flagged, not dropped.
  Tensor<float> huge({2, 1}, {3e38f, -3e38f});
  const AnchorResult overflow = slice_anchor(kCpu, huge, {0, 2}, 0.5, 1);
  CHECK_EQUAL(overflow.keep.values[1], 1);
  CHECK_EQUAL(overflow.flags.values[1], 1u);
}

TEST(no_slices_and_empty_segments) {
  Tensor<uint8_t> none({0, 4}, {});
  const AnchorResult r = slice_anchor(kCpu, none, {0, 0, 0}, 0.05, 1);
  CHECK_EQUAL(r.status, MEDPRUNER_OK);
  CHECK_SAME(r.kept_counts.values, (std::vector<int32_t>{0, 0}));
  Tensor<uint8_t> one({1, 1}, {7});
  CHECK_EQUAL(slice_anchor(kCpu, one, {0, 1}, 0.05, 1).kept_counts.values[0], 1);
}

TEST(batch_composition_changes_nothing) {
  cases::Random random(6);
  Tensor<float> slices = cases::matrix<float>(random, 12, 700);
  const AnchorResult both = slice_anchor(kCpu, slices, {0, 5, 12}, 1.12, 1);
  Tensor<float> second({7, 700}, std::vector<float>(slices.values.begin() + 5 * 700,
                                                    slices.values.end()));
  const AnchorResult alone = slice_anchor(kCpu, second, {0, 7}, 1.12, 1);
  for (size_t i = 0; i < 7; ++i) {
    CHECK_EQUAL(both.keep.values[5 + i], alone.keep.values[i]);
    CHECK_EQUAL(both.distance.values[5 + i], alone.distance.values[i]);
    CHECK_EQUAL(both.representative.values[5 + i], alone.representative.values[i] + 5);
  }
}

TEST(strides_of_zero_and_below) {
  Tensor<uint8_t> same({4, 3}, {1, 2, 3});
  same.strides = {0, 1};
  CHECK_EQUAL(slice_anchor(kCpu, same, {0, 4}, 0, 1).kept_counts.values[0], 1);
  Tensor<uint8_t> backwards({3, 2}, {5, 5, 1, 1, 0, 0});
  backwards.strides = {-2, 1};
  backwards.offset = 4;
  const AnchorResult r = slice_anchor(kCpu, backwards, {0, 3}, 2, 1);
  CHECK_SAME(r.distance.values, (std::vector<float>{0, 1, 5}));
}

}  // namespace

int main() { return harness::run_tests(); }

/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.hpp"
#include "merge_cases.hpp"
#include "schedules.hpp"

namespace {

template <class T>
void check(double ratio, Tensor<T>* features, Tensor<float>& keys, const std::vector<uint8_t>& mask,
           const std::vector<int64_t>& offsets, int seeds) {
  const MergeResult<T> cpu = contextual_merge(kCpu, ratio, features, keys, mask, offsets);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  schedules::each(seeds, [&] {
    check_same(contextual_merge(kGpu, ratio, features, keys, mask, offsets), cpu);
    if (features != nullptr && features->strides.empty() && features->offset == 0) {
      Tensor<T> copy = *features;
      check_same(contextual_merge(kGpu, ratio, &copy, keys, mask, offsets, true), cpu);
    }
  });
}

template <class T>
void check(merge_cases::Case<T> c, int seeds) {
  check(c.ratio, &c.features, c.keys, c.nucleus, c.offsets, seeds);
}

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 10; ++round) {
    check(merge_cases::random_case<T>(random, round, 50, 12, 12), 4);
  }
}

TEST(f32) { dtype_cases<float>(31); }
TEST(f16) { dtype_cases<F16>(32); }
TEST(bf16) { dtype_cases<BF16>(33); }

TEST(a_segment_longer_than_a_block) {
  cases::Random random(34);
  Tensor<float> keys = cases::matrix<float>(random, 300, 2);
  Tensor<float> features = cases::matrix<float>(random, 300, 3);
  check(0.02, &features, keys, cases::mask(random, 300, 1), {0, 300}, 3);
}

TEST(keys_of_every_width_and_alignment) {
  cases::Random random(37);
  for (const int64_t width : merge_cases::kKeyWidths) {
    for (const uint64_t offset : {0, 1}) {
      check(merge_cases::keys_of_width(random, width, offset), 2);
    }
  }
}

template <class T>
void wide_rows(uint64_t seed) {
  cases::Random random(seed);
  for (const int64_t channels : merge_cases::kWideRows) {
    check(merge_cases::rows_of_width<T>(random, channels), channels > 16 ? 1 : 3);
  }
}

TEST(wide_rows_f32) { wide_rows<float>(38); }
TEST(wide_rows_f16) { wide_rows<F16>(39); }
TEST(wide_rows_bf16) { wide_rows<BF16>(40); }

/** More than a block lists at a time. */
TEST(a_target_of_many_members) {
  cases::Random random(36);
  Tensor<float> keys = cases::matrix<float>(random, 1300, 1);
  Tensor<float> features = cases::matrix<float>(random, 1300, 1);
  check(0, &features, keys, cases::mask(random, 1300, 1), {0, 1300}, 1);
}

TEST(equal_keys_go_to_the_lowest_target) {
  Tensor<float> keys({40, 2}, std::vector<float>(80, 1));
  Tensor<float> features({40, 1}, std::vector<float>(40, 1));
  check(0.2, &features, keys, std::vector<uint8_t>(40, 0), {0, 40}, 6);
}

TEST(specials) {
  cases::Random random(35);
  Tensor<float> keys = cases::matrix<float>(random, 20, 3);
  Tensor<F16> features = cases::matrix<F16>(random, 20, 5);
  keys.values[7] = NAN;
  keys.values[31] = INFINITY;
  keys.values[45] = keys.values[46] = keys.values[47] = 3e38f;
  features.values[11].bits = 0x7e01;
  features.values[12].bits = 0x7c00;
  check(0.2, &features, keys, std::vector<uint8_t>(20, 0), {0, 20}, 6);
}

TEST(nothing_and_one) {
  Tensor<float> none({0, 3}, {});
  check<float>(0.1, &none, none, {}, {0, 0, 0}, 2);
  check<float>(0.1, nullptr, none, {}, {0}, 2);
  Tensor<float> one({1, 2}, {1, 2});
  check<float>(0.1, &one, one, {0}, {0, 0, 1}, 4);
  check<float>(0.1, nullptr, one, {1}, {0, 1, 1}, 4);
}

TEST(bad_offsets) {
  cases::Random random(36);
  for (int round = 0; round < 10; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, 5, 12);
    const int64_t rows = offsets.back();
    if (rows == 0) {
      continue;
    }
    Tensor<float> keys = cases::matrix<float>(random, rows, 3);
    Tensor<float> features = cases::matrix<float>(random, rows, 4);
    const std::vector<uint8_t> mask = cases::mask(random, rows, 3);
    const schedules::Spoilt spoilt = schedules::spoil(random, offsets);
    auto expected = contextual_merge(kCpu, 0.2, &features, keys, mask, offsets);
    schedules::untouched(expected.merged.values, spoilt.begin * 4, spoilt.end * 4);
    schedules::untouched(expected.role.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.assignment.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_indices.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_counts.values, spoilt.segment, spoilt.segment + 2);
    expected.flags.values[static_cast<size_t>(spoilt.segment)] = schedules::kBad;
    expected.flags.values[static_cast<size_t>(spoilt.segment) + 1] = schedules::kBad;
    schedules::each(3, [&] {
      check_same(contextual_merge(kGpu, 0.2, &features, keys, mask, spoilt.offsets), expected);
    });
  }
}

}  // namespace

int main() { return schedules::run(); }

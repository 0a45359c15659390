/* SPDX-License-Identifier: Apache-2.0 */
#include "schedules.hpp"

namespace {

template <class T>
void check_same(const MergeResult<T>& gpu, const MergeResult<T>& cpu) {
  CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
  CHECK_SAME(gpu.role.values, cpu.role.values);
  CHECK_SAME(gpu.assignment.values, cpu.assignment.values);
  CHECK_SAME(gpu.kept_indices.values, cpu.kept_indices.values);
  CHECK_SAME(gpu.kept_counts.values, cpu.kept_counts.values);
  CHECK_SAME(gpu.flags.values, cpu.flags.values);
  CHECK_SAME(gpu.merged.values, cpu.merged.values);
}

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

std::vector<uint8_t> random_mask(cases::Random& random, int64_t rows, int64_t tenths) {
  std::vector<uint8_t> mask(static_cast<size_t>(rows));
  for (uint8_t& in : mask) {
    in = cases::integer(random, 0, 9) < tenths ? 1 : 0;
  }
  return mask;
}

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 10; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 4), 50);
    const int64_t rows = offsets.back();
    Tensor<float> keys = cases::matrix<float>(random, rows, cases::integer(random, 1, 12), round % 3,
                                              static_cast<uint64_t>(round % 2));
    for (size_t i = 0; i < keys.values.size(); i += 3) {
      keys.values[i] = round % 5 == 0 ? 0.0f : keys.values[i];
    }
    Tensor<T> features = cases::matrix<T>(random, rows, round == 4 ? 260 : 1 + round, round % 2);
    const double ratio = std::vector<double>{0, 0.05, 0.3, 1}[static_cast<size_t>(round % 4)];
    check(ratio, &features, keys, random_mask(random, rows, round), offsets, 4);
  }
}

TEST(f32) { dtype_cases<float>(31); }
TEST(f16) { dtype_cases<F16>(32); }
TEST(bf16) { dtype_cases<BF16>(33); }

TEST(a_segment_longer_than_a_block) {
  cases::Random random(34);
  Tensor<float> keys = cases::matrix<float>(random, 300, 2);
  Tensor<float> features = cases::matrix<float>(random, 300, 3);
  check(0.02, &features, keys, random_mask(random, 300, 1), {0, 300}, 3);
}

/** Units of four components and single ones, one span of components and several, several groups of targets. */
TEST(keys_of_every_width_and_alignment) {
  cases::Random random(37);
  Tensor<float> features = cases::matrix<float>(random, 80, 1);
  for (const int64_t dim : {4, 95, 96, 97, 100, 196}) {
    for (const uint64_t offset : {0, 1}) {
      Tensor<float> keys = cases::matrix<float>(random, 80, dim, dim % 2 == 0 ? 4 : 3, offset);
      check(0.6, &features, keys, random_mask(random, 80, 1), {0, 77, 80}, 2);
    }
  }
}

/** In units of 16 bytes, more of them than a block has threads, and more members than a thread has in flight. */
template <class T>
void wide_rows(uint64_t seed) {
  cases::Random random(seed);
  Tensor<float> keys = cases::matrix<float>(random, 40, 8);
  for (const int64_t channels : {8, 16, 520 * 8}) {
    Tensor<T> features = cases::matrix<T>(random, 40, channels);
    check(0.05, &features, keys, random_mask(random, 40, 2), {0, 33, 40}, channels > 16 ? 1 : 3);
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
  check(0, &features, keys, random_mask(random, 1300, 1), {0, 1300}, 1);
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
    const std::vector<uint8_t> mask = random_mask(random, rows, 3);
    const schedules::Spoilt spoilt = schedules::spoil(random, offsets);
    auto expected = contextual_merge(kCpu, 0.2, &features, keys, mask, offsets);
    schedules::untouched(expected.merged.values, spoilt.begin * 4, spoilt.end * 4);
    schedules::untouched(expected.role.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.assignment.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_indices.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_counts.values, spoilt.segment, spoilt.segment + 2);
    expected.flags.values[static_cast<size_t>(spoilt.segment)] = schedules::kBad;
    expected.flags.values[static_cast<size_t>(spoilt.segment) + 1] = schedules::kBad;
    schedules::each(2, [&] {
      check_same(contextual_merge(kGpu, 0.2, &features, keys, mask, spoilt.offsets), expected);
    });
  }
}

}  // namespace

int main() { return schedules::run(); }

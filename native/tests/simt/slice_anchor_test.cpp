/* SPDX-License-Identifier: Apache-2.0 */
#include "schedules.hpp"

namespace {

void check_same(const AnchorResult& gpu, const AnchorResult& cpu) {
  CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
  CHECK_SAME(gpu.keep.values, cpu.keep.values);
  CHECK_SAME(gpu.distance.values, cpu.distance.values);
  CHECK_SAME(gpu.representative.values, cpu.representative.values);
  CHECK_SAME(gpu.kept_indices.values, cpu.kept_indices.values);
  CHECK_SAME(gpu.kept_counts.values, cpu.kept_counts.values);
  CHECK_SAME(gpu.flags.values, cpu.flags.values);
}

template <class T>
void check(Tensor<T>& slices, const std::vector<int64_t>& offsets, double gamma, double scale,
           int64_t max_gap, int seeds) {
  const AnchorResult cpu = slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  schedules::each(seeds, [&] {
    check_same(slice_anchor(kGpu, slices, offsets, gamma, scale, max_gap), cpu);
  });
}

template <class T>
void dtype_cases(uint64_t seed, double gamma, double scale) {
  cases::Random random(seed);
  for (int64_t size : {1, 33, 255, 4097}) {
    const std::vector<int64_t> offsets = cases::ragged(random, 4, 9);
    Tensor<T> slices = cases::matrix<T>(random, offsets.back(), size, cases::integer(random, 0, 3),
                                        static_cast<uint64_t>(cases::integer(random, 0, 5)));
    check(slices, offsets, gamma, scale, size == 33 ? 3 : 0, size > 1000 ? 3 : 12);
  }
}

TEST(u8) { dtype_cases<uint8_t>(1, 0.67, 1 / 127.5); }
TEST(i16) { dtype_cases<int16_t>(2, 21800, 1); }
TEST(f16) { dtype_cases<F16>(3, 1.128, 1); }
TEST(bf16) { dtype_cases<BF16>(4, 1.128, 1); }
TEST(f32) { dtype_cases<float>(5, 1.128, 1); }

TEST(more_chunks_than_a_block_has_warps) {
  cases::Random random(6);
  Tensor<uint8_t> slices = cases::matrix<uint8_t>(random, 3, 9 * 4096 + 5);
  check(slices, {0, 3}, 0.67, 1 / 127.5, 0, 2);
}

TEST(strides_negative_and_zero) {
  cases::Random random(7);
  Tensor<float> slices = cases::matrix<float>(random, 11, 40);
  slices.strides = {-40, 1};
  slices.offset = 400;
  check(slices, {0, 5, 11}, 1.128, 1, 0, 6);
  slices.strides = {0, 1};
  check(slices, {0, 11}, 0.1, 1, 4, 6);
}

TEST(specials) {
  Tensor<float> slices({6, 2}, {1, 1, 1, NAN, 1, 1, 1, 1, INFINITY, 1, 1, 1});
  check(slices, {0, 6}, 0.5, 1, 0, 6);
  check(slices, {0, 2, 2, 5, 6}, 0.5, 1, 0, 6);
}

TEST(a_segment_longer_than_a_block) {
  cases::Random random(8);
  Tensor<uint8_t> slices = cases::matrix<uint8_t>(random, 300, 3);
  check(slices, {0, 300}, 0.6, 1 / 127.5, 0, 3);
}

TEST(no_rows_and_empty_segments) {
  Tensor<float> none({0, 4}, {});
  check(none, {0, 0, 0}, 0.5, 1, 0, 3);
  check(none, {0}, 0.5, 1, 0, 3);
  Tensor<float> one({1, 1}, {2});
  check(one, {0, 0, 1, 1}, 0.5, 1, 0, 6);
}

TEST(bad_offsets) {
  cases::Random random(9);
  for (int round = 0; round < 12; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, 5, 6);
    if (offsets.back() == 0) {
      continue;
    }
    Tensor<float> slices = cases::matrix<float>(random, offsets.back(), 20);
    const schedules::Spoilt spoilt = schedules::spoil(random, offsets);
    AnchorResult expected = slice_anchor(kCpu, slices, offsets, 1.128, 1);
    schedules::untouched(expected.keep.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.distance.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.representative.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_indices.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.flags.values, spoilt.begin, spoilt.end);
    expected.kept_counts.values[static_cast<size_t>(spoilt.segment)] = -1;
    expected.kept_counts.values[static_cast<size_t>(spoilt.segment) + 1] = -1;
    schedules::each(3, [&] {
      check_same(slice_anchor(kGpu, slices, spoilt.offsets, 1.128, 1), expected);
    });
  }
}

}  // namespace

int main() { return schedules::run(); }

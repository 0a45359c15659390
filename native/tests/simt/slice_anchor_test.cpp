/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.hpp"
#include "schedules.hpp"

namespace {

/** Both modes against the CPU's full one, which its own test holds against the reference. */
template <class T>
void check(Tensor<T>& slices, const std::vector<int64_t>& offsets, double gamma, double scale,
           int64_t max_gap, int seeds) {
  const AnchorResult cpu = slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  schedules::each(seeds, [&] {
    if (simt::options().seed % 4 == 3) {
      const AnchorResult decided =
          slice_anchor(kGpu, slices, offsets, gamma, scale, max_gap, true);
      check_same_decisions(decided, cpu);
      CHECK_SAME(decided.distance.values, output<float>({slices.shape[0]}).values);
    } else {
      check_same(slice_anchor(kGpu, slices, offsets, gamma, scale, max_gap), cpu);
    }
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

TEST(more_blocks_than_one) {
  cases::Random random(6);
  Tensor<uint8_t> bytes = cases::matrix<uint8_t>(random, 3, 2 * 8192 + 37);
  check(bytes, {0, 3}, 0.67, 1 / 127.5, 0, 4);
  Tensor<int16_t> shorts = cases::matrix<int16_t>(random, 10, 4096 + 21);
  check(shorts, {0, 10}, 21800, 1, 0, 4);
  Tensor<float> floats = cases::matrix<float>(random, 10, 4 * 4096 + 5);
  check(floats, {0, 1, 10}, 1.128, 1, 0, 4);
  Tensor<F16> halves = cases::matrix<F16>(random, 10, 4 * 4096 + 6);
  check(halves, {0, 9, 10}, 1.128, 1, 0, 2);
}

/** With sums of chunks that are added in parts, and of which one is too small for that. */
TEST(more_chunks_than_two_tiles_hold) {  // two hold 64: both are filled again
  cases::Random random(16);
  Tensor<float> slices = cases::matrix<float>(random, 3, 98 * 4096 + 100);
  check(slices, {0, 3}, 1.128, 1, 0, 1);
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t i = 0; i < 4096; ++i) {
      slices.values[static_cast<size_t>(row * (98 * 4096 + 100) + 70 * 4096 + i)] *= 1e-20f;
    }
  }
  check(slices, {0, 3}, 1.128, 1, 0, 1);
}

/** Bases and strides of every alignment: the widest loads only where all rows allow them. */
template <class T>
void alignment_cases(uint64_t seed, double gamma, double scale) {
  cases::Random random(seed);
  for (uint64_t offset : {0, 1, 2, 4, 8, 16}) {
    for (int64_t gap : {0, 1, 2, 8, 16}) {
      Tensor<T> slices = cases::matrix<T>(random, 4, 560, gap, offset);
      check(slices, {0, 4}, gamma, scale, 0, 1);
    }
  }
}
TEST(alignments_u8) { alignment_cases<uint8_t>(31, 0.67, 1 / 127.5); }
TEST(alignments_i16) { alignment_cases<int16_t>(32, 21800, 1); }
TEST(alignments_f16) { alignment_cases<F16>(33, 1.128, 1); }
TEST(alignments_bf16) { alignment_cases<BF16>(34, 1.128, 1); }
TEST(alignments_f32) { alignment_cases<float>(35, 1.128, 1); }

TEST(largest_differences_of_integers) {
  std::vector<int16_t> values(3 * 8192, -32768);
  std::fill(values.begin() + 8192, values.begin() + 2 * 8192, int16_t{32767});
  Tensor<int16_t> shorts({3, 8192}, values);
  check(shorts, {0, 3}, 65534.9, 1, 0, 2);
  std::vector<uint8_t> bytes(3 * 8192, 0);
  std::fill(bytes.begin() + 8192, bytes.begin() + 2 * 8192, uint8_t{255});
  Tensor<uint8_t> extreme({3, 8192}, bytes);
  check(extreme, {0, 3}, 254.9, 1, 0, 2);
}

TEST(volumes_of_every_length_over_the_windows) {
  cases::Random random(36);
  std::vector<int64_t> offsets = {0};
  for (int64_t length : {1, 2, 7, 8, 9, 10, 15, 16, 17, 18}) {
    offsets.push_back(offsets.back() + length);
  }
  Tensor<float> slices = cases::matrix<float>(random, offsets.back(), 40);
  for (double gamma : {-1.0, 0.0, 1.1, 1.2, 9.0}) {
    check(slices, offsets, gamma, 1, 0, 2);
    check(slices, offsets, gamma, 1, 3, 2);
  }
}

TEST(more_segments_than_a_block_lists) {
  cases::Random random(37);
  const std::vector<int64_t> offsets = cases::ragged(random, 60, 3);
  Tensor<uint8_t> slices = cases::matrix<uint8_t>(random, offsets.back(), 20);
  check(slices, offsets, 0.67, 1 / 127.5, 0, 4);
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

/** Where kernels cannot wait for the launch before them, they are launched in turn. */
TEST(gpus_without_early_launches) {
  cases::Random random(39);
  Tensor<float> slices = cases::matrix<float>(random, 30, 300);
  const AnchorResult cpu = slice_anchor(kCpu, slices, {0, 30}, 1.128, 1);
  schedules::each(2, [&] {
    simt::options().compute_capability = 80;
    check_same(slice_anchor(kGpu, slices, {0, 30}, 1.128, 1), cpu);
  });
}

TEST(specials) {
  Tensor<float> slices({6, 2}, {1, 1, 1, NAN, 1, 1, 1, 1, INFINITY, 1, 1, 1});
  check(slices, {0, 6}, 0.5, 1, 0, 6);
  check(slices, {0, 2, 2, 5, 6}, 0.5, 1, 0, 6);
  // In the first slice of a volume, at every place of a window, in each kind of step.
  cases::Random random(38);
  for (int64_t row = 0; row < 18; ++row) {
    Tensor<float> volume = cases::matrix<float>(random, 18, 300);
    volume.values[static_cast<size_t>(row * 300 + (row % 2 == 0 ? 3 : 299))] =
        row % 3 == 0 ? NAN : -INFINITY;
    check(volume, {0, row, 18}, 1.128, 1, 0, 2);
  }
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.hpp"
#include "schedules.hpp"

namespace {

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 12; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 9), 20);
    Tensor<T> source = cases::matrix<T>(random, offsets.back(), cases::integer(random, 0, 70),
                                        round % 3, static_cast<uint64_t>(round % 5));
    const cases::RowLists lists = cases::row_lists(random, offsets);
    const auto cpu =
        gather_rows(kCpu, source, lists.indices, lists.counts, offsets, lists.total + 1);
    CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
    schedules::each(4, [&] {
      check_same(
          gather_rows(kGpu, source, lists.indices, lists.counts, offsets, lists.total + 1), cpu);
    });
  }
}

TEST(bytes_1) { dtype_cases<uint8_t>(41); }
TEST(bytes_2) { dtype_cases<F16>(42); }
TEST(bytes_4) { dtype_cases<float>(43); }
TEST(bytes_8) { dtype_cases<int64_t>(44); }

TEST(rows_of_every_alignment) {
  cases::Random random(45);
  for (uint64_t offset : {0, 1, 2, 4, 8, 16}) {
    for (int64_t columns : {1, 2, 4, 8, 16, 48}) {
      Tensor<uint8_t> source = cases::matrix<uint8_t>(random, 5, columns, 48 - columns, offset);
      const auto cpu = gather_rows(kCpu, source, {4, 0, 2, 2, 1}, {5}, {0, 5}, 5);
      schedules::each(3, [&] {
        check_same(gather_rows(kGpu, source, {4, 0, 2, 2, 1}, {5}, {0, 5}, 5), cpu);
      });
    }
  }
}

TEST(a_source_stride_of_zero_and_below) {
  cases::Random random(46);
  Tensor<int32_t> source = cases::matrix<int32_t>(random, 6, 3);
  source.strides = {-3, 1};
  source.offset = 15;
  const std::vector<int64_t> rows = {5, 1, 0, 0, 2, 3};
  auto cpu = gather_rows(kCpu, source, rows, {2, 3}, {0, 2, 6}, 5);
  schedules::each(3, [&] {
    check_same(gather_rows(kGpu, source, rows, {2, 3}, {0, 2, 6}, 5), cpu);
  });
  source.strides = {0, 1};
  cpu = gather_rows(kCpu, source, rows, {2, 3}, {0, 2, 6}, 5);
  schedules::each(3, [&] {
    check_same(gather_rows(kGpu, source, rows, {2, 3}, {0, 2, 6}, 5), cpu);
  });
}

/** Longer than the block of gather_offsets, whose scan then carries over. */
TEST(more_segments_than_a_block) {
  Tensor<int32_t> source({2500, 1}, std::vector<int32_t>(2500));
  std::vector<int64_t> offsets = {0};
  std::vector<int64_t> indices;
  std::vector<int64_t> counts;
  for (int64_t g = 0; g < 2500; ++g) {
    source.values[static_cast<size_t>(g)] = static_cast<int32_t>(g);
    offsets.push_back(g + 1);
    indices.push_back(2499 - g);
    counts.push_back(g % 3 == 0 ? 0 : 1);
  }
  const auto cpu = gather_rows(kCpu, source, indices, counts, offsets, 2000);
  schedules::each(3, [&] {
    check_same(gather_rows(kGpu, source, indices, counts, offsets, 2000), cpu);
  });
}

/** More rows than one block looks through for stray ones. */
TEST(a_long_segment) {
  Tensor<uint8_t> source({5000, 1}, std::vector<uint8_t>(5000));
  std::vector<int64_t> indices(5000);
  for (size_t i = 0; i < indices.size(); ++i) {
    source.values[i] = static_cast<uint8_t>(i);
    indices[i] = static_cast<int64_t>(4999 - i);
  }
  const auto cpu = gather_rows(kCpu, source, indices, {4990}, {0, 5000}, 4990);
  schedules::each(3, [&] {
    check_same(gather_rows(kGpu, source, indices, {4990}, {0, 5000}, 4990), cpu);
    std::vector<int64_t> stray = indices;
    stray[4000] = 5000;
    const auto flagged = gather_rows(kGpu, source, stray, {4990}, {0, 5000}, 4990);
    CHECK_SAME(flagged.flags.values, (std::vector<uint32_t>{schedules::kBad}));
  });
}

TEST(faults_are_flagged) {
  Tensor<int32_t> source({4, 1}, {10, 20, 30, 40});
  const uint32_t full = MEDPRUNER_SEGMENT_CAPACITY;
  const uint32_t bad = schedules::kBad;
  schedules::each(8, [&] {
    for (int64_t wrong : {int64_t{4}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
      const auto row = gather_rows(kGpu, source, {0, wrong, 1, 2}, {2, 1}, {0, 2, 4}, 4);
      CHECK_SAME(row.flags.values, (std::vector<uint32_t>{bad, 0}));
      CHECK_SAME(row.packed.values,
                 (std::vector<int32_t>{10, 0, 20, static_cast<int32_t>(0xCDCDCDCDu)}));
      const auto count = gather_rows(kGpu, source, {0, 1, 2, 3}, {wrong, 1}, {0, 2, 4}, 4);
      CHECK_SAME(count.flags.values, (std::vector<uint32_t>{bad, 0}));
      CHECK_SAME(count.packed_offsets.values, (std::vector<int64_t>{0, 0, 1}));
    }
    for (int64_t capacity : {0, 1, 3}) {
      const auto small = gather_rows(kGpu, source, {0, 1, 2, 3}, {2, 2}, {0, 2, 4}, capacity);
      CHECK_SAME(small.flags.values, (std::vector<uint32_t>{capacity < 2 ? full : 0, full}));
      const std::vector<int32_t> all = {10, 20, 30};
      CHECK_SAME(small.packed.values,
                 std::vector<int32_t>(all.begin(), all.begin() + capacity));
      CHECK_SAME(small.packed_offsets.values, (std::vector<int64_t>{0, 2, 4}));
    }
  });
}

/** Nothing is copied of them, but what names a row is looked at as ever. */
TEST(stray_rows_of_no_values_are_flagged) {
  Tensor<int32_t> source({4, 0}, {});
  schedules::each(3, [&] {
    const auto good = gather_rows(kGpu, source, {0, 3, 1, 2}, {2, 1}, {0, 2, 4}, 3);
    CHECK_SAME(good.flags.values, (std::vector<uint32_t>{0, 0}));
    CHECK_SAME(good.packed_offsets.values, (std::vector<int64_t>{0, 2, 3}));
    const auto stray = gather_rows(kGpu, source, {0, 9, 1, 2}, {2, 1}, {0, 2, 4}, 3);
    CHECK_SAME(stray.flags.values, (std::vector<uint32_t>{schedules::kBad, 0}));
  });
  // More segments than each block adds up by itself.
  std::vector<int64_t> offsets(301);
  std::vector<uint32_t> flags(300);
  for (size_t g = 0; g < 301; ++g) {
    offsets[g] = static_cast<int64_t>(g);
  }
  Tensor<int32_t> many({300, 0}, {});
  std::vector<int64_t> indices(300);
  indices[270] = -1;
  flags[270] = schedules::kBad;
  schedules::each(2, [&] {
    const auto r = gather_rows(kGpu, many, indices, std::vector<int64_t>(300, 1), offsets, 300);
    CHECK_SAME(r.flags.values, flags);
  });
}

TEST(bad_offsets) {
  cases::Random random(47);
  for (int round = 0; round < 10; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, 5, 12);
    if (offsets.back() == 0) {
      continue;
    }
    Tensor<float> source = cases::matrix<float>(random, offsets.back(), 4);
    const cases::RowLists lists = cases::row_lists(random, offsets);
    const schedules::Spoilt spoilt = schedules::spoil(random, offsets);
    std::vector<int64_t> counts = lists.counts;
    const size_t segment = static_cast<size_t>(spoilt.segment);
    counts[segment] = counts[segment + 1] = 0;
    auto expected = gather_rows(kCpu, source, lists.indices, counts, offsets, lists.total);
    CHECK_EQUAL(expected.status, MEDPRUNER_OK);
    expected.flags.values[segment] = expected.flags.values[segment + 1] = schedules::kBad;
    schedules::each(3, [&] {
      check_same(gather_rows(kGpu, source, lists.indices, lists.counts, spoilt.offsets,
                             lists.total),
                 expected);
    });
  }
}

}  // namespace

int main() { return schedules::run(); }

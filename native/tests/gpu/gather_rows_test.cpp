/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "checks.hpp"
#include "gpu.hpp"

namespace {

template <class T>
void check(cases::Random& random, Tensor<T>& source, const std::vector<int64_t>& offsets) {
  const cases::RowLists lists = cases::row_lists(random, offsets);
  check_same(gather_rows(kGpu, source, lists.indices, lists.counts, offsets, lists.total + 1),
             gather_rows(kCpu, source, lists.indices, lists.counts, offsets, lists.total + 1));
}

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < gpu_rounds(40); ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 9), 50);
    Tensor<T> source =
        cases::matrix<T>(random, offsets.back(), cases::integer(random, 0, 700), round % 3,
                         static_cast<uint64_t>(cases::integer(random, 0, 7)));
    check(random, source, offsets);
  }
  // Rows aligned to 16, 8, 4, 2 and 1 bytes and no more.
  for (size_t alignment = 16; alignment >= sizeof(T); alignment /= 2) {
    Tensor<T> source =
        cases::matrix<T>(random, 40, static_cast<int64_t>(33 * alignment / sizeof(T)));
    check(random, source, {0, 13, 13, 40});
  }
}

TEST(gather_rows_1) { dtype_cases<uint8_t>(15); }
TEST(gather_rows_2) { dtype_cases<F16>(16); }
TEST(gather_rows_4) { dtype_cases<float>(17); }
TEST(gather_rows_8) { dtype_cases<int64_t>(18); }

/** Both sides of what gather_rows adds up and looks through by itself. */
TEST(gather_rows_many_segments_and_long_ones) {
  cases::Random random(25);
  for (const auto& size : {std::pair<int64_t, int64_t>{256, 40}, {257, 40}, {3, 4096}, {3, 9000}}) {
    std::vector<int64_t> offsets = {0};
    for (int64_t g = 0; g < size.first; ++g) {
      offsets.push_back(offsets.back() + size.second);
    }
    Tensor<F16> source = cases::matrix<F16>(random, offsets.back(), 24);
    check(random, source, offsets);
  }
}

}  // namespace

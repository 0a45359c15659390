/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "harness.hpp"

namespace {

template <class T>
void random_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 80; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 5), 20);
    const int64_t rows = offsets.back();
    const int64_t cols = cases::integer(random, 0, 40);
    Tensor<T> source = cases::matrix<T>(random, rows, cols, round % 3,
                                        static_cast<uint64_t>(cases::integer(random, 0, 7)));
    std::vector<int64_t> indices(static_cast<size_t>(rows), -1);
    std::vector<int64_t> counts;
    std::vector<int64_t> packed_offsets = {0};
    std::vector<T> expected;
    for (size_t g = 0; g + 1 < offsets.size(); ++g) {
      counts.push_back(cases::integer(random, 0, offsets[g + 1] - offsets[g]));
      packed_offsets.push_back(packed_offsets.back() + counts.back());
      for (int64_t i = 0; i < counts.back(); ++i) {
        const int64_t row = cases::integer(random, 0, rows - 1);
        indices[static_cast<size_t>(offsets[g] + i)] = row;
        const auto* from = source.values.data() + source.offset + row * (cols + round % 3);
        expected.insert(expected.end(), from, from + cols);
      }
    }
    const int64_t capacity = packed_offsets.back() + round % 2;
    const auto r = gather_rows(kCpu, source, indices, counts, offsets, capacity);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    CHECK_SAME(r.packed_offsets.values, packed_offsets);
    CHECK_SAME(r.flags.values, std::vector<uint32_t>(counts.size(), 0));
    // Rows past the total stay as they were: 0xCD.
    const Tensor<T> untouched = output<T>({capacity - packed_offsets.back(), cols});
    expected.insert(expected.end(), untouched.values.begin(), untouched.values.end());
    CHECK_SAME(r.packed.values, expected);
  }
}

TEST(one_byte) { random_cases<uint8_t>(31); }
TEST(two_bytes) { random_cases<BF16>(32); }
TEST(four_bytes) { random_cases<float>(33); }
TEST(eight_bytes) { random_cases<int64_t>(34); }

TEST(broken_lists_write_nothing) {
  Tensor<int32_t> source({3, 1}, {10, 20, 30});
  const Tensor<int32_t> untouched = output<int32_t>({3, 1});
  const struct {
    std::vector<int64_t> indices, counts;
    int64_t capacity;
    const char* name;
  } table[] = {{{0, 3, 1}, {2, 1}, 3, "indices"},  {{0, -1, 1}, {2, 1}, 3, "indices"},
               {{0, 1, 2}, {3, 0}, 3, "counts"},   {{0, 1, 2}, {-1, 1}, 3, "counts"},
               {{0, 1, 2}, {2, 1}, 2, "packed"}};
  for (const auto& row : table) {
    const auto r = gather_rows(kCpu, source, row.indices, row.counts, {0, 2, 3}, row.capacity);
    CHECK_EQUAL(r.status, MEDPRUNER_ERR_INVALID_ARGUMENT);
    CHECK(last_error().rfind(std::string(row.name) + ":", 0) == 0);
    CHECK(memcmp(r.packed.values.data(), untouched.values.data(),
                 static_cast<size_t>(row.capacity) * 4) == 0);
  }
}

}  // namespace

int main() { return harness::run_tests(); }

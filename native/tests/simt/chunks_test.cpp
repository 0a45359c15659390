/* SPDX-License-Identifier: Apache-2.0 */
// The f64 totals of slice anchoring: bit for bit those of one addition after another, also where several
// parts are added at once, and that this is done where it is meant to be.

#include "cuda/slice_anchor/chunks.cuh"

#include <math.h>

#include "cases.hpp"
#include "launches.hpp"

namespace {

using namespace medpruner::cuda;

/** One block: what groups of chunks add up to, whether that is exact for all pairs, and the sums in order. */
template <class Shape>
__global__ void totals(const ChunkSums<Shape::kPairs>* sums, int64_t chunks, GroupSums<Shape::kPairs>* groups,
                       double* grouped, double* in_order, int32_t* exact) {
  __shared__ ChunkTotals<Shape> memory;
  for (int64_t first = 0; first < chunks; first += kGroupChunks) {
    const int64_t rest = chunks - first;
    add_group<Shape>(sums + first, static_cast<int>(rest < kGroupChunks ? rest : kGroupChunks), &memory,
                     groups + first / kGroupChunks);
    __syncthreads();
  }
  bool mine = true;
  if (threadIdx.x < Shape::kPairs) {
    mine = add_groups<Shape>(groups, group_count(chunks), &grouped[threadIdx.x]);
  }
  const int all = __syncthreads_and(mine ? 1 : 0);
  const double total = add_chunks_in_order<Shape>(sums, chunks, &memory);
  if (threadIdx.x < Shape::kPairs) {
    in_order[threadIdx.x] = total;
  }
  if (threadIdx.x == 0) {
    *exact = all;
  }
}

/** Sums in [2^low, 2^high), with zeros among them. */
template <int kPairs>
std::vector<ChunkSums<kPairs>> random_sums(cases::Random& random, int64_t chunks, int low, int high) {
  std::vector<ChunkSums<kPairs>> sums(static_cast<size_t>(chunks));
  for (ChunkSums<kPairs>& chunk : sums) {
    for (int p = 0; p < kPairs + ChunkSums<kPairs>::kPadding; ++p) {
      const int64_t exponent = cases::integer(random, low, high - 1);
      const float fraction = 1.0f + static_cast<float>(cases::integer(random, 0, 0x7fffff)) * 0x1p-23f;
      const bool zero = p >= kPairs || cases::integer(random, 0, 9) == 0;
      chunk.pair[p] = zero ? 0.0f : ldexpf(fraction, static_cast<int>(exponent));
    }
  }
  return sums;
}

template <int kPairs>
std::vector<double> in_order(const std::vector<ChunkSums<kPairs>>& sums) {
  std::vector<double> all(kPairs, 0.0);
  for (const ChunkSums<kPairs>& chunk : sums) {
    for (int p = 0; p < kPairs; ++p) {
      all[static_cast<size_t>(p)] += static_cast<double>(chunk.pair[p]);
    }
  }
  return all;
}

/** The launch's totals in order are right, and those of groups where it says so; whether it does. */
template <class Shape>
bool grouped_exactly(const std::vector<ChunkSums<Shape::kPairs>>& sums) {
  const int64_t chunks = static_cast<int64_t>(sums.size());
  const Device<ChunkSums<Shape::kPairs>> in(sums);
  const Device<GroupSums<Shape::kPairs>> groups(static_cast<size_t>(group_count(chunks)));
  const Device<double> grouped(Shape::kPairs);
  const Device<double> ordered(Shape::kPairs);
  const Device<int32_t> exact(1);
  const std::string fault = run(totals<Shape>, 1, Shape::kThreads, 0, in.data, chunks, groups.data, grouped.data,
                                ordered.data, exact.data);
  CHECK(fault.empty());
  CHECK_SAME(ordered.host(), in_order(sums));
  const bool same = exact.host()[0] != 0;
  if (same) {
    CHECK_SAME(grouped.host(), ordered.host());
  }
  return same;
}

TEST(every_number_of_chunks) {
  constexpr int kPairs = ChunkWindow::kPairs;
  cases::Random random(61);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    set_seed(seed);
    for (int64_t chunks : {1, 2, 3, 4, 5, 27, 28, 29, 32, 33, 56, 57, 64, 65, 130, 24 * 28, 24 * 28 + 1}) {
      CHECK(grouped_exactly<ChunkWindow>(random_sums<kPairs>(random, chunks, 0, 12)));
      CHECK(chunks < 4 || !grouped_exactly<ChunkWindow>(random_sums<kPairs>(random, chunks, -40, 12)));
    }
  }
}

TEST(specials_and_the_ends_of_the_range) {
  constexpr int kPairs = ChunkWindow::kPairs;
  set_seed(1);
  cases::Random random(62);
  auto sums = random_sums<kPairs>(random, 20, -149, -120);
  CHECK(grouped_exactly<ChunkWindow>(sums));
  sums = random_sums<kPairs>(random, 20, 100, 120);
  CHECK(grouped_exactly<ChunkWindow>(sums));
  sums[7].pair[3] = INFINITY;
  CHECK(!grouped_exactly<ChunkWindow>(sums));
  CHECK(grouped_exactly<ChunkWindow>(std::vector<ChunkSums<kPairs>>(50)));  // zeros
}

/** Where it says so, every order has the bits of any other. */
TEST(exact_is_exact) {
  cases::Random random(63);
  int exact = 0;
  for (int round = 0; round < 4000; ++round) {
    const int64_t low = cases::integer(random, -149, 90);
    const int64_t count = cases::integer(random, 1, 40);
    const int64_t span = cases::integer(random, 1, 60);
    std::vector<float> values;
    uint32_t least = ~0u;
    for (int64_t i = 0; i < count; ++i) {
      const float fraction = 1.0f + static_cast<float>(cases::integer(random, 0, 0x7fffff)) * 0x1p-23f;
      values.push_back(ldexpf(fraction, static_cast<int>(low + cases::integer(random, 0, span))));
      const uint32_t bits = medpruner::float_to_bits(values.back()) - 1;
      least = bits < least ? bits : least;
    }
    double up = 0;
    double down = 0;
    double high = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      up += static_cast<double>(values[i]);
      down += static_cast<double>(values[values.size() - 1 - i]);
    }
    std::sort(values.begin(), values.end(), [](float a, float b) { return a > b; });
    for (float value : values) {
      high += static_cast<double>(value);
    }
    if (adds_exactly(up, least)) {
      ++exact;
      CHECK_EQUAL(up, down);
      CHECK_EQUAL(up, high);
    }
  }
  CHECK(exact > 1000);
  CHECK(exact < 3000);
}

}  // namespace

int main() { return harness::run_tests(); }

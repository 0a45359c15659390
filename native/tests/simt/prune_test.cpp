/* SPDX-License-Identifier: Apache-2.0 */
#include "prune_cases.hpp"
#include "schedules.hpp"

namespace {

template <class T>
void check(PruneCase<T>& c, int seeds) {
  const PruneResult<T> cpu = prune(kCpu, c);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  schedules::each(seeds, [&] { check_same(prune(kGpu, c), cpu); });
}

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 12; ++round) {
    PruneCase<T> c = prune_cases::random_case<T>(random, round, 40, round == 5 ? 300 : 20);
    check(c, 3);
  }
}

TEST(f32) { dtype_cases<float>(111); }
TEST(f16) { dtype_cases<F16>(112); }
TEST(bf16) { dtype_cases<BF16>(113); }

/** The masses of the two backends are not the same bits, so the ops run one by one on CUDA too. */
TEST(with_attention) {
  cases::Random random(114);
  for (int round = 0; round < 9; ++round) {
    PruneCase<float> c = prune_cases::query_case<float>(random, round);
    schedules::each(3, [&] { check_same(prune(kGpu, c), prune_cases::compose(kGpu, c)); });
  }
}

TEST(aligned_rows_and_long_segments) {
  cases::Random random(115);
  PruneCase<float> c;
  c.offsets = {0, 300, 301};
  c.mass = vector_of(std::vector<float>(301));
  for (float& m : c.mass.values) {
    m = expf(cases::normal(random));
  }
  c.keys = cases::matrix<float>(random, 301, 33);
  c.features = cases::matrix<float>(random, 301, 8);
  c.params.nucleus = nucleus(MEDPRUNER_SCORE_MASS, 0.5);
  c.params.merge.ratio = 0.1;  // more targets than a group of them
  c.capacity = 301;
  check(c, 2);
}

/** Which a block of their own scans, since a warp would have too many counts to add up. */
TEST(many_segments) {
  cases::Random random(119);
  PruneCase<BF16> c = prune_cases::many_segments(random, 300, 4, 8);
  check(c, 2);
}

TEST(capacity_is_flagged_and_never_passed) {
  cases::Random random(116);
  for (int round = 1; round < 13; ++round) {
    PruneCase<F16> c = prune_cases::random_case<F16>(random, round, 20, 9);
    PruneResult<F16> expected = prune(kCpu, c);
    CHECK_EQUAL(expected.status, MEDPRUNER_OK);
    const int64_t total = expected.packed_offsets.values.back();
    c.capacity = cases::integer(random, 0, total);
    for (size_t g = 0; g + 1 < c.offsets.size(); ++g) {
      const int64_t begin = expected.packed_offsets.values[g];
      const int64_t end = expected.packed_offsets.values[g + 1];
      expected.flags.values[g] |= begin < end && end > c.capacity ? MEDPRUNER_SEGMENT_CAPACITY : 0;
    }
    expected.packed.values.resize(static_cast<size_t>(c.capacity * c.features.shape[1]));
    expected.packed_rows.values.resize(static_cast<size_t>(c.capacity));
    schedules::each(3, [&] { check_same(prune(kGpu, c), expected); });
  }
}

TEST(bad_offsets_pack_nothing) {
  cases::Random random(117);
  for (int round = 0; round < 12; ++round) {
    PruneCase<float> c = prune_cases::random_case<float>(random, 4 * round + 1, 12, 4);
    if (c.offsets.size() < 4 || c.offsets.back() == 0) {
      continue;
    }
    c.volumes.clear();
    c.params.nucleus.volume_min_tokens = c.params.nucleus.volume_max_tokens = 0;
    const schedules::Spoilt spoilt = schedules::spoil(random, c.offsets);
    const size_t segment = static_cast<size_t>(spoilt.segment);
    PruneCase<float> without = c;  // the same rows packed, had those two been dropped
    without.params.dropped_tokens = 0;
    c.params.dropped_tokens = 0;
    without.segments[segment] = without.segments[segment + 1] = 0;
    PruneResult<float> expected = prune(kCpu, without);
    CHECK_EQUAL(expected.status, MEDPRUNER_OK);
    schedules::untouched(expected.role.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.assignment.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_mass.values, spoilt.segment, spoilt.segment + 2);
    expected.flags.values[segment] = expected.flags.values[segment + 1] = schedules::kBad;
    c.offsets = spoilt.offsets;
    schedules::each(3, [&] { check_same(prune(kGpu, c), expected); });
  }
}

TEST(a_segment_that_is_no_grid_is_kept_whole) {
  cases::Random random(118);
  PruneCase<float> c;
  c.with_query = true;
  c.params.attention = grid(2, 4, 1, 2);
  c.offsets = {0, 4, 7, 11};
  c.query = cases::matrix<float>(random, 22, 6);
  c.key = cases::matrix<float>(random, 22, 6);
  c.query.shape = c.key.shape = {22, 2, 3};
  c.features = cases::matrix<float>(random, 11, 5);
  c.capacity = 11;
  schedules::each(4, [&] {
    const auto r = prune(kGpu, c);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    CHECK_EQUAL(r.flags.values[0], 0u);
    CHECK_EQUAL(r.flags.values[1], schedules::kBad | MEDPRUNER_SEGMENT_NON_FINITE);
    CHECK_EQUAL(r.packed_offsets.values[2] - r.packed_offsets.values[1], 3);
  });
}

}  // namespace

int main() { return schedules::run(); }

/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/nucleus_select/limits.hpp"
#include "schedules.hpp"

namespace {

using Params = medpruner_nucleus_select_params;

void check_same(const NucleusResult& gpu, const NucleusResult& cpu) {
  CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
  CHECK_SAME(gpu.mask.values, cpu.mask.values);
  CHECK_SAME(gpu.kept_indices.values, cpu.kept_indices.values);
  CHECK_SAME(gpu.kept_counts.values, cpu.kept_counts.values);
  CHECK_SAME(gpu.kept_mass.values, cpu.kept_mass.values);
  CHECK_SAME(gpu.flags.values, cpu.flags.values);
}

void check(const Params& params, const std::vector<float>& scores,
           const std::vector<int64_t>& offsets, const std::vector<int64_t>& volumes, int seeds) {
  const NucleusResult cpu = nucleus_select(kCpu, params, scores, offsets, volumes);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  schedules::each(seeds, [&] {
    check_same(nucleus_select(kGpu, params, scores, offsets, volumes), cpu);
  });
}

TEST(random) {
  cases::Random random(21);
  for (int round = 0; round < 16; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 5), 140);
    Params params = nucleus(round % 2, std::vector<double>{1e-9, 0.3, 0.9, 1.0}[
                                           static_cast<size_t>(round / 2 % 4)]);
    params.min_tokens = round % 3 == 0 ? cases::integer(random, 0, 9) : 0;
    params.max_tokens = round % 4 == 0 ? params.min_tokens + 4 : 0;
    check(params, cases::scores(random, offsets), offsets, {}, 3);
  }
}

TEST(one_token) {
  for (float score : {0.0f, -0.0f, 1.0f, -1.0f, 1e-45f, INFINITY, -INFINITY, NAN}) {
    for (int kind : {0, 1}) {
      check(nucleus(kind, 0.9), {score}, {0, 1}, {}, 2);
    }
  }
}

TEST(ties_take_the_lowest_index) {
  check(nucleus(1, 0.5), std::vector<float>(150, 2), {0, 150}, {}, 6);
  check(nucleus(0, 0.5), std::vector<float>(33, 2), {0, 33}, {}, 6);
}

TEST(nothing) {
  check(nucleus(0, 0.9), {}, {0, 0, 0}, {}, 3);
  check(nucleus(0, 0.9), {}, {0}, {}, 3);
}

TEST(volume_floors_and_caps) {
  cases::Random random(22);
  for (int round = 0; round < 6; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, 4, 40);
    Params params = nucleus(round % 2, round % 3 == 0 ? 1.0 : 0.4);
    params.volume_min_tokens = round % 2 == 0 ? cases::integer(random, 20, 70) : 0;
    params.volume_max_tokens = round % 2 == 1 ? cases::integer(random, 1, 9) : 0;
    const std::vector<int64_t> volumes =
        round < 3 ? std::vector<int64_t>{} : std::vector<int64_t>{0, 2, 2, 4};
    check(params, cases::scores(random, offsets), offsets, volumes, 2);
  }
}

/** Scores of a kind: 0 lognormal, 1 all equal, 2 few distinct, 3 a sink, 4 of both signs, 5 with a NaN. */
std::vector<float> segment_scores(cases::Random& random, int64_t n, int kind) {
  std::vector<float> values(static_cast<size_t>(n));
  for (float& v : values) {
    v = kind == 1   ? 0.25f
        : kind == 2 ? static_cast<float>(cases::integer(random, 0, 3))
        : kind == 4 ? cases::normal(random)
                    : expf(cases::normal(random));
  }
  if (kind == 3) {
    values[values.size() / 2] = 300;
  }
  if (kind == 5) {
    values.back() = NAN;
  }
  return values;
}

TEST(every_number_of_items_per_lane) {
  cases::Random random(24);
  int kind = 0;
  for (int64_t n : {31, 32, 33, 127, 128, 129, 256, 257, 512, 513, 1023, 1024}) {
    for (int score : {0, 1}) {
      Params params = nucleus(score, kind % 4 == 1 ? 0.3 : 0.9);
      params.max_tokens = kind % 5 == 4 ? n / 3 + 1 : 0;
      check(params, segment_scores(random, n, kind % 6), {0, n}, {}, 1);
      ++kind;
    }
  }
}

TEST(segments_of_a_block) {
  cases::Random random(25);
  int kind = 0;
  for (int64_t n : {1025, 4096, 4097, 8192, 8193, 16384, 16385}) {
    Params params = nucleus(kind % 2, 0.9);
    params.min_tokens = kind % 3 == 2 ? n - 5 : 0;
    check(params, segment_scores(random, n, kind % 5), {0, n}, {}, 1);
    ++kind;
  }
}

TEST(classes_side_by_side) {
  cases::Random random(26);
  for (int round = 0; round < 24; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 2, 9), 200);
    Params params = nucleus(round % 2, std::vector<double>{1e-9, 0.3, 0.9, 1.0}[
                                           static_cast<size_t>(round / 2 % 4)]);
    params.min_tokens = round % 3 == 0 ? cases::integer(random, 0, 120) : 0;
    params.max_tokens = round % 5 == 0 ? params.min_tokens + 30 : 0;
    medpruner::cuda::g_nucleus_limits.warp_rows = round % 4 == 3 ? 0 : 50;
    medpruner::cuda::g_nucleus_limits.block_rows = round % 4 == 2 ? 50 : 120;
    check(params, cases::scores(random, offsets), offsets, {}, 2);
    medpruner::cuda::g_nucleus_limits = {};
  }
}

TEST(a_segment_is_the_same_in_every_class) {
  cases::Random random(27);
  for (int kind = 0; kind < 6; ++kind) {
    for (double tau : {0.5, 1.0}) {
      const std::vector<float> scores = segment_scores(random, 150, kind);
      for (int64_t rows : {150, 100, 0}) {  // a warp, a block, a block that holds nothing in registers
        medpruner::cuda::g_nucleus_limits = {rows, rows == 0 ? 0 : 150};
        check(nucleus(kind % 2, tau), scores, {0, 150}, {}, 1);
        medpruner::cuda::g_nucleus_limits = {};
      }
    }
  }
}

TEST(one_launch_where_no_segment_can_be_long) {
  simt::options() = {};
  const std::vector<float> scores(1024, 1);
  const auto launches = [&](const Params& params, std::vector<int64_t> offsets) {
    const std::vector<float> some(scores.begin(), scores.begin() + offsets.back());
    const uint64_t before = simt::counters().launches;
    CHECK_EQUAL(nucleus_select(kGpu, params, some, offsets).status, MEDPRUNER_OK);
    return simt::counters().launches - before;
  };
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 1u);
  medpruner::cuda::g_nucleus_limits.warp_rows = 1023;
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 2u);
  medpruner::cuda::g_nucleus_limits = {};
  Params bounded = nucleus(0, 0.9);
  bounded.volume_max_tokens = 5;
  CHECK_EQUAL(launches(bounded, {0, 500, 1024}), 4u);
}

TEST(bad_offsets) {
  cases::Random random(23);
  for (int round = 0; round < 8; ++round) {
    medpruner::cuda::g_nucleus_limits = {round % 2 == 0 ? 1024 : 10, round % 4 == 1 ? 20 : 16384};
    const std::vector<int64_t> offsets = cases::ragged(random, 5, 30);
    if (offsets.back() == 0) {
      continue;
    }
    const std::vector<float> scores = cases::scores(random, offsets);
    const schedules::Spoilt spoilt = schedules::spoil(random, offsets);
    NucleusResult expected = nucleus_select(kCpu, nucleus(0, 0.7), scores, offsets);
    schedules::untouched(expected.mask.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_indices.values, spoilt.begin, spoilt.end);
    schedules::untouched(expected.kept_counts.values, spoilt.segment, spoilt.segment + 2);
    schedules::untouched(expected.kept_mass.values, spoilt.segment, spoilt.segment + 2);
    expected.flags.values[static_cast<size_t>(spoilt.segment)] = schedules::kBad;
    expected.flags.values[static_cast<size_t>(spoilt.segment) + 1] = schedules::kBad;
    schedules::each(2, [&] {
      check_same(nucleus_select(kGpu, nucleus(0, 0.7), scores, spoilt.offsets), expected);
    });
  }
  medpruner::cuda::g_nucleus_limits = {};
}

TEST(a_bad_segment_is_no_part_of_its_volume) {
  Params params = nucleus(MEDPRUNER_SCORE_MASS, 1);
  params.volume_max_tokens = 3;
  schedules::each(3, [&] {
    const NucleusResult r =
        nucleus_select(kGpu, params, {1, 2, 9, 9, 9, 5, 4, 3}, {0, 2, 99, 5, 8});
    CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, schedules::kBad, schedules::kBad, 0}));
    CHECK_EQUAL(r.kept_counts.values[0], 0);
    CHECK_EQUAL(r.kept_counts.values[3], 3);
    CHECK_EQUAL(r.mask.values[2], 0xCD);
  });
}

TEST(a_bad_boundary_between_volumes_takes_in_no_other_volume) {
  Params params = nucleus(MEDPRUNER_SCORE_MASS, 1);
  params.volume_max_tokens = 1;
  schedules::each(3, [&] {
    const NucleusResult r =
        nucleus_select(kGpu, params, {1, 2, 9, 9, 9, 5, 4, 3}, {0, 2, 99, 5, 8}, {0, 2, 4});
    CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, schedules::kBad, schedules::kBad, 0}));
    CHECK_EQUAL(r.kept_counts.values[0], 1);
    CHECK_EQUAL(r.kept_counts.values[3], 1);
    CHECK_EQUAL(r.kept_indices.values[0], 1);
    CHECK_EQUAL(r.kept_indices.values[5], 5);
  });
}

TEST(bad_volumes_get_no_bounds) {
  Params params = nucleus(MEDPRUNER_SCORE_MASS, 0.5);
  params.volume_max_tokens = 1;
  for (int64_t wrong : {int64_t{5}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    schedules::each(2, [&] {
      const NucleusResult r =
          nucleus_select(kGpu, params, std::vector<float>(8, 1), {0, 4, 8}, {0, 1, wrong});
      CHECK_SAME(r.kept_counts.values, (std::vector<int64_t>{1, 2}));
      CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, schedules::kBad}));
    });
  }
}

}  // namespace

int main() { return schedules::run(); }

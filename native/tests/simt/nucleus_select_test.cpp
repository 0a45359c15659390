/* SPDX-License-Identifier: Apache-2.0 */
#include <cuda_runtime.h>

#include <numeric>

#include "checks.hpp"
#include "cuda/nucleus_select/limits.hpp"
#include "schedules.hpp"

namespace {

using Params = medpruner_nucleus_select_params;
using cases::segment_scores;

void check(const Params& params, const std::vector<float>& scores,
           const std::vector<int64_t>& offsets, const std::vector<int64_t>& volumes, int seeds) {
  const NucleusResult cpu = nucleus_select(kCpu, params, scores, offsets, volumes);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  // Cases that are too large for three schedules have not all the same one: the result picks it.
  const int64_t kept = std::accumulate(cpu.kept_counts.values.begin(), cpu.kept_counts.values.end(), int64_t{0});
  schedules::each(
      seeds, [&] { check_same(nucleus_select(kGpu, params, scores, offsets, volumes), cpu); },
      1 + static_cast<int>((offsets.back() + kept) % 60));
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

TEST(a_hair_more_than_the_first_tokens_weigh) {
  check(nucleus(1, 0.5000000004656614), {1, 1}, {0, 2}, {}, 2);
  check(nucleus(1, 0.3333333336437742), {1, 1, 1}, {0, 3}, {}, 2);
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

/** Limits under which segments of more than `rows` are spread over tiles of 2^shift rows. */
medpruner::cuda::NucleusLimits spread_over(int64_t rows, int shift) {
  medpruner::cuda::NucleusLimits limits;
  limits.block_rows = rows;
  limits.spread_average = 0;
  limits.tile_shift = shift;
  limits.cluster_blocks = 0;
  return limits;
}

/** Limits under which a cluster has any segment, where there is one of more than `rows`. */
medpruner::cuda::NucleusLimits clusters_of(int blocks, int64_t rows) {
  medpruner::cuda::NucleusLimits limits = spread_over(rows, 5);
  limits.cluster_blocks = blocks;
  return limits;
}

TEST(every_number_of_items_per_lane) {
  cases::Random random(24);
  int kind = 0;
  for (int64_t n : {31, 32, 33, 127, 128, 129, 256, 257, 512, 513, 1024, 1025, 2048}) {
    for (int score : {0, 1}) {
      Params params = nucleus(score, kind % 4 == 1 ? 0.3 : 0.9);
      params.max_tokens = kind % 5 == 4 ? n / 3 + 1 : 0;
      check(params, segment_scores(random, n, kind % 6), {0, n}, {}, 3);
      ++kind;
    }
  }
}

TEST(a_segment_longer_than_most) {
  cases::Random random(33);
  int kind = 0;
  for (int64_t n : {1024, 1025, 2048, 2049, 2500}) {  // 8 and 16 a lane, in memory
    Params params = nucleus(kind % 2, 0.9);
    params.max_tokens = kind % 3 == 2 ? n / 2 : 0;
    check(params, segment_scores(random, n + 60, kind % 6), {0, 0, 30, n + 30, n + 60, n + 60}, {}, 3);
    ++kind;
  }
}

TEST(segments_of_a_block) {
  cases::Random random(25);
  int kind = 0;
  for (int64_t n : {2049, 4096, 4097, 8192, 8193, 16384, 16385}) {
    Params params = nucleus(kind % 2, 0.9);
    params.min_tokens = kind % 3 == 2 ? n - 5 : 0;
    check(params, segment_scores(random, n, kind % 5), {0, n}, {}, n < 5000 ? 2 : 1);
    ++kind;
  }
}

TEST(medium_blocks_wherever_their_segments_begin) {
  cases::Random random(34);
  int64_t lead = 0;
  for (int64_t n : {300, 1023, 1025, 2046, 4095, 4096}) {
    for (int kind = 0; kind < 6; ++kind) {
      std::vector<float> scores = segment_scores(random, lead + n, 0);
      for (int64_t i = 0; i < lead + n; ++i) {
        float& score = scores[static_cast<size_t>(i)];
        score = kind == 0   ? score
                : kind == 1 ? 2.0f                                       // one key
                : kind == 2 ? (i % 7 == 0 ? 2.0f : 1.0f)                 // two
                : kind == 3 ? (i % 3 == 0 ? fabsf(score) : 0.0f)         // most of them none
                : kind == 4 ? (i == 40 ? 1e6f : 1 + 1e-6f * static_cast<float>(i % 500))  // far from all
                            : (i == 9 ? 1e-30f : 1 + fabsf(score));
      }
      Params params = nucleus(kind % 2, kind == 4 ? 0.9985 : 0.8);
      params.min_tokens = kind == 5 ? n / 2 : 0;
      params.max_tokens = kind == 2 ? n / 3 : 0;
      check(params, scores, lead > 0 ? std::vector<int64_t>{0, lead, lead + n} : std::vector<int64_t>{0, n}, {}, 3);
      lead = (lead + 1) % 4;
    }
  }
}

/** Both scores, tau from its least on, with a floor and a cap now and then. */
Params any_params(cases::Random& random, int round) {
  Params params = nucleus(round % 2, std::vector<double>{1e-9, 0.3, 0.9, 1.0}[static_cast<size_t>(round / 2 % 4)]);
  params.min_tokens = round % 3 == 0 ? cases::integer(random, 0, 120) : 0;
  params.max_tokens = round % 5 == 0 ? params.min_tokens + 30 : 0;
  return params;
}

TEST(classes_side_by_side) {
  cases::Random random(26);
  for (int round = 0; round < 24; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 2, 9), 200);
    const Params params = any_params(random, round);
    medpruner::cuda::g_nucleus_limits.few_rows = round % 4 == 3 ? 0 : 50;
    medpruner::cuda::g_nucleus_limits.block_rows = round % 4 == 2 ? 50 : 120;
    medpruner::cuda::g_nucleus_limits.medium_average = round % 8 < 4 ? 0 : 4096;
    medpruner::cuda::g_nucleus_limits.short_average = round % 3 == 0 ? 512 : 0;
    check(params, cases::scores(random, offsets), offsets, {}, 2);
    medpruner::cuda::g_nucleus_limits = {};
  }
}

TEST(a_segment_is_the_same_in_every_class) {
  cases::Random random(27);
  for (int kind = 0; kind < 6; ++kind) {
    for (double tau : {0.5, 1.0}) {
      const std::vector<float> scores = segment_scores(random, 150, kind);
      using Limits = medpruner::cuda::NucleusLimits;
      for (const Limits& limits : {
               Limits{150, 150, 4096, 10, 2048},          // a block of four warps, few tokens a thread
               Limits{100, 150, 4096, 10, 2048},          // many
               Limits{100, 100, 4096, 10, 2048},          // in memory
               Limits{150, 150, 4096, 10, 2048, 0},       // a block of eight warps, few tokens a thread
               Limits{100, 150, 4096, 10, 2048, 0},       // many
               Limits{100, 100, 4096, 10, 2048, 0},       // in memory
               Limits{100, 150, 4096, 10, 2048, 0, 100},  // a large block
               Limits{100, 100, 4096, 10, 2048, 0, 100},  // in memory
           }) {
        medpruner::cuda::g_nucleus_limits = limits;
        check(nucleus(kind % 2, tau), scores, {0, 150}, {}, 3);
      }
      medpruner::cuda::g_nucleus_limits = spread_over(40, 5);  // many blocks
      check(nucleus(kind % 2, tau), scores, {0, 150}, {}, 3);
      medpruner::cuda::g_nucleus_limits = clusters_of(2, 40);
      check(nucleus(kind % 2, tau), scores, {0, 150}, {}, 3);
      medpruner::cuda::g_nucleus_limits = {};
    }
  }
}

TEST(spread_segments_of_any_lengths_beside_short_ones) {
  cases::Random random(28);
  for (int round = 0; round < 40; ++round) {
    const int shift = round % 5;
    // With a tile of a row or two each row is some blocks, which take most of the time of all tests here.
    const int64_t segments = shift < 2 ? cases::integer(random, 2, 3) : cases::integer(random, 1, 5);
    const std::vector<int64_t> offsets = cases::ragged(random, segments, shift < 2 ? 40 : 150);
    if (offsets.back() <= 20) {
      continue;
    }
    const Params params = any_params(random, round);
    medpruner::cuda::g_nucleus_limits = spread_over(20, shift);
    check(params, cases::scores(random, offsets), offsets, {}, 2);
    medpruner::cuda::g_nucleus_limits = {};
  }
}

TEST(floors_and_caps_of_a_spread_segment) {
  cases::Random random(29);
  const int64_t n = 90;
  medpruner::cuda::g_nucleus_limits = spread_over(32, 5);
  for (int kind : {0, 2}) {
    const std::vector<float> scores = segment_scores(random, n, kind);
    for (double tau : {0.4, 1.0}) {
      for (int64_t low : {0, 40, 90, 200}) {
        for (int64_t high : {0, 1, 40, 90, 250}) {
          if (high == 0 || low <= high) {
            Params params = nucleus(kind % 2, tau);
            params.min_tokens = low;
            params.max_tokens = high;
            check(params, scores, {0, n}, {}, 1);
          }
        }
      }
    }
  }
  // All but one of the weights are 0: no floor of mass is reached by them, a floor of rows is.
  std::vector<float> sink(static_cast<size_t>(n), -40);
  sink[50] = 40;
  Params params = nucleus(0, 0.9);
  for (int64_t low : {0, 2, 60, 90}) {
    params.min_tokens = low;
    check(params, sink, {0, n}, {}, 1);
  }
  medpruner::cuda::g_nucleus_limits = {};
}

TEST(clusters_of_any_lengths) {
  cases::Random random(34);
  for (int round = 0; round < 24; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 3), 150);
    if (offsets.back() <= 20) {
      continue;
    }
    const Params params = any_params(random, round);
    medpruner::cuda::g_nucleus_limits = clusters_of(1 + round % 3, 20);
    check(params, cases::scores(random, offsets), offsets, {}, 2);
    medpruner::cuda::g_nucleus_limits = {};
  }
}

TEST(clusters_with_several_tokens_a_thread) {
  cases::Random random(35);
  for (int kind = 0; kind < 6; ++kind) {
    for (int64_t n : {2049, 9001, 16384}) {  // of two blocks: two, five and eight
      Params params = nucleus(kind % 2, kind < 4 ? 0.9 : 0.5);
      params.max_tokens = kind == 3 ? n / 3 : 0;
      medpruner::cuda::g_nucleus_limits = clusters_of(2, 2048);
      check(params, segment_scores(random, n, kind), {0, n}, {}, n < 5000 ? 3 : 1);
      medpruner::cuda::g_nucleus_limits = {};
    }
  }
}

TEST(floors_and_caps_in_a_cluster) {
  cases::Random random(36);
  medpruner::cuda::g_nucleus_limits = clusters_of(2, 32);
  for (int kind : {0, 2}) {
    const std::vector<float> scores = segment_scores(random, 90, kind);
    for (double tau : {0.4, 1.0}) {
      for (const auto& [low, high] : std::vector<std::pair<int64_t, int64_t>>{
               {40, 0}, {90, 0}, {200, 0}, {0, 1}, {0, 40}, {40, 40}, {0, 90}, {40, 250}}) {
        Params params = nucleus(kind % 2, tau);
        params.min_tokens = low;
        params.max_tokens = high;
        check(params, scores, {0, 90}, {}, 1);
      }
    }
  }
  std::vector<float> sink(90, -40);  // as above
  sink[50] = 40;
  Params params = nucleus(0, 0.9);
  for (int64_t low : {0, 2, 60, 90}) {
    params.min_tokens = low;
    check(params, sink, {0, 90}, {}, 1);
  }
  medpruner::cuda::g_nucleus_limits = {};
}

TEST(a_cluster_of_the_largest_size) {
  cases::Random random(37);
  check(nucleus(1, 0.9), segment_scores(random, 16385, 0), {0, 16385}, {}, 1);
}

/** Which some drivers do where a device, or a slice of one, has no room for so large a cluster. */
TEST(many_blocks_where_the_device_cannot_say_how_many_clusters_it_runs) {
  cases::Random random(38);
  const std::vector<float> scores = segment_scores(random, 150, 0);
  const NucleusResult cpu = nucleus_select(kCpu, nucleus(0, 0.9), scores, {0, 150});
  medpruner::cuda::g_nucleus_limits = clusters_of(16, 40);
  schedules::each(3, [&] {
    simt::options().refuses_cluster_query = true;
    const uint64_t before = simt::counters().launches;
    check_same(nucleus_select(kGpu, nucleus(0, 0.9), scores, {0, 150}), cpu);
    CHECK_EQUAL(simt::counters().launches - before, 6u);
    CHECK_EQUAL(cudaGetLastError(), cudaSuccess);
  });
  medpruner::cuda::g_nucleus_limits = {};
}

TEST(tiles_of_more_rows_than_a_batch) {
  cases::Random random(30);
  for (int kind = 0; kind < 6; ++kind) {
    const std::vector<float> scores = segment_scores(random, 5000, kind);
    medpruner::cuda::g_nucleus_limits = spread_over(2100, 11);
    check(nucleus(kind % 2, 0.7), scores, {0, 2000, 4500, 5000}, {}, 1);
    check(nucleus(1 - kind % 2, 0.7), scores, {0, 0, 5000}, {}, 1);
    medpruner::cuda::g_nucleus_limits = {};
  }
}

TEST(few_tiles_grow) {
  cases::Random random(31);
  const std::vector<float> scores = segment_scores(random, 200, 0);
  for (int64_t most : {1, 2, 3, 25}) {
    for (int64_t rows : {8, 33, 199}) {
      medpruner::cuda::g_nucleus_limits = spread_over(rows, 3);
      medpruner::cuda::g_nucleus_limits.most_tiles = most;
      check(nucleus(1, 0.8), scores, {0, 200}, {}, 1);
    }
  }
  medpruner::cuda::g_nucleus_limits = spread_over(5, 3);  // tiles no longer than a block's segment
  check(nucleus(1, 0.8), scores, {0, 6, 12, 18, 24, 200}, {}, 1);
  medpruner::cuda::g_nucleus_limits = {};
}

TEST(a_spread_segment_at_its_own_size) {
  cases::Random random(32);
  medpruner::cuda::g_nucleus_limits.cluster_blocks = 0;
  for (int kind : {0, 1}) {
    const int64_t n = 16385 + 1024 * kind;
    Params params = nucleus(kind, 0.9);
    check(params, segment_scores(random, n, kind), {0, n}, {}, 1);
    params.max_tokens = 4000;
    check(params, segment_scores(random, n, 4 - kind), {0, n}, {}, 1);
  }
  medpruner::cuda::g_nucleus_limits = {};
}

TEST(the_workspace_of_spread_segments) {
  const auto bytes = [](int64_t rows, int64_t segments, int64_t cap) {
    Params params = nucleus(0, 0.9);
    params.volume_max_tokens = cap;
    int64_t count = segments + 1;
    const medpruner_tensor scores = {nullptr, kGpu, 1, {MEDPRUNER_DTYPE_FLOAT, 32, 1}, &rows,
                                     nullptr, 0};
    const medpruner_tensor offsets = {nullptr, kGpu, 1, {MEDPRUNER_DTYPE_INT, 64, 1}, &count,
                                      nullptr, 0};
    size_t size = 0;
    CHECK_EQUAL(medpruner_nucleus_select_workspace(&params, &scores, &offsets, nullptr, &size),
                MEDPRUNER_OK);
    return static_cast<int64_t>(size);
  };
  CHECK_EQUAL(bytes(16384, 1, 0), 0);        // registers hold it
  CHECK_EQUAL(bytes(2048, 32, 0), 0);
  CHECK_EQUAL(bytes(2049, 32, 0), 2049 * 8 + 120);  // one may be too long; two areas of whole 64 bytes
  CHECK(bytes(131072, 1, 0) < 40000);        // bins and tiles: nothing per row
  CHECK(bytes(131072, 1, 0) > 2048 * 12);
  CHECK_EQUAL(bytes(131072, 32, 0), 131072 * 8);  // a long one is an exception here
  CHECK(bytes(131072, 31, 0) < 131072 * 8);
  CHECK_EQUAL(bytes(131072, 1, 5), 131072 * 9);  // bounded volumes
  CHECK(bytes(int64_t{1} << 30, 1, 0) < 4 << 20);  // tiles grow
}

TEST(one_launch_where_no_segment_is_spread) {
  simt::options() = {};
  const std::vector<float> scores(1024, 1);
  const auto launches = [&](const Params& params, std::vector<int64_t> offsets) {
    const std::vector<float> some(scores.begin(), scores.begin() + offsets.back());
    const uint64_t before = simt::counters().launches;
    CHECK_EQUAL(nucleus_select(kGpu, params, some, offsets).status, MEDPRUNER_OK);
    return simt::counters().launches - before;
  };
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 1u);
  medpruner::cuda::g_nucleus_limits.short_average = 512;
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 1u);
  medpruner::cuda::g_nucleus_limits.short_average = 0;
  medpruner::cuda::g_nucleus_limits.medium_average = 0;
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 1u);
  medpruner::cuda::g_nucleus_limits = {};
  Params bounded = nucleus(0, 0.9);
  bounded.volume_max_tokens = 5;
  CHECK_EQUAL(launches(bounded, {0, 500, 1024}), 4u);
  medpruner::cuda::g_nucleus_limits = spread_over(500, 5);
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 6u);
  CHECK_EQUAL(launches(bounded, {0, 500, 1024}), 4u);
  medpruner::cuda::g_nucleus_limits.cluster_blocks = 2;
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 1u);
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 0, 0, 0, 0, 0, 0, 500, 1024}), 1u);
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 0, 0, 0, 0, 0, 0, 0, 500, 1024}), 6u);  // more than run at once
  simt::options().compute_capability = 80;
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 6u);
  simt::options() = {};
  medpruner::cuda::g_nucleus_limits.spread_average = 512;  // not beyond the average
  CHECK_EQUAL(launches(nucleus(0, 0.9), {0, 500, 1024}), 1u);
  medpruner::cuda::g_nucleus_limits = {};
}

TEST(bad_offsets) {
  cases::Random random(23);
  for (int round = 0; round < 12; ++round) {
    medpruner::cuda::g_nucleus_limits = {};
    medpruner::cuda::g_nucleus_limits.few_rows = round % 2 == 0 ? 256 : 10;
    medpruner::cuda::g_nucleus_limits.short_average = round % 4 == 3 ? 0 : 512;
    medpruner::cuda::g_nucleus_limits.medium_average = round % 8 == 7 ? 0 : 512;
    medpruner::cuda::g_nucleus_limits.block_rows = round % 4 == 1 ? 20 : 16384;
    if (round % 2 == 0) {
      medpruner::cuda::g_nucleus_limits = round % 4 == 0 ? spread_over(6, 2) : clusters_of(2, 6);
    }
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

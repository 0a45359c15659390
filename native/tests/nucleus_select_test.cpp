/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "checks.hpp"

namespace {

int64_t count(const medpruner_nucleus_select_params& params, std::vector<float> scores) {
  const int64_t n = static_cast<int64_t>(scores.size());
  return nucleus_select(kCpu, params, std::move(scores), {0, n}).kept_counts.values[0];
}

TEST(matches_reference) {
  cases::Random random(11);
  for (int round = 0; round < 400; ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 0, 6), 60);
    const std::vector<float> scores = cases::scores(random, offsets);
    auto params = nucleus(round % 2, std::vector<double>{1e-9, 0.3, 0.5, 0.9, 0.999, 1.0}[
                                         static_cast<size_t>(cases::integer(random, 0, 5))],
                          round % 3 == 0 ? 1 : 2);
    if (round % 4 >= 2) {
      params.min_tokens = cases::integer(random, 0, 5);
      params.max_tokens = cases::integer(random, 0, 1) * (params.min_tokens + 10);
      params.volume_min_tokens = cases::integer(random, 0, 60);
      params.volume_max_tokens = cases::integer(random, 0, 1) * (params.volume_min_tokens + 5);
    }
    std::vector<int64_t> volumes;
    if (round % 5 == 0) {
      const int64_t segments = static_cast<int64_t>(offsets.size()) - 1;
      volumes = {0, segments / 2, segments / 2, segments};
    }
    check_same(nucleus_select(kCpu, params, scores, offsets, volumes),
               reference::nucleus_select(params, scores, offsets, volumes));
  }
}

TEST(one_large_segment) {
  cases::Random random(12);
  std::vector<float> scores(300000);
  for (float& s : scores) {
    s = expf(cases::normal(random) - 0.5f);
  }
  for (int32_t score : {0, 1}) {
    const auto params = nucleus(score, 0.9);
    check_same(nucleus_select(kCpu, params, scores, {0, 300000}),
               reference::nucleus_select(params, scores, {0, 300000}));
  }
}

/** Lognormal, few distinct values, or of both signs with -Inf among them. */
std::vector<float> scores_of_kind(cases::Random& random, int64_t n, int kind) {
  std::vector<float> scores(static_cast<size_t>(n));
  for (float& s : scores) {
    s = kind == 0   ? expf(cases::normal(random))
        : kind == 1 ? static_cast<float>(cases::integer(random, 0, 3))
                    : cases::normal(random);
  }
  if (kind == 2) {
    scores.front() = -INFINITY;
    scores.back() = 5;
  }
  return scores;
}

TEST(sizes_at_the_edges_of_vectors_and_blocks) {
  cases::Random random(13);
  for (const int64_t size : {16, 32, 1024, 4096, 16384}) {
    for (int64_t n = size - 1; n <= size + 1; ++n) {
      for (int kind = 0; kind < 3; ++kind) {
        const std::vector<float> scores = scores_of_kind(random, n, kind);
        for (int32_t score : {0, 1}) {
          for (double tau : {0.3, 0.9, 1.0}) {
            auto params = nucleus(score, tau);
            params.max_tokens = kind == 1 ? n / 2 : 0;
            check_same(nucleus_select(kCpu, params, scores, {0, n}),
                       reference::nucleus_select(params, scores, {0, n}));
          }
        }
      }
    }
  }
}

TEST(any_number_of_threads_and_any_order_of_the_segments) {
  cases::Random random(14);
  const std::vector<int64_t> sizes = {3000, 1, 0, 16385, 1024, 33, 9000, 40000, 257, 5000};
  std::vector<std::vector<float>> segments;
  for (size_t g = 0; g < sizes.size(); ++g) {
    segments.push_back(sizes[g] == 0 ? std::vector<float>()
                                     : scores_of_kind(random, sizes[g], static_cast<int>(g % 3)));
  }
  const auto batch = [&](const std::vector<size_t>& order, std::vector<int64_t>* offsets) {
    std::vector<float> scores;
    *offsets = {0};
    for (const size_t g : order) {
      scores.insert(scores.end(), segments[g].begin(), segments[g].end());
      offsets->push_back(static_cast<int64_t>(scores.size()));
    }
    return scores;
  };
  const std::vector<size_t> order = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<size_t> other = {7, 2, 9, 0, 5, 8, 1, 6, 3, 4};
  std::vector<int64_t> offsets;
  std::vector<int64_t> permuted_offsets;
  const std::vector<float> scores = batch(order, &offsets);
  const std::vector<float> permuted = batch(other, &permuted_offsets);
  for (int32_t score : {0, 1}) {
    const auto params = nucleus(score, 0.9);
    const NucleusResult expected = reference::nucleus_select(params, scores, offsets);
    for (const int32_t threads : {1, 2, 3, 7}) {
      CHECK_EQUAL(medpruner_set_cpu_threads(threads), MEDPRUNER_OK);
      check_same(nucleus_select(kCpu, params, scores, offsets), expected);
      const NucleusResult moved = nucleus_select(kCpu, params, permuted, permuted_offsets);
      for (size_t at = 0; at < other.size(); ++at) {
        const size_t g = other[at];
        CHECK_EQUAL(moved.kept_counts.values[at], expected.kept_counts.values[g]);
        CHECK_EQUAL(moved.kept_mass.values[at], expected.kept_mass.values[g]);
        CHECK_EQUAL(moved.flags.values[at], expected.flags.values[g]);
        const auto rows = [](const NucleusResult& r, int64_t begin, int64_t end) {
          return std::vector<uint8_t>(r.mask.values.begin() + begin, r.mask.values.begin() + end);
        };
        CHECK_SAME(rows(moved, permuted_offsets[at], permuted_offsets[at + 1]),
                   rows(expected, offsets[g], offsets[g + 1]));
      }
    }
  }
  medpruner_set_cpu_threads(0);
}

TEST(tau_over_equal_scores) {
  // 0.9 as a double lies above 9/10, 0.6f above 6/10: the slack keeps nine and six.
  const std::vector<float> ten(10, 0.25f);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9), ten), 9);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_MASS, 0.9), ten), 9);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.6), ten), 6);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.91), ten), 10);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 1), ten), 10);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 1e-300), ten), 1);
  const NucleusResult r =
      nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.3), ten, {0, 10});
  CHECK_SAME(r.mask.values, (std::vector<uint8_t>{1, 1, 1, 0, 0, 0, 0, 0, 0, 0}));
  CHECK_EQUAL(r.kept_mass.values[0], 0.3);
}

TEST(a_hair_more_than_the_first_tokens_weigh) {
  // tau' is 2^-53 more than a half, so that M, rounded up, is one more than the first token weighs.
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_MASS, 0.5000000004656614), {1, 1}), 2);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_MASS, 0.5 * (1 + 0x1p-30)), {1, 1}), 1);
  // As an f64 product tau' * W would be the first token's weight.
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_MASS, 0.3333333336437742), {1, 1, 1}), 2);
}

TEST(ties_at_the_threshold_keep_the_lowest_indices) {
  const NucleusResult r = nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_MASS, 0.5),
                                         {1, 2, 1, 2, 1, 1}, {0, 6});
  CHECK_SAME(r.mask.values, (std::vector<uint8_t>{0, 1, 0, 1, 0, 0}));
  const NucleusResult more = nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_MASS, 0.7),
                                            {1, 2, 1, 2, 1, 1}, {0, 6});
  CHECK_SAME(more.mask.values, (std::vector<uint8_t>{1, 1, 1, 1, 0, 0}));
}

TEST(signed_zeros_are_equal) {
  const NucleusResult r = nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.5),
                                         {-0.0f, 0.0f, -0.0f, 0.0f}, {0, 4});
  CHECK_SAME(r.mask.values, (std::vector<uint8_t>{1, 1, 0, 0}));
  const NucleusResult mass = nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_MASS, 0.5),
                                            {-0.0f, 0.0f, -0.0f, -0.0f}, {0, 4});
  CHECK_EQUAL(mass.flags.values[0], 0u);
  CHECK_EQUAL(mass.kept_counts.values[0], 2);
}

TEST(a_sink_keeps_one) {
  std::vector<float> scores(256, 0.9f);
  scores[17] = 250;
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9), scores), 1);
  // tau just below 1: the tail weighs nothing, so the prefix ends at the sink.
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.999999), scores), 1);
  CHECK_EQUAL(count(nucleus(MEDPRUNER_SCORE_SOFTMAX, 1), scores), 256);
}

TEST(specials_keep_everything) {
  const float inf = INFINITY;
  const struct {
    std::vector<float> scores;
    int32_t score;
    uint32_t flag;
  } table[] = {{{1, NAN, 2}, 0, MEDPRUNER_SEGMENT_NON_FINITE},
               {{1, inf, 2}, 0, MEDPRUNER_SEGMENT_NON_FINITE},
               {{-inf, -inf}, 0, MEDPRUNER_SEGMENT_NON_FINITE},
               {{-inf, -inf}, 1, MEDPRUNER_SEGMENT_NON_FINITE},
               {{-1, NAN}, 1, MEDPRUNER_SEGMENT_NON_FINITE},
               {{1, -1, 2}, 1, MEDPRUNER_SEGMENT_NEGATIVE_MASS},
               {{1, -inf, 2}, 1, MEDPRUNER_SEGMENT_NEGATIVE_MASS}};
  for (const auto& row : table) {
    auto params = nucleus(row.score, 0.1);
    params.max_tokens = 1;  // kept whole all the same
    const int64_t n = static_cast<int64_t>(row.scores.size());
    const NucleusResult r = nucleus_select(kCpu, params, row.scores, {0, n});
    CHECK_EQUAL(r.flags.values[0], row.flag);
    CHECK_EQUAL(r.kept_counts.values[0], n);
    CHECK_EQUAL(r.kept_mass.values[0], 1.0);
  }
  // One -Inf among others merely weighs nothing.
  const NucleusResult r =
      nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9), {1, -inf, 1}, {0, 3});
  CHECK_EQUAL(r.flags.values[0], 0u);
  CHECK_SAME(r.mask.values, (std::vector<uint8_t>{1, 0, 1}));
}

TEST(empty_and_single) {
  const NucleusResult r =
      nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9), {3}, {0, 0, 1, 1});
  CHECK_SAME(r.kept_counts.values, (std::vector<int64_t>{0, 1, 0}));
  CHECK_SAME(r.kept_mass.values, (std::vector<double>{0, 1, 0}));
  CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, 0, 0}));
  CHECK_EQUAL(nucleus_select(kCpu, nucleus(0, 0.9), {}, {0}).status, MEDPRUNER_OK);
}

TEST(extreme_temperatures) {
  const std::vector<float> scores = {3, 2, 1, 0};
  CHECK_EQUAL(count(nucleus(0, 0.9, 1e-300), scores), 1);
  CHECK_EQUAL(count(nucleus(0, 0.75, 1e300), scores), 3);
  CHECK_EQUAL(count(nucleus(0, 0.9, 1e-300), {-INFINITY, 3e38f, -3e38f}), 1);
}

TEST(volume_floor_and_cap) {
  auto params = nucleus(MEDPRUNER_SCORE_MASS, 0.5);
  params.volume_min_tokens = 4;
  // Nuclei {8} and {4}; the best unselected of the volume are 3 and the first 2.
  const NucleusResult floor = nucleus_select(kCpu, params, {1, 8, 2, 4, 3, 0}, {0, 3, 6});
  CHECK_SAME(floor.mask.values, (std::vector<uint8_t>{0, 1, 1, 1, 1, 0}));
  params.volume_min_tokens = 0;
  params.volume_max_tokens = 1;
  const NucleusResult cap = nucleus_select(kCpu, params, {1, 8, 2, 4, 3, 0}, {0, 3, 6});
  CHECK_SAME(cap.mask.values, (std::vector<uint8_t>{0, 1, 0, 0, 0, 0}));
  const NucleusResult split =
      nucleus_select(kCpu, params, {1, 8, 2, 4, 3, 0}, {0, 3, 6}, {0, 1, 2});
  CHECK_SAME(split.kept_counts.values, (std::vector<int64_t>{1, 1}));
}

}  // namespace

int main() { return harness::run_tests(); }

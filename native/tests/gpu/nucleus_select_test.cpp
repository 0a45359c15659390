/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "checks.hpp"
#include "gpu.hpp"

namespace {

void check(const medpruner_nucleus_select_params& params, const std::vector<float>& scores,
           const std::vector<int64_t>& offsets, const std::vector<int64_t>& volumes) {
  check_same(nucleus_select(kGpu, params, scores, offsets, volumes),
             nucleus_select(kCpu, params, scores, offsets, volumes));
}

/** Segments of these lengths behind one another, of each kind of scores in turn. */
struct Segments {
  std::vector<int64_t> offsets = {0};
  std::vector<float> scores;

  Segments(cases::Random& random, const std::vector<int64_t>& lengths) {
    int kind = 0;
    for (const int64_t n : lengths) {
      const std::vector<float> segment = cases::segment_scores(random, n, kind++ % cases::kScoreKinds);
      scores.insert(scores.end(), segment.begin(), segment.end());
      offsets.push_back(static_cast<int64_t>(scores.size()));
    }
  }
};

/** Both scores and several tau, without and with a floor and a cap. */
void check_bounded_and_not(const Segments& segments) {
  for (const double tau : gpu_cases<double>({0.3, 0.9, 1.0}, {0.9})) {
    for (const int score : {0, 1}) {
      auto params = nucleus(score, tau);
      check(params, segments.scores, segments.offsets, {});
      params.min_tokens = 600;
      params.max_tokens = 9000;
      check(params, segments.scores, segments.offsets, {});
    }
  }
}

TEST(nucleus_select_random) {
  cases::Random random(10);
  for (int round = 0; round < (gpu_quick() ? 12 : 200); ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 6), 700);
    auto params = nucleus(round % 2, std::vector<double>{1e-9, 0.3, 0.9, 1.0}[
                                         static_cast<size_t>(cases::integer(random, 0, 3))]);
    std::vector<int64_t> volumes;
    if (round % 4 >= 2) {
      params.min_tokens = cases::integer(random, 0, 5);
      params.max_tokens = cases::integer(random, 0, 1) * (params.min_tokens + 100);
      params.volume_min_tokens = cases::integer(random, 0, 900);
      params.volume_max_tokens = cases::integer(random, 0, 1) * (params.volume_min_tokens + 5);
    }
    if (round % 3 == 0) {
      const int64_t segments = static_cast<int64_t>(offsets.size()) - 1;
      volumes = {0, segments / 2, segments / 2, segments};
    }
    check(params, cases::scores(random, offsets), offsets, volumes);
  }
}

TEST(nucleus_select_one_large_segment) {
  cases::Random random(11);
  for (const int64_t n : gpu_cases<int64_t>({16385, 131072, 300001}, {20000})) {
    for (int kind : gpu_cases<int>({0, 1, 2, 3, 4, 5, 6}, {0, 1, 5})) {
      const std::vector<float> scores = cases::segment_scores(random, n, kind);
      for (const int score : {0, 1}) {
        auto params = nucleus(score, kind % 2 == 0 ? 0.9 : 1.0);
        check(params, scores, {0, n}, {});
        params.min_tokens = n / 2;
        params.max_tokens = n - 7;
        check(params, scores, {0, n}, {});
      }
    }
  }
}

TEST(nucleus_select_long_segments_beside_short_ones) {
  cases::Random random(15);
  // Spread over many blocks, for too many rows or segments for clusters; and, where empty segments lower the
  // average, a block for each.
  for (const size_t empty : {size_t{0}, size_t{100}}) {
    Segments segments(random,
                      gpu_cases<int64_t>({20000, 1, 16385, 700, 0, 65536, 16384, 5000, 100001, 17000},
                                         {17000, 1, 16385, 700, 0, 4000, 0, 0, 0}));
    segments.offsets.insert(segments.offsets.end(), empty, segments.offsets.back());
    check_bounded_and_not(segments);
  }
}

TEST(nucleus_select_few_long_segments) {  // few enough for a cluster each, where the device has them
  cases::Random random(16);
  check_bounded_and_not(
      {random, gpu_cases<int64_t>({20000, 1, 60000, 0, 16385, 30000}, {17000, 1, 0, 700})});
}

/** More than 4096 tokens on average, and no more rows than a large block holds: nothing is spread. */
TEST(nucleus_select_large_blocks) {
  cases::Random random(17);
  for (const int kind : gpu_cases<int>({0, 1, 2, 3, 4, 5, 6}, {0, 4, 5})) {
    for (const std::vector<int64_t>& offsets : std::vector<std::vector<int64_t>>{{0, 8192}, {0, 3000, 16384}}) {
      const std::vector<float> scores = cases::segment_scores(random, offsets.back(), kind);
      for (const int score : {0, 1}) {
        auto params = nucleus(score, 0.9);
        check(params, scores, offsets, {});
        params.min_tokens = 600;
        params.max_tokens = 9000;
        check(params, scores, offsets, {});
      }
    }
  }
}

TEST(nucleus_select_segments_of_every_class) {
  // Blocks hold 256 or 2048, or 1024 or 4096 tokens in registers, by the average; a longer segment is in memory.
  cases::Random random(14);
  const auto sizes = gpu_cases<int64_t>(
      {127,  128,   129,   0,    256,  257,  512,  513,   1023, 1024,
       1025, 16385, 16384, 4096, 4097, 8192, 8193, 20000, 1,    33,   2048, 2049},
      {128, 129, 0, 257, 1024, 1025, 2049, 16385, 4097, 8193, 1});
  for (int kind : gpu_cases<int>({0, 1, 2, 4}, {0, 4})) {
    std::vector<int64_t> offsets = {0};
    std::vector<float> scores;
    for (const int64_t n : sizes) {
      const std::vector<float> segment = cases::segment_scores(random, n, kind);
      scores.insert(scores.end(), segment.begin(), segment.end());
      if (kind == 4 && n % 2 == 1) {
        scores.back() = n % 3 == 0 ? NAN : 300.0f;
      }
      offsets.push_back(static_cast<int64_t>(scores.size()));
    }
    for (const double tau : gpu_cases<double>({0.3, 0.9, 1.0}, {0.9})) {
      for (const int score : {0, 1}) {
        auto params = nucleus(score, tau);
        check(params, scores, offsets, {});
        std::vector<int64_t> short_on_average = offsets;
        short_on_average.resize(offsets.size() + scores.size() / 256, offsets.back());
        check(params, scores, short_on_average, {});
        params.min_tokens = 300;
        params.max_tokens = 700;
        check(params, scores, offsets, {});
        params.volume_max_tokens = 9000;
        check(params, scores, offsets, {});
      }
    }
  }
}

}  // namespace

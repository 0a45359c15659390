/* SPDX-License-Identifier: Apache-2.0 */
// The ops on CUDA against the CPU backend, which the other tests hold against the references: bit for
// bit, but for attention_mass (1e-5 relative).

#include "anchor_cases.hpp"
#include "gpu.hpp"
#include "mass_cases.hpp"

#include "prune_cases.hpp"

namespace {

template <class T>
void anchor_cases(uint64_t seed, double gamma, double scale) {
  cases::Random random(seed);
  for (int64_t size : gpu_cases<int64_t>(
           {1, 15, 16, 33, 4095, 4096, 4097, 8192, 9000, 100000, 600001}, {1, 33, 8193, 20000})) {
    const std::vector<int64_t> offsets = cases::ragged(random, 5, 20);
    // Rows of whole vectors lie on whole vectors, the others anywhere.
    const bool aligned = size % 16 == 0;
    const int64_t gap = aligned ? 0 : cases::integer(random, 0, 3);
    const int64_t offset = aligned ? 0 : cases::integer(random, 0, 5);
    Tensor<T> slices =
        cases::matrix<T>(random, offsets.back(), size, gap, static_cast<uint64_t>(offset));
    for (int64_t max_gap : {0, 3}) {
      const AnchorResult cpu = slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap);
      const AnchorResult gpu = slice_anchor(kGpu, slices, offsets, gamma, scale, max_gap);
      const AnchorResult decided =
          slice_anchor(kGpu, slices, offsets, gamma, scale, max_gap, true);
      CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
      CHECK_SAME(gpu.keep.values, cpu.keep.values);
      CHECK_SAME(gpu.distance.values, cpu.distance.values);
      CHECK_SAME(gpu.representative.values, cpu.representative.values);
      CHECK_SAME(gpu.kept_indices.values, cpu.kept_indices.values);
      CHECK_SAME(gpu.kept_counts.values, cpu.kept_counts.values);
      CHECK_SAME(gpu.flags.values, cpu.flags.values);
      CHECK_EQUAL(decided.status, MEDPRUNER_OK);
      CHECK_SAME(decided.keep.values, cpu.keep.values);
      CHECK_SAME(decided.representative.values, cpu.representative.values);
      CHECK_SAME(decided.kept_indices.values, cpu.kept_indices.values);
      CHECK_SAME(decided.kept_counts.values, cpu.kept_counts.values);
    }
  }
}

TEST(slice_anchor_u8) { anchor_cases<uint8_t>(1, 0.67, 1 / 127.5); }
TEST(slice_anchor_i16) { anchor_cases<int16_t>(2, 21800, 1); }
TEST(slice_anchor_f16) { anchor_cases<F16>(3, 1.128, 1); }
TEST(slice_anchor_bf16) { anchor_cases<BF16>(4, 1.128, 1); }
TEST(slice_anchor_f32) { anchor_cases<float>(5, 1.128, 1); }

/** More volumes than the last window lists; and volumes without a slice. */
TEST(slice_anchor_many_volumes) {
  cases::Random random(74);
  for (const int64_t longest : {0, 3, 20}) {
    std::vector<int64_t> offsets(41);
    if (longest > 0) {
      offsets = cases::ragged(random, 40, longest);
    }
    Tensor<float> floats = cases::matrix<float>(random, offsets.back(), 300);
    Tensor<uint8_t> bytes = cases::matrix<uint8_t>(random, offsets.back(), 320);
    const auto grid = patches(1e300, 1, 1.5, {1, 10, 30, 5, 6});
    anchor_cases::check_same(slice_anchor(kGpu, floats, offsets, 1.128, 1, 2),
                             slice_anchor(kCpu, floats, offsets, 1.128, 1, 2));
    anchor_cases::check_same(slice_anchor(kGpu, bytes, offsets, 85, 1),
                             slice_anchor(kCpu, bytes, offsets, 85, 1));
    anchor_cases::check_same(slice_anchor_patches(kGpu, floats, offsets, grid),
                             slice_anchor_patches(kCpu, floats, offsets, grid));
  }
}

template <class T>
void patch_cases(uint64_t seed, double scale) {
  cases::Random random(seed);
  const auto& grids = anchor_cases::kGrids;
  for (const auto& grid : gpu_cases(
           grids, {grids[0], grids[3], grids[4], grids[8], grids[9], grids[10]})) {
    const std::vector<int64_t> offsets = {0, 1, 1, 4, 30};
    Tensor<T> slices = cases::matrix<T>(random, 30, grid[0] * grid[1] * grid[2], 1, 3);
    const std::vector<double> gammas = anchor_cases::gammas(slices, offsets, scale, grid);
    for (double gamma : gpu_cases(gammas, {gammas[1]})) {
      const auto params = patches(1e300, scale, gamma, grid, 5);
      const AnchorResult cpu = slice_anchor_patches(kCpu, slices, offsets, params);
      anchor_cases::check_same(slice_anchor_patches(kGpu, slices, offsets, params), cpu);
      anchor_cases::check_same_decisions(slice_anchor_patches(kGpu, slices, offsets, params, true),
                                         cpu);
    }
  }
}
TEST(slice_anchor_patches_u8) { patch_cases<uint8_t>(81, 1 / 127.5); }
TEST(slice_anchor_patches_i16) { patch_cases<int16_t>(82, 1); }
TEST(slice_anchor_patches_f16) { patch_cases<F16>(83, 1); }
TEST(slice_anchor_patches_bf16) { patch_cases<BF16>(84, 1); }
TEST(slice_anchor_patches_f32) { patch_cases<float>(85, 1); }

TEST(slice_anchor_specials) {
  Tensor<float> slices({6, 2}, {1, 1, 1, NAN, 1, 1, 1, 1, INFINITY, 1, 1, 1});
  const AnchorResult cpu = slice_anchor(kCpu, slices, {0, 6}, 0.5, 1);
  const AnchorResult gpu = slice_anchor(kGpu, slices, {0, 6}, 0.5, 1);
  CHECK_SAME(gpu.keep.values, cpu.keep.values);
  CHECK_SAME(gpu.distance.values, cpu.distance.values);
  CHECK_SAME(gpu.flags.values, cpu.flags.values);
}

TEST(slice_anchor_subnormals_and_alignments) {
  cases::Random random(8);
  for (uint64_t offset = 0; offset < 17; offset += gpu_quick() ? 3 : 1) {
    Tensor<F16> halves = cases::matrix<F16>(random, 10, 5000, static_cast<int64_t>(offset % 3), offset);
    for (size_t i = 0; i < halves.values.size(); i += 3) {
      halves.values[i].bits &= 0x83ff;
    }
    Tensor<uint8_t> bytes =
        cases::matrix<uint8_t>(random, 10, 9000, static_cast<int64_t>(offset % 5), offset);
    const AnchorResult cpu = slice_anchor(kCpu, halves, {0, 10}, 0.7, 1);
    CHECK_SAME(slice_anchor(kGpu, halves, {0, 10}, 0.7, 1).distance.values, cpu.distance.values);
    const AnchorResult exact = slice_anchor(kCpu, bytes, {0, 10}, 85, 1);
    CHECK_SAME(slice_anchor(kGpu, bytes, {0, 10}, 85, 1).distance.values, exact.distance.values);
  }
}

void check_close(const std::vector<float>& actual, const std::vector<float>& expected) {
  CHECK_EQUAL(actual.size(), expected.size());
  float worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    worst = std::max(worst, fabsf(actual[i] - expected[i]) / std::max(1e-3f, fabsf(expected[i])));
    CHECK(isnan(actual[i]) == isnan(expected[i]));
  }
  CHECK(worst < 1e-5f);
}

/** A gap of one value keeps rows of 16 bits from the alignment that warpgroups ask for. */
template <class T>
void mass_cases(uint64_t seed, int64_t gap = 0) {
  cases::Random random(seed);
  for (const auto& shape : gpu_cases<std::vector<int64_t>>(
           {{2, 1, 1}, {34, 3, 16}, {130, 2, 72}, {256, 4, 64}, {514, 2, 80}, {300, 1, 256},
            {66, 1, 96}, {258, 2, 128}, {62, 1, 255}, {1026, 3, 72}},
           {{2, 1, 1}, {34, 3, 16}, {262, 1, 72}, {66, 1, 64}, {70, 2, 96}, {66, 1, 128},
            {62, 1, 255}})) {
    const int64_t n = shape[0];
    Tensor<T> q = cases::matrix<T>(random, n, shape[1] * shape[2], gap);
    Tensor<T> k = cases::matrix<T>(random, n, shape[1] * shape[2], gap);
    q.shape = k.shape = shape;
    if (gap != 0) {
      q.strides = k.strides = {shape[1] * shape[2] + gap, shape[2], 1};
    }
    const std::vector<int64_t> offsets = {0, n / 4 * 2, n / 4 * 2, n};
    const MassResult cpu = attention_mass(kCpu, contiguous(2), q, k, nullptr, offsets);
    const MassResult gpu = attention_mass(kGpu, contiguous(2), q, k, nullptr, offsets);
    const MassResult again = attention_mass(kGpu, contiguous(2), q, k, nullptr, offsets);
    CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
    check_close(gpu.mass.values, cpu.mass.values);
    check_close(gpu.pooled_keys.values, cpu.pooled_keys.values);
    CHECK_SAME(gpu.flags.values, cpu.flags.values);
    CHECK_SAME(again.mass.values, gpu.mass.values);
  }
}

TEST(attention_mass_f32) { mass_cases<float>(6); }
TEST(attention_mass_f16) { mass_cases<F16>(7); }
TEST(attention_mass_bf16) { mass_cases<BF16>(8); }
TEST(attention_mass_f16_unaligned) { mass_cases<F16>(75, 1); }
TEST(attention_mass_bf16_unaligned) { mass_cases<BF16>(76, 1); }

template <class T>
void check_mass(Tensor<T>& q, Tensor<T>& k, Tensor<float>* lse, const std::vector<int64_t>& offsets,
                double scale = 0) {
  const MassResult cpu = attention_mass(kCpu, contiguous(1, scale), q, k, lse, offsets);
  const MassResult gpu = attention_mass(kGpu, contiguous(1, scale), q, k, lse, offsets);
  CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
  check_close(gpu.mass.values, cpu.mass.values);
  check_close(gpu.pooled_keys.values, cpu.pooled_keys.values);
  CHECK_SAME(gpu.flags.values, cpu.flags.values);
}

TEST(attention_mass_layouts) {
  cases::Random random(91);
  const int64_t n = 300;
  Tensor<F16> packed = cases::matrix<F16>(random, n, 3 * 2 * 72);  // [n][q, k, v][heads][72]
  packed.shape = {n, 2, 72};
  packed.strides = {3 * 2 * 72, 72, 1};
  Tensor<F16> key = packed;
  key.offset = 2 * 72;
  check_mass(packed, key, nullptr, {0, 130, n});
  Tensor<BF16> q = cases::matrix<BF16>(random, 2 * n, 72);  // [heads][n][72]
  Tensor<BF16> k = cases::matrix<BF16>(random, 2 * n, 72);
  q.shape = k.shape = {n, 2, 72};
  q.strides = k.strides = {72, n * 72, 1};
  check_mass(q, k, nullptr, {0, n});
  k.strides = {-72, n * 72, 1};
  k.offset = static_cast<uint64_t>((n - 1) * 72);
  check_mass(q, k, nullptr, {0, n});
  // Copies of 2, 4 and 8 bytes.
  for (uint64_t offset : gpu_cases<uint64_t>({1, 2, 3, 4, 7}, {1, 2, 4})) {
    for (int64_t gap : gpu_cases<int64_t>({0, 1, 2, 4}, {0, 1})) {
      Tensor<F16> a = cases::matrix<F16>(random, 135, 72, gap, offset);
      Tensor<F16> b = cases::matrix<F16>(random, 135, 72, gap, 8 - offset);
      a.shape = b.shape = {135, 1, 72};
      a.strides = b.strides = {72 + gap, 72, 1};
      check_mass(a, b, nullptr, {0, 135});
    }
  }
}

TEST(attention_mass_specials_of_16_bits) {
  cases::Random random(92);
  Tensor<BF16> q = cases::matrix<BF16>(random, 140, 2 * 72);
  Tensor<BF16> k = cases::matrix<BF16>(random, 140, 2 * 72);
  q.shape = k.shape = {140, 2, 72};
  Tensor<float> lse({2, 140}, std::vector<float>(280, 5.0f));
  for (float special : gpu_cases<float>({NAN, INFINITY, -INFINITY}, {NAN, INFINITY})) {
    for (int place = 0; place < 3; ++place) {
      Tensor<BF16> a = q;
      Tensor<BF16> b = k;
      Tensor<float> given = lse;
      if (place == 0) {
        reference::put(special, &a.values[72 * 2 * 130 + 3]);
      } else if (place == 1) {
        reference::put(special, &b.values[72 * 2 * 90 + 80]);
      } else {
        given.values[140 + 100] = special;
      }
      check_mass(a, b, &given, {0, 70, 140});
      if (place < 2) {
        check_mass(a, b, nullptr, {0, 70, 140});
      }
    }
  }
}

/** By warpgroups where rows are aligned, by warps where a gap of one value keeps them from being so. */
template <class T>
void outgrown(float apart) {
  mass_cases::Scores<T> s = mass_cases::outgrown<T>(apart);
  const std::vector<int64_t> offsets = {0, 80, mass_cases::kOutgrownRows};
  check_mass(s.query, s.key, nullptr, offsets, mass_cases::kLn2);
  for (Tensor<T>* t : {&s.query, &s.key}) {
    std::vector<T> apart_rows;
    for (int64_t row = 0; row < mass_cases::kOutgrownRows; ++row) {
      const auto from = t->values.begin() + row * 16;
      apart_rows.insert(apart_rows.end(), from, from + 16);
      apart_rows.push_back(T{});
    }
    t->values = std::move(apart_rows);
    t->strides = {17, 16, 1};
  }
  check_mass(s.query, s.key, nullptr, offsets, mass_cases::kLn2);
}
TEST(attention_mass_outgrown_f16) { outgrown<F16>(0); }
TEST(attention_mass_outgrown_bf16) { outgrown<BF16>(0); }
TEST(attention_mass_careful) {
  mass_cases::Scores<F16> far = mass_cases::far_tops<F16>();
  check_mass(far.query, far.key, nullptr, {0, 17}, 1.0);
  outgrown<BF16>(1e30f);
  for (float sign : {1.0f, -1.0f}) {
    mass_cases::Scores<BF16> s = mass_cases::beyond_f32(sign);
    check_mass(s.query, s.key, nullptr, {0, 70});
  }
}

/** A segment has the same bits alone, which takes other blocks, as among many. */
void mass_of_any_batch(int64_t gap) {
  cases::Random random(93);
  // Segments, patches of each, heads: on 132 multiprocessors blocks of 128 rows, then of 256.
  for (const auto& [segments, n, heads] : gpu_cases<std::array<int64_t, 3>>(
           {{200, 200, 1}, {200, 200, 2}}, {{32, 66, 17}, {16, 130, 34}})) {
    const int64_t width = heads * 72;
    Tensor<F16> q = cases::matrix<F16>(random, n * segments, width, gap);
    Tensor<F16> k = cases::matrix<F16>(random, n * segments, width, gap);
    q.shape = k.shape = {n * segments, heads, 72};
    q.strides = k.strides = {width + gap, 72, 1};
    std::vector<int64_t> offsets;
    for (int64_t g = 0; g <= segments; ++g) {
      offsets.push_back(g * n);
    }
    const MassResult all = attention_mass(kGpu, contiguous(1), q, k, nullptr, offsets);
    for (const int64_t g : {int64_t{0}, segments - 1}) {
      const int64_t begin = g * n;  // a structured binding cannot be captured
      const int64_t end = begin + n;
      const std::vector<int64_t> shape = {end - begin, q.shape[1], 72};
      const auto cut = [&](const Tensor<F16>& t) {
        Tensor<F16> own(shape, std::vector<F16>(t.values.begin() + begin * t.strides[0],
                                                t.values.begin() + end * t.strides[0]));
        own.strides = t.strides;
        return own;
      };
      Tensor<F16> own_q = cut(q);
      Tensor<F16> own_k = cut(k);
      const MassResult own = attention_mass(kGpu, contiguous(1), own_q, own_k, nullptr, {0, n});
      CHECK_SAME(own.mass.values, std::vector<float>(all.mass.values.begin() + begin,
                                                     all.mass.values.begin() + end));
    }
  }
}

TEST(attention_mass_any_batch) { mass_of_any_batch(0); }
TEST(attention_mass_any_batch_unaligned) { mass_of_any_batch(1); }

TEST(attention_mass_grid_lse_and_specials) {
  cases::Random random(9);
  Tensor<float> q = cases::matrix<float>(random, 48, 16);
  Tensor<float> k = cases::matrix<float>(random, 48, 16);
  q.shape = k.shape = {48, 2, 8};
  Tensor<float> lse({2, 48}, std::vector<float>(96, 4.0f));
  for (int kind = 0; kind < 3; ++kind) {
    if (kind == 1) {
      q.values[5] = NAN;
    } else if (kind == 2) {
      q.values[5] = q.values[6] = 3e38f;
      k.values[5] = k.values[6] = 3e38f;
    }
    const auto params = grid(4, 6, 2, 3);
    for (Tensor<float>* given : {static_cast<Tensor<float>*>(nullptr), &lse}) {
      const MassResult cpu = attention_mass(kCpu, params, q, k, given, {0, 24, 48});
      const MassResult gpu = attention_mass(kGpu, params, q, k, given, {0, 24, 48});
      CHECK_SAME(gpu.flags.values, cpu.flags.values);
      check_close(gpu.mass.values, cpu.mass.values);
    }
  }
}

void check_nucleus(const medpruner_nucleus_select_params& params, const std::vector<float>& scores,
                   const std::vector<int64_t>& offsets, const std::vector<int64_t>& volumes) {
  const NucleusResult cpu = nucleus_select(kCpu, params, scores, offsets, volumes);
  const NucleusResult gpu = nucleus_select(kGpu, params, scores, offsets, volumes);
  CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
  CHECK_SAME(gpu.mask.values, cpu.mask.values);
  CHECK_SAME(gpu.kept_indices.values, cpu.kept_indices.values);
  CHECK_SAME(gpu.kept_counts.values, cpu.kept_counts.values);
  CHECK_SAME(gpu.kept_mass.values, cpu.kept_mass.values);
  CHECK_SAME(gpu.flags.values, cpu.flags.values);
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
    check_nucleus(params, cases::scores(random, offsets), offsets, volumes);
  }
}

/** 0 lognormal, 1 all equal, 2 few distinct values, 3 of both signs, 4 close to one another, 5 with a NaN. */
std::vector<float> long_scores(cases::Random& random, int64_t n, int kind) {
  std::vector<float> scores(static_cast<size_t>(n));
  for (float& s : scores) {
    s = kind == 1   ? 0.25f
        : kind == 2 ? static_cast<float>(cases::integer(random, 0, 3))
        : kind == 3 ? cases::normal(random)
        : kind == 4 ? 1 + 0.01f * cases::normal(random)
                    : expf(cases::normal(random));
  }
  if (kind == 5) {
    scores.back() = NAN;
  }
  return scores;
}

TEST(nucleus_select_one_large_segment) {
  cases::Random random(11);
  for (const int64_t n : gpu_cases<int64_t>({16385, 131072, 300001}, {20000})) {
    for (int kind : gpu_cases<int>({0, 1, 2, 3, 4, 5}, {0, 1, 5})) {
      const std::vector<float> scores = long_scores(random, n, kind);
      for (const int score : {0, 1}) {
        auto params = nucleus(score, kind % 2 == 0 ? 0.9 : 1.0);
        check_nucleus(params, scores, {0, n}, {});
        params.min_tokens = n / 2;
        params.max_tokens = n - 7;
        check_nucleus(params, scores, {0, n}, {});
      }
    }
  }
}

TEST(nucleus_select_long_segments_beside_short_ones) {
  cases::Random random(15);
  // Spread over many blocks; and, where empty segments lower the average, a block for each.
  for (const size_t empty : {size_t{0}, size_t{100}}) {
    std::vector<int64_t> offsets = {0};
    std::vector<float> scores;
    int kind = 0;
    for (const int64_t n :
         gpu_cases<int64_t>({20000, 1, 16385, 700, 0, 65536, 16384, 5000, 100001, 17000},
                            {17000, 1, 16385, 700, 0})) {
      const std::vector<float> segment =
          n == 0 ? std::vector<float>() : long_scores(random, n, kind++ % 6);
      scores.insert(scores.end(), segment.begin(), segment.end());
      offsets.push_back(static_cast<int64_t>(scores.size()));
    }
    offsets.insert(offsets.end(), empty, offsets.back());
    for (const double tau : gpu_cases<double>({0.3, 0.9, 1.0}, {0.9})) {
      for (const int score : {0, 1}) {
        auto params = nucleus(score, tau);
        check_nucleus(params, scores, offsets, {});
        params.min_tokens = 600;
        params.max_tokens = 9000;
        check_nucleus(params, scores, offsets, {});
      }
    }
  }
}

TEST(nucleus_select_segments_of_every_class) {
  // A warp holds 256 tokens in registers, a small block 1024, 2048 or 4096, a large one 8192 or 16384.
  cases::Random random(14);
  const auto sizes = gpu_cases<int64_t>(
      {127,  128,   129,   0,    256,  257,  512,  513,   1023, 1024,
       1025, 16385, 16384, 4096, 4097, 8192, 8193, 20000, 1,    33,   2048, 2049},
      {128, 129, 0, 257, 1024, 1025, 2049, 16385, 4097, 8193, 1});
  for (int kind : gpu_cases<int>({0, 1, 2, 3}, {0, 3})) {
    std::vector<int64_t> offsets = {0};
    std::vector<float> scores;
    for (const int64_t n : sizes) {
      for (int64_t i = 0; i < n; ++i) {
        scores.push_back(kind == 0   ? expf(cases::normal(random))
                         : kind == 1 ? 0.25f
                         : kind == 2 ? static_cast<float>(cases::integer(random, 0, 3))
                                     : cases::normal(random));
      }
      if (kind == 3 && n % 2 == 1) {
        scores.back() = n % 3 == 0 ? NAN : 300.0f;
      }
      offsets.push_back(static_cast<int64_t>(scores.size()));
    }
    for (const double tau : gpu_cases<double>({0.3, 0.9, 1.0}, {0.9})) {
      for (const int score : {0, 1}) {
        auto params = nucleus(score, tau);
        check_nucleus(params, scores, offsets, {});
        std::vector<int64_t> short_on_average = offsets;
        short_on_average.resize(offsets.size() + scores.size() / 256, offsets.back());
        check_nucleus(params, scores, short_on_average, {});
        params.min_tokens = 300;
        params.max_tokens = 700;
        check_nucleus(params, scores, offsets, {});
        params.volume_max_tokens = 9000;
        check_nucleus(params, scores, offsets, {});
      }
    }
  }
}

template <class T>
void merge_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < gpu_rounds(40); ++round) {
    const std::vector<int64_t> offsets =
        cases::ragged(random, cases::integer(random, 1, 4), gpu_quick() ? 150 : 400);
    const int64_t rows = offsets.back();
    Tensor<float> keys = cases::matrix<float>(random, rows, cases::integer(random, 1, 80), round % 3);
    for (size_t i = 0; i < keys.values.size(); i += 7) {
      keys.values[i] = round % 5 == 0 ? 0.0f : keys.values[i];
    }
    // Every fourth round rows of whole vectors.
    const int64_t channels = round % 4 == 2 ? 264 : cases::integer(random, 1, 600);
    Tensor<T> features = cases::matrix<T>(random, rows, channels, round % 2);
    std::vector<uint8_t> nucleus(static_cast<size_t>(rows));
    for (uint8_t& in : nucleus) {
      in = cases::integer(random, 0, 9) < round % 11 ? 1 : 0;
    }
    const double ratio = std::vector<double>{0, 0.05, 0.3, 1}[static_cast<size_t>(round % 4)];
    const auto cpu = contextual_merge(kCpu, ratio, &features, keys, nucleus, offsets);
    const auto gpu = contextual_merge(kGpu, ratio, &features, keys, nucleus, offsets);
    CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
    CHECK_SAME(gpu.role.values, cpu.role.values);
    CHECK_SAME(gpu.assignment.values, cpu.assignment.values);
    CHECK_SAME(gpu.kept_indices.values, cpu.kept_indices.values);
    CHECK_SAME(gpu.kept_counts.values, cpu.kept_counts.values);
    CHECK_SAME(gpu.flags.values, cpu.flags.values);
    CHECK_SAME(gpu.merged.values, cpu.merged.values);
    if (features.strides.empty()) {
      const auto in_place = contextual_merge(kGpu, ratio, &features, keys, nucleus, offsets, true);
      CHECK_SAME(in_place.merged.values, cpu.merged.values);
    }
  }
}

/** Segments longer than a block, several groups of targets, and every width of what a thread moves at a time. */
template <class T>
void wide_merge_cases(uint64_t seed) {
  cases::Random random(seed);
  const std::vector<int64_t> offsets = {0, 5000, 5003, 5003, 6300};
  for (const int64_t dim : {72, 128, 130}) {
    for (const int64_t channels : {520, 516, 514, 513, 3000}) {
      Tensor<float> keys = cases::matrix<float>(random, 6300, dim, dim % 4);
      Tensor<T> features = cases::matrix<T>(random, 6300, channels);
      std::vector<uint8_t> nucleus(6300);
      for (uint8_t& in : nucleus) {
        in = cases::integer(random, 0, 9) == 0 ? 1 : 0;
      }
      const double ratio = channels == 520 ? 0 : 0.05;
      const auto cpu = contextual_merge(kCpu, ratio, &features, keys, nucleus, offsets);
      for (const bool in_place : {false, true}) {
        const auto gpu = contextual_merge(kGpu, ratio, &features, keys, nucleus, offsets, in_place);
        CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
        CHECK_SAME(gpu.assignment.values, cpu.assignment.values);
        CHECK_SAME(gpu.merged.values, cpu.merged.values);
      }
    }
  }
}

TEST(wide_merge_f32) { wide_merge_cases<float>(22); }
TEST(wide_merge_f16) { wide_merge_cases<F16>(23); }
TEST(wide_merge_bf16) { wide_merge_cases<BF16>(24); }

TEST(contextual_merge_f32) { merge_cases<float>(12); }
TEST(contextual_merge_f16) { merge_cases<F16>(13); }
TEST(contextual_merge_bf16) { merge_cases<BF16>(14); }

template <class T>
void check_gather(cases::Random& random, Tensor<T>& source, const std::vector<int64_t>& offsets) {
  const int64_t rows = offsets.back();
  std::vector<int64_t> indices(static_cast<size_t>(rows), 0);
  std::vector<int64_t> counts;
  int64_t total = 0;
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    counts.push_back(cases::integer(random, 0, offsets[g + 1] - offsets[g]));
    total += counts.back();
    for (int64_t i = 0; i < counts.back(); ++i) {
      indices[static_cast<size_t>(offsets[g] + i)] = cases::integer(random, 0, rows - 1);
    }
  }
  const auto cpu = gather_rows(kCpu, source, indices, counts, offsets, total + 1);
  const auto gpu = gather_rows(kGpu, source, indices, counts, offsets, total + 1);
  CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
  CHECK_SAME(gpu.packed.values, cpu.packed.values);
  CHECK_SAME(gpu.packed_offsets.values, cpu.packed_offsets.values);
  CHECK_SAME(gpu.flags.values, cpu.flags.values);
}

template <class T>
void gather_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < gpu_rounds(40); ++round) {
    const std::vector<int64_t> offsets = cases::ragged(random, cases::integer(random, 1, 9), 50);
    Tensor<T> source =
        cases::matrix<T>(random, offsets.back(), cases::integer(random, 0, 700), round % 3,
                         static_cast<uint64_t>(cases::integer(random, 0, 7)));
    check_gather(random, source, offsets);
  }
  // Rows aligned to 16, 8, 4, 2 and 1 bytes and no more.
  for (size_t alignment = 16; alignment >= sizeof(T); alignment /= 2) {
    Tensor<T> source =
        cases::matrix<T>(random, 40, static_cast<int64_t>(33 * alignment / sizeof(T)));
    check_gather(random, source, {0, 13, 13, 40});
  }
}

/** Both sides of what gather_rows adds up and looks through by itself. */
TEST(gather_rows_many_segments_and_long_ones) {
  cases::Random random(25);
  for (const auto& size : {std::pair<int64_t, int64_t>{256, 40}, {257, 40}, {3, 4096}, {3, 9000}}) {
    std::vector<int64_t> offsets = {0};
    std::vector<int64_t> counts;
    for (int64_t g = 0; g < size.first; ++g) {
      offsets.push_back(offsets.back() + size.second);
      counts.push_back(cases::integer(random, 0, size.second));
    }
    const int64_t rows = offsets.back();
    Tensor<F16> source = cases::matrix<F16>(random, rows, 24);
    std::vector<int64_t> indices(static_cast<size_t>(rows));
    for (int64_t& index : indices) {
      index = cases::integer(random, 0, rows - 1);
    }
    const auto cpu = gather_rows(kCpu, source, indices, counts, offsets, rows);
    const auto gpu = gather_rows(kGpu, source, indices, counts, offsets, rows);
    CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
    CHECK_SAME(gpu.packed.values, cpu.packed.values);
    CHECK_SAME(gpu.packed_offsets.values, cpu.packed_offsets.values);
    CHECK_SAME(gpu.flags.values, cpu.flags.values);
  }
}

TEST(gather_rows_1) { gather_cases<uint8_t>(15); }
TEST(gather_rows_2) { gather_cases<F16>(16); }
TEST(gather_rows_4) { gather_cases<float>(17); }
TEST(gather_rows_8) { gather_cases<int64_t>(18); }

template <class T>
void prune_tests(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < (gpu_quick() ? 12 : 60); ++round) {
    PruneCase<T> c = prune_cases::random_case<T>(random, round, gpu_quick() ? 100 : 400,
                                                 gpu_quick() ? 100 : 700);
    if (round % 6 == 4) {  // rows of whole vectors
      c.features = cases::matrix<T>(random, c.offsets.back(), 264);
    }
    prune_cases::check_same(prune(kGpu, c), prune(kCpu, c));
    PruneCase<T> q = prune_cases::query_case<T>(random, round);
    prune_cases::check_same(prune(kGpu, q), prune_cases::compose(kGpu, q));
  }
}

TEST(prune_many_segments) {
  cases::Random random(26);
  for (const int64_t segments : {256, 257, 1000}) {
    PruneCase<BF16> c = prune_cases::random_case<BF16>(random, 2, 1, 64);
    c.offsets = {0};
    c.segments.clear();
    for (int64_t g = 0; g < segments; ++g) {
      c.offsets.push_back(c.offsets.back() + cases::integer(random, 0, 40));
      c.segments.push_back(static_cast<uint8_t>(cases::integer(random, 0, 3)));
    }
    const int64_t rows = c.offsets.back();
    c.mass = vector_of(cases::scores(random, c.offsets));
    c.keys = cases::matrix<float>(random, rows, 16);
    c.features = cases::matrix<BF16>(random, rows, 64);
    c.params.nucleus = nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.5);
    c.params.dropped_tokens = 3;
    c.capacity = rows;
    prune_cases::check_same(prune(kGpu, c), prune(kCpu, c));
  }
}

TEST(prune_f32) { prune_tests<float>(19); }
TEST(prune_f16) { prune_tests<F16>(20); }
TEST(prune_bf16) { prune_tests<BF16>(21); }

}  // namespace

int main() { return run_gpu_tests(); }

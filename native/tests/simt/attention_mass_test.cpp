/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.hpp"
#include "cuda/attention_mass/limits.hpp"
#include "mass_cases.hpp"
#include "schedules.hpp"

namespace {

template <class T>
void check(const medpruner_attention_mass_params& params, Tensor<T>& q, Tensor<T>& k,
           Tensor<float>* lse, const std::vector<int64_t>& offsets, bool keys, int seeds) {
  const MassResult cpu = attention_mass(kCpu, params, q, k, lse, offsets, keys);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  // Warpgroup products where the rows allow it, and the products of a warp, which every device from sm_80 on has.
  for (const int capability : sizeof(T) == 2 ? std::vector<int>{90, 80} : std::vector<int>{90}) {
    MassResult first;
    schedules::each(seeds, [&] {
      simt::options().compute_capability = capability;
      MassResult gpu = attention_mass(kGpu, params, q, k, lse, offsets, keys);
      CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
      check_close(gpu.mass.values, cpu.mass.values);
      if (keys) {
        check_close(gpu.pooled_keys.values, cpu.pooled_keys.values);
      }
      CHECK_SAME(gpu.flags.values, cpu.flags.values);
      if (first.status == MEDPRUNER_OK) {  // one device, any schedule: the same bits
        check_same(gpu, first);
      }
      first = std::move(gpu);
    });
  }
}

template <class T>
Tensor<T> heads(cases::Random& random, int64_t rows, int64_t count, int64_t dim, int64_t gap) {
  Tensor<T> t = cases::matrix<T>(random, rows, count * (dim + gap));
  t.shape = {rows, count, dim};
  t.strides = {count * (dim + gap), dim + gap, 1};
  return t;
}

template <class T>
void dtype_cases(uint64_t seed) {
  cases::Random random(seed);
  const std::vector<std::vector<int64_t>> shapes = {
      {2, 1, 1}, {34, 3, 16}, {70, 2, 20}, {132, 1, 9}};
  for (const auto& s : shapes) {
    const int64_t gap = cases::integer(random, 0, 2);
    Tensor<T> q = heads<T>(random, s[0], s[1], s[2], gap);
    Tensor<T> k = heads<T>(random, s[0], s[1], s[2], 1);
    const int64_t half = s[0] / 4 * 2;
    check(contiguous(2), q, k, nullptr, {0, half, half, s[0]}, true, s[0] > 100 ? 2 : 4);
  }
}

TEST(f32) { dtype_cases<float>(11); }
TEST(f16) { dtype_cases<F16>(12); }
TEST(bf16) { dtype_cases<BF16>(13); }

/** The sizes where the tensor-core passes change: head dimension, streamed tile, rows of a warp and block. */
template <class T>
void tensor_cases(uint64_t seed) {
  cases::Random random(seed);
  const std::vector<std::vector<int64_t>> shapes = {{63, 1, 1},  {64, 2, 16}, {65, 1, 64}, {33, 2, 72},
                                                    {130, 1, 72}, {31, 1, 80}, {66, 1, 96}, {40, 1, 128},
                                                    {34, 1, 255}, {20, 1, 256}, {34, 1, 200}, {300, 1, 72}};
  for (const auto& s : shapes) {
    // 0: aligned rows; 1: odd rows, which no asynchronous copy can take; 2 and 4: copies of 4 and 8 bytes.
    const int64_t gap = s[2] % 8 == 0 ? cases::integer(random, 0, 2) * 2 : 1;
    Tensor<T> q = heads<T>(random, s[0], s[1], s[2], gap);
    Tensor<T> k = heads<T>(random, s[0], s[1], s[2], 0);
    check(contiguous(1), q, k, nullptr, {0, s[0]}, false, 2);
  }
}

TEST(tensor_f16) { tensor_cases<F16>(21); }
TEST(tensor_bf16) { tensor_cases<BF16>(22); }

TEST(sixteen_bit_types_without_tensor_cores) {
  cases::Random random(23);
  Tensor<BF16> q = heads<BF16>(random, 70, 2, 20, 0);
  Tensor<BF16> k = heads<BF16>(random, 70, 2, 20, 0);
  const MassResult cpu = attention_mass(kCpu, contiguous(2), q, k, nullptr, {0, 70});
  schedules::each(2, [&] {
    simt::options().compute_capability = 75;
    const MassResult gpu = attention_mass(kGpu, contiguous(2), q, k, nullptr, {0, 70});
    CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
    check_close(gpu.mass.values, cpu.mass.values);
  });
}

TEST(packed_and_head_major_layouts) {
  cases::Random random(24);
  const int64_t n = 70;
  Tensor<F16> packed = cases::matrix<F16>(random, n, 3 * 2 * 24);  // [n][q, k, v][heads][24]
  packed.shape = {n, 2, 24};
  packed.strides = {3 * 2 * 24, 24, 1};
  Tensor<F16> key = packed;
  key.offset = 2 * 24;
  check(contiguous(2), packed, key, nullptr, {0, 30, n}, true, 2);
  Tensor<BF16> q = cases::matrix<BF16>(random, 2 * n, 24);  // [heads][n][24]
  Tensor<BF16> k = cases::matrix<BF16>(random, 2 * n, 24);
  q.shape = k.shape = {n, 2, 24};
  q.strides = k.strides = {24, n * 24, 1};
  check(contiguous(2), q, k, nullptr, {0, n}, true, 2);
  k.strides = {-24, n * 24, 1};
  k.offset = static_cast<uint64_t>((n - 1) * 24);
  check(contiguous(1), q, k, nullptr, {0, n}, false, 2);
  k.strides = {0, 24, 1};  // every key the same
  k.offset = 0;
  check(contiguous(1), q, k, nullptr, {0, n}, false, 2);
}

TEST(unaligned_bases) {
  cases::Random random(25);
  for (uint64_t offset : {1, 2, 3, 4, 7}) {
    Tensor<F16> q = cases::matrix<F16>(random, 35, 24, 0, offset);
    Tensor<F16> k = cases::matrix<F16>(random, 35, 24, 0, 8 - offset);
    q.shape = k.shape = {35, 1, 24};
    check(contiguous(1), q, k, nullptr, {0, 35}, false, 2);
  }
}

/** The log-sum-exps by f64, as flash-attention would give them. */
template <class T>
Tensor<float> natural_lse(const Tensor<T>& q, const Tensor<T>& k) {
  const int64_t n = q.shape[0];
  const int64_t count = q.shape[1];
  const int64_t dim = q.shape[2];
  Tensor<float> lse({count, n}, std::vector<float>(static_cast<size_t>(count * n)));
  for (int64_t h = 0; h < count; ++h) {
    for (int64_t i = 0; i < n; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < n; ++j) {
        double score = 0;
        for (int64_t c = 0; c < dim; ++c) {
          score += static_cast<double>(
                       reference::value_of(q.values[static_cast<size_t>((i * count + h) * dim + c)])) *
                   static_cast<double>(
                       reference::value_of(k.values[static_cast<size_t>((j * count + h) * dim + c)]));
        }
        sum += exp(score / sqrt(static_cast<double>(dim)));
      }
      lse.values[static_cast<size_t>(h * n + i)] = static_cast<float>(log(sum));
    }
  }
  return lse;
}

TEST(given_lse_and_specials_of_16_bits) {
  cases::Random random(26);
  Tensor<BF16> q = cases::matrix<BF16>(random, 70, 2 * 24);
  Tensor<BF16> k = cases::matrix<BF16>(random, 70, 2 * 24);
  q.shape = k.shape = {70, 2, 24};
  Tensor<float> lse = natural_lse(q, k);
  check(contiguous(2), q, k, &lse, {0, 70}, true, 2);
  const MassResult without = attention_mass(kGpu, contiguous(2), q, k, nullptr, {0, 70});
  const MassResult with = attention_mass(kGpu, contiguous(2), q, k, &lse, {0, 70});
  check_close(with.mass.values, without.mass.values);
  const std::vector<int64_t> halves = {0, 40, 70};  // what is broken stays in its segment
  for (float special : {NAN, INFINITY, -INFINITY, 3e38f}) {
    for (int place = 0; place < (special == 3e38f ? 1 : 3); ++place) {
      Tensor<BF16> a = q;
      Tensor<BF16> b = k;
      Tensor<float> given = lse;
      if (place == 0) {
        reference::put(special, &a.values[24 * 2 * 69 + 3]);
      } else if (place == 1) {
        reference::put(special, &b.values[24 * 2 * 45 + 30]);
      } else {
        given.values[70 + 50] = special;
      }
      if (special == 3e38f) {  // their product overflows, to both sides
        reference::put(-3e38f, &b.values[24 * 2 * 45 + 3]);
      }
      check(contiguous(2), a, b, place == 2 ? &given : nullptr, halves, true, 1);
      if (place < 2) {
        check(contiguous(2), a, b, &lse, halves, false, 1);
      }
    }
  }
}

/** Log-sum-exps that are wrong, yet finite: a row without a mass, or exponentials that do not fit f32. */
template <class T>
void wrong_lse(uint64_t seed) {
  cases::Random random(seed);
  Tensor<T> q = cases::matrix<T>(random, 70, 2 * 24);
  Tensor<T> k = cases::matrix<T>(random, 70, 2 * 24);
  q.shape = k.shape = {70, 2, 24};
  const Tensor<float> lse = natural_lse(q, k);
  for (float wrong : {-80.0f, -300.0f, -1e4f, -2.35e38f, -2.37e38f, -3e38f, 1e4f, 2.35e38f, 2.37e38f, 3e38f}) {
    Tensor<float> given = lse;
    given.values[70 + 50] = wrong;
    check(contiguous(2), q, k, &given, {0, 40, 70}, false, 1);
    const MassResult cpu = attention_mass(kCpu, contiguous(2), q, k, &given, {0, 40, 70});
    CHECK_EQUAL(cpu.flags.values[1], wrong < -80 ? uint32_t{MEDPRUNER_SEGMENT_NON_FINITE} : 0u);
  }
}

TEST(wrong_lse_of_16_bits) { wrong_lse<BF16>(31); }
TEST(wrong_lse_of_f32) { wrong_lse<float>(32); }

/** Exponentials that fit f32, of which a head's sum does not, or only that of both heads. */
template <class T>
void sums_beyond_f32() {
  for (int64_t count : {2, 3}) {  // queries with exponentials of e^88, of each of two heads
    Tensor<T> q({70, 2, 8}, std::vector<T>(70 * 2 * 8));
    Tensor<T> k = q;
    Tensor<float> lse({2, 70}, std::vector<float>(140, 1e3f));
    for (size_t head : {0, 1}) {
      reference::put(88.0f, &k.values[(30 * 2 + head) * 8]);
      for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        reference::put(1.0f, &q.values[(29 * i * 2 + head) * 8]);
        lse.values[head * 70 + 29 * i] = 0;
      }
    }
    check(contiguous(2, 1), q, k, &lse, {0, 70}, false, 2);
    const MassResult cpu = attention_mass(kCpu, contiguous(2, 1), q, k, &lse, {0, 70});
    CHECK_EQUAL(cpu.flags.values[0], count > 2 ? uint32_t{MEDPRUNER_SEGMENT_NON_FINITE} : 0u);
  }
}

TEST(sums_beyond_f32_of_16_bits) { sums_beyond_f32<F16>(); }
TEST(sums_beyond_f32_of_f32) { sums_beyond_f32<float>(); }

/** All scores the square of 2^(exponent / 2), those with every other key one step below. */
template <class T>
mass_cases::Scores<T> far_from_zero(int64_t rows, int exponent, float sign, bool steps) {
  mass_cases::Scores<T> s = {Tensor<T>({rows, 1, 8}, std::vector<T>(static_cast<size_t>(rows * 8))),
                             Tensor<T>({rows, 1, 8}, std::vector<T>(static_cast<size_t>(rows * 8)))};
  const float value = exp2f(static_cast<float>(exponent / 2));
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    reference::put(value, &s.query.values[row * 8]);
    reference::put(sign * (steps && row % 2 == 0 ? nextafterf(value, 0) : value), &s.key.values[row * 8]);
  }
  return s;
}

/** Where f32 holds no logit and the logarithm of a sum beside it. */
template <class T>
void logits_beyond_the_digits_of_f32(int capability) {
  for (int exponent : {24, 26, 28, 30, 60, 126}) {
    for (int64_t rows : {2, 65}) {
      for (float sign : {1.0f, -1.0f}) {
        for (bool steps : {false, true}) {
          if (steps && (sizeof(T) == 2 || sign < 0)) {
            continue;
          }
          const auto params = contiguous(1, mass_cases::kLn2);
          mass_cases::Scores<T> s = far_from_zero<T>(rows, exponent, sign, steps);
          const MassResult cpu = attention_mass(kCpu, params, s.query, s.key, nullptr, {0, rows});
          MassResult first;
          schedules::each(sizeof(T) == 4 ? 3 : 1, [&] {
            simt::options().compute_capability = capability;
            MassResult gpu = attention_mass(kGpu, params, s.query, s.key, nullptr, {0, rows});
            CHECK_EQUAL(gpu.flags.values[0], 0u);
            check_close(gpu.mass.values, cpu.mass.values);
            for (float mass : gpu.mass.values) {
              CHECK(steps || fabsf(mass - 1) < 1e-5f);
            }
            if (first.status == MEDPRUNER_OK) {
              check_same(gpu, first);
            }
            first = std::move(gpu);
          });
        }
      }
    }
  }
}

TEST(logits_beyond_the_digits_of_f32_by_f32) { logits_beyond_the_digits_of_f32<float>(90); }
TEST(logits_beyond_the_digits_of_f32_without_tensor_cores) { logits_beyond_the_digits_of_f32<BF16>(75); }

/** The first of them stands below what any running maximum might start from. */
TEST(logits_near_the_least_float) {
  Tensor<float> q({66, 1, 1}, std::vector<float>(66, 1e19f));
  Tensor<float> k({66, 1, 1}, std::vector<float>(66, -3.3e19f));
  check(contiguous(1, mass_cases::kLn2), q, k, nullptr, {0, 66}, false, 2);
}

/** Tensor-core passes err there, by no more than the header says, but flag a segment rather than lose it. */
template <class T>
void logits_beyond_the_digits_of_tensor_passes() {
  for (const auto& [query, key, scale] : std::vector<std::array<double, 3>>{
           {60000, 60000, 1e-3}, {60000, 60000, 1e-2}, {60000, 60000, 0.1}, {60000, 60000, 1},
           {65504, 65504, 0.1}, {65504, 65504, 1}, {65504, 65000, 1}, {-65504, 65504, 1}, {65504, 65504, 4}}) {
    for (int64_t rows : {64, 65}) {  // one tile, after which an infinite sum was no NaN, and two
      mass_cases::Scores<T> s = far_from_zero<T>(rows, 0, 1, false);
      for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
        reference::put(static_cast<float>(query), &s.query.values[row * 8]);
        reference::put(static_cast<float>(key), &s.key.values[row * 8]);
      }
      for (const int capability : {90, 80}) {
        schedules::each(1, [&] {
          simt::options().compute_capability = capability;
          const auto params = contiguous(1, scale);
          const MassResult r = attention_mass(kGpu, params, s.query, s.key, nullptr, {0, rows});
          CHECK_EQUAL(r.status, MEDPRUNER_OK);
          const double logit = fabs(static_cast<double>(reference::value_of(s.query.values[0])) *
                                    static_cast<double>(reference::value_of(s.key.values[0])) * scale);
          const bool flagged = r.flags.values[0] == uint32_t{MEDPRUNER_SEGMENT_NON_FINITE};
          CHECK_EQUAL(flagged ? 0u : r.flags.values[0], 0u);
          CHECK(!flagged || logit > 2e9);
          for (float mass : r.mass.values) {
            CHECK_EQUAL(isnan(mass), flagged);
            CHECK(flagged || (mass > 0 && fabs(log(static_cast<double>(mass))) <= 6e-7 * logit + 1e-5));
          }
        });
      }
    }
  }
}

TEST(logits_beyond_the_digits_of_f16) { logits_beyond_the_digits_of_tensor_passes<F16>(); }
TEST(logits_beyond_the_digits_of_bf16) { logits_beyond_the_digits_of_tensor_passes<BF16>(); }

/** What the tests here call the same, so that a zero where the CPU has an infinity is none of it. */
TEST(what_is_close) {
  CHECK(is_close(1, 1.000009f) && is_close(0, 9e-9f) && is_close(-0.0f, 0));
  CHECK(!is_close(1, 1.00002f) && !is_close(0, 2e-8f));
  for (float odd : {NAN, INFINITY, -INFINITY}) {
    CHECK(is_close(odd, odd));
    for (float other : {0.0f, 3e38f, -3e38f, -odd}) {
      CHECK(isnan(other) || (!is_close(other, odd) && !is_close(odd, other)));
    }
  }
}

/** Bits do not depend on the grid, on the rows per block, or on what else is in the batch. */
template <class T>
void independence(uint64_t seed, int64_t dim, int capability) {
  cases::Random random(seed);
  const int64_t n = 90;
  Tensor<T> q = cases::matrix<T>(random, 5 * n, 2 * dim);
  Tensor<T> k = cases::matrix<T>(random, 5 * n, 2 * dim);
  q.shape = k.shape = {5 * n, 2, dim};
  const std::vector<int64_t> offsets = {0, n, n + 20, 5 * n};
  const auto run = [&](Tensor<T>& query, Tensor<T>& key, const std::vector<int64_t>& bounds) {
    simt::options().compute_capability = capability;
    return attention_mass(kGpu, contiguous(1), query, key, nullptr, bounds);
  };
  const MassResult all = run(q, k, offsets);
  schedules::each(4, [&] {
    medpruner::cuda::g_mass_limits.blocks =
        static_cast<unsigned>(simt::options().seed * simt::options().seed);
    medpruner::cuda::g_mass_limits.block_rows = simt::options().seed % 2 == 0 ? 64 : 256;
    const MassResult some = run(q, k, offsets);
    medpruner::cuda::g_mass_limits = {};
    CHECK_SAME(some.mass.values, all.mass.values);
  });
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    const int64_t length = offsets[g + 1] - offsets[g];
    const auto cut = [&](const Tensor<T>& t) {
      return Tensor<T>({length, 2, dim},
                       std::vector<T>(t.values.begin() + offsets[g] * 2 * dim,
                                      t.values.begin() + offsets[g + 1] * 2 * dim));
    };
    Tensor<T> own_q = cut(q);
    Tensor<T> own_k = cut(k);
    const MassResult own = run(own_q, own_k, {0, length});
    CHECK_SAME(own.mass.values,
               std::vector<float>(all.mass.values.begin() + offsets[g],
                                  all.mass.values.begin() + offsets[g + 1]));
  }
  simt::options() = {};
}

TEST(same_bits_for_any_grid_and_batch_by_warpgroups) { independence<F16>(27, 72, 90); }
TEST(same_bits_for_any_grid_and_batch_by_warps) { independence<BF16>(30, 72, 80); }
TEST(same_bits_for_any_grid_and_batch_f32) { independence<float>(28, 20, 90); }

template <class T>
void outgrown(float apart) {
  mass_cases::Scores<T> s = mass_cases::outgrown<T>(apart);
  const int64_t n = mass_cases::kOutgrownRows;
  for (int64_t end : {64, 80, 130}) {
    check(contiguous(2, mass_cases::kLn2), s.query, s.key, nullptr, {0, end, n}, true, 2);
  }
}

TEST(scores_that_outgrow_the_first_f16) { outgrown<F16>(0); }
TEST(scores_that_outgrow_the_first_bf16) { outgrown<BF16>(0); }
/** Products of the largest components would overflow, though none of them meet: the careful second pass. */
TEST(components_whose_products_could_overflow) { outgrown<BF16>(1e30f); }

TEST(sums_that_stand_far_above_their_tops) {
  mass_cases::Scores<F16> f16 = mass_cases::far_tops<F16>();
  check(contiguous(1, 1.0), f16.query, f16.key, nullptr, {0, 17}, true, 2);
  mass_cases::Scores<BF16> bf16 = mass_cases::far_tops<BF16>();
  check(contiguous(1, 1.0), bf16.query, bf16.key, nullptr, {0, 17}, true, 2);
}

/** An infinite score of either sign is noticed, even where its exponential is 0. */
TEST(scores_beyond_f32) {
  for (const auto& [component, scale] : mass_cases::kBeyondF32) {
    for (float sign : {1.0f, -1.0f}) {
      mass_cases::Scores<BF16> s = mass_cases::one_score(sign, component);
      check(contiguous(1, scale), s.query, s.key, nullptr, {0, 70}, true, 2);
      const MassResult r = attention_mass(kGpu, contiguous(1, scale), s.query, s.key, nullptr, {0, 70});
      CHECK_EQUAL(r.flags.values[0], uint32_t{MEDPRUNER_SEGMENT_NON_FINITE});
    }
  }
}

TEST(bad_segments_of_16_bits) {
  cases::Random random(29);
  Tensor<F16> q = heads<F16>(random, 60, 2, 16, 0);
  const MassResult good = attention_mass(kCpu, contiguous(2), q, q, nullptr, {0, 20, 20, 40, 60});
  schedules::each(3, [&] {
    const MassResult v =
        attention_mass(kGpu, contiguous(2), q, q, nullptr, {0, 20, 20, 40, 61});
    CHECK_SAME(v.flags.values, (std::vector<uint32_t>{0, 0, 0, schedules::kBad}));
    std::vector<float> expected = good.mass.values;
    schedules::untouched(expected, 20, 30);
    check_close(v.mass.values, expected);
  });
}

TEST(grid_lse_and_specials) {
  cases::Random random(14);
  Tensor<float> q = heads<float>(random, 48, 2, 8, 0);
  Tensor<float> k = heads<float>(random, 48, 2, 8, 0);
  Tensor<float> lse({2, 48}, std::vector<float>(96, 4.0f));
  for (int kind = 0; kind < 3; ++kind) {
    if (kind == 1) {
      q.values[5] = NAN;
    } else if (kind == 2) {
      q.values[5] = q.values[6] = k.values[5] = k.values[6] = 3e38f;
    }
    check(grid(4, 6, 2, 3), q, k, nullptr, {0, 24, 48}, true, 3);
    check(grid(4, 6, 2, 3), q, k, &lse, {0, 24, 48}, false, 2);
  }
}

TEST(transposed_and_negative_strides) {
  cases::Random random(15);
  Tensor<float> q = heads<float>(random, 10, 3, 4, 0);
  Tensor<float> k = heads<float>(random, 10, 3, 4, 0);
  q.strides = {4, 40, 1};  // [heads][rows][components]
  k.strides = {-12, 4, 1};
  k.offset = 9 * 12;
  check(contiguous(1), q, k, nullptr, {0, 10}, true, 4);
}

TEST(many_segments) {
  cases::Random random(16);
  Tensor<float> q = heads<float>(random, 40, 1, 3, 0);
  std::vector<int64_t> offsets = {0};
  for (int g = 0; g < 40; ++g) {
    offsets.push_back(offsets.back() + (g % 5 == 4 ? 0 : 1));
  }
  offsets.push_back(40);
  check(contiguous(1), q, q, nullptr, offsets, true, 2);
}

TEST(bad_offsets) {
  cases::Random random(17);
  for (int round = 0; round < 6; ++round) {
    std::vector<int64_t> offsets = cases::ragged(random, 4, 7);
    for (int64_t& offset : offsets) {
      offset *= 2;
    }
    if (offsets.back() == 0) {
      continue;
    }
    Tensor<float> q = heads<float>(random, offsets.back(), 2, 5, 0);
    const schedules::Spoilt spoilt = schedules::spoil(random, offsets);
    MassResult expected = attention_mass(kCpu, contiguous(2), q, q, nullptr, offsets);
    expected.flags.values[static_cast<size_t>(spoilt.segment)] = schedules::kBad;
    expected.flags.values[static_cast<size_t>(spoilt.segment) + 1] = schedules::kBad;
    schedules::untouched(expected.mass.values, spoilt.begin / 2, spoilt.end / 2);
    schedules::untouched(expected.pooled_keys.values, spoilt.begin / 2 * 5, spoilt.end / 2 * 5);
    schedules::each(2, [&] {
      const MassResult gpu =
          attention_mass(kGpu, contiguous(2), q, q, nullptr, spoilt.offsets);
      check_close(gpu, expected);
    });
  }
  // A length and a start that do not fit the pooling.
  Tensor<float> q = heads<float>(random, 6, 1, 2, 0);
  schedules::each(3, [&] {
    const MassResult v = attention_mass(kGpu, contiguous(2), q, q, nullptr, {0, 2, 5, 6});
    CHECK_SAME(v.flags.values, (std::vector<uint32_t>{0, schedules::kBad, schedules::kBad}));
    std::vector<float> rest = v.mass.values;
    schedules::untouched(rest, 1, 3);
    CHECK_SAME(v.mass.values, rest);
  });
}

}  // namespace

int main() { return schedules::run(); }

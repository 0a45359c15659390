/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "checks.hpp"

namespace {

template <class T>
std::vector<float> floats(const std::vector<T>& values) {
  std::vector<float> result;
  for (const T& v : values) {
    result.push_back(reference::value_of(v));
  }
  return result;
}

/** Of numbers. A NaN is infinitely wrong: as it is, std::max would lose it. */
double worst_error(const std::vector<float>& actual, const std::vector<double>& expected) {
  CHECK_EQUAL(actual.size(), expected.size());
  double worst = 0;
  for (size_t i = 0; i < actual.size() && i < expected.size(); ++i) {
    const double error = fabs(static_cast<double>(actual[i]) - expected[i]) /
                         std::max(1e-3, fabs(expected[i]));
    worst = isnan(error) ? INFINITY : std::max(worst, error);
  }
  return worst;
}

TEST(a_nan_is_an_infinite_error) {
  const double infinite = INFINITY;
  CHECK_EQUAL(worst_error({NAN}, {1}), infinite);
  CHECK_EQUAL(worst_error({NAN, 1}, {1, 1}), infinite);
  CHECK_EQUAL(worst_error({1, NAN, 1}, {1, 1, 1}), infinite);
  CHECK_EQUAL(worst_error({INFINITY}, {1}), infinite);
  CHECK_EQUAL(worst_error({1, 3}, {1, 2}), 0.5);
}

void check_close(const std::vector<float>& actual, const std::vector<double>& expected) {
  CHECK(worst_error(actual, expected) < 2e-6);
}

template <class T>
Tensor<T> random_heads(cases::Random& random, int64_t n, int64_t heads, int64_t dim) {
  Tensor<T> t({n, heads, dim}, std::vector<T>(static_cast<size_t>(n * heads * dim)));
  for (T& v : t.values) {
    cases::fill(random, &v);
  }
  return t;
}

template <class T>
void random_cases(uint64_t seed) {
  cases::Random random(seed);
  for (const auto& shape : std::vector<std::vector<int64_t>>{
           {1, 1, 1}, {2, 2, 3}, {31, 1, 16}, {32, 3, 64}, {33, 2, 72}, {65, 2, 80}, {130, 4, 96},
           {200, 1, 128}, {64, 1, 256}, {97, 5, 7}}) {
    const int64_t n = shape[0], heads = shape[1], dim = shape[2];
    Tensor<T> q = random_heads<T>(random, n, heads, dim);
    Tensor<T> k = random_heads<T>(random, n, heads, dim);
    const auto expected =
        reference::column_mass(floats(q.values), floats(k.values), n, heads, dim,
                               1 / sqrt(static_cast<double>(dim)));
    const MassResult r = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, n});
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    CHECK_EQUAL(r.flags.values[0], 0u);
    check_close(r.mass.values, expected);
    double sum = 0;
    for (float v : r.mass.values) {
      sum += static_cast<double>(v);
    }
    CHECK(fabs(sum - static_cast<double>(n)) < 1e-5 * static_cast<double>(n));
    std::vector<double> keys;
    const std::vector<float> raw = floats(k.values);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t c = 0; c < dim; ++c) {
        double mean = 0;
        for (int64_t h = 0; h < heads; ++h) {
          mean += static_cast<double>(raw[static_cast<size_t>((i * heads + h) * dim + c)]);
        }
        keys.push_back(mean / static_cast<double>(heads));
      }
    }
    check_close(r.pooled_keys.values, keys);
  }
}

TEST(matches_reference_f32) { random_cases<float>(41); }
TEST(matches_reference_f16) { random_cases<F16>(42); }
TEST(matches_reference_bf16) { random_cases<BF16>(43); }

TEST(ragged_segments_and_poolings) {
  cases::Random random(44);
  Tensor<float> q = random_heads<float>(random, 48, 2, 8);
  Tensor<float> k = random_heads<float>(random, 48, 2, 8);
  // Two grids of 4 x 6 in blocks of 2 x 3, an empty segment between.
  const MassResult patches = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, 24, 24, 48});
  const MassResult strips = attention_mass(kCpu, contiguous(4), q, k, nullptr, {0, 24, 24, 48});
  const MassResult blocks =
      attention_mass(kCpu, grid(4, 6, 2, 3), q, k, nullptr, {0, 24, 24, 48});
  for (int g = 0; g < 2; ++g) {
    for (int token = 0; token < 6; ++token) {
      float mean = 0;
      for (int i = 0; i < 4; ++i) {
        mean += patches.mass.values[static_cast<size_t>(24 * g + 4 * token + i)] / 4;
      }
      CHECK(fabsf(strips.mass.values[static_cast<size_t>(6 * g + token)] - mean) < 1e-6f);
    }
    for (int by = 0; by < 2; ++by) {
      for (int bx = 0; bx < 2; ++bx) {
        float mean = 0;
        float key = 0;
        for (int y = 0; y < 2; ++y) {
          for (int x = 0; x < 3; ++x) {
            const size_t patch = static_cast<size_t>(24 * g + (2 * by + y) * 6 + 3 * bx + x);
            mean += patches.mass.values[patch] / 6;
            key += patches.pooled_keys.values[patch * 8 + 5] / 6;
          }
        }
        const size_t token = static_cast<size_t>(4 * g + 2 * by + bx);
        CHECK(fabsf(blocks.mass.values[token] - mean) < 1e-6f);
        CHECK(fabsf(blocks.pooled_keys.values[token * 8 + 5] - key) < 1e-6f);
      }
    }
  }
  // A segment alone gives the same bits as in a batch.
  Tensor<float> q2({24, 2, 8}, std::vector<float>(q.values.begin() + 24 * 16, q.values.end()));
  Tensor<float> k2({24, 2, 8}, std::vector<float>(k.values.begin() + 24 * 16, k.values.end()));
  const MassResult alone = attention_mass(kCpu, contiguous(1), q2, k2, nullptr, {0, 24});
  CHECK(memcmp(alone.mass.values.data(), patches.mass.values.data() + 24, 24 * 4) == 0);
}

TEST(strides_of_packed_qkv_and_head_major) {
  cases::Random random(45);
  const int64_t n = 40, heads = 3, dim = 8;
  Tensor<float> q = random_heads<float>(random, n, heads, dim);
  Tensor<float> k = random_heads<float>(random, n, heads, dim);
  Tensor<float> packed({n, heads, dim}, std::vector<float>(static_cast<size_t>(3 * n * heads * dim)));
  Tensor<float> major({n, heads, dim}, std::vector<float>(static_cast<size_t>(n * heads * dim)));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t c = 0; c < dim; ++c) {
        const size_t at = static_cast<size_t>((i * heads + h) * dim + c);
        packed.values[static_cast<size_t>(((i * 3) * heads + h) * dim + c)] = q.values[at];
        major.values[static_cast<size_t>((h * n + i) * dim + c)] = k.values[at];
      }
    }
  }
  packed.strides = {3 * heads * dim, dim, 1};
  major.strides = {dim, n * dim, 1};
  const MassResult plain = attention_mass(kCpu, contiguous(2), q, k, nullptr, {0, n});
  const MassResult strided = attention_mass(kCpu, contiguous(2), packed, major, nullptr, {0, n});
  CHECK_SAME(strided.mass.values, plain.mass.values);
  CHECK_SAME(strided.pooled_keys.values, plain.pooled_keys.values);
}

/** Natural log of the sums of exponentials of one segment. */
Tensor<float> log_sums(const Tensor<float>& q, const Tensor<float>& k, double scale) {
  const int64_t n = q.shape[0], heads = q.shape[1], dim = q.shape[2];
  Tensor<float> lse({heads, n}, std::vector<float>(static_cast<size_t>(heads * n)));
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < n; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < n; ++j) {
        double dot = 0;
        for (int64_t c = 0; c < dim; ++c) {
          dot += static_cast<double>(q.values[static_cast<size_t>((i * heads + h) * dim + c)]) *
                 static_cast<double>(k.values[static_cast<size_t>((j * heads + h) * dim + c)]);
        }
        sum += exp(scale * dot);
      }
      lse.values[static_cast<size_t>(h * n + i)] = static_cast<float>(log(sum));
    }
  }
  return lse;
}

TEST(given_lse_and_scale) {
  cases::Random random(46);
  const int64_t n = 50, heads = 2, dim = 16;
  Tensor<float> q = random_heads<float>(random, n, heads, dim);
  Tensor<float> k = random_heads<float>(random, n, heads, dim);
  const double scale = 0.7;
  Tensor<float> lse = log_sums(q, k, scale);
  const auto expected = reference::column_mass(q.values, k.values, n, heads, dim, scale);
  check_close(attention_mass(kCpu, contiguous(1, scale), q, k, &lse, {0, n}).mass.values, expected);
  check_close(attention_mass(kCpu, contiguous(1, scale), q, k, nullptr, {0, n}, false).mass.values,
              expected);
}

TEST(identical_rows_and_steep_logits) {
  Tensor<float> same({70, 1, 4}, std::vector<float>(280, 0.5f));
  const MassResult flat = attention_mass(kCpu, contiguous(1), same, same, nullptr, {0, 70});
  for (float v : flat.mass.values) {
    CHECK(fabsf(v - 1) < 1e-6f);
  }
  // One key wins every row by a logit of 10^6: it takes all the mass.
  Tensor<float> q({66, 1, 1}, std::vector<float>(66, 1000.0f));
  Tensor<float> k({66, 1, 1}, std::vector<float>(66, 0.0f));
  k.values[65] = 1000;
  const MassResult steep = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, 66});
  CHECK_EQUAL(steep.mass.values[65], 66.0f);
  CHECK_EQUAL(steep.mass.values[0], 0.0f);
  CHECK_EQUAL(steep.flags.values[0], 0u);
}

TEST(logits_that_f32_rounds_by_hundreds) {
  // A row's largest logit is its bias, exactly, whatever rounding took from the product.
  cases::Random random(55);
  for (int round = 0; round < 200; ++round) {
    const int64_t n = round == 0 ? 8192 + 7 : 70;  // once into a second chunk of keys
    const double power = static_cast<double>(cases::integer(random, 20, 120));
    float q_value = 0;
    cases::fill(random, &q_value);
    Tensor<float> q({n, 1, 1}, std::vector<float>(static_cast<size_t>(n), 1 + q_value * q_value));
    Tensor<float> k = q;
    for (float& v : k.values) {
      v *= static_cast<float>(exp2(power));
    }
    const MassResult equal = attention_mass(kCpu, contiguous(1, 1), q, k, nullptr, {0, n});
    CHECK_EQUAL(equal.flags.values[0], 0u);
    CHECK(fabsf(equal.mass.values[0] - 1) < 1e-5f);
    k.values[3] *= 2;
    const MassResult one = attention_mass(kCpu, contiguous(1, 1), q, k, nullptr, {0, n});
    CHECK_EQUAL(one.mass.values[3], static_cast<float>(n));
    CHECK_EQUAL(one.mass.values[4], 0.0f);
  }
}

TEST(logits_that_cancel_err_by_their_products) {
  // Half of the components are a hundred times the others and cancel in every logit, in pairs.
  cases::Random random(54);
  const int64_t n = 64, dim = 72;
  const double scale = 1 / sqrt(static_cast<double>(dim));
  Tensor<float> q = random_heads<float>(random, n, 1, dim);
  Tensor<float> k = random_heads<float>(random, n, 1, dim);
  for (size_t i = 0; i < q.values.size(); i += 4) {
    q.values[i] *= 100;
    q.values[i + 1] = -q.values[i];
    k.values[i] *= 100;
    k.values[i + 1] = k.values[i];
  }
  double products = 0;
  double logit = 0;
  for (size_t i = 0; i < q.values.size(); i += static_cast<size_t>(dim)) {
    for (size_t j = 0; j < k.values.size(); j += static_cast<size_t>(dim)) {
      double sum = 0;
      double magnitudes = 0;
      for (size_t c = 0; c < static_cast<size_t>(dim); ++c) {
        const double product =
            static_cast<double>(q.values[i + c]) * static_cast<double>(k.values[j + c]);
        sum += product;
        magnitudes += fabs(product);
      }
      logit = std::max(logit, fabs(scale * sum));
      products = std::max(products, scale * magnitudes);
    }
  }
  CHECK(logit < 17 && products > 1e4);
  const MassResult r = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, n});
  CHECK_EQUAL(r.flags.values[0], 0u);
  const double error =
      worst_error(r.mass.values, reference::column_mass(q.values, k.values, n, 1, dim, scale));
  CHECK(error < 6e-7 * products);
}

TEST(non_finite_poisons_its_segment_only) {
  cases::Random random(47);
  for (int kind = 0; kind < 4; ++kind) {
    Tensor<float> q = random_heads<float>(random, 20, 1, 4);
    Tensor<float> k = random_heads<float>(random, 20, 1, 4);
    Tensor<float> lse({1, 20}, std::vector<float>(20, 3.0f));
    if (kind == 0) {
      q.values[3] = NAN;
    } else if (kind == 1) {
      k.values[7] = -INFINITY;
    } else if (kind == 2) {
      q.values[5] = 3e38f;  // finite, but its logits are not
      k.values[9] = 3e38f;
      k.values[5] = 3e38f;
    } else {
      lse.values[9] = INFINITY;
    }
    const MassResult r =
        attention_mass(kCpu, contiguous(1), q, k, kind == 3 ? &lse : nullptr, {0, 10, 20});
    CHECK_EQUAL(r.flags.values[0], static_cast<uint32_t>(MEDPRUNER_SEGMENT_NON_FINITE));
    CHECK_EQUAL(r.flags.values[1], 0u);
    CHECK(isnan(r.mass.values[0]) && isnan(r.mass.values[9]));
    CHECK(isfinite(r.mass.values[10]) && isfinite(r.pooled_keys.values[79]));
  }
}

/** Finite ones, of which the first stands below what any running maximum might start from. */
TEST(logits_near_the_least_float) {
  for (int64_t n : {5, 9000}) {
    Tensor<float> q({n, 1, 1}, std::vector<float>(static_cast<size_t>(n), 1e19f));
    Tensor<float> k({n, 1, 1}, std::vector<float>(static_cast<size_t>(n), -3.3e19f));
    const MassResult r = attention_mass(kCpu, contiguous(1, 1 / 1.4426950408889634), q, k, nullptr, {0, n});
    CHECK_EQUAL(r.flags.values[0], 0u);
    check_close(r.mass.values, std::vector<double>(static_cast<size_t>(n), 1.0));
  }
}

/** As many heads as fit an int64: nothing is asked for. */
TEST(no_rows_of_many_heads) {
  Tensor<float> none({0, int64_t{1} << 40, 4}, {});
  const MassResult r = attention_mass(kCpu, contiguous(1), none, none, nullptr, {0, 0, 0});
  CHECK_EQUAL(r.status, MEDPRUNER_OK);
  CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, 0}));
}

void check_shape(cases::Random& random, int64_t n, int64_t heads, int64_t dim, double scale) {
  Tensor<float> q = random_heads<float>(random, n, heads, dim);
  Tensor<float> k = random_heads<float>(random, n, heads, dim);
  const MassResult r = attention_mass(kCpu, contiguous(1, scale), q, k, nullptr, {0, n});
  CHECK_EQUAL(r.flags.values[0], 0u);
  check_close(r.mass.values,
              reference::column_mass(q.values, k.values, n, heads, dim, scale));
}

TEST(every_block_edge) {
  // Around the tile of 48 x 64, its register blocks, and the cut of a head into units.
  cases::Random random(48);
  for (int64_t n : {1, 5, 6, 7, 11, 12, 13, 16, 17, 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129,
                    255, 257, 511, 512, 513, 575, 577, 1031}) {
    check_shape(random, n, n < 300 ? 3 : 1, 5, 0.5);
  }
  for (int64_t dim : {1, 2, 3, 4, 6, 15, 16, 17, 31, 33, 71, 72, 73, 127, 129, 253, 254, 255, 256}) {
    check_shape(random, 67, 2, dim, 1 / sqrt(static_cast<double>(dim)));
  }
}

TEST(maxima_that_rise_and_fall_from_tile_to_tile) {
  // Small integers and powers of two as base-2 logits, exact in f32 however large they get.
  cases::Random random(49);
  for (double scale : {log(2.0), 32 * log(2.0), log(2.0) / 64}) {
    for (int64_t slope : {1, -1}) {
      const int64_t n = 390;
      Tensor<float> q({n, 2, 3}, std::vector<float>(static_cast<size_t>(n * 6)));
      Tensor<float> k = q;
      for (size_t i = 0; i < q.values.size(); ++i) {
        const int64_t patch = static_cast<int64_t>(i / 6);
        const int64_t growth = 1 + (slope > 0 ? patch : n - patch) / 8;
        q.values[i] = static_cast<float>(cases::integer(random, -3, 3));
        k.values[i] = static_cast<float>(cases::integer(random, -3, 3) * growth);
      }
      const MassResult r = attention_mass(kCpu, contiguous(1, scale), q, k, nullptr, {0, n});
      CHECK_EQUAL(r.flags.values[0], 0u);
      check_close(r.mass.values, reference::column_mass(q.values, k.values, n, 2, 3, scale));
    }
  }
  // All logits far below zero, the one column of the last tile highest.
  Tensor<float> q({129, 1, 1}, std::vector<float>(129, 100.0f));
  Tensor<float> k({129, 1, 1}, std::vector<float>(129, -30.0f));
  k.values[128] = -20;
  const MassResult low = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, 129});
  CHECK_EQUAL(low.mass.values[128], 129.0f);
  CHECK_EQUAL(low.mass.values[127], 0.0f);
}

TEST(segments_longer_than_a_chunk_of_keys) {
  cases::Random random(50);
  check_shape(random, 8192 + 65, 1, 2, 1);
}

TEST(given_lse_in_several_spans_of_rows) {
  // 64 heads are not cut into units, so 1100 rows take two spans.
  cases::Random random(52);
  Tensor<float> q = random_heads<float>(random, 1100, 64, 1);
  Tensor<float> k = random_heads<float>(random, 1100, 64, 1);
  Tensor<float> lse = log_sums(q, k, 1);
  check_close(attention_mass(kCpu, contiguous(1), q, k, &lse, {0, 1100}).mass.values,
              reference::column_mass(q.values, k.values, 1100, 64, 1, 1));
}

TEST(wrong_lse_stays_defined) {
  cases::Random random(53);
  Tensor<float> q = random_heads<float>(random, 70, 1, 4);
  Tensor<float> k = random_heads<float>(random, 70, 1, 4);
  for (float value : {-3e38f, -1e4f, 1e4f, 3e38f}) {
    Tensor<float> lse({1, 70}, std::vector<float>(70, value));
    const MassResult r = attention_mass(kCpu, contiguous(1), q, k, &lse, {0, 70});
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    CHECK_EQUAL(isnan(r.mass.values[0]), r.flags.values[0] != 0);
    CHECK(value < 0 || r.mass.values[69] == 0);
  }
}

/** Masses of queries of 1 with keys of `first` and then 0, and of log-sum-exps that leave nothing, but for those given. */
MassResult above_lse(int64_t n, int64_t heads, float first, const std::vector<std::pair<int64_t, float>>& given,
                     int64_t pool = 1) {
  Tensor<float> q({n, heads, 1}, std::vector<float>(static_cast<size_t>(n * heads), 1.0f));
  Tensor<float> k({n, heads, 1}, std::vector<float>(static_cast<size_t>(n * heads)));
  std::fill(k.values.begin(), k.values.begin() + heads, first);
  Tensor<float> lse({heads, n}, std::vector<float>(static_cast<size_t>(heads * n), 1e3f));
  for (const auto& [place, value] : given) {
    lse.values[static_cast<size_t>(place)] = value;
  }
  const MassResult r = attention_mass(kCpu, contiguous(pool, 1), q, k, &lse, {0, n});
  CHECK_EQUAL(r.status, MEDPRUNER_OK);
  return r;
}

void check_flagged(const MassResult& r) {
  CHECK_EQUAL(r.flags.values[0], static_cast<uint32_t>(MEDPRUNER_SEGMENT_NON_FINITE));
  for (float mass : r.mass.values) {
    CHECK(isnan(mass));
  }
}

void check_mass(const MassResult& r, double expected, double tolerance) {
  CHECK_EQUAL(r.flags.values[0], 0u);
  CHECK(fabs(static_cast<double>(r.mass.values[0]) / expected - 1) < tolerance);
}

TEST(exponentials_up_to_the_largest_float_and_beyond) {
  for (float logit : {85.0f, 88.0f, 88.5f, 88.72f}) {  // the last is 2^127.996
    check_mass(above_lse(1, 1, logit, {{0, 0.0f}}), exp(static_cast<double>(logit)), 6e-7 * 89);
  }
  check_mass(above_lse(1, 1, -11.0f, {{0, -99.5f}}), exp(88.5), 6e-7 * 89);
  for (float logit : {88.73f, 88.8f, 100.0f, 1e9f, 3e38f}) {  // the first is 2^128.01
    check_flagged(above_lse(1, 1, logit, {{0, 0.0f}}));
  }
  for (float lse : {-100.0f, -1e4f, -1e9f, -3e38f}) {
    check_flagged(above_lse(70, 1, 0, {{50, lse}}));
    check_flagged(above_lse(70, 16, 0, {{5 * 70 + 50, lse}}));  // of one head of many
  }
  for (float lse : {2.3e38f, 2.4e38f, 3.4e38f}) {  // finite, be it not in base 2
    check_mass(above_lse(70, 1, 0, {{0, lse}, {1, 0.0f}}), 1, 1e-5);
  }
}

/** Exponentials that fit, of which a head's sum does not; and sums that do, of which the heads' does not. */
TEST(sums_up_to_the_largest_float_and_beyond) {
  for (int64_t second : {1, 600}) {  // in the first one's block, and in another unit
    check_flagged(above_lse(1024, 1, 88.3f, {{0, 0.0f}, {second, 0.0f}}));
    for (int64_t pool : {1, 2}) {
      check_flagged(above_lse(1024, 2, 88.3f, {{0, 0.0f}, {second, 0.0f}}, pool));
      check_mass(above_lse(1024, 2, 87.9f, {{0, 0.0f}, {second, 0.0f}, {1024, 0.0f}, {1024 + second, 0.0f}}, pool),
                 2 * exp(static_cast<double>(87.9f)) / static_cast<double>(pool), 6e-7 * 88);
    }
  }
}

TEST(any_number_of_threads) {
  cases::Random random(54);
  const std::vector<int64_t> offsets = {0, 1, 1, 610, 1210, 1274};
  for (int64_t heads : {1, 3, 16}) {
    Tensor<float> q = random_heads<float>(random, 1274, heads, 24);
    Tensor<float> k = random_heads<float>(random, 1274, heads, 24);
    Tensor<float> lse({heads, 1274}, std::vector<float>(static_cast<size_t>(heads * 1274), 6.0f));
    k.values[static_cast<size_t>(700 * heads * 24)] = heads == 3 ? NAN : 1;
    CHECK_EQUAL(medpruner_set_cpu_threads(1), MEDPRUNER_OK);
    const MassResult one = attention_mass(kCpu, contiguous(1), q, k, nullptr, offsets);
    const MassResult one_lse = attention_mass(kCpu, contiguous(1), q, k, &lse, offsets);
    for (int32_t threads : {2, 3, 7, 64}) {
      CHECK_EQUAL(medpruner_set_cpu_threads(threads), MEDPRUNER_OK);
      const MassResult more = attention_mass(kCpu, contiguous(1), q, k, nullptr, offsets);
      CHECK(more.workspace_bytes > one.workspace_bytes);
      check_same(more, one);
      check_same(attention_mass(kCpu, contiguous(1), q, k, &lse, offsets), one_lse);
    }
  }
  CHECK_EQUAL(medpruner_set_cpu_threads(0), MEDPRUNER_OK);
}

TEST(workspace_of_fewer_threads) {
  cases::Random random(55);
  Tensor<float> q = random_heads<float>(random, 700, 4, 33);
  Tensor<float> k = random_heads<float>(random, 700, 4, 33);
  CHECK_EQUAL(medpruner_set_cpu_threads(1), MEDPRUNER_OK);
  const MassResult one = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, 700});
  CHECK_EQUAL(medpruner_set_cpu_threads(7), MEDPRUNER_OK);
  const MassResult seven = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, 700});
  const size_t each = (seven.workspace_bytes - one.workspace_bytes) / 6;
  for (size_t bytes : {one.workspace_bytes, one.workspace_bytes + each - 1,
                       one.workspace_bytes + each, one.workspace_bytes + 5 * each + 1,
                       one.workspace_bytes - 1}) {
    const auto params = contiguous(1);
    Tensor<int64_t> bounds = vector_of<int64_t>({0, 700});
    MassResult r;
    r.mass = output<float>({700});
    r.pooled_keys = output<float>({700, 33});
    r.flags = output<uint32_t>({1});
    // 16 bytes off any larger alignment, and a guard behind.
    std::vector<unsigned char> memory(bytes + 256, 0xA5);
    auto* workspace = reinterpret_cast<unsigned char*>(
        (reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64 + 16);
    Call call(kCpu);
    r.status = medpruner_attention_mass(&params, call.in(q), call.in(k), nullptr, call.in(bounds),
                                        call.out(r.mass), call.out(r.pooled_keys),
                                        call.out(r.flags), workspace, bytes, nullptr);
    CHECK_EQUAL(r.status, bytes < one.workspace_bytes ? MEDPRUNER_ERR_WORKSPACE_TOO_SMALL
                                                      : MEDPRUNER_OK);
    if (r.status == MEDPRUNER_OK) {
      check_same(r, one);
    }
    for (const unsigned char* at = workspace + bytes; at < memory.data() + memory.size(); ++at) {
      CHECK_EQUAL(*at, 0xA5);
    }
  }
  CHECK_EQUAL(medpruner_set_cpu_threads(0), MEDPRUNER_OK);
}

TEST(permuted_batches) {
  cases::Random random(56);
  const int64_t heads = 2, dim = 19, row = heads * dim;
  const std::vector<int64_t> lengths = {1, 48, 700, 64, 0, 300};
  std::vector<std::vector<float>> masses, q_parts, k_parts;
  for (int64_t n : lengths) {
    Tensor<float> q = random_heads<float>(random, n, heads, dim);
    Tensor<float> k = random_heads<float>(random, n, heads, dim);
    masses.push_back(attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, n}).mass.values);
    q_parts.push_back(q.values);
    k_parts.push_back(k.values);
  }
  std::vector<size_t> order = {0, 1, 2, 3, 4, 5};
  for (int round = 0; round < 6; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<int64_t> offsets = {0};
    std::vector<float> expected;
    Tensor<float> q, k;
    for (size_t part : order) {
      offsets.push_back(offsets.back() + lengths[part]);
      expected.insert(expected.end(), masses[part].begin(), masses[part].end());
      q.values.insert(q.values.end(), q_parts[part].begin(), q_parts[part].end());
      k.values.insert(k.values.end(), k_parts[part].begin(), k_parts[part].end());
    }
    CHECK_EQUAL(static_cast<int64_t>(q.values.size()), offsets.back() * row);
    q.shape = k.shape = {offsets.back(), heads, dim};
    CHECK_SAME(attention_mass(kCpu, contiguous(1), q, k, nullptr, offsets).mass.values, expected);
  }
}

template <class T>
void check_converted(uint64_t seed) {
  cases::Random random(seed);
  for (int64_t dim : {1, 7, 72}) {
    Tensor<T> q = random_heads<T>(random, 150, 2, dim);
    Tensor<T> k = random_heads<T>(random, 150, 2, dim);
    q.values[0] = T{1};  // a subnormal
    k.values[1] = T{0x8003};
    Tensor<float> wide_q(q.shape, floats(q.values));
    Tensor<float> wide_k(k.shape, floats(k.values));
    check_same(attention_mass(kCpu, contiguous(3), q, k, nullptr, {0, 60, 150}),
               attention_mass(kCpu, contiguous(3), wide_q, wide_k, nullptr, {0, 60, 150}));
  }
}

TEST(narrow_types_are_converted_exactly) {
  check_converted<F16>(57);
  check_converted<BF16>(58);
}

TEST(no_square_buffer) {
  // 16 x 4096 patches of 72 on two threads: far below one T x T matrix (64 MiB).
  CHECK_EQUAL(medpruner_set_cpu_threads(2), MEDPRUNER_OK);
  Tensor<float> q({4096, 16, 72}, {});
  const auto params = contiguous(16);
  Tensor<int64_t> offsets = vector_of<int64_t>({0, 4096});
  const medpruner_tensor view = {nullptr, kCpu, 3, DTypeOf<float>::get(), q.shape.data(), nullptr,
                                 0};
  const medpruner_tensor bounds = {offsets.values.data(), kCpu, 1, DTypeOf<int64_t>::get(),
                                   offsets.shape.data(), nullptr, 0};
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_attention_mass_workspace(&params, &view, &view, &bounds, &bytes),
              MEDPRUNER_OK);
  CHECK(bytes > 0 && bytes < 8 << 20);
  CHECK_EQUAL(medpruner_set_cpu_threads(0), MEDPRUNER_OK);
}

}  // namespace

int main() { return harness::run_tests(); }

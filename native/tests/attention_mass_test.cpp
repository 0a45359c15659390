/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "harness.hpp"

namespace {

template <class T>
std::vector<float> floats(const std::vector<T>& values) {
  std::vector<float> result;
  for (const T& v : values) {
    result.push_back(reference::value_of(v));
  }
  return result;
}

void check_close(const std::vector<float>& actual, const std::vector<double>& expected) {
  CHECK_EQUAL(actual.size(), expected.size());
  double worst = 0;
  for (size_t i = 0; i < actual.size() && i < expected.size(); ++i) {
    worst = std::max(worst, fabs(static_cast<double>(actual[i]) - expected[i]) /
                                std::max(1e-3, fabs(expected[i])));
  }
  CHECK(worst < 2e-6);
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

TEST(given_lse_and_scale) {
  cases::Random random(46);
  const int64_t n = 50, heads = 2, dim = 16;
  Tensor<float> q = random_heads<float>(random, n, heads, dim);
  Tensor<float> k = random_heads<float>(random, n, heads, dim);
  Tensor<float> lse({heads, n}, std::vector<float>(static_cast<size_t>(heads * n)));
  const double scale = 0.7;
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

TEST(no_square_buffer) {
  // 16 x 4096 patches of 72: the workspace stays far below one T x T matrix (64 MiB).
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
  CHECK(bytes > 0 && bytes < 1 << 20);
}

}  // namespace

int main() { return harness::run_tests(); }

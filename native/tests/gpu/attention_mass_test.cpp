/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "checks.hpp"
#include "gpu.hpp"
#include "mass_cases.hpp"

namespace {

/** A gap of one value keeps rows of 16 bits from the alignment that warpgroups ask for. */
template <class T>
void dtype_cases(uint64_t seed, int64_t gap = 0) {
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
    check_close(gpu, cpu);
    check_same(again, gpu);
  }
}

TEST(attention_mass_f32) { dtype_cases<float>(6); }
TEST(attention_mass_f16) { dtype_cases<F16>(7); }
TEST(attention_mass_bf16) { dtype_cases<BF16>(8); }
TEST(attention_mass_f16_unaligned) { dtype_cases<F16>(75, 1); }
TEST(attention_mass_bf16_unaligned) { dtype_cases<BF16>(76, 1); }

template <class T>
void check(Tensor<T>& q, Tensor<T>& k, Tensor<float>* lse, const std::vector<int64_t>& offsets,
           double scale = 0) {
  check_close(attention_mass(kGpu, contiguous(1, scale), q, k, lse, offsets),
              attention_mass(kCpu, contiguous(1, scale), q, k, lse, offsets));
}

TEST(attention_mass_layouts) {
  cases::Random random(91);
  const int64_t n = 300;
  Tensor<F16> packed = cases::matrix<F16>(random, n, 3 * 2 * 72);  // [n][q, k, v][heads][72]
  packed.shape = {n, 2, 72};
  packed.strides = {3 * 2 * 72, 72, 1};
  Tensor<F16> key = packed;
  key.offset = 2 * 72;
  check(packed, key, nullptr, {0, 130, n});
  Tensor<BF16> q = cases::matrix<BF16>(random, 2 * n, 72);  // [heads][n][72]
  Tensor<BF16> k = cases::matrix<BF16>(random, 2 * n, 72);
  q.shape = k.shape = {n, 2, 72};
  q.strides = k.strides = {72, n * 72, 1};
  check(q, k, nullptr, {0, n});
  k.strides = {-72, n * 72, 1};
  k.offset = static_cast<uint64_t>((n - 1) * 72);
  check(q, k, nullptr, {0, n});
  // Copies of 2, 4 and 8 bytes.
  for (uint64_t offset : gpu_cases<uint64_t>({1, 2, 3, 4, 7}, {1, 2, 4})) {
    for (int64_t gap : gpu_cases<int64_t>({0, 1, 2, 4}, {0, 1})) {
      Tensor<F16> a = cases::matrix<F16>(random, 135, 72, gap, offset);
      Tensor<F16> b = cases::matrix<F16>(random, 135, 72, gap, 8 - offset);
      a.shape = b.shape = {135, 1, 72};
      a.strides = b.strides = {72 + gap, 72, 1};
      check(a, b, nullptr, {0, 135});
    }
  }
}

TEST(attention_mass_specials_of_16_bits) {
  cases::Random random(92);
  Tensor<BF16> q = cases::matrix<BF16>(random, 140, 2 * 72);
  Tensor<BF16> k = cases::matrix<BF16>(random, 140, 2 * 72);
  q.shape = k.shape = {140, 2, 72};
  Tensor<float> lse({2, 140}, std::vector<float>(280, 5.0f));
  for (float special : gpu_cases<float>({NAN, INFINITY, -INFINITY, 3e38f, -1e4f}, {NAN, INFINITY, 3e38f})) {
    // A finite one is of interest as a log-sum-exp alone: it leaves a row without a mass, or exponentials beyond f32.
    for (int place = isfinite(special) ? 2 : 0; place < 3; ++place) {
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
      check(a, b, &given, {0, 70, 140});
      if (place < 2) {
        check(a, b, nullptr, {0, 70, 140});
      }
    }
  }
}

/** By warpgroups where rows are aligned, by warps where a gap of one value keeps them from being so. */
template <class T>
void outgrown(float apart) {
  mass_cases::Scores<T> s = mass_cases::outgrown<T>(apart);
  const std::vector<int64_t> offsets = {0, 80, mass_cases::kOutgrownRows};
  check(s.query, s.key, nullptr, offsets, mass_cases::kLn2);
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
  check(s.query, s.key, nullptr, offsets, mass_cases::kLn2);
}
TEST(attention_mass_outgrown_f16) { outgrown<F16>(0); }
TEST(attention_mass_outgrown_bf16) { outgrown<BF16>(0); }
TEST(attention_mass_careful) {
  mass_cases::Scores<F16> far = mass_cases::far_tops<F16>();
  check(far.query, far.key, nullptr, {0, 17}, 1.0);
  outgrown<BF16>(1e30f);
  for (const auto& [component, scale] : mass_cases::kBeyondF32) {
    for (float sign : {1.0f, -1.0f}) {
      mass_cases::Scores<BF16> s = mass_cases::one_score(sign, component);
      check(s.query, s.key, nullptr, {0, 70}, scale);
    }
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

/** Of so many tokens that a block of 1024 threads pools them. */
TEST(attention_mass_of_a_long_segment) {
  cases::Random random(94);
  Tensor<BF16> q = cases::matrix<BF16>(random, 1100, 2 * 24);
  Tensor<BF16> k = cases::matrix<BF16>(random, 1100, 2 * 24);
  q.shape = k.shape = {1100, 2, 24};
  check(q, k, nullptr, {0, 1100});
  reference::put(NAN, &q.values[5]);
  check(q, k, nullptr, {0, 1100});
}

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
      check_close(attention_mass(kGpu, params, q, k, given, {0, 24, 48}),
                  attention_mass(kCpu, params, q, k, given, {0, 24, 48}));
    }
  }
}

}  // namespace

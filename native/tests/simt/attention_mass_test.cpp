/* SPDX-License-Identifier: Apache-2.0 */
#include "schedules.hpp"

namespace {

/** The agreement that attention_mass.h promises between backends: 1e-5 relative. */
void check_close(const std::vector<float>& actual, const std::vector<float>& expected) {
  CHECK_EQUAL(actual.size(), expected.size());
  float worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    CHECK(isnan(actual[i]) == isnan(expected[i]));
    if (!isnan(expected[i])) {
      worst = std::max(worst, fabsf(actual[i] - expected[i]) / std::max(1e-3f, fabsf(expected[i])));
    }
  }
  CHECK(worst < 1e-5f);
}

template <class T>
void check(const medpruner_attention_mass_params& params, Tensor<T>& q, Tensor<T>& k,
           Tensor<float>* lse, const std::vector<int64_t>& offsets, bool keys, int seeds) {
  const MassResult cpu = attention_mass(kCpu, params, q, k, lse, offsets, keys);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  MassResult first;
  schedules::each(seeds, [&] {
    MassResult gpu = attention_mass(kGpu, params, q, k, lse, offsets, keys);
    CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
    check_close(gpu.mass.values, cpu.mass.values);
    if (keys) {
      check_close(gpu.pooled_keys.values, cpu.pooled_keys.values);
    }
    CHECK_SAME(gpu.flags.values, cpu.flags.values);
    if (first.status == MEDPRUNER_OK) {  // one device, any schedule: the same bits
      CHECK_SAME(gpu.mass.values, first.mass.values);
      CHECK_SAME(gpu.pooled_keys.values, first.pooled_keys.values);
    }
    first = std::move(gpu);
  });
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
      CHECK_EQUAL(gpu.status, MEDPRUNER_OK);
      CHECK_SAME(gpu.flags.values, expected.flags.values);
      check_close(gpu.mass.values, expected.mass.values);
      check_close(gpu.pooled_keys.values, expected.pooled_keys.values);
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

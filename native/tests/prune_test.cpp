/* SPDX-License-Identifier: Apache-2.0 */
#include "prune_cases.hpp"

namespace {

using prune_cases::compose;

template <class T>
void random_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 120; ++round) {
    PruneCase<T> c = prune_cases::random_case<T>(random, round, 90, 600);
    check_same(prune(kCpu, c), compose(kCpu, c));
  }
}

TEST(as_the_ops_one_by_one_f32) { random_cases<float>(101); }
TEST(as_the_ops_one_by_one_f16) { random_cases<F16>(102); }
TEST(as_the_ops_one_by_one_bf16) { random_cases<BF16>(103); }

template <class T>
void query_cases(uint64_t seed) {
  cases::Random random(seed);
  for (int round = 0; round < 60; ++round) {
    PruneCase<T> c = prune_cases::query_case<T>(random, round);
    check_same(prune(kCpu, c), compose(kCpu, c));
  }
}

TEST(with_attention_f32) { query_cases<float>(104); }
TEST(with_attention_f16) { query_cases<F16>(105); }
TEST(with_attention_bf16) { query_cases<BF16>(106); }

/** Two segments of four tokens, of equal mass and keys. */
PruneCase<float> plain() {
  PruneCase<float> c;
  c.offsets = {0, 4, 8};
  c.mass = vector_of(std::vector<float>(8, 1));
  c.keys = Tensor<float>({8, 1}, std::vector<float>(8, 1));
  c.features = Tensor<float>({8, 1}, {1, 2, 3, 4, 5, 6, 7, 8});
  c.params.nucleus = nucleus(MEDPRUNER_SCORE_MASS, 0.25);
  c.capacity = 8;
  return c;
}

TEST(what_it_does) {
  // One token in each nucleus, one target; the two after it are added to the target as their mean.
  PruneCase<float> c = plain();
  const auto r = prune(kCpu, c);
  CHECK_SAME(r.packed_offsets.values, (std::vector<int64_t>{0, 2, 4}));
  CHECK_SAME(std::vector<float>(r.packed.values.begin(), r.packed.values.begin() + 4),
             (std::vector<float>{1, 2 + 3.5f, 5, 6 + 7.5f}));
  CHECK_SAME(std::vector<int64_t>(r.packed_rows.values.begin(), r.packed_rows.values.begin() + 4),
             (std::vector<int64_t>{0, 1, 4, 5}));
  CHECK_SAME(r.role.values, (std::vector<uint8_t>{1, 2, 0, 0, 1, 2, 0, 0}));
  CHECK_SAME(r.assignment.values, (std::vector<int64_t>{0, 1, 1, 1, 4, 5, 5, 5}));
}

TEST(dropped_segments_leave_their_leading_tokens) {
  PruneCase<float> c = plain();
  c.segments = {0, 2};
  CHECK_SAME(prune(kCpu, c).packed_offsets.values, (std::vector<int64_t>{0, 0, 2}));
  c.params.dropped_tokens = 1;
  const auto corner = prune(kCpu, c);
  CHECK_SAME(corner.packed_offsets.values, (std::vector<int64_t>{0, 1, 3}));
  CHECK_SAME(corner.role.values, (std::vector<uint8_t>{1, 2, 0, 0, 1, 2, 0, 0}));
  // A leading token that was merged away does not stay; a leading target does, with its gain.
  c.mass.values[0] = 0;
  c.mass.values[3] = 9;
  const auto target = prune(kCpu, c);
  CHECK_SAME(target.packed_offsets.values, (std::vector<int64_t>{0, 1, 3}));
  CHECK_EQUAL(target.packed.values[0], 1 + 2.5f);
}

TEST(capacity) {
  PruneCase<float> c = plain();
  c.capacity = 4;
  CHECK_EQUAL(prune(kCpu, c).status, MEDPRUNER_OK);
  c.capacity = 3;
  const auto r = prune(kCpu, c);
  CHECK_EQUAL(r.status, MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK(last_error() == "packed: shape[0] is 3, expected at least 4, the rows kept");
  CHECK_SAME(r.packed.values, output<float>({3, 1}).values);
  CHECK_SAME(r.role.values, output<uint8_t>({8}).values);
  CHECK_SAME(r.flags.values, output<uint32_t>({2}).values);
}

TEST(nothing_everything_and_few) {
  PruneCase<float> none;
  none.offsets = {0, 0, 0};
  none.keys = Tensor<float>({0, 3}, {});
  none.mass = Tensor<float>({0}, {});
  none.features = Tensor<float>({0, 4}, {});
  check_same(prune(kCpu, none), compose(kCpu, none));
  CHECK_SAME(prune(kCpu, none).packed_offsets.values, (std::vector<int64_t>{0, 0, 0}));
  none.offsets = {0};
  check_same(prune(kCpu, none), compose(kCpu, none));
  PruneCase<float> all = plain();
  all.params.nucleus.tau = 1;
  const auto r = prune(kCpu, all);
  CHECK_SAME(r.packed.values, all.features.values);
  // Fewer left over than targets: all of them are, and nothing is merged.
  all.params.nucleus.tau = 0.75;
  all.params.merge.ratio = 1;
  check_same(prune(kCpu, all), compose(kCpu, all));
  CHECK_SAME(prune(kCpu, all).packed.values, all.features.values);
}

/** One long segment and many short ones, rows long enough for several tasks. */
PruneCase<float> large_case() {
  cases::Random random(107);
  PruneCase<float> c;
  c.offsets = {0, 3000};
  for (int g = 0; g < 400; ++g) {
    c.offsets.push_back(c.offsets.back() + cases::integer(random, 0, 12));
  }
  const int64_t rows = c.offsets.back();
  c.mass = vector_of(std::vector<float>(static_cast<size_t>(rows)));
  for (float& m : c.mass.values) {
    m = expf(cases::normal(random));
  }
  c.keys = cases::matrix<float>(random, rows, 17);
  c.features = cases::matrix<float>(random, rows, 530);
  c.params.nucleus = nucleus(MEDPRUNER_SCORE_MASS, 0.7);
  c.capacity = rows;
  return c;
}

TEST(any_number_of_threads) {
  PruneCase<float> c = large_case();
  medpruner_set_cpu_threads(1);
  const auto one = prune(kCpu, c);
  check_same(one, compose(kCpu, c));
  for (int threads : {2, 3, 7}) {
    medpruner_set_cpu_threads(threads);
    for (int round = 0; round < 5; ++round) {
      check_same(prune(kCpu, c), one);
    }
    check_same(compose(kCpu, c), one);
  }
  medpruner_set_cpu_threads(0);
}

TEST(batch_composition_does_not_matter) {
  cases::Random random(108);
  for (int round = 0; round < 20; ++round) {
    PruneCase<BF16> c = prune_cases::random_case<BF16>(random, 4 * round + 1, 60, 40);
    c.volumes.clear();
    c.params.nucleus.volume_min_tokens = c.params.nucleus.volume_max_tokens = 0;
    const auto together = prune(kCpu, c);
    for (size_t g = 0; g + 1 < c.offsets.size(); ++g) {
      const int64_t begin = c.offsets[g];
      const int64_t n = c.offsets[g + 1] - begin;
      PruneCase<BF16> alone = c;
      alone.offsets = {0, n};
      alone.segments = {c.segments[g]};
      alone.mass = vector_of(std::vector<float>(c.mass.values.begin() + begin,
                                                c.mass.values.begin() + begin + n));
      const auto shift = [&](auto& tensor) {
        const int64_t stride = tensor.strides.empty() ? tensor.shape[1] : tensor.strides[0];
        tensor.offset += static_cast<uint64_t>(begin * stride);
        tensor.shape[0] = n;
      };
      shift(alone.keys);
      shift(alone.features);
      alone.capacity = together.packed_offsets.values[g + 1] - together.packed_offsets.values[g];
      const auto r = prune(kCpu, alone);
      CHECK_EQUAL(r.status, MEDPRUNER_OK);
      CHECK_EQUAL(r.flags.values[0], together.flags.values[g]);
      const auto from = together.packed.values.begin() +
                        together.packed_offsets.values[g] * c.features.shape[1];
      CHECK_SAME(r.packed.values, std::vector<BF16>(from, from + static_cast<int64_t>(
                                                                     r.packed.values.size())));
    }
  }
}

}  // namespace

int main() { return harness::run_tests(); }

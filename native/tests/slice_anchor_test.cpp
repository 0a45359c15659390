/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"
#include "checks.hpp"

namespace {

/** Both modes against the reference. */
template <class T>
void check(Tensor<T>& slices, const std::vector<int64_t>& offsets, double gamma, double scale,
           int64_t max_gap) {
  const AnchorResult expected = reference::slice_anchor(slices, offsets, gamma, scale, max_gap);
  check_same(slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap), expected);
  check_same_decisions(slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap, true), expected);
}

template <class T>
void random_cases(uint64_t seed, double gamma, double scale) {
  cases::Random random(seed);
  for (int64_t size : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 511, 513, 4095, 4096, 4097, 4112,
                       8191, 8192, 8193, 9000, 32767, 32769}) {
    const std::vector<int64_t> offsets = cases::ragged(random, 4, 9);
    Tensor<T> slices = cases::matrix<T>(random, offsets.back(), size, cases::integer(random, 0, 3),
                                        static_cast<uint64_t>(cases::integer(random, 0, 5)));
    for (int64_t max_gap : {0, 3}) {
      check(slices, offsets, gamma, scale, max_gap);
    }
  }
}

/**
 * Volumes of every length up to three windows and one slice, in which slices repeat, drift and jump, so
 * that anchors are taken from every place of a window; more values than one thread is given.
 */
template <class T>
void window_cases(uint64_t seed, double scale) {
  cases::Random random(seed);
  const int64_t size = 70001;
  std::vector<int64_t> offsets = {0};
  for (int64_t length = 0; length <= 13; ++length) {
    offsets.push_back(offsets.back() + length);
  }
  Tensor<T> slices = cases::matrix<T>(random, offsets.back(), size, 1, 3);
  for (int64_t i = 1; i < offsets.back(); ++i) {
    // A mixture of the slice before and a new one: the share of the new one is the distance.
    const int64_t fresh = size * cases::integer(random, 0, 4) / 4;
    const auto row = slices.values.begin() + 3 + i * (size + 1);
    std::copy(row - (size + 1) + fresh, row - 1, row + fresh);
  }
  const std::vector<float> distances =
      reference::slice_anchor(slices, offsets, -1, scale, 0).distance.values;
  const float largest = *std::max_element(distances.begin(), distances.end());
  for (double part : {0.3, 0.6, 0.9}) {
    const double gamma = part * static_cast<double>(largest);
    const int64_t max_gap = part == 0.9 ? 3 : 0;
    const AnchorResult expected = reference::slice_anchor(slices, offsets, gamma, scale, max_gap);
    for (int32_t threads : {1, 2, 3, 7}) {
      CHECK_EQUAL(medpruner_set_cpu_threads(threads), MEDPRUNER_OK);
      check_same(slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap), expected);
      check_same_decisions(slice_anchor(kCpu, slices, offsets, gamma, scale, max_gap, true),
                           expected);
    }
  }
  CHECK_EQUAL(medpruner_set_cpu_threads(0), MEDPRUNER_OK);
}

TEST(matches_reference_u8) { random_cases<uint8_t>(1, 0.67, 1 / 127.5); }
TEST(matches_reference_i16) { random_cases<int16_t>(2, 21800, 1); }
TEST(matches_reference_f16) { random_cases<F16>(3, 1.128, 1); }
TEST(matches_reference_bf16) { random_cases<BF16>(4, 1.128, 1); }
TEST(matches_reference_f32) { random_cases<float>(5, 1.128, 1); }

TEST(windows_and_threads_u8) { window_cases<uint8_t>(11, 1 / 127.5); }
TEST(windows_and_threads_i16) { window_cases<int16_t>(12, 1); }
TEST(windows_and_threads_f16) { window_cases<F16>(13, 1); }
TEST(windows_and_threads_bf16) { window_cases<BF16>(14, 1); }
TEST(windows_and_threads_f32) { window_cases<float>(15, 1); }

TEST(largest_differences_of_integers) {
  for (int64_t size : {7, 32768, 70000}) {
    const size_t n = static_cast<size_t>(size);
    Tensor<int16_t> shorts({3, size}, std::vector<int16_t>(3 * n, -32768));
    std::fill(shorts.values.begin() + size, shorts.values.begin() + 2 * size, int16_t{32767});
    check(shorts, {0, 3}, 65534.9, 1, 0);
    CHECK_EQUAL(slice_anchor(kCpu, shorts, {0, 3}, 65535, 1).distance.values[1], 65535.0f);
    Tensor<uint8_t> bytes({3, size}, std::vector<uint8_t>(3 * n, 0));
    std::fill(bytes.values.begin() + size, bytes.values.begin() + 2 * size, uint8_t{255});
    check(bytes, {0, 3}, 254.9, 1, 0);
    CHECK_EQUAL(slice_anchor(kCpu, bytes, {0, 3}, 255, 1).distance.values[1], 255.0f);
  }
}

template <class T>
T value(float v) {
  T result;
  reference::put(v, &result);
  return result;
}

/**
 * Specials at the first, some middle and the last value of the anchor or of a later slice, on the bounds
 * of chunks and blocks, with every kind of gamma: deciding alone sees them early, late or never.
 */
template <class T>
void special_cases(uint64_t seed) {
  cases::Random random(seed);
  const int64_t size = 40000;
  for (int round = 0; round < 8; ++round) {
    const std::vector<int64_t> offsets = {0, 1, 7, 9};
    Tensor<T> slices = cases::matrix<T>(random, 9, size);
    const std::vector<int64_t> places = {0, 31, 4095, 4096, 20000, size - 1};
    const std::vector<float> specials = {NAN, INFINITY, -INFINITY, 3e38f};
    for (int64_t count = cases::integer(random, 0, 3); count > 0; --count) {
      const int64_t row = cases::integer(random, 0, 8);
      slices.values[static_cast<size_t>(row * size +
                                        places[static_cast<size_t>(cases::integer(random, 0, 5))])] =
          value<T>(specials[static_cast<size_t>(cases::integer(random, 0, 3))]);
    }
    for (double gamma : {-1.0, 0.0, 1.128, 1e300, static_cast<double>(INFINITY)}) {
      check(slices, offsets, gamma, 1, round % 4);
    }
    check(slices, offsets, 1e38, 1e38, 0);  // sums that are finite, distances that are not
  }
}
TEST(specials_f16) { special_cases<F16>(21); }
TEST(specials_bf16) { special_cases<BF16>(22); }
TEST(specials_f32) { special_cases<float>(23); }

TEST(subnormal_halves_count) {
  Tensor<F16> slices({2, 40}, std::vector<F16>(80, F16{0}));
  for (size_t i = 40; i < 80; ++i) {
    slices.values[i].bits = static_cast<uint16_t>(i);
  }
  check(slices, {0, 2}, 0, 1, 0);
  CHECK(slice_anchor(kCpu, slices, {0, 2}, 0, 1).distance.values[1] > 0);
}

TEST(deciding_alone_leaves_nothing_else_out) {
  cases::Random random(24);
  Tensor<float> slices = cases::matrix<float>(random, 9, 5000);
  const AnchorResult r = slice_anchor(kCpu, slices, {0, 9}, 1.128, 1, 0, true);
  CHECK_SAME(r.distance.values, output<float>({9}).values);
  CHECK_SAME(r.flags.values, output<uint32_t>({9}).values);
  // A negative gamma keeps all whatever the values are.
  CHECK_SAME(slice_anchor(kCpu, slices, {0, 9}, -1, 1, 0, true).keep.values,
             std::vector<uint8_t>(9, 1));
}

TEST(bases_and_strides_that_are_not_aligned) {
  cases::Random random(25);
  for (int64_t offset = 0; offset < 17; ++offset) {
    Tensor<uint8_t> bytes = cases::matrix<uint8_t>(random, 6, 4099, offset % 3,
                                                   static_cast<uint64_t>(offset));
    check(bytes, {0, 6}, 0.67, 1 / 127.5, 0);
    Tensor<int16_t> shorts = cases::matrix<int16_t>(random, 6, 4099, offset % 3,
                                                    static_cast<uint64_t>(offset));
    check(shorts, {0, 6}, 21800, 1, 0);
    Tensor<float> floats = cases::matrix<float>(random, 6, 4099, offset % 3,
                                                static_cast<uint64_t>(offset));
    check(floats, {0, 6}, 1.128, 1, 0);
  }
}

TEST(equality_drops_and_scale_counts) {
  Tensor<uint8_t> slices({3, 2}, {0, 0, 10, 30, 11, 30});
  const AnchorResult at = slice_anchor(kCpu, slices, {0, 3}, 20, 1);
  CHECK_SAME(at.keep.values, (std::vector<uint8_t>{1, 0, 1}));  // 20 is not above 20, 20.5 is
  CHECK_SAME(at.distance.values, (std::vector<float>{0, 20, 20.5f}));
  CHECK_SAME(at.representative.values, (std::vector<int32_t>{0, 0, 2}));
  const AnchorResult halved = slice_anchor(kCpu, slices, {0, 3}, 10.2, 0.5);
  CHECK_SAME(halved.keep.values, (std::vector<uint8_t>{1, 0, 1}));
  const AnchorResult all = slice_anchor(kCpu, slices, {0, 3}, -1, 1);
  CHECK_SAME(all.keep.values, (std::vector<uint8_t>{1, 1, 1}));
}

TEST(constant_volume_keeps_one_and_gap_breaks_it) {
  Tensor<float> slices({7, 5}, std::vector<float>(35, 2.5f));
  const AnchorResult plain = slice_anchor(kCpu, slices, {0, 7}, 0, 1);
  CHECK_EQUAL(plain.kept_counts.values[0], 1);
  const AnchorResult gap = slice_anchor(kCpu, slices, {0, 7}, 0, 1, 3);
  CHECK_SAME(gap.kept_indices.values, (std::vector<int32_t>{0, 3, 6, -1, -1, -1, -1}));
}

TEST(non_finite_slices_are_kept_and_flagged) {
  Tensor<float> slices({6, 2}, {1, 1, 1, NAN, 1, 1, 1, 1, INFINITY, 1, 1, 1});
  const AnchorResult r = slice_anchor(kCpu, slices, {0, 6}, 0.5, 1);
  check_same(r, reference::slice_anchor(slices, {0, 6}, 0.5, 1, 0));
  // 1: NaN; 2: against a NaN anchor; 3: equal to 2; 4: Inf; 5: against an Inf anchor.
  CHECK_SAME(r.keep.values, (std::vector<uint8_t>{1, 1, 1, 0, 1, 1}));
  CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, 1, 1, 0, 1, 1}));
  Tensor<float> first({2, 2}, {NAN, 0, 0, 0});
  CHECK_EQUAL(slice_anchor(kCpu, first, {0, 2}, 0.5, 1).flags.values[0], 1u);
  // Finite values whose difference is not: kept and flagged, not dropped.
  Tensor<float> huge({2, 1}, {3e38f, -3e38f});
  const AnchorResult overflow = slice_anchor(kCpu, huge, {0, 2}, 0.5, 1);
  CHECK_EQUAL(overflow.keep.values[1], 1);
  CHECK_EQUAL(overflow.flags.values[1], 1u);
}

TEST(no_slices_and_empty_segments) {
  Tensor<uint8_t> none({0, 4}, {});
  const AnchorResult r = slice_anchor(kCpu, none, {0, 0, 0}, 0.05, 1);
  CHECK_EQUAL(r.status, MEDPRUNER_OK);
  CHECK_SAME(r.kept_counts.values, (std::vector<int32_t>{0, 0}));
  Tensor<uint8_t> one({1, 1}, {7});
  CHECK_EQUAL(slice_anchor(kCpu, one, {0, 1}, 0.05, 1).kept_counts.values[0], 1);
}

TEST(batch_composition_changes_nothing) {
  cases::Random random(6);
  Tensor<float> slices = cases::matrix<float>(random, 12, 700);
  const AnchorResult both = slice_anchor(kCpu, slices, {0, 5, 12}, 1.12, 1);
  Tensor<float> second({7, 700}, std::vector<float>(slices.values.begin() + 5 * 700,
                                                    slices.values.end()));
  const AnchorResult alone = slice_anchor(kCpu, second, {0, 7}, 1.12, 1);
  for (size_t i = 0; i < 7; ++i) {
    CHECK_EQUAL(both.keep.values[5 + i], alone.keep.values[i]);
    CHECK_EQUAL(both.distance.values[5 + i], alone.distance.values[i]);
    CHECK_EQUAL(both.representative.values[5 + i], alone.representative.values[i] + 5);
  }
}

/** The same volumes in every order: each gets the same bits wherever it stands. */
template <class T>
void permutation_cases(uint64_t seed, double gamma, double scale) {
  cases::Random random(seed);
  const int64_t size = 5000;
  const std::vector<int64_t> lengths = {1, 4, 6, 9};
  std::vector<Tensor<T>> volumes;
  std::vector<AnchorResult> alone;
  for (int64_t length : lengths) {
    volumes.push_back(cases::matrix<T>(random, length, size));
    alone.push_back(slice_anchor(kCpu, volumes.back(), {0, length}, gamma, scale));
  }
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    Tensor<T> batch({0, size}, {});
    std::vector<int64_t> offsets = {0};
    for (size_t v : order) {
      batch.values.insert(batch.values.end(), volumes[v].values.begin(), volumes[v].values.end());
      offsets.push_back(offsets.back() + lengths[v]);
    }
    batch.shape[0] = offsets.back();
    const AnchorResult together = slice_anchor(kCpu, batch, offsets, gamma, scale);
    for (size_t place = 0; place < order.size(); ++place) {
      const AnchorResult& one = alone[order[place]];
      for (size_t i = 0; i < one.keep.values.size(); ++i) {
        const size_t at = static_cast<size_t>(offsets[place]) + i;
        CHECK_EQUAL(together.keep.values[at], one.keep.values[i]);
        CHECK_EQUAL(together.distance.values[at], one.distance.values[i]);
        CHECK_EQUAL(together.representative.values[at],
                    one.representative.values[i] + offsets[place]);
      }
    }
  } while (std::next_permutation(order.begin(), order.end()));
}
TEST(order_of_the_volumes_changes_nothing) {
  permutation_cases<float>(41, 1.128, 1);
  permutation_cases<uint8_t>(42, 0.67, 1 / 127.5);
}

TEST(strides_of_zero_and_below) {
  Tensor<uint8_t> same({4, 3}, {1, 2, 3});
  same.strides = {0, 1};
  CHECK_EQUAL(slice_anchor(kCpu, same, {0, 4}, 0, 1).kept_counts.values[0], 1);
  Tensor<uint8_t> backwards({3, 2}, {5, 5, 1, 1, 0, 0});
  backwards.strides = {-2, 1};
  backwards.offset = 4;
  const AnchorResult r = slice_anchor(kCpu, backwards, {0, 3}, 2, 1);
  CHECK_SAME(r.distance.values, (std::vector<float>{0, 1, 5}));
}

}  // namespace

int main() { return harness::run_tests(); }

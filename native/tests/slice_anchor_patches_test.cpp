/* SPDX-License-Identifier: Apache-2.0 */
#include "anchor_cases.hpp"
#include "checks.hpp"

namespace {

/** Both modes against the reference; distances are those of the op without patches. */
template <class T>
void check(Tensor<T>& slices, const std::vector<int64_t>& offsets,
           const medpruner_slice_anchor_patches_params& params) {
  const AnchorResult expected =
      reference::slice_anchor(slices, offsets, params.anchor.gamma, params.anchor.scale,
                              params.anchor.max_gap, &params);
  check_same(slice_anchor_patches(kCpu, slices, offsets, params), expected);
  check_same_decisions(slice_anchor_patches(kCpu, slices, offsets, params, true), expected);
}

/** Grids of every kind: whole and cut patches, of one value, of the whole slice, wider than a strip. */
template <class T>
void grid_cases(uint64_t seed, double scale) {
  cases::Random random(seed);
  for (const auto& grid : anchor_cases::kGrids) {
    const std::vector<int64_t> offsets = cases::ragged(random, 4, 9);
    const int64_t size = grid[0] * grid[1] * grid[2];
    Tensor<T> slices = cases::matrix<T>(random, offsets.back(), size, cases::integer(random, 0, 3),
                                        static_cast<uint64_t>(cases::integer(random, 0, 5)));
    for (double gamma : anchor_cases::gammas(slices, offsets, scale, grid)) {
      check(slices, offsets, patches(1e300, scale, gamma, grid));
      check(slices, offsets, patches(0.9 * gamma, scale, gamma, grid, 3));
    }
  }
}
TEST(grids_u8) { grid_cases<uint8_t>(1, 1 / 127.5); }
TEST(grids_i16) { grid_cases<int16_t>(2, 1); }
TEST(grids_f16) { grid_cases<F16>(3, 1); }
TEST(grids_bf16) { grid_cases<BF16>(4, 1); }
TEST(grids_f32) { grid_cases<float>(5, 1); }

/** 0 and 255 alone, so that a byte column reaches what 16 bits hold; strips that end in a few columns. */
TEST(u8_columns_at_their_limit) {
  const std::vector<std::array<int64_t, 5>> grids = {
      {1, 257, 40, 257, 40}, {1, 258, 40, 258, 7},  {1, 600, 37, 515, 14}, {3, 86, 280, 86, 14},
      {300, 2, 33, 2, 33},   {2, 300, 270, 260, 9}, {260, 1, 64, 1, 64}};
  cases::Random random(31);
  for (const auto& grid : grids) {
    Tensor<uint8_t> slices({3, grid[0] * grid[1] * grid[2]}, {});
    for (int64_t i = 0; i < slices.shape[0] * slices.shape[1]; ++i) {
      const bool first = i < slices.shape[1];
      slices.values.push_back(first ? 0 : (cases::integer(random, 0, 50) == 0 ? 0 : 255));
    }
    check(slices, {0, 3}, patches(1e300, 1, 250, grid));
  }
}

/** Narrow patches of floats leave a strip of a few columns at the right. */
TEST(f32_strips_that_end_in_a_few_columns) {
  cases::Random random(32);
  for (const auto& grid : std::vector<std::array<int64_t, 5>>{
           {1, 16, 253, 14, 14}, {2, 9, 265, 4, 14}, {1, 9, 257, 9, 1}, {1, 12, 512, 6, 32}}) {
    Tensor<float> slices = cases::matrix<float>(random, 6, grid[0] * grid[1] * grid[2], 1, 3);
    for (double gamma : anchor_cases::gammas(slices, {0, 6}, 1, grid)) {
      check(slices, {0, 6}, patches(1e300, 1, gamma, grid));
    }
  }
}

/** More than one block of the grid's rows, on any number of threads. */
template <class T>
void thread_cases(uint64_t seed, double scale) {
  cases::Random random(seed);
  const std::array<int64_t, 5> grid = {3, 230, 250, 14, 14};
  const std::vector<int64_t> offsets = {0, 1, 7, 20};
  Tensor<T> slices = cases::matrix<T>(random, 20, 3 * 230 * 250, 1, 3);
  const double gamma = anchor_cases::gammas(slices, offsets, scale, grid)[1];
  const auto params = patches(1e300, scale, gamma, grid);
  const AnchorResult expected = reference::slice_anchor(slices, offsets, 1e300, scale, 0, &params);
  for (int32_t threads : {1, 2, 3, 7}) {
    CHECK_EQUAL(medpruner_set_cpu_threads(threads), MEDPRUNER_OK);
    check_same(slice_anchor_patches(kCpu, slices, offsets, params), expected);
    check_same_decisions(slice_anchor_patches(kCpu, slices, offsets, params, true), expected);
  }
  CHECK_EQUAL(medpruner_set_cpu_threads(0), MEDPRUNER_OK);
}
TEST(threads_u8) { thread_cases<uint8_t>(11, 1 / 127.5); }
TEST(threads_i16) { thread_cases<int16_t>(12, 1); }
TEST(threads_f16) { thread_cases<F16>(13, 1); }
TEST(threads_bf16) { thread_cases<BF16>(14, 1); }
TEST(threads_f32) { thread_cases<float>(15, 1); }

TEST(distance_has_the_bits_it_has_without_patches) {
  cases::Random random(21);
  Tensor<float> slices = cases::matrix<float>(random, 9, 3 * 70 * 90);
  for (double gamma : {-1.0, 1.128, 1e300}) {
    const AnchorResult without = slice_anchor(kCpu, slices, {0, 4, 9}, gamma, 1);
    const AnchorResult with = slice_anchor_patches(
        kCpu, slices, {0, 4, 9},
        patches(gamma, 1, static_cast<double>(INFINITY), {3, 70, 90, 14, 14}));
    CHECK_SAME(with.distance.values, without.distance.values);
    CHECK_SAME(with.keep.values, without.keep.values);
    CHECK_SAME(with.flags.values, without.flags.values);
  }
}

TEST(a_lesion_no_mean_can_see) {
  // 64 x 64 patches of 14 x 14; four of the 4096 differ by 0.5, and the mean by 0.0005.
  const size_t size = 896 * 896;
  Tensor<float> slices({3, static_cast<int64_t>(size)}, std::vector<float>(3 * size, 0.25f));
  for (size_t y = 28; y < 56; ++y) {
    for (size_t x = 140; x < 168; ++x) {
      slices.values[2 * size + y * 896 + x] = 0.75f;
    }
  }
  const auto guard = patches(0.05, 1, 0.2, {1, 896, 896, 14, 14});
  const AnchorResult r = slice_anchor_patches(kCpu, slices, {0, 3}, guard);
  CHECK(r.keep.values == (std::vector<uint8_t>{1, 0, 1}));
  CHECK(r.patch_index.values == (std::vector<int32_t>{-1, 0, 2 * 64 + 10}));
  CHECK(r.patch_distance.values == (std::vector<float>{0, 0, 0.5f}));
  CHECK(slice_anchor(kCpu, slices, {0, 3}, 0.05, 1).keep.values == (std::vector<uint8_t>{1, 0, 0}));
}

TEST(patch_gamma_is_strict_and_takes_every_number) {
  Tensor<uint8_t> slices({3, 4}, {0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0});
  const auto keep = [&](double patch_gamma) {
    return slice_anchor_patches(kCpu, slices, {0, 3}, patches(1, 1, patch_gamma, {1, 2, 2, 1, 2}))
        .keep.values;
  };
  CHECK(keep(2) == (std::vector<uint8_t>{1, 0, 0}));
  CHECK(keep(1.999) == (std::vector<uint8_t>{1, 1, 0}));
  CHECK(keep(0) == (std::vector<uint8_t>{1, 1, 0}));
  CHECK(keep(-1) == (std::vector<uint8_t>{1, 1, 1}));
  CHECK(keep(static_cast<double>(INFINITY)) == (std::vector<uint8_t>{1, 0, 0}));
}

template <class T>
void special_cases(uint64_t seed) {
  cases::Random random(seed);
  const std::array<int64_t, 5> grid = {2, 40, 37, 8, 7};
  const int64_t size = 2 * 40 * 37;
  for (int round = 0; round < 12; ++round) {
    Tensor<T> slices = cases::matrix<T>(random, 9, size);
    const std::vector<float> specials = {NAN, INFINITY, -INFINITY, 3e38f};
    for (int64_t count = cases::integer(random, 1, 3); count > 0; --count) {
      reference::put(specials[static_cast<size_t>(cases::integer(random, 0, 3))],
                     &slices.values[static_cast<size_t>(cases::integer(random, 0, 9 * size - 1))]);
    }
    for (double gamma : {-1.0, 0.0, 1.5, 1e300, static_cast<double>(INFINITY)}) {
      check(slices, {0, 1, 7, 9}, patches(1.128, 1, gamma, grid, round % 4));
      check(slices, {0, 1, 7, 9}, patches(1e300, 1e38, gamma, grid));
    }
  }
}
TEST(specials_f16) { special_cases<F16>(31); }
TEST(specials_bf16) { special_cases<BF16>(32); }
TEST(specials_f32) { special_cases<float>(33); }

TEST(largest_differences_of_integers) {
  Tensor<int16_t> shorts({2, 2 * 65536}, std::vector<int16_t>(4 * 65536, -32768));
  std::fill(shorts.values.begin() + 2 * 65536, shorts.values.end(), int16_t{32767});
  const AnchorResult tall =
      slice_anchor_patches(kCpu, shorts, {0, 2}, patches(1e6, 1, 65534, {1, 65536, 2, 65536, 1}));
  CHECK(tall.patch_distance.values == (std::vector<float>{0, 65535}));
  CHECK(tall.keep.values == (std::vector<uint8_t>{1, 1}));
  const AnchorResult square =
      slice_anchor_patches(kCpu, shorts, {0, 2}, patches(1e6, 1, 65535, {2, 256, 256, 256, 256}));
  CHECK(square.patch_distance.values == (std::vector<float>{0, 65535}));
  CHECK(square.keep.values == (std::vector<uint8_t>{1, 0}));
}

TEST(no_rows) {
  Tensor<float> none({0, 12}, {});
  check(none, {0, 0}, patches(0.5, 1, 0.5, {1, 3, 4, 2, 2}));
}

}  // namespace

int main() { return harness::run_tests(); }

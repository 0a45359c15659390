/* SPDX-License-Identifier: Apache-2.0 */
#include "anchor_cases.hpp"
#include "checks.hpp"
#include "schedules.hpp"

namespace {

/** Both modes against the CPU's full one, which its own test holds against the reference. */
template <class T>
void check(Tensor<T>& slices, const std::vector<int64_t>& offsets,
           const medpruner_slice_anchor_patches_params& params, int seeds) {
  const AnchorResult cpu = slice_anchor_patches(kCpu, slices, offsets, params);
  CHECK_EQUAL(cpu.status, MEDPRUNER_OK);
  schedules::each(seeds, [&] {
    if (simt::options().seed % 4 == 3) {
      const AnchorResult decided = slice_anchor_patches(kGpu, slices, offsets, params, true);
      check_same_decisions(decided, cpu);
      CHECK_SAME(decided.patch_distance.values, output<float>({slices.shape[0]}).values);
    } else {
      check_same(slice_anchor_patches(kGpu, slices, offsets, params), cpu);
    }
  });
}

template <class T>
void grid_cases(uint64_t seed, double scale) {
  cases::Random random(seed);
  for (const auto& grid : anchor_cases::kGrids) {
    // Every fold is 180 exchanges: large slices get one window, small ones two and more schedules.
    const int64_t size = grid[0] * grid[1] * grid[2];
    const std::vector<int64_t> offsets =
        size > 500 ? std::vector<int64_t>{0, 1, 4} : std::vector<int64_t>{0, 1, 1, 4, 12};
    Tensor<T> slices =
        cases::matrix<T>(random, offsets.back(), size, cases::integer(random, 0, 3),
                         static_cast<uint64_t>(cases::integer(random, 0, 5)));
    const std::vector<double> gammas = anchor_cases::gammas(slices, offsets, scale, grid);
    check(slices, offsets, patches(1e300, scale, gammas[1], grid), size > 500 ? 1 : 4);
    if (size <= 500) {
      check(slices, offsets, patches(1e300, scale, gammas[2], grid, 3), 4);
    }
  }
}
TEST(grids_u8) { grid_cases<uint8_t>(1, 1 / 127.5); }
TEST(grids_i16) { grid_cases<int16_t>(2, 1); }
TEST(grids_f16) { grid_cases<F16>(3, 1); }
TEST(grids_bf16) { grid_cases<BF16>(4, 1); }
TEST(grids_f32) { grid_cases<float>(5, 1); }

/** More patches in a row of the grid than a block takes, more chunks in it than a block has warps. */
TEST(several_blocks_of_a_row) {
  cases::Random random(6);
  const std::array<int64_t, 5> wide = {2, 10, 1000, 9, 21};
  Tensor<float> floats = cases::matrix<float>(random, 3, 2 * 10 * 1000);
  check(floats, {0, 3}, patches(1e300, 1, anchor_cases::gammas(floats, {0, 3}, 1, wide)[1], wide), 1);
  Tensor<uint8_t> bytes = cases::matrix<uint8_t>(random, 3, 2 * 10 * 1000);
  check(bytes, {0, 3}, patches(1e300, 1, anchor_cases::gammas(bytes, {0, 3}, 1, wide)[1], wide), 1);
}

TEST(specials) {
  cases::Random random(7);
  const std::array<int64_t, 5> grid = {2, 12, 15, 5, 4};
  for (int64_t row = 0; row < 18; ++row) {
    Tensor<float> volume = cases::matrix<float>(random, 18, 2 * 12 * 15);
    volume.values[static_cast<size_t>(row * 360 + cases::integer(random, 0, 359))] =
        std::vector<float>{NAN, -INFINITY, 3e38f}[static_cast<size_t>(row % 3)];
    check(volume, {0, row, 18}, patches(1.3, 1, row % 2 == 0 ? 1.6 : 1e300, grid), 1);
  }
}

TEST(largest_differences_of_integers) {
  Tensor<int16_t> shorts({2, 2 * 4096}, std::vector<int16_t>(4 * 4096, -32768));
  std::fill(shorts.values.begin() + 2 * 4096, shorts.values.end(), int16_t{32767});
  check(shorts, {0, 2}, patches(1e6, 1, 65534, {2, 64, 64, 64, 64}), 2);
}

TEST(every_patch_gamma) {
  cases::Random random(8);
  Tensor<float> slices = cases::matrix<float>(random, 19, 60);
  for (double gamma : {-1.0, 0.0, 1.2, static_cast<double>(INFINITY)}) {
    check(slices, {0, 8, 19}, patches(1e300, 1, gamma, {1, 6, 10, 3, 3}), 2);
  }
}

}  // namespace

int main() { return schedules::run(); }

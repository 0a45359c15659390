/* SPDX-License-Identifier: Apache-2.0 */
#include "anchor_cases.hpp"
#include "checks.hpp"
#include "gpu.hpp"

namespace {

template <class T>
void dtype_cases(uint64_t seed, double gamma, double scale) {
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
      check_same(slice_anchor(kGpu, slices, offsets, gamma, scale, max_gap), cpu);
      check_same_decisions(slice_anchor(kGpu, slices, offsets, gamma, scale, max_gap, true), cpu);
    }
  }
}

TEST(slice_anchor_u8) { dtype_cases<uint8_t>(1, 0.67, 1 / 127.5); }
TEST(slice_anchor_i16) { dtype_cases<int16_t>(2, 21800, 1); }
TEST(slice_anchor_f16) { dtype_cases<F16>(3, 1.128, 1); }
TEST(slice_anchor_bf16) { dtype_cases<BF16>(4, 1.128, 1); }
TEST(slice_anchor_f32) { dtype_cases<float>(5, 1.128, 1); }

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
    check_same(slice_anchor(kGpu, floats, offsets, 1.128, 1, 2),
               slice_anchor(kCpu, floats, offsets, 1.128, 1, 2));
    check_same(slice_anchor(kGpu, bytes, offsets, 85, 1), slice_anchor(kCpu, bytes, offsets, 85, 1));
    check_same(slice_anchor_patches(kGpu, floats, offsets, grid),
               slice_anchor_patches(kCpu, floats, offsets, grid));
  }
}

TEST(slice_anchor_specials) {
  Tensor<float> slices({6, 2}, {1, 1, 1, NAN, 1, 1, 1, 1, INFINITY, 1, 1, 1});
  check_same(slice_anchor(kGpu, slices, {0, 6}, 0.5, 1), slice_anchor(kCpu, slices, {0, 6}, 0.5, 1));
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
    check_same(slice_anchor(kGpu, halves, {0, 10}, 0.7, 1), slice_anchor(kCpu, halves, {0, 10}, 0.7, 1));
    check_same(slice_anchor(kGpu, bytes, {0, 10}, 85, 1), slice_anchor(kCpu, bytes, {0, 10}, 85, 1));
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
      check_same(slice_anchor_patches(kGpu, slices, offsets, params), cpu);
      check_same_decisions(slice_anchor_patches(kGpu, slices, offsets, params, true), cpu);
    }
  }
}

TEST(slice_anchor_patches_u8) { patch_cases<uint8_t>(81, 1 / 127.5); }
TEST(slice_anchor_patches_i16) { patch_cases<int16_t>(82, 1); }
TEST(slice_anchor_patches_f16) { patch_cases<F16>(83, 1); }
TEST(slice_anchor_patches_bf16) { patch_cases<BF16>(84, 1); }
TEST(slice_anchor_patches_f32) { patch_cases<float>(85, 1); }

}  // namespace

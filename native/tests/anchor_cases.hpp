/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Inputs of slice anchoring with patches for its tests on the CPU, on a GPU and on the SIMT executor.

#include <array>

#include "cases.hpp"

namespace anchor_cases {

/** Planes, height, width, height and width of a patch. */
inline const std::vector<std::array<int64_t, 5>> kGrids = {
    {1, 1, 1, 1, 1},      {1, 1, 100, 1, 9},    {1, 20, 33, 1, 33},   {1, 28, 42, 14, 14},
    {3, 28, 28, 14, 14},  {3, 31, 45, 14, 14},  {1, 30, 3 * 45, 14, 3 * 14}, {2, 65, 70, 16, 16},
    {3, 17, 19, 64, 64},  {2, 9, 300, 3, 1},    {1, 3, 1300, 2, 600}, {1, 40, 260, 40, 259},
    {5, 4, 7, 1, 1},      {1, 130, 33, 32, 32}};

/** Thresholds that keep all, some and none of the slices for their patches. */
template <class T>
std::vector<double> gammas(const Tensor<T>& slices, const std::vector<int64_t>& offsets,
                           double scale, const std::array<int64_t, 5>& grid) {
  const auto all = patches(1e300, scale, -1, grid);
  std::vector<float> d =
      reference::slice_anchor(slices, offsets, 1e300, scale, 0, &all).patch_distance.values;
  std::sort(d.begin(), d.end());
  return d.empty() ? std::vector<double>{0, 0, 0}
                   : std::vector<double>{static_cast<double>(d.front()) / 2,
                                         static_cast<double>(d[d.size() / 2]),
                                         static_cast<double>(d.back())};
}

}  // namespace anchor_cases

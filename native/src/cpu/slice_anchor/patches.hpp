/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The sums of the patches of one row of the grid, for all pairs of the slices of a window, in the canonical
// order of slice_anchor.h.

#include "common/patch_grid.hpp"
#include "cpu/slice_anchor/kernels.hpp"

namespace medpruner::cpu {
namespace {

/** The patch at hand of one plane: sums that columns are added to, lane by lane where values are floats. */
template <class T>
class PatchSums {
 public:
  using Total = typename Unit<T>::Total;
  using Column = std::remove_reference_t<decltype(ColumnSums<T>::column[0])>;

  void add(int p, int64_t column, Column sum) {
    if constexpr (std::is_integral_v<T>) {
      sums_[p] += sum;
    } else {
      sums_[p].lane[column % kLanes] += sum;
    }
  }

  /** Adds the sum of the plane to the pair's total and begins anew. */
  void finish(int p, Total* total) {
    if constexpr (std::is_integral_v<T>) {
      *total += sums_[p];
      sums_[p] = 0;
    } else {
      *total += static_cast<double>(fold(sums_[p]));
      sums_[p] = {};
    }
  }

 private:
  typename PairKernels<T>::Sums sums_[kPairs] = {};
};

/** sums[pair][i] for n <= kStrip columns from `begin` on; rows of a slice lie `pitch` values apart. */
template <class T>
void sum_columns(const PairKernels<T>& kernels, const T* const* slices, int last, int64_t begin,
                 int64_t pitch, int64_t height, int64_t n, ColumnSums<T>* sums) {
  const T* at[kWindow + 1];
  for (int w = 0; w <= last; ++w) {
    at[w] = slices[w] + begin;
  }
  if (n >= kernels.least_columns) {
    kernels.columns[last - 1](at, pitch, height, n, sums);
    return;
  }
  for (int w = 1; w <= last; ++w) {
    for (int v = 0; v < w; ++v) {
      auto* const column = sums[pair(v, w)].column;
      for (int64_t i = 0; i < n; ++i) {
        column[i] = 0;
        for (int64_t at_row = i; at_row < i + height * pitch; at_row += pitch) {
          if constexpr (std::is_integral_v<T>) {
            const int d = static_cast<int>(at[v][at_row]) - static_cast<int>(at[w][at_row]);
            column[i] += static_cast<uint32_t>(d < 0 ? -d : d);
          } else {
            column[i] += fabsf(to_float(at[v][at_row]) - to_float(at[w][at_row]));
          }
        }
      }
    }
  }
}

/**
 * body(c, totals[kPairs]) for every patch of row r of the grid. Strips of whole patches are summed plane
 * after plane, so that the totals of a strip need not leave this function.
 */
template <class T, class Body>
void each_patch(const PatchGrid& grid, const PairKernels<T>& kernels, const T* const* slices, int last,
                int64_t r, const Body& body) {
  using Total = typename Unit<T>::Total;
  const int64_t per_strip = grid.patch_width < kStrip ? kStrip / grid.patch_width : 1;
  for (int64_t first = 0; first < grid.columns(); first += per_strip) {
    const int64_t end = least(first + per_strip, grid.columns());
    const int64_t right = least(end * grid.patch_width, grid.width);
    Total totals[kStrip][kPairs];
    memset(totals, 0, static_cast<size_t>(end - first) * sizeof totals[0]);
    for (int64_t plane = 0; plane < grid.planes; ++plane) {
      PatchSums<T> patch;
      int64_t c = first;
      // More than one turn only for a patch wider than a strip.
      for (int64_t left = first * grid.patch_width; left < right; left += kStrip) {
        const int64_t n = least(kStrip, right - left);
        ColumnSums<T> columns[kPairs];
        sum_columns(kernels, slices, last, grid.band_begin(plane, r) + left, grid.width,
                    grid.height_of(r), n, columns);
        for (int64_t i = 0; i < n;) {
          const int64_t start = c * grid.patch_width;
          const int64_t stop = start + grid.width_of(c) - left;  // of the patch, in this strip
          const int64_t part = least(n, stop);
          for (int p = 0; p < pair_count(last); ++p) {
            for (int64_t k = i; k < part; ++k) {
              patch.add(p, left + k - start, columns[p].column[k]);
            }
            if (part == stop) {
              patch.finish(p, &totals[c - first][p]);
            }
          }
          c += part == stop ? 1 : 0;
          i = part;
        }
      }
    }
    for (int64_t c = first; c < end; ++c) {
      body(c, totals[c - first]);
    }
  }
}

}  // namespace
}  // namespace medpruner::cpu

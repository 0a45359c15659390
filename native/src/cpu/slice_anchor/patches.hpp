/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The sums of the patches of one row of the grid, for all pairs of the slices of a window, in the canonical
// order of slice_anchor.h: down the columns first, in vectors along the row, then along the columns of a patch,
// pair after pair.

#include "common/patch_grid.hpp"
#include "cpu/slice_anchor/kernels.hpp"

namespace medpruner::cpu {
namespace {

/** The sums of the columns of a strip. */
template <class T>
struct Strip {
  ColumnSums<T> sums[kPairs];
  int64_t begin, end;  // columns of the grid
  int64_t origin;      // the column whose sum is at index 0; <= begin
};

/** Down the band's rows of columns [begin, end) of slices `width` values wide; at most kStrip columns. */
template <class T>
void sum_columns(const PairKernels<T>& kernels, const T* const* slices, int last, Band band,
                 int64_t begin, int64_t end, Strip<T>* strip) {
  // A strip narrower than a vector takes in columns to its left where there are some.
  const int64_t origin = end - begin >= kernels.least_columns || end < kernels.least_columns
                             ? begin
                             : end - kernels.least_columns;
  strip->begin = begin;
  strip->end = end;
  strip->origin = origin;
  const T* at[kWindow + 1];
  for (int w = 0; w <= last; ++w) {
    at[w] = slices[w] + origin;
  }
  if (end - origin >= kernels.least_columns) {
    kernels.columns[last - 1](at, band, end - origin, strip->sums);
    return;
  }
  for (int w = 1; w <= last; ++w) {
    for (int v = 0; v < w; ++v) {
      auto* const column = strip->sums[pair(v, w)].column;
      for (int64_t i = 0; i < end - origin; ++i) {
        typename ColumnSums<T>::Sum sum = 0;
        for (int64_t row = 0; row < band.planes * band.height; ++row) {
          const int64_t k = row / band.height * band.plane_pitch + row % band.height * band.pitch + i;
          if constexpr (std::is_integral_v<T>) {
            const int d = static_cast<int>(at[v][k]) - static_cast<int>(at[w][k]);
            sum = static_cast<typename ColumnSums<T>::Sum>(sum + (d < 0 ? -d : d));
          } else {
            sum += fabsf(to_float(at[v][k]) - to_float(at[w][k]));
          }
        }
        column[i] = sum;
      }
    }
  }
}

/** Integers have no order to keep: what a strip has of a patch goes to the patch's total at once. */
template <class T>
class IntegerPatches {
 public:
  using Total = typename Unit<T>::Total;

  /** Planes, and rows of one, whose sums a strip holds. */
  static int64_t planes(int64_t height) {
    return height < ColumnSums<T>::kMostRows ? ColumnSums<T>::kMostRows / height : 1;
  }
  static int64_t rows(int64_t height) { return least(height, ColumnSums<T>::kMostRows); }

  /** totals[c - first][pair] += the sums of the strip that belong to patch c. */
  void add(const PatchGrid& grid, const Strip<T>& strip, int pairs, int64_t first,
           Total (*totals)[kPairs]) {
    for (int p = 0; p < pairs; ++p) {
      const auto* const sums = strip.sums[p].column;
      for (int64_t c = strip.begin / grid.patch_width, i = strip.begin; i < strip.end; ++c) {
        const int64_t end = least(c * grid.patch_width + grid.width_of(c), strip.end);
        std::conditional_t<sizeof(T) == 1, uint32_t, uint64_t> sum = 0;
        for (; i < end; ++i) {
          sum += sums[i - strip.origin];
        }
        totals[c - first][p] += sum;
      }
    }
  }
};

/** Floats: the columns of a plane's patch are added lane by lane and folded, the planes added in double. */
template <class T>
class FloatPatches {
 public:
  using Total = typename Unit<T>::Total;

  static int64_t planes(int64_t) { return 1; }
  static int64_t rows(int64_t height) { return height; }

  void add(const PatchGrid& grid, const Strip<T>& strip, int pairs, int64_t first,
           Total (*totals)[kPairs]) {
    if (grid.patch_width <= kLanes) {
      add_narrow(grid, strip, pairs, first, totals);
    } else {
      add_wide(grid, strip, pairs, first, totals);
    }
  }

 private:
  /** Whole patches, each column in a lane of its own, so that the lanes are the columns. */
  void add_narrow(const PatchGrid& grid, const Strip<T>& strip, int pairs, int64_t first,
                  Total (*totals)[kPairs]) {
    const int64_t whole = grid.width / grid.patch_width;
    uint32_t mask[kLanes];
    lanes_up_to(grid.patch_width, mask);
    for (int p = 0; p < pairs; ++p) {
      for (int64_t c = strip.begin / grid.patch_width; c < whole && c * grid.patch_width < strip.end; ++c) {
        add_patch(strip, p, c * grid.patch_width, grid.patch_width, mask, &totals[c - first][p]);
      }
    }
    if (whole < grid.columns() && strip.end == grid.width) {
      lanes_up_to(grid.width_of(whole), mask);
      for (int p = 0; p < pairs; ++p) {
        add_patch(strip, p, whole * grid.patch_width, grid.width_of(whole), mask,
                  &totals[whole - first][p]);
      }
    }
  }

  static void lanes_up_to(int64_t width, uint32_t* mask) {
    for (int l = 0; l < kLanes; ++l) {
      mask[l] = l < width ? 0xffffffffu : 0;
    }
  }

  static void add_patch(const Strip<T>& strip, int p, int64_t begin, int64_t width,
                        const uint32_t* mask, Total* total) {
    *total += static_cast<double>(fold(strip.sums[p].column + (begin - strip.origin), width, mask));
  }

  void add_wide(const PatchGrid& grid, const Strip<T>& strip, int pairs, int64_t first,
                Total (*totals)[kPairs]) {
    for (int p = 0; p < pairs; ++p) {
      const float* const sums = strip.sums[p].column;
      for (int64_t c = strip.begin / grid.patch_width, i = strip.begin; i < strip.end; ++c) {
        const int64_t start = c * grid.patch_width;
        const int64_t stop = start + grid.width_of(c);
        const int64_t end = least(stop, strip.end);
        for (; i < end; ++i) {
          lanes_[p].lane[(i - start) % kLanes] += sums[i - strip.origin];
        }
        if (end == stop) {
          totals[c - first][p] += static_cast<double>(fold(lanes_[p]));
          lanes_[p] = {};
        }
      }
    }
  }

  LaneSums lanes_[kPairs] = {};  // of a patch that began in an earlier strip
};

/**
 * body(c, totals[kPairs]) for every patch of row r of the grid. Strips of whole patches are summed plane
 * after plane, so that the totals of a strip need not leave this function.
 */
template <class T, class Body>
void each_patch(const PatchGrid& grid, const PairKernels<T>& kernels, const T* const* slices, int last,
                int64_t r, const Body& body) {
  using Patches = std::conditional_t<std::is_integral_v<T>, IntegerPatches<T>, FloatPatches<T>>;
  const int64_t height = grid.height_of(r);
  const int64_t planes = Patches::planes(height);
  const int64_t rows = Patches::rows(height);
  const int64_t per_strip = grid.patch_width < kStrip ? kStrip / grid.patch_width : 1;
  for (int64_t first = 0; first < grid.columns(); first += per_strip) {
    const int64_t end = least(first + per_strip, grid.columns());
    const int64_t right = least(end * grid.patch_width, grid.width);
    typename Patches::Total totals[kStrip][kPairs];
    memset(totals, 0, static_cast<size_t>(end - first) * sizeof totals[0]);
    for (int64_t plane = 0; plane < grid.planes; plane += planes) {
      for (int64_t row = 0; row < height; row += rows) {
        const Band band = {least(planes, grid.planes - plane), grid.height * grid.width,
                           least(rows, height - row), grid.width};
        const T* at[kWindow + 1];
        for (int w = 0; w <= last; ++w) {
          at[w] = slices[w] + grid.band_begin(plane, r) + row * grid.width;
        }
        Patches patches;
        // More than one turn only for a patch wider than a strip.
        for (int64_t left = first * grid.patch_width; left < right; left += kStrip) {
          Strip<T> strip;
          sum_columns(kernels, at, last, band, left, least(left + kStrip, right), &strip);
          patches.add(grid, strip, pair_count(last), first, totals);
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

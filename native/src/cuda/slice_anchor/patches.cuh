/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// A window of slice_anchor.cuh with patches. A block takes some patches of one row of the grid, in all
// planes: its warps first sum the chunks that begin there, as without patches, then the patches, whose
// values the chunks have just brought into the caches. Device memory is read once. Integers are summed
// by patches alone: what all of them add up to is the sum of the slice.

#include "cuda/slice_anchor/slice_anchor.cuh"

namespace medpruner::cuda {

/** Patches of a row of the grid per block: four for a warp, and 256 blocks for 64 x 64 patches. */
constexpr int kBlockPatches = 16;

__host__ __device__ inline int64_t patch_groups(const PatchGrid& grid) {
  return (grid.columns() - 1) / kBlockPatches + 1;
}

/** Sums of the pairs over one plane of a patch, whose columns the lanes of a warp share. */
template <class T>
struct PatchPairs {
  using Sum = std::conditional_t<std::is_integral_v<T>, uint32_t, float>;
  Sum sums[kPairs] = {};

  __device__ static void add(const T* const* rows, int64_t at, Sum* column) {
    if constexpr (std::is_integral_v<T>) {
      int value[kRows];
#pragma unroll
      for (int w = 0; w < kRows; ++w) {
        value[w] = rows[w][at];
      }
#pragma unroll
      for (int w = 1; w < kRows; ++w) {
#pragma unroll
        for (int v = 0; v < w; ++v) {
          column[pair(v, w)] = __sad(value[w], value[v], column[pair(v, w)]);
        }
      }
    } else {
      float value[kRows];
#pragma unroll
      for (int w = 0; w < kRows; ++w) {
        value[w] = widen(rows[w][at]);
      }
#pragma unroll
      for (int w = 1; w < kRows; ++w) {
#pragma unroll
        for (int v = 0; v < w; ++v) {
          column[pair(v, w)] += fabsf(value[w] - value[v]);
        }
      }
    }
  }

  /** `begin`: the patch's first value; its rows are `pitch` values apart. */
  __device__ void add_plane(const T* const* rows, int64_t begin, int64_t pitch, int64_t height,
                            int64_t width) {
    for (int64_t x = threadIdx.x % 32; x < width; x += 32) {
      Sum column[kPairs] = {};
      for (int64_t y = 0; y < height; ++y) {
        add(rows, begin + y * pitch + x, column);
      }
#pragma unroll
      for (int p = 0; p < kPairs; ++p) {
        sums[p] += column[p];
      }
    }
  }

  /** The butterfly of slice_anchor.h; afterwards every lane has every sum. */
  __device__ void fold() {
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) {
        sums[p] += __shfl_xor_sync(kAllLanes, sums[p], distance);
      }
    }
  }
};

/** Pairs lane and lane + 32 are a lane's own. */
constexpr int kOwn = (kPairs - 1) / 32 + 1;

/** The rows from `first` on; a block per patch_groups() of each row of the grid. */
template <class T>
__global__ void __launch_bounds__(kAnchorThreads)
    anchor_patch_window(SliceAnchorArgs args, AnchorWorkspace workspace, int64_t first, bool wide,
                        bool list) {
  using Total = std::conditional_t<std::is_integral_v<T>, unsigned long long, double>;
  __shared__ PeakWord block_peaks[kAnchorWarps][kPairs];
  __shared__ unsigned long long block_exact[kAnchorWarps][kPairs];
  const PatchGrid& grid = args.grid;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t groups = patch_groups(grid);
  const int64_t r = static_cast<int64_t>(blockIdx.x) / groups;
  const int64_t group = static_cast<int64_t>(blockIdx.x) % groups;
  const T* rows[kRows];
  const bool starts = window_rows(args, workspace, first, rows);

  if constexpr (!std::is_integral_v<T>) {
    for (int64_t plane = 0; plane < grid.planes; ++plane) {
      const int64_t end = (grid.band_end(plane, r) + kChunkValues - 1) / kChunkValues;
      for (int64_t chunk = (grid.band_begin(plane, r) + kChunkValues - 1) / kChunkValues +
                           group * kAnchorWarps + warp;
           chunk < end; chunk += groups * kAnchorWarps) {
        sum_chunk(args, workspace, rows, chunk, wide, starts);
      }
    }
  }

  PeakWord peaks[kOwn] = {};
  unsigned long long exact[kOwn] = {};
  const int64_t past = (group + 1) * kBlockPatches;
  for (int64_t c = group * kBlockPatches + warp; c < past && c < grid.columns(); c += kAnchorWarps) {
    Total totals[kOwn] = {};
    for (int64_t plane = 0; plane < grid.planes; ++plane) {
      PatchPairs<T> patch;
      patch.add_plane(rows, grid.band_begin(plane, r) + c * grid.patch_width, grid.width,
                      grid.height_of(r), grid.width_of(c));
      patch.fold();
#pragma unroll
      for (int p = 0; p < kPairs; ++p) {
        if (p % 32 == lane) {
          totals[p / 32] += static_cast<Total>(patch.sums[p]);
        }
      }
    }
    const int64_t values = grid.values(r, c);
    for (int own = 0; own < kOwn; ++own) {
      const PeakWord key = patch_key(distance_of(args, static_cast<double>(totals[own]), values),
                                     r * grid.columns() + c);
      peaks[own] = key > peaks[own] ? key : peaks[own];
      if constexpr (std::is_integral_v<T>) {
        exact[own] += totals[own];
      }
    }
  }
  for (int own = 0; own < kOwn; ++own) {
    const int p = own * 32 + lane;
    if (p < kPairs) {
      block_peaks[warp][p] = peaks[own];
      block_exact[warp][p] = exact[own];
    }
  }
  __syncthreads();
  if (threadIdx.x < kPairs) {
    PeakWord peak = kNoPatch;
    unsigned long long sum = 0;
    for (int i = 0; i < kAnchorWarps; ++i) {
      const PeakWord other = block_peaks[i][threadIdx.x];
      peak = other > peak ? other : peak;
      sum += block_exact[i][threadIdx.x];
    }
    atomicMax(&workspace.state->peaks[threadIdx.x], peak);
    if constexpr (std::is_integral_v<T>) {
      atomicAdd(&workspace.state->exact[threadIdx.x], sum);
    }
  }
  finish_window<T>(args, workspace, first, list);
}

}  // namespace medpruner::cuda

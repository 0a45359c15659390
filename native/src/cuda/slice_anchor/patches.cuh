/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// A window of slice_anchor.cuh with patches. A block takes some patches of one row of the grid, a thread a
// column of values in them, down all planes. Floats have further blocks that sum chunks as without patches:
// those that begin in a row of the grid come next to the blocks with its patches, so that what one of
// them brings from memory the other finds in L2. Integers are summed by patches alone: what all of them add
// up to is the sum of the slice.

#include "cuda/slice_anchor/slice_anchor.cuh"


namespace medpruner::cuda {

/** How the work of a row of the grid is cut. */
struct PatchBlocks {
  int64_t patches;       // in a block
  int64_t patch_blocks;
  int64_t blocks;        // with those that sum chunks
};

constexpr int kMostPatches = 16;

inline PatchBlocks patch_blocks(const PatchGrid& grid, bool integers) {
  const int64_t fit = PatchWindow::kThreads / grid.patch_width;
  const int64_t most = fit < 1 ? 1 : (fit > kMostPatches ? kMostPatches : fit);
  PatchBlocks cut;
  cut.patch_blocks = (grid.columns() - 1) / most + 1;
  cut.patches = (grid.columns() - 1) / cut.patch_blocks + 1;  // evenly
  cut.patch_blocks = (grid.columns() - 1) / cut.patches + 1;
  const int64_t chunks = (grid.height_of(0) * grid.width - 1) / kChunkValues + 1;  // at most
  cut.blocks = cut.patch_blocks + (integers ? 0 : grid.planes * chunks);
  return cut;
}

constexpr int kFoldPairs = kOwn;

template <class T>
struct PatchMemory {
  using Sum = std::conditional_t<std::is_integral_v<T>, uint32_t, float>;
  using Total = std::conditional_t<std::is_integral_v<T>, unsigned long long, double>;
  union {
    Sum columns[kFoldPairs][PatchWindow::kThreads];
    PatchKey keys[kMostPatches][PatchWindow::kPairs];  // when all values have been added
  };
  Sum lanes[PatchWindow::kPairs][32];                  // patches wider than a block
  Total totals[kMostPatches][PatchWindow::kPairs];
};

/** A thread's column: its sums of all pairs. */
template <class T>
struct ColumnPairs {
  using Sum = typename PatchMemory<T>::Sum;
  Sum sums[PatchWindow::kPairs] = {};

  /** `height` values from `at` on, `pitch` apart. */
  __device__ void add(const WindowRows<T>& rows, int64_t at, int64_t pitch, int height) {
    T next[PatchWindow::kRows];
    load(rows, at, next);
#pragma unroll 1
    for (int y = 0; y < height; ++y) {
      T values[PatchWindow::kRows];
#pragma unroll
      for (int w = 0; w < PatchWindow::kRows; ++w) {
        values[w] = next[w];
      }
      at += pitch;
      if (y + 1 < height) {
        load(rows, at, next);
      }
      add(values);
    }
  }

 private:
  __device__ static void load(const WindowRows<T>& rows, int64_t at, T (&values)[PatchWindow::kRows]) {
    values[0] = rows.anchor[at];
    const T* const own = rows.begin + at;
#pragma unroll
    for (int w = 1; w < PatchWindow::kRows; ++w) {
      values[w] = own[(w - 1 < rows.last ? w - 1 : rows.last) * rows.stride];
    }
  }

  __device__ void add(const T (&values)[PatchWindow::kRows]) {
    if constexpr (std::is_integral_v<T>) {
#pragma unroll
      for (int w = 1; w < PatchWindow::kRows; ++w) {
#pragma unroll
        for (int v = 0; v < w; ++v) {
          sums[pair(v, w)] = __sad(values[w], values[v], sums[pair(v, w)]);
        }
      }
    } else {
      float x[PatchWindow::kRows];
#pragma unroll
      for (int w = 0; w < PatchWindow::kRows; ++w) {
        x[w] = widen(values[w]);
      }
#pragma unroll
      for (int w = 1; w < PatchWindow::kRows; ++w) {
#pragma unroll
        for (int v = 0; v < w; ++v) {
          sums[pair(v, w)] += fabsf(x[w] - x[v]);
        }
      }
    }
  }
};

/** The lanes' sums by the butterfly of slice_anchor.h, lanes from `count` on being 0. */
template <int kLanes, class Sum>
__device__ inline Sum fold_columns(const Sum* columns, int count) {
  Sum tree[kLanes];
#pragma unroll
  for (int l = 0; l < kLanes; ++l) {
    tree[l] = l < count ? columns[l] : Sum{0};
  }
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
#pragma unroll
    for (int l = 0; l < kLanes / 2; ++l) {
      tree[l] += l < distance ? tree[l + distance] : Sum{0};
    }
  }
  return tree[0];
}

/**
 * All threads: the sums of `columns` <= PatchWindow::kThreads columns join the totals of their patches. `pass`: which
 * columns of a patch that is wider, of `passes`.
 */
template <class T>
__device__ inline void fold_pass(PatchMemory<T>& memory, const ColumnPairs<T>& pairs, int patch_width,
                                 int columns, int pass, int passes) {
  using Sum = typename PatchMemory<T>::Sum;
  using Total = typename PatchMemory<T>::Total;
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int patches = passes > 1 ? 1 : (columns - 1) / patch_width + 1;
#pragma unroll
  for (int round = 0; round < PatchWindow::kPairs / kFoldPairs; ++round) {
    __syncthreads();  // the former round's columns have been read
#pragma unroll
    for (int i = 0; i < kFoldPairs; ++i) {
      memory.columns[i][thread] = pairs.sums[round * kFoldPairs + i];
    }
    __syncthreads();
    if (patch_width <= 32) {
      for (int task = thread; task < patches * kFoldPairs; task += PatchWindow::kThreads) {
        const int patch = task / kFoldPairs;
        const int i = task % kFoldPairs;
        const int first = patch * patch_width;
        const int count = columns - first < patch_width ? columns - first : patch_width;
        const Sum sum = patch_width <= 16 ? fold_columns<16>(&memory.columns[i][first], count)
                                          : fold_columns<32>(&memory.columns[i][first], count);
        memory.totals[patch][round * kFoldPairs + i] += static_cast<Total>(sum);
      }
    } else {
      for (int task = thread / 32; task < patches * kFoldPairs; task += PatchWindow::kWarps) {
        const int patch = task / kFoldPairs;
        const int i = task % kFoldPairs;
        const int index = round * kFoldPairs + i;
        const int first = patch * patch_width;
        const int count = columns - first < patch_width ? columns - first : patch_width;
        Sum sum = pass > 0 ? memory.lanes[index][lane] : Sum{0};
        for (int l = lane; l < count; l += 32) {
          sum += memory.columns[i][first + l];
        }
        if (pass < passes - 1) {
          memory.lanes[index][lane] = sum;
        } else {
#pragma unroll
          for (int distance = 16; distance > 0; distance /= 2) {
            sum += __shfl_xor_sync(kAllLanes, sum, distance);
          }
          if (lane == 0) {
            memory.totals[patch][index] += static_cast<Total>(sum);
          }
        }
      }
    }
  }
}

/** All threads: patches [c, c + count) of row r of the grid; their peaks, and of integers their sum. */
template <class T>
__device__ inline void sum_patches(const SliceAnchorArgs& args, const AnchorWorkspace& workspace,
                                   const WindowRows<T>& rows, int64_t r, int64_t c, int64_t count,
                                   PatchMemory<T>& memory) {
  const PatchGrid& grid = args.grid;
  const int thread = static_cast<int>(threadIdx.x);
  const int height = static_cast<int>(grid.height_of(r));
  const int patch_width = static_cast<int>(grid.patch_width < grid.width ? grid.patch_width : grid.width);
  const int64_t left = c * grid.patch_width;
  const int64_t most = count * grid.patch_width;
  const int width = static_cast<int>(grid.width - left < most ? grid.width - left : most);
  const int passes = (width - 1) / PatchWindow::kThreads + 1;
  const int patches = (width - 1) / patch_width + 1;
  for (int i = thread; i < kMostPatches * PatchWindow::kPairs; i += PatchWindow::kThreads) {
    memory.totals[i / PatchWindow::kPairs][i % PatchWindow::kPairs] = 0;
  }
#pragma unroll 1
  for (int64_t plane = 0; plane < grid.planes; ++plane) {
#pragma unroll 1
    for (int pass = 0; pass < passes; ++pass) {
      ColumnPairs<T> pairs;
      const int rest = width - pass * PatchWindow::kThreads;
      const int columns = rest < PatchWindow::kThreads ? rest : PatchWindow::kThreads;
      if (thread < columns) {
        pairs.add(rows, grid.band_begin(plane, r) + left + pass * PatchWindow::kThreads + thread, grid.width,
                  height);
      }
      fold_pass(memory, pairs, patch_width, columns, pass, passes);
    }
  }
  __syncthreads();
  for (int task = thread; task < patches * PatchWindow::kPairs; task += PatchWindow::kThreads) {
    const int patch = task / PatchWindow::kPairs;
    memory.keys[patch][task % PatchWindow::kPairs] =
        patch_key(distance_of(args, static_cast<double>(memory.totals[patch][task % PatchWindow::kPairs]),
                              grid.values(r, c + patch)),
                  r * grid.columns() + c + patch);
  }
  __syncthreads();
  if (thread < PatchWindow::kPairs) {
    PeakWord peak = kNoPatch;
    unsigned long long sum = 0;
    for (int i = 0; i < patches; ++i) {
      const PeakWord other = memory.keys[i][thread];
      peak = other > peak ? other : peak;
      if constexpr (std::is_integral_v<T>) {
        sum += memory.totals[i][thread];
      }
    }
    atomicMax(&workspace.state->peaks[thread], peak);
    if constexpr (std::is_integral_v<T>) {
      atomicAdd(&workspace.state->exact[blockIdx.x % kExactCopies][thread], sum);
    }
  }
}

/** The chunk that a block sums: of those that begin in row r of the grid the k-th; -1 if it has fewer. */
__device__ inline int64_t chunk_of_band(const PatchGrid& grid, int64_t r, int64_t k) {
  for (int64_t plane = 0; plane < grid.planes; ++plane) {
    const int64_t first = (grid.band_begin(plane, r) + kChunkValues - 1) / kChunkValues;
    const int64_t past = (grid.band_end(plane, r) + kChunkValues - 1) / kChunkValues;
    if (k < past - first) {
      return first + k;
    }
    k -= past - first;
  }
  return -1;
}

/** The rows from `first` on; cut.blocks blocks for each row of the grid. */
template <class T>
__global__ void __launch_bounds__(PatchWindow::kThreads, 5)
    anchor_patch_window(SliceAnchorArgs args, AnchorWorkspace workspace, int64_t first,
                        PatchBlocks cut, int alignment, bool bulk, bool list) {
  MEDPRUNER_DYNAMIC_SHARED(bytes);
  __shared__ Verdicts<PatchWindow> by;
  const int64_t r = blockIdx.x / cut.blocks;
  const int64_t k = blockIdx.x % cut.blocks;
  WindowRows<T> rows = window_rows<T, PatchWindow>(args, first);
  const int64_t chunk = std::is_integral_v<T> || k < cut.patch_blocks
                            ? -1
                            : chunk_of_band(args.grid, r, k - cut.patch_blocks);
  if (chunk < 0) {
    await_former_launch();
    admit_next_launch();
    const int64_t anchor = __ldcg(&workspace.state->anchor);
    rows.anchor = static_cast<const T*>(args.slices) + anchor * args.row_stride;
    load_starts(args, workspace, first, anchor, &by);
    if (k < cut.patch_blocks) {
      sum_patches(args, workspace, rows, r, k * cut.patches, cut.patches,
                  *reinterpret_cast<PatchMemory<T>*>(bytes));
    }
  } else if constexpr (!std::is_integral_v<T>) {
    sum_chunk(args, workspace, rows, first, chunk, alignment, bulk, &by,
              *reinterpret_cast<Ring<T, PatchWindow>*>(bytes));
  }
  finish_window<T>(args, workspace, first, chunk, list, &by,
                   reinterpret_cast<ChunkTotals<PatchWindow>*>(bytes));
}

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Windows of i16 without patches: a thread sums all pairs of what it has loaded, a block what lies together. As in
// slice_anchor.cuh they took a tenth longer (tuning run on an H200).

#include "cuda/slice_anchor/slice_anchor.cuh"

namespace medpruner::cuda {

using ShortWindow = Window<8, 128>;

struct ShortPairs {
  static constexpr int kRows = ShortWindow::kRows;
  static constexpr int kPairs = ShortWindow::kPairs;
  static constexpr int kThreads = ShortWindow::kThreads;
  static constexpr int kPerUnit = kUnitBytes / static_cast<int>(sizeof(int16_t));
  // 32 values a thread: 32 * 65535 * 128 threads fit 32 bits.
  static constexpr int64_t kBlockValues = int64_t{kThreads} * 4 * kPerUnit;

  uint32_t sums[kPairs] = {};

  /** Two values of each row; the second may be 0 in all rows. */
  __device__ void add(const uint32_t* word) {
    int low[kRows];
    int high[kRows];
#pragma unroll
    for (int w = 0; w < kRows; ++w) {
      low[w] = static_cast<int16_t>(word[w] & 0xffffu);
      high[w] = static_cast<int>(word[w]) >> 16;
    }
#pragma unroll
    for (int w = 1; w < kRows; ++w) {
#pragma unroll
      for (int v = 0; v < w; ++v) {
        // Differences of 17 bits: the sum of absolute differences takes 32-bit values.
        sums[pair(v, w)] = __sad(low[w], low[v], sums[pair(v, w)]);
        sums[pair(v, w)] = __sad(high[w], high[v], sums[pair(v, w)]);
      }
    }
  }

  /** Values [begin, end) of the rows, at most kBlockValues. */
  __device__ void add_block(const int16_t* const* rows, int64_t begin, int64_t end, int alignment) {
    int64_t rest = begin;
    if (alignment == kUnitBytes) {
      rest += (end - begin) / kPerUnit * kPerUnit;
      for (int64_t at = begin + static_cast<int64_t>(threadIdx.x) * kPerUnit; at < rest;
           at += int64_t{kThreads} * kPerUnit) {
        Words words[kRows];
#pragma unroll
        for (int w = 0; w < kRows; ++w) {
          words[w] = *reinterpret_cast<const Words*>(rows[w] + at);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          uint32_t word[kRows];
#pragma unroll
          for (int w = 0; w < kRows; ++w) {
            word[w] = words[w].word[i];
          }
          add(word);
        }
      }
    }
    for (int64_t at = rest + threadIdx.x; at < end; at += kThreads) {
      uint32_t word[kRows];
#pragma unroll
      for (int w = 0; w < kRows; ++w) {
        word[w] = static_cast<uint16_t>(rows[w][at]);
      }
      add(word);
    }
  }
};

/** As anchor_window(), a block per ShortPairs::kBlockValues. */
__global__ void __launch_bounds__(ShortWindow::kThreads)
    anchor_short_window(SliceAnchorArgs args, AnchorWorkspace workspace, int64_t first,
                        int alignment, bool list) {
  __shared__ uint32_t parts[ShortWindow::kThreads / 32][ShortWindow::kPairs];
  __shared__ Verdicts<ShortWindow> by;
  const int thread = static_cast<int>(threadIdx.x);
  const WindowRows<int16_t> window = window_rows<int16_t, ShortWindow>(args, first);
  const int16_t* rows[ShortWindow::kRows];
#pragma unroll
  for (int w = 1; w < ShortWindow::kRows; ++w) {
    rows[w] = window.row(w);
  }
  await_former_launch();
  admit_next_launch();
  const int64_t anchor = __ldcg(&workspace.state->anchor);
  rows[0] = static_cast<const int16_t*>(args.slices) + anchor * args.row_stride;
  load_starts(args, workspace, first, anchor, &by);

  const int64_t begin = static_cast<int64_t>(blockIdx.x) * ShortPairs::kBlockValues;
  const int64_t end =
      args.cols - begin < ShortPairs::kBlockValues ? args.cols : begin + ShortPairs::kBlockValues;
  ShortPairs pairs;
  pairs.add_block(rows, begin, end, alignment);
#pragma unroll
  for (int p = 0; p < ShortWindow::kPairs; ++p) {
    const uint32_t sum = WarpReductions::add(pairs.sums[p]);
    if (thread % 32 == 0) {
      parts[thread / 32][p] = sum;
    }
  }
  __syncthreads();
  if (thread < ShortWindow::kPairs) {
    uint32_t sum = 0;
    for (int i = 0; i < ShortWindow::kThreads / 32; ++i) {
      sum += parts[i][thread];
    }
    atomicAdd(&workspace.state->exact[blockIdx.x % kExactCopies][thread],
              static_cast<unsigned long long>(sum));
  }
  finish_window<int16_t, ShortWindow>(args, workspace, first, -1, list, &by, nullptr);
}

}  // namespace medpruner::cuda

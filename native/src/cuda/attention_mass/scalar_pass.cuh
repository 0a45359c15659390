/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The passes of K2 by fused multiply-adds, for f32, and for 16-bit types on GPUs without the tensor-core
// instructions that tensor_pass.cuh needs. 64 x 64 tiles of logits.

#include <float.h>

#include "cuda/attention_mass/attention_mass.cuh"

namespace medpruner::cuda {

constexpr int kTile = 64;       // rows and columns of logits per block and step
constexpr int kDepth = 16;      // components in shared memory at a time
constexpr int kMassThreads = 256;
constexpr int kPerThread = 4;   // a thread holds 4 x 4 logits
constexpr int kPadded = kTile + 4;  // float4 reads stay aligned, columns spread over banks
// From here on f32 has no room for a row's top logit and the logarithm of its sum in one number.
constexpr float kCoarse = 16777216.0f;

template <class T>
struct MassOperand {
  const T* data;  // head 0, first row of the segment
  int64_t row_stride, head_stride;
};

/** Components [depth, depth + kDepth) of rows [first, first + kTile), transposed; zero outside. */
template <class T>
__device__ void load_tile(const MassOperand<T>& operand, int64_t head, int64_t first,
                          int64_t length, int64_t depth, int64_t dim, float (*tile)[kPadded]) {
  for (int e = static_cast<int>(threadIdx.x); e < kTile * kDepth; e += kMassThreads) {
    const int r = e / kDepth;
    const int c = e % kDepth;
    const bool inside = first + r < length && depth + c < dim;
    tile[c][r] = inside ? to_float(operand.data[(first + r) * operand.row_stride +
                                                head * operand.head_stride + depth + c])
                        : 0.0f;
  }
}

/** sums[i][j] of this thread: stationary rows ty * 4 + i, streamed rows tx * 4 + j. */
template <class T>
__device__ void logit_block(const MassOperand<T>& rows, const MassOperand<T>& stream, int64_t head,
                            int64_t row, int64_t at, int64_t length, int64_t dim,
                            float (*row_tile)[kPadded], float (*stream_tile)[kPadded],
                            float (&sums)[kPerThread][kPerThread]) {
  const int tx = static_cast<int>(threadIdx.x) % 16 * kPerThread;
  const int ty = static_cast<int>(threadIdx.x) / 16 * kPerThread;
  for (int i = 0; i < kPerThread; ++i) {
    for (int j = 0; j < kPerThread; ++j) {
      sums[i][j] = 0;
    }
  }
  for (int64_t depth = 0; depth < dim; depth += kDepth) {
    __syncthreads();  // the tiles of the step before have been read
    load_tile(rows, head, row, length, depth, dim, row_tile);
    load_tile(stream, head, at, length, depth, dim, stream_tile);
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kDepth; ++c) {
      float a[kPerThread];
      float b[kPerThread];
#pragma unroll
      for (int i = 0; i < kPerThread; ++i) {
        a[i] = row_tile[c][ty + i];
        b[i] = stream_tile[c][tx + i];
      }
#pragma unroll
      for (int i = 0; i < kPerThread; ++i) {
#pragma unroll
        for (int j = 0; j < kPerThread; ++j) {
          sums[i][j] = fmaf(a[i], b[j], sums[i][j]);
        }
      }
    }
  }
}

/** Grid over items, strided. kColumns: rows are K and the result is the column mass. */
template <class T, bool kColumns>
__global__ void mass_scalar_pass(AttentionMassArgs args, MassWorkspace workspace, float factor) {
  __shared__ __align__(16) float row_tile[kDepth][kPadded];
  __shared__ __align__(16) float stream_tile[kDepth][kPadded];
  const int tx = static_cast<int>(threadIdx.x) % 16 * kPerThread;
  const int ty = static_cast<int>(threadIdx.x) / 16 * kPerThread;
  const unsigned items = mass_items(args, workspace.tiles);
  for (unsigned item = blockIdx.x; item < items; item += gridDim.x) {
    const MassItem rows(args, workspace.tiles, item, kTile, 0);
    const int64_t begin = rows.begin;
    const int64_t length = rows.length;
    const int64_t row = rows.first;
    const int64_t head = rows.head;
    const MassOperand<T> query = {
        static_cast<const T*>(args.query) + begin * args.query_row_stride, args.query_row_stride,
        args.query_head_stride};
    const MassOperand<T> key = {static_cast<const T*>(args.key) + begin * args.key_row_stride,
                                args.key_row_stride, args.key_head_stride};
    float* lse = workspace.lse + head * args.rows + begin;
    float* tails = workspace.tails + head * args.rows + begin;
    float top[kPerThread];
    Compensated sum[kPerThread];
    bool broken = false;
    for (int i = 0; i < kPerThread; ++i) {
      top[i] = -FLT_MAX;
      sum[i] = {0, 0};
    }
    for (int64_t at = 0; at < length; at += kTile) {
      float logits[kPerThread][kPerThread];
      logit_block(kColumns ? key : query, kColumns ? query : key, head, row, at, length, args.dim,
                  row_tile, stream_tile, logits);
#pragma unroll
      for (int j = 0; j < kPerThread; ++j) {
        if (at + tx + j >= length) {
          continue;
        }
        const float shift = kColumns ? lse[at + tx + j] : 0.0f;
        // With the caller's log-sum-exp there is no pass 1 to leave one.
        const float tail =
            kColumns && args.lse == nullptr && fabsf(shift) >= kCoarse ? tails[at + tx + j] : 0.0f;
#pragma unroll
        for (int i = 0; i < kPerThread; ++i) {
          const float logit = logits[i][j] * factor;
          if (kColumns) {
            broken = broken || (row + ty + i < length && non_finite(logit));
            sum[i].add(exp2f(logit - shift - tail));
          } else {
            if (logit > top[i]) {
              sum[i].scale(exp2f(top[i] - logit));
              top[i] = logit;
            }
            sum[i].add(exp2f(logit - top[i]));
          }
        }
      }
    }
    // The 16 threads that share rows are half a warp; both ends of an exchange add the same pair.
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) {
      float total = sum[i].sum;
      for (int distance = 8; distance > 0; distance /= 2) {
        const float other = __shfl_xor_sync(kAllLanes, total, distance);
        if (kColumns) {
          total += other;
        } else {
          const float other_top = __shfl_xor_sync(kAllLanes, top[i], distance);
          const float common = other_top > top[i] ? other_top : top[i];
          total = total * exp2f(top[i] - common) + other * exp2f(other_top - common);
          top[i] = common;
        }
      }
      if (tx == 0 && row + ty + i < length) {
        if (kColumns) {
          workspace.head_mass[head * args.rows + begin + row + ty + i] = total;
        } else {
          const float tail = log2f(total);
          const bool coarse = fabsf(top[i]) >= kCoarse;
          lse[row + ty + i] = coarse ? top[i] : top[i] + tail;
          tails[row + ty + i] = coarse ? tail : 0.0f;
        }
      }
    }
    if (broken) {
      atomicOr(&args.flags[rows.segment], static_cast<uint32_t>(MEDPRUNER_SEGMENT_NON_FINITE));
    }
  }
}

}  // namespace medpruner::cuda

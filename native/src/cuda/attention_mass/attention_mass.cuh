/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K2: one kernel in two roles, row-stationary in both, so that every accumulator lives in registers and
// no float atomic is needed. Rows of Q against K give the log-sum-exp of each row; rows of K against Q
// give the column sums. Logits in f32 by fused multiply-adds over 64 x 64 tiles; running sums are
// compensated (Kahan), because a plain f32 chain over thousands of queries would use up the 1e-5 that
// the header promises. All in base 2.

#include <math.h>
#include <stdint.h>

#include "common/op_args.hpp"
#include "common/pooling.hpp"
#include "cuda/common/block.cuh"
#include "medpruner/ops.h"

namespace medpruner::cuda {

constexpr int kTile = 64;       // rows and columns of logits per block and step
constexpr int kDepth = 16;      // components in shared memory at a time
constexpr int kMassThreads = 256;
constexpr int kPerThread = 4;   // a thread holds 4 x 4 logits
constexpr int kPadded = kTile + 4;  // float4 reads stay aligned, columns spread over banks
constexpr double kLog2E = 1.4426950408889634;

struct MassWorkspace {
  int64_t* tiles;     // [segments + 1]: first row tile of each segment
  float* lse;         // [heads][rows], base 2
  float* head_mass;   // [heads][rows]
};

/** One block: which segments are good, and where their tiles begin. */
__global__ void mass_segments(AttentionMassArgs args, MassWorkspace workspace) {
  __shared__ int64_t tile[1024];
  const int thread = static_cast<int>(threadIdx.x);
  const int width = static_cast<int>(blockDim.x);
  int64_t before = 0;
  for (int64_t base = 0; base < args.segments; base += width) {
    const int64_t g = base + thread;
    int64_t count = 0;
    if (g < args.segments) {
      int64_t begin = 0;
      int64_t end = 0;
      bool good = segment_of(args.offsets, g, args.rows, &begin, &end);
      const int64_t length = end - begin;
      good = good && (length == 0 || (length % args.pool == 0 && begin % args.pool == 0 &&
                                      (!args.grid || length == args.grid_h * args.grid_w)));
      args.flags[g] = good ? 0 : MEDPRUNER_SEGMENT_BAD_OFFSETS;
      count = good ? (length + kTile - 1) / kTile : 0;
    }
    tile[thread] = count;
    __syncthreads();
    for (int distance = 1; distance < width; distance *= 2) {
      const int64_t other = thread >= distance ? tile[thread - distance] : 0;
      __syncthreads();
      tile[thread] += other;
      __syncthreads();
    }
    const int64_t last = before + tile[thread];
    const int64_t total = tile[width - 1];
    __syncthreads();
    if (g < args.segments) {
      workspace.tiles[g] = last - count;
    }
    before += total;
  }
  if (thread == 0) {
    workspace.tiles[args.segments] = before;
  }
}

/** The caller's natural log-sum-exp in base 2. */
__global__ void mass_convert_lse(const float* natural, float* base2, int64_t count) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    base2[i] = static_cast<float>(static_cast<double>(natural[i]) * kLog2E);
  }
}

/** A running sum with the low-order part it could not hold. */
struct Compensated {
  float sum, lost;

  __device__ void add(float value) {
    const float corrected = value - lost;
    const float next = sum + corrected;
    lost = (next - sum) - corrected;
    sum = next;
  }
  __device__ void scale(float factor) {
    sum *= factor;
    lost *= factor;
  }
};

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

/** Segment whose tiles contain `tile`. */
__device__ inline int64_t segment_of_tile(const int64_t* tiles, int64_t segments, int64_t tile) {
  int64_t low = 0;
  int64_t high = segments;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (tiles[middle] <= tile) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Grid (row tiles, heads), both strided. kColumns: rows are K and the result is the column mass. */
template <class T, bool kColumns>
__global__ void mass_pass(AttentionMassArgs args, MassWorkspace workspace, float factor) {
  __shared__ __align__(16) float row_tile[kDepth][kPadded];
  __shared__ __align__(16) float stream_tile[kDepth][kPadded];
  const int tx = static_cast<int>(threadIdx.x) % 16 * kPerThread;
  const int ty = static_cast<int>(threadIdx.x) / 16 * kPerThread;
  const int64_t tiles = workspace.tiles[args.segments];
  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const int64_t g = segment_of_tile(workspace.tiles, args.segments, tile);
    const int64_t begin = args.offsets[g];
    const int64_t length = args.offsets[g + 1] - begin;
    const int64_t row = (tile - workspace.tiles[g]) * kTile;
    const MassOperand<T> query = {
        static_cast<const T*>(args.query) + begin * args.query_row_stride, args.query_row_stride,
        args.query_head_stride};
    const MassOperand<T> key = {static_cast<const T*>(args.key) + begin * args.key_row_stride,
                                args.key_row_stride, args.key_head_stride};
    for (int64_t head = blockIdx.y; head < args.heads; head += gridDim.y) {
      float* lse = workspace.lse + head * args.rows + begin;
      float top[kPerThread];
      Compensated sum[kPerThread];
      bool broken = false;
      for (int i = 0; i < kPerThread; ++i) {
        top[i] = -3e38f;
        sum[i] = {0, 0};
      }
      for (int64_t at = 0; at < length; at += kTile) {
        float logits[kPerThread][kPerThread];
        logit_block(kColumns ? key : query, kColumns ? query : key, head, row, at, length,
                    args.dim, row_tile, stream_tile, logits);
#pragma unroll
        for (int j = 0; j < kPerThread; ++j) {
          if (at + tx + j >= length) {
            continue;
          }
          const float shift = kColumns ? lse[at + tx + j] : 0.0f;
          broken = broken || (kColumns && non_finite(shift));
#pragma unroll
          for (int i = 0; i < kPerThread; ++i) {
            const float logit = logits[i][j] * factor;
            if (kColumns) {
              broken = broken || (row + ty + i < length && non_finite(logit));
              sum[i].add(exp2f(logit - shift));
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
            lse[row + ty + i] = top[i] + log2f(total);
          }
        }
      }
      if (broken) {
        atomicOr(&args.flags[g], static_cast<uint32_t>(MEDPRUNER_SEGMENT_NON_FINITE));
      }
    }
  }
}

/** One block per segment: mean over heads and patches; NaN throughout a broken segment. */
__global__ void mass_pool(AttentionMassArgs args, MassWorkspace workspace) {
  const int64_t g = blockIdx.x;
  if ((args.flags[g] & MEDPRUNER_SEGMENT_BAD_OFFSETS) != 0) {
    return;
  }
  const int64_t begin = args.offsets[g];
  const int64_t tokens = (args.offsets[g + 1] - begin) / args.pool;
  float* mass = args.mass + begin / args.pool;
  const double divisor = static_cast<double>(args.pool) * static_cast<double>(args.heads);
  bool broken = args.flags[g] != 0;
  for (int64_t j = threadIdx.x; j < tokens; j += blockDim.x) {
    double sum = 0;
    for (int64_t m = 0; m < args.pool; ++m) {
      const float* patch = workspace.head_mass + begin + pooled_patch(args, j, m);
      for (int64_t h = 0; h < args.heads; ++h) {
        sum += static_cast<double>(patch[h * args.rows]);
      }
    }
    const float mean = static_cast<float>(sum / divisor);
    broken = broken || non_finite(mean);
    mass[j] = mean;
  }
  if (__syncthreads_or(broken ? 1 : 0) == 0) {
    return;
  }
  for (int64_t j = threadIdx.x; j < tokens; j += blockDim.x) {
    mass[j] = bits_to_float(kNanF32);
  }
  if (threadIdx.x == 0) {
    args.flags[g] = MEDPRUNER_SEGMENT_NON_FINITE;
  }
}

/** Grid (segments, blocks per segment), a thread per token and component. */
template <class T>
__global__ void mass_pool_keys(AttentionMassArgs args) {
  const int64_t g = blockIdx.x;
  if ((args.flags[g] & MEDPRUNER_SEGMENT_BAD_OFFSETS) != 0) {
    return;
  }
  const int64_t begin = args.offsets[g];
  const int64_t count = (args.offsets[g + 1] - begin) / args.pool * args.dim;
  const T* keys = static_cast<const T*>(args.key) + begin * args.key_row_stride;
  float* pooled = args.pooled_keys + begin / args.pool * args.dim;
  const double divisor = static_cast<double>(args.pool) * static_cast<double>(args.heads);
  const int64_t step = static_cast<int64_t>(gridDim.y) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    const int64_t token = i / args.dim;
    const int64_t component = i % args.dim;
    double sum = 0;
    for (int64_t m = 0; m < args.pool; ++m) {
      const T* patch = keys + pooled_patch(args, token, m) * args.key_row_stride + component;
      for (int64_t h = 0; h < args.heads; ++h) {
        sum += static_cast<double>(to_float(patch[h * args.key_head_stride]));
      }
    }
    pooled[i] = static_cast<float>(sum / divisor);
  }
}

}  // namespace medpruner::cuda

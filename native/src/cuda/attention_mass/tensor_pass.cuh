/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The passes of K2 on tensor cores, for f16 and bf16 on sm_80 and later. A warp holds 32 stationary rows as
// fragments in registers, whatever the block; rows of the other operand stream through shared memory, 64 at
// a time, by asynchronous copies one or two tiles ahead. No score leaves its register.
//
// The order of every sum is that of the streamed rows alone: a lane adds the columns it holds of each tile
// in plain f32 (16 terms), tiles are added compensated, and four lanes meet at the end. So neither the block
// size nor the grid nor the width of the copies shows in the result.

#include "cuda/attention_mass/attention_mass.cuh"
#include "cuda/common/mma.cuh"

namespace medpruner::cuda {

constexpr int kStreamRows = 64;    // streamed rows per stage
constexpr int kWarpRows = 32;      // stationary rows per warp: as many as a block has threads in all
constexpr int kMaxBlockRows = 256;
constexpr int kMaxSteps = 16;      // of 16 components: head dimension 256
// A row's maximum may grow by this much, in powers of two, before its sum is rescaled: f32 has the range,
// and rescaling stays rare.
constexpr float kSlack = 32.0f;

/** kSteps: 16-component steps of the head dimension, when the kernel is compiled for them; 0 for any. */
template <int kSteps>
struct TensorShape {
  static constexpr int kHeld = kSteps == 0 ? kMaxSteps : kSteps;  // steps that registers have room for
  // Up to head dimension 80 two blocks of 256 threads fit a multiprocessor, 128 registers a thread; with
  // longer rows one, which hides its latencies behind more scores at a time instead.
  static constexpr int kBlocks = kHeld <= 5 ? 2 : 1;
  static constexpr int kChunk = kSteps == 6 || kSteps == 8 ? 32 : 16;  // columns of scores at a time
  static constexpr int kStages = kSteps == 0 ? 2 : 3;
};

/**
 * Bytes of a streamed row in shared memory: an odd number of 16-byte units, so that the 8 rows of a matrix
 * that ldmatrix reads lie in 8 different groups of banks.
 */
MEDPRUNER_HD constexpr int stage_row_bytes(int steps) { return (2 * steps + 1) * 16; }

/** The rows, then one f32 for each. */
MEDPRUNER_HD constexpr int stage_bytes(int steps) {
  return kStreamRows * (stage_row_bytes(steps) + static_cast<int>(sizeof(float)));
}

/** Bytes that every row of an operand is aligned to and so can be copied at a time: 16, 8, 4 or 2. */
struct CopyWidths {
  int query, key;
};

/** Components c and c + 1 of a row, zero from `dim` on. */
template <bool kAligned, class T>
__device__ inline uint32_t load_pair(const T* row, int c, int dim) {
  if (kAligned && c + 1 < dim) {
    return *reinterpret_cast<const uint32_t*>(row + c);
  }
  const uint32_t low = c < dim ? row[c].bits : 0;
  const uint32_t high = c + 1 < dim ? row[c + 1].bits : 0;
  return low | high << 16;
}

/** Starts copying `valid` rows to a stage, and zeros up to kStreamRows and beyond the dimension. */
template <int kWidth, class T>
__device__ inline void copy_rows(unsigned char* stage, const T* rows, int64_t row_stride, int valid,
                                 int dim, int steps) {
  // Four threads to a row: no division, and one multiplication of 64 bits per row.
  const int quarter = static_cast<int>(threadIdx.x) % 4 * kWidth;
#pragma unroll 1
  for (int r = static_cast<int>(threadIdx.x) / 4; r < kStreamRows;
       r += static_cast<int>(blockDim.x) / 4) {
    const char* from = reinterpret_cast<const char*>(rows + (r < valid ? r * row_stride : 0));
    const int row_bytes = r < valid ? dim * static_cast<int>(sizeof(T)) : 0;
    unsigned char* to = stage + r * stage_row_bytes(steps);
#pragma unroll 1  // 2.5 rounds of 16 bytes at dimension 80; unrolled for every width they cost spills
    for (int at = quarter; at < steps * 32; at += 4 * kWidth) {
      const int left = row_bytes - at;
      const char* unit = from + (left > 0 ? at : 0);
      if constexpr (kWidth == sizeof(T)) {  // below what asynchronous copies can do
        *reinterpret_cast<uint16_t*>(to + at) =
            left > 0 ? *reinterpret_cast<const uint16_t*>(unit) : uint16_t{0};
      } else {
        cp_async<kWidth>(to + at, unit, left < 0 ? 0 : (left < kWidth ? left : kWidth));
      }
    }
  }
}

/** The operand that streams, from the rows that are to be copied next on. */
template <class T>
struct Stream {
  const T* rows;
  const float* lse;  // of the rows; null in pass 1
  int64_t row_stride;
  int64_t left;      // rows, negative behind the end
  int dim, width;

  /** Starts copying the next kStreamRows rows, if there are any. */
  __device__ void copy(unsigned char* stage, int steps) {
    if (left > 0) {
      const int valid = left < kStreamRows ? static_cast<int>(left) : kStreamRows;
      switch (width) {
        case 16:
          copy_rows<16>(stage, rows, row_stride, valid, dim, steps);
          break;
        case 8:
          copy_rows<8>(stage, rows, row_stride, valid, dim, steps);
          break;
        case 4:
          copy_rows<4>(stage, rows, row_stride, valid, dim, steps);
          break;
        default:
          copy_rows<2>(stage, rows, row_stride, valid, dim, steps);
      }
      rows += kStreamRows * row_stride;
      if (lse != nullptr) {
        copy_lse(reinterpret_cast<float*>(stage + kStreamRows * stage_row_bytes(steps)), valid);
      }
    }
    left -= kStreamRows;
  }

 private:
  /** Infinite beyond the rows, where 2^(s - inf) adds nothing. */
  __device__ void copy_lse(float* to, int valid) {
    const int r = static_cast<int>(threadIdx.x);
    if (r < valid) {
      cp_async<4>(to + r, lse + r, 4);
    } else if (r < kStreamRows) {
      to[r] = INFINITY;
    }
    lse += kStreamRows;
  }
};

/** What a lane knows of its rows: lane / 4 + 8 * i from the first of its warp, i < 4. */
struct LaneRows {
  static constexpr int kCount = kWarpRows / 8;
  float top[kCount];   // pass 1: base-2 logit that the sum is relative to
  float part[kCount];  // of this tile
  Compensated sum[kCount];
  float extreme;       // pass 2: largest magnitude of a score

  __device__ void clear() {
    extreme = 0;
    for (int i = 0; i < kCount; ++i) {
      top[i] = -3e38f;
      part[i] = 0;
      sum[i] = {0, 0};
    }
  }
  /** Makes the sums relative to higher logits. */
  __device__ void raise(const float (&highest)[kCount], float factor) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const float logit = highest[i] * factor;
      if (logit > top[i] + kSlack) {
        const float down = exp2_approx(top[i] - logit);
        part[i] *= down;
        sum[i].scale(down);
        top[i] = logit;
      }
    }
  }
  __device__ void end_tile() {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      sum[i].add(part[i]);
      part[i] = 0;
    }
  }
};

/** Scores of a warp's rows with kChunk streamed rows: [16-row tile][8-column tile][as mma leaves them]. */
template <int kChunk>
struct Scores {
  static constexpr int kRowTiles = kWarpRows / 16;
  static constexpr int kColumnTiles = kChunk / 8;
  float value[kRowTiles][kColumnTiles][4];
};

/** Pass 2: adds 2^(score * factor - lse) to the rows. */
template <int kChunk>
__device__ inline void add_columns(const Scores<kChunk>& scores, const float* lse, float factor,
                                   LaneRows& rows) {
  const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
  for (int n = 0; n < kChunk / 8; ++n) {
    const float2 shift = *reinterpret_cast<const float2*>(lse + n * 8 + pair);
#pragma unroll
    for (int m = 0; m < Scores<kChunk>::kRowTiles; ++m) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float score = scores.value[m][n][i];
        rows.extreme = fmaxf(rows.extreme, fabsf(score));
        rows.part[m * 2 + i / 2] +=
            exp2_approx(fmaf(score, factor, -(i % 2 == 0 ? shift.x : shift.y)));
      }
    }
  }
}

/** Pass 1: adds 2^(score * factor - top), raising top where needed. `valid`: columns of the chunk. */
template <int kChunk>
__device__ inline void add_rows(Scores<kChunk>& scores, int valid, float factor,
                                LaneRows& rows) {
  constexpr int kColumnTiles = kChunk / 8;
  const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
  if (valid < kChunk) {
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
#pragma unroll
      for (int m = 0; m < Scores<kChunk>::kRowTiles; ++m) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          if (n * 8 + pair + i % 2 >= valid) {
            scores.value[m][n][i] = -INFINITY;
          }
        }
      }
    }
  }
  float highest[LaneRows::kCount];
  float excess = -INFINITY;
#pragma unroll
  for (int row = 0; row < LaneRows::kCount; ++row) {
    highest[row] = scores.value[row / 2][0][row % 2 * 2];
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
      highest[row] = fmaxf(highest[row], scores.value[row / 2][n][row % 2 * 2]);
      highest[row] = fmaxf(highest[row], scores.value[row / 2][n][row % 2 * 2 + 1]);
    }
    excess = fmaxf(excess, fmaf(highest[row], factor, -rows.top[row]));
  }
  if (excess > kSlack) {
    rows.raise(highest, factor);
  }
#pragma unroll
  for (int row = 0; row < LaneRows::kCount; ++row) {
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        rows.part[row] += exp2_approx(
            fmaf(scores.value[row / 2][n][row % 2 * 2 + i], factor, -rows.top[row]));
      }
    }
  }
}

/** kHeld steps of the warp's rows as mma wants them on its left. */
template <int kHeld>
struct RowFragments {
  uint32_t value[kWarpRows / 16][kHeld][4];

  /** Rows from `rows` on, zero from the valid-th on. */
  template <class T>
  __device__ void load(const T* rows, int64_t row_stride, int64_t valid, int dim, int width) {
    if (width >= 4) {
      load<true>(rows, row_stride, valid, dim);
    } else {
      load<false>(rows, row_stride, valid, dim);
    }
  }

 private:
  template <bool kAligned, class T>
  __device__ void load(const T* rows, int64_t row_stride, int64_t valid, int dim) {
    const int group = static_cast<int>(threadIdx.x) % 32 / 4;
    const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
    for (int m = 0; m < kWarpRows / 16; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int r = m * 16 + half * 8 + group;
        const T* row = rows + (r < valid ? r * row_stride : 0);
        const int end = r < valid ? dim : 0;
#pragma unroll
        for (int s = 0; s < kHeld; ++s) {
          value[m][s][half] = load_pair<kAligned>(row, s * 16 + pair, end);
          value[m][s][half + 2] = load_pair<kAligned>(row, s * 16 + pair + 8, end);
        }
      }
    }
  }
};

/** Scores of the held rows with the kChunk rows from `streamed` on in shared memory. */
template <class T, int kHeld, int kChunk>
__device__ inline void multiply(const RowFragments<kHeld>& held, const unsigned char* streamed,
                                int steps, Scores<kChunk>& scores) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row_bytes = stage_row_bytes(steps);
  // Matrices 0 and 1: both halves of the step for 8 rows; 2 and 3: for the 8 rows after them.
  const unsigned char* row = streamed + (lane / 16 * 8 + lane % 8) * row_bytes + lane / 8 % 2 * 16;
#pragma unroll
  for (int m = 0; m < kWarpRows / 16; ++m) {
#pragma unroll
    for (int n = 0; n < kChunk / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        scores.value[m][n][i] = 0;
      }
    }
  }
#pragma unroll
  for (int s = 0; s < kHeld; ++s) {
    if (s >= steps) {
      break;
    }
#pragma unroll
    for (int n = 0; n < kChunk / 8; n += 2) {
      uint32_t b[4];
      ldmatrix_x4(b, row + n * 8 * row_bytes + s * 32);
#pragma unroll
      for (int m = 0; m < kWarpRows / 16; ++m) {
        mma_m16n8k16(scores.value[m][n], held.value[m][s], b[0], b[1], T());
        mma_m16n8k16(scores.value[m][n + 1], held.value[m][s], b[2], b[3], T());
      }
    }
  }
}

/** What the four lanes that share rows found: log-sum-exps (pass 1) or column masses (pass 2). */
template <bool kColumns>
__device__ inline void write_rows(const LaneRows& rows, int64_t valid, float* out) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < LaneRows::kCount; ++i) {
    float total = rows.sum[i].sum;
    float top = rows.top[i];
    // Both ends of an exchange add the same pair.
#pragma unroll
    for (int distance = 1; distance < 4; distance *= 2) {
      const float other = __shfl_xor_sync(kAllLanes, total, distance);
      if (kColumns) {
        total += other;
      } else {
        const float other_top = __shfl_xor_sync(kAllLanes, top, distance);
        const float common = other_top > top ? other_top : top;
        total = total * exp2_approx(top - common) + other * exp2_approx(other_top - common);
        top = common;
      }
    }
    const int r = i * 8 + lane / 4;
    if (lane % 4 == 0 && r < valid) {
      out[r] = kColumns ? total : top + log2f(total);
    }
  }
}

/**
 * Grid over items, strided; as many threads as rows in a tile, a multiple of kStreamRows up to
 * kMaxBlockRows. kColumns: the stationary rows are K's and the result is the column mass; else Q's, and their
 * log-sum-exp.
 */
template <class T, int kSteps, bool kColumns>
__global__ void __launch_bounds__(kMaxBlockRows, TensorShape<kSteps>::kBlocks)
    mass_tensor_pass(AttentionMassArgs args, MassWorkspace workspace, CopyWidths widths,
                     float factor) {
  using Shape = TensorShape<kSteps>;
  constexpr int kAhead = (Shape::kStages - 1) * kStreamRows;
  MEDPRUNER_DYNAMIC_SHARED(shared);
  const int dim = static_cast<int>(args.dim);
  const int steps = kSteps != 0 ? kSteps : (dim + 15) / 16;
  const int warp_first = static_cast<int>(threadIdx.x) / 32 * kWarpRows;
  const unsigned items = mass_items(args, workspace.tiles);
  // Goes round through all of the block's items: what is copied first goes into stages that were read before
  // the last barrier of the item before.
  const int bytes = stage_bytes(steps);
  const int all = Shape::kStages * bytes;
  int stage = 0;
  for (unsigned item = blockIdx.x; item < items; item += gridDim.x) {
    RowFragments<Shape::kHeld> held;
    Stream<T> stream;
    bool active;
    {
      const MassItem at(args, workspace.tiles, item, static_cast<int>(blockDim.x), warp_first);
      const T* query = static_cast<const T*>(args.query) + at.begin * args.query_row_stride +
                       at.head * args.query_head_stride;
      const T* key = static_cast<const T*>(args.key) + at.begin * args.key_row_stride +
                     at.head * args.key_head_stride;
      stream = {kColumns ? query : key,
                kColumns ? workspace.lse + at.head * args.rows + at.begin : nullptr,
                kColumns ? args.query_row_stride : args.key_row_stride,
                at.length,
                dim,
                kColumns ? widths.query : widths.key};
#pragma unroll
      for (int s = 0; s < Shape::kStages - 1; ++s) {
        stream.copy(shared + (stage + s * bytes < all ? stage + s * bytes : stage + s * bytes - all), steps);
        cp_async_commit();
      }
      const int64_t row_stride = kColumns ? args.key_row_stride : args.query_row_stride;
      active = at.first < at.length;
      held.load((kColumns ? key : query) + (active ? at.first * row_stride : 0), row_stride,
                at.length - at.first, dim, kColumns ? widths.key : widths.query);
    }
    LaneRows rows;
    rows.clear();
    while (stream.left + kAhead > 0) {
      cp_async_wait<Shape::kStages - 2>();
      __syncthreads();  // the stage is complete, and the one before has been read
      const int64_t left = stream.left + kAhead;
      const int valid = left < kStreamRows ? static_cast<int>(left) : kStreamRows;
      stream.copy(shared + (stage == 0 ? all : stage) - bytes,
                  steps);
      cp_async_commit();
      const unsigned char* tile = shared + stage;
      const float* lse =
          reinterpret_cast<const float*>(tile + kStreamRows * stage_row_bytes(steps));
      if (active) {
#pragma unroll 1
        for (int c = 0; c < valid; c += Shape::kChunk) {
          Scores<Shape::kChunk> scores;
          multiply<T>(held, tile + c * stage_row_bytes(steps), steps, scores);
          if (kColumns) {
            add_columns(scores, lse + c, factor, rows);
          } else {
            add_rows(scores, valid - c, factor, rows);
          }
        }
        rows.end_tile();
      }
      stage = stage + bytes == all ? 0 : stage + bytes;
    }
    // Again, rather than in registers until here.
    const MassItem at(args, workspace.tiles, item, static_cast<int>(blockDim.x), warp_first);
    if (active) {
      write_rows<kColumns>(rows, at.length - at.first,
                           (kColumns ? workspace.head_mass : workspace.lse) +
                               at.head * args.rows + at.begin + at.first);
    }
    if (kColumns && non_finite(rows.extreme * factor)) {
      atomicOr(&args.flags[at.segment], static_cast<uint32_t>(MEDPRUNER_SEGMENT_NON_FINITE));
    }
  }
}

}  // namespace medpruner::cuda

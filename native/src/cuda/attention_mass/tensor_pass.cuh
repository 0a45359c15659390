/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The passes of K2 on tensor cores, for f16 and bf16 on sm_80 and later. A warp holds 32 stationary rows as
// fragments in registers, whatever the block; rows of the other operand stream through shared memory, 64 at
// a time, by asynchronous copies one or two tiles ahead. No score leaves its register.

#include "cuda/attention_mass/held_rows.cuh"

namespace medpruner::cuda {

constexpr int kWarpRows = 32;      // stationary rows per warp: as many as a block has threads in all
constexpr int kMaxBlockRows = 256;
constexpr int kMaxSteps = 16;      // of 16 components: head dimension 256

/** kSteps: 16-component steps of the head dimension, when the kernel is compiled for them; 0 for any. */
template <int kSteps>
struct TensorShape {
  static constexpr int kHeld = kSteps == 0 ? kMaxSteps : kSteps;  // steps that registers have room for
  // Up to head dimension 80 two blocks of 256 threads fit a multiprocessor, 128 registers a thread; with
  // longer rows one, which hides its latencies behind more scores at a time instead.
  static constexpr int kBlocks = kHeld <= 5 ? 2 : 1;
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

constexpr int kChunk = 16;  // columns of scores at a time
constexpr int kColumnTiles = kChunk / 8;
constexpr int kRowTiles = kWarpRows / 16;
using TensorRows = LaneRows<kWarpRows / 8>;

/** Scores of a warp's rows with kChunk streamed rows, as mma leaves them, and in pass 2 their columns' lse. */
struct Scores {
  float value[kRowTiles][kColumnTiles][4];
  float2 lse[kColumnTiles];

  /** Of no columns: their exponentials are 0. */
  __device__ void clear(bool columns) {
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
      lse[n] = make_float2(INFINITY, INFINITY);
#pragma unroll
      for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          value[m][n][i] = columns ? 0.0f : -INFINITY;
        }
      }
    }
  }
};

/**
 * Adds the exponentials of one of the tiles to the rows; `tile` goes column tile by column tile. Pass 2:
 * 2^(score * factor - lse), pass 1: 2^(score * factor - top).
 */
template <bool kColumns, bool kCareful>
__device__ inline void add_tile(const Scores& scores, int tile, float factor, TensorRows& rows) {
  const int n = tile / kRowTiles;
  const int m = tile % kRowTiles;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float score = scores.value[m][n][i];
    const int row = m * 2 + i / 2;
    if (kColumns && kCareful) {
      rows.extreme = fmaxf(rows.extreme, fabsf(score));
    }
    const float shift = !kColumns ? rows.top[row] : (i % 2 == 0 ? scores.lse[n].x : scores.lse[n].y);
    rows.part[row] += exp2_approx(fmaf(score, factor, -shift));
  }
}

/** Pass 1: columns from the valid-th on count for nothing. */
__device__ inline void mask_columns(Scores& scores, int valid) {
  const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
  for (int n = 0; n < kColumnTiles; ++n) {
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (n * 8 + pair + i % 2 >= valid) {
          scores.value[m][n][i] = -INFINITY;
        }
      }
    }
  }
}

/** Pass 1: raises the rows' tops where these scores need it. */
__device__ inline void raise_tops(const Scores& scores, float factor, TensorRows& rows) {
  rows.raise<2 * kColumnTiles>(factor, [&](int row, int n) {
    return scores.value[row / 2][n / 2][row % 2 * 2 + n % 2];
  });
}

/**
 * Scores of the held rows with the kChunk rows from `streamed` on in shared memory. After each step
 * `meanwhile` is called with its number: work for the other pipes while the tensor cores multiply.
 */
template <class T, int kHeld, class Meanwhile>
__device__ inline void multiply(const RowFragments<kRowTiles, kHeld>& held, const unsigned char* streamed,
                                int steps, Scores& scores, Meanwhile meanwhile) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row_bytes = stage_row_bytes(steps);
  // Matrices 0 and 1: both halves of the step for 8 rows; 2 and 3: for the 8 rows after them.
  const unsigned char* row = streamed + (lane / 16 * 8 + lane % 8) * row_bytes + lane / 8 % 2 * 16;
#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        scores.value[m][n][i] = 0;
      }
    }
  }
#pragma unroll
  for (int s = 0; s < kHeld; ++s) {
    if (s < steps) {
#pragma unroll
      for (int n = 0; n < kColumnTiles; n += 2) {
        uint32_t b[4];
        ldmatrix_x4(b, row + n * 8 * row_bytes + s * 32);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
          mma_m16n8k16(scores.value[m][n], held.value[m][s], b[0], b[1], T());
          mma_m16n8k16(scores.value[m][n + 1], held.value[m][s], b[2], b[3], T());
        }
      }
    }
    meanwhile(s);
  }
}

/**
 * Adds up what all of the streamed rows give to the held ones. All threads of the block.
 *
 * Pass 1 takes each row's top from its first chunk and from then on trusts that no score exceeds it by 2^127,
 * which shows in the sum if it is wrong; careful, it looks for the maximum of every chunk. Pass 2, careful, looks for scores
 * that are not finite. Each costs one operation a score in loops that have four: tuned on an H200.
 */
template <class T, int kSteps, bool kColumns, bool kCareful>
__device__ inline void stream_rows(const RowFragments<kRowTiles, TensorShape<kSteps>::kHeld>& held,
                                   Stream<T> stream, Stages& stages, int steps, float factor,
                                   bool active, TensorRows& rows) {
  using Shape = TensorShape<kSteps>;
  constexpr int kAhead = (Shape::kStages - 1) * kStreamRows;
#pragma unroll
  for (int s = 0; s < Shape::kStages - 1; ++s) {
    stream.copy(stages.ahead(s), steps);
    cp_async_commit();
  }
  rows.clear();
  // The exponentials of a chunk are taken while the tensor cores multiply the next: `done` waits for them.
  Scores done;
  done.clear(kColumns);
  bool first = true;
  while (stream.left + kAhead > 0) {
    cp_async_wait<Shape::kStages - 2>();
    __syncthreads();  // the stage is complete, and the one before has been read
    const int64_t left = stream.left + kAhead;
    const int valid = left < kStreamRows ? static_cast<int>(left) : kStreamRows;
    stream.copy(stages.ahead(Shape::kStages - 1), steps);
    cp_async_commit();
    if (active) {
      const unsigned char* tile = stages.shared + stages.stage;
      const float* lse = reinterpret_cast<const float*>(tile + kStreamRows * stage_row_bytes(steps)) +
                         static_cast<int>(threadIdx.x) % 4 * 2;
      // All of the stage: what lies beyond `valid` has no exponential.
#pragma unroll
      for (int c = 0; c < kStreamRows; c += kChunk) {
        if (!kColumns && (kCareful || (c == kChunk && first))) {
          raise_tops(done, factor, rows);
        }
        Scores scores;
        multiply<T>(held, tile + c * stage_row_bytes(steps), steps, scores, [&](int step) {
          if (step < kRowTiles * kColumnTiles) {
            add_tile<kColumns, kCareful>(done, step, factor, rows);
          }
        });
        if (kColumns) {
#pragma unroll
          for (int n = 0; n < kColumnTiles; ++n) {
            scores.lse[n] = *reinterpret_cast<const float2*>(lse + c + n * 8);
          }
        } else if (valid < kStreamRows) {
          mask_columns(scores, valid - c);
        }
        if (c == 0) {
          if (!kColumns && !kCareful) {
            rows.lower();
          }
          rows.end_tile();
        }
        done = scores;
      }
      first = false;
    }
    stages.advance();
  }
  if (active) {
    if (!kColumns && kCareful) {
      raise_tops(done, factor, rows);
    }
#pragma unroll
    for (int t = 0; t < kRowTiles * kColumnTiles; ++t) {
      add_tile<kColumns, kCareful>(done, t, factor, rows);
    }
    rows.end_tile();
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
  MEDPRUNER_DYNAMIC_SHARED(shared);
  const int dim = static_cast<int>(args.dim);
  const int steps = kSteps != 0 ? kSteps : (dim + 15) / 16;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_first = static_cast<int>(threadIdx.x) / 32 * kWarpRows;
  const unsigned items = mass_items(args, workspace.tiles);
  // Goes round through all of the block's items: what is copied first goes into stages that were read before
  // the last barrier of the item before.
  Stages stages = {shared, stage_bytes(steps), Shape::kStages * stage_bytes(steps)};
  for (unsigned item = blockIdx.x; item < items; item += gridDim.x) {
    RowFragments<kRowTiles, Shape::kHeld> held;
    Stream<T> stream;
    bool active;
    bool careful = false;
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
      active = at.first < at.length;
      const int64_t rest = at.length - at.first;
      const T* const own_query = query + (active ? at.first * args.query_row_stride : 0);
      const T* const own_key = key + (active ? at.first * args.key_row_stride : 0);
      ScorePeaks* const peaks = &workspace.peaks[at.segment * args.heads + at.head];
      if (kColumns) {
        held.load(own_key, args.key_row_stride, rest, dim, widths.key);
        careful = needs_care<T>(*peaks, dim, factor);
      } else {
        held.load(own_key, args.key_row_stride, rest, dim, widths.key);
        const uint32_t key_peak = held.peak();
        held.load(own_query, args.query_row_stride, rest, dim, widths.query);
        const uint32_t query_peak = held.peak();
        if (lane == 0) {
          atomicMax(&peaks->key, key_peak);
          atomicMax(&peaks->query, query_peak);
        }
      }
    }
    TensorRows rows;
    if (careful) {
      stream_rows<T, kSteps, kColumns, kColumns>(held, stream, stages, steps, factor, active, rows);
    } else {
      stream_rows<T, kSteps, kColumns, false>(held, stream, stages, steps, factor, active, rows);
    }
    // Again, rather than in registers until here.
    const MassItem at(args, workspace.tiles, item, static_cast<int>(blockDim.x), warp_first);
    float* const out = (kColumns ? workspace.head_mass : workspace.lse) + at.head * args.rows +
                       at.begin + at.first;
    unsigned broken = 0;  // bit i: row i
    if (active) {
#pragma unroll
      for (int i = 0; i < TensorRows::kCount; ++i) {
        const float result = row_result<kColumns>(rows, i);
        broken |= non_finite(result) ? 1u << i : 0u;
        if (lane % 4 == 0 && i * 8 + lane / 4 < at.length - at.first) {
          out[i * 8 + lane / 4] = result;
        }
      }
    }
    if (kColumns) {
      if (non_finite(rows.extreme * factor)) {
        atomicOr(&args.flags[at.segment], static_cast<uint32_t>(MEDPRUNER_SEGMENT_NON_FINITE));
      }
    } else if (__syncthreads_or(static_cast<int>(broken)) != 0) {
      // Only the rows whose own sums broke, so that no row depends on its block.
      stream_rows<T, kSteps, kColumns, true>(held, stream, stages, steps, factor, active, rows);
      if (active) {
#pragma unroll
        for (int i = 0; i < TensorRows::kCount; ++i) {
          const float result = row_result<kColumns>(rows, i);
          if ((broken >> i & 1u) != 0 && lane % 4 == 0 && i * 8 + lane / 4 < at.length - at.first) {
            out[i * 8 + lane / 4] = result;
          }
        }
      }
    }
  }
}

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
// K2 on the CPU: per head two passes of the same shape, 64 stationary rows in vector lanes against
// streamed tiles of 32. Pass 1: rows of Q, giving maximum and sum of exponentials; pass 2: rows of K
// against Q, giving the column sums. Tile totals are added in f64: an f32 chain over 4096 queries would
// be off by some 1e-6, as much as the tolerance of the goldens.

#include <math.h>
#include <string.h>

#include "common/pooling.hpp"
#include "common/status.hpp"
#include "cpu/backend.hpp"
#include "cpu/isa.hpp"
#include "medpruner/ops.h"

namespace medpruner::cpu {
namespace {

constexpr int kLanes = 64;
constexpr int kStream = 32;
constexpr int64_t kMaxDim = 256;
constexpr double kLog2E = 1.4426950408889634;

namespace base {
#define MEDPRUNER_TILE_ROWS 1
#include "cpu/attention_mass/tiles.inl"
#undef MEDPRUNER_TILE_ROWS
}  // namespace base

#if defined(__x86_64__)
namespace avx2 {
#pragma GCC push_options
#pragma GCC target("avx2")
#define MEDPRUNER_TILE_ROWS 2
#include "cpu/attention_mass/tiles.inl"
#undef MEDPRUNER_TILE_ROWS
#pragma GCC pop_options
}  // namespace avx2
#else
namespace avx2 = base;
#endif

struct Areas {
  float* lanes;     // [dim][kLanes]
  float* stream;    // [kStream][dim], for types that need converting
  float* maxima;    // [T] of a head, base-2 logits
  float* inverses;  // [T]: 1 / sum of exponentials
  double* columns;  // [T rounded up to kLanes], summed over the heads
  size_t size;
  bool overflow;

  Areas(const AttentionMassArgs& args, void* base) {
    WorkspaceLayout layout(base);
    lanes = layout.take<float>(args.dim * kLanes);
    stream = layout.take<float>(args.dim * kStream);
    maxima = layout.take<float>(args.rows);
    inverses = layout.take<float>(args.rows);
    columns = layout.take<double>(args.rows > INT64_MAX - kLanes ? args.rows : args.rows + kLanes);
    size = layout.size();
    overflow = layout.overflow();
  }
};

template <class T>
struct Operand {
  const T* data;  // first row of the segment, head 0
  int64_t row_stride, head_stride;

  const T* row(int64_t i, int64_t head) const { return data + i * row_stride + head * head_stride; }
};

template <class T>
class Runner {
 public:
  explicit Runner(const AttentionMassArgs& args)
      : args_(args),
        areas_(args, args.workspace),
        factor_(static_cast<float>(args.scale * kLog2E)),
        fast_(active_isa() >= Isa::kAvx2Fma) {}

  void run() {
    for (int64_t g = 0; g < args_.segments; ++g) {
      segment(g);
    }
  }

 private:
  void segment(int64_t g) {
    first_ = args_.offsets[g];
    length_ = args_.offsets[g + 1] - first_;
    args_.flags[g] = 0;
    if (length_ == 0) {
      return;
    }
    query_ = {static_cast<const T*>(args_.query) + first_ * args_.query_row_stride,
              args_.query_row_stride, args_.query_head_stride};
    key_ = {static_cast<const T*>(args_.key) + first_ * args_.key_row_stride, args_.key_row_stride,
            args_.key_head_stride};
    float query_bound = 0;
    float key_bound = 0;
    bad_ = !largest(query_, &query_bound) || !largest(key_, &key_bound) || !lse_finite();
    // Logits this bound allows cannot overflow; only others are looked at one by one.
    watch_ = static_cast<double>(query_bound) * static_cast<double>(key_bound) *
                 static_cast<double>(args_.dim) * (factor_ > 1 ? static_cast<double>(factor_) : 1) >=
             1e38;
    memset(areas_.columns, 0, static_cast<size_t>(length_ + kLanes) * sizeof(double));
    for (int64_t h = 0; h < args_.heads && !bad_; ++h) {
      row_statistics(h);
      column_sums(h);
    }
    pool(g);
    if (args_.pooled_keys != nullptr) {
      pool_keys();
    }
  }

  bool largest(const Operand<T>& operand, float* bound) const {
    float top = 0;
    bool finite = true;
    for (int64_t i = 0; i < length_; ++i) {
      for (int64_t h = 0; h < args_.heads; ++h) {
        const T* row = operand.row(i, h);
        for (int64_t c = 0; c < args_.dim; ++c) {
          const float value = fabsf(to_float(row[c]));
          finite &= !non_finite(value);
          top = value > top ? value : top;
        }
      }
    }
    *bound = top;
    return finite;
  }

  bool lse_finite() const {
    bool finite = true;
    for (int64_t h = 0; args_.lse != nullptr && h < args_.heads; ++h) {
      for (int64_t i = 0; i < length_; ++i) {
        finite &= !non_finite(args_.lse[h * args_.rows + first_ + i]);
      }
    }
    return finite;
  }

  /** Transposes up to kLanes rows into areas_.lanes, zero where there are none. */
  void pack_lanes(const Operand<T>& operand, int64_t head, int64_t begin, int count) {
    for (int l = 0; l < kLanes; ++l) {
      const T* row = operand.row(begin + (l < count ? l : 0), head);
      for (int64_t c = 0; c < args_.dim; ++c) {
        areas_.lanes[c * kLanes + l] = l < count ? to_float(row[c]) : 0.0f;
      }
    }
  }

  /** Logits of streamed rows [begin, begin + count) against the packed lanes. */
  void logits(const Operand<T>& operand, int64_t head, int64_t begin, int count, float* tile) {
    const float* rows = areas_.stream;
    int64_t stride = args_.dim;
    if constexpr (sizeof(T) == sizeof(float)) {
      rows = reinterpret_cast<const float*>(operand.row(begin, head));
      stride = operand.row_stride;
    } else {
      for (int b = 0; b < count; ++b) {
        const T* row = operand.row(begin + b, head);
        for (int64_t c = 0; c < args_.dim; ++c) {
          areas_.stream[b * args_.dim + c] = to_float(row[c]);
        }
      }
    }
    (fast_ ? avx2::logit_tile : base::logit_tile)(areas_.lanes, rows, stride, count, args_.dim,
                                                  factor_, tile);
    if (watch_) {
      for (int i = 0; i < count * kLanes; ++i) {
        bad_ |= non_finite(tile[i]);
      }
    }
  }

  template <class Fold>
  void stream_tiles(const Operand<T>& lanes, const Operand<T>& stream, int64_t head, int64_t begin,
                    int count, const Fold& fold) {
    alignas(32) float tile[kStream * kLanes];
    pack_lanes(lanes, head, begin, count);
    for (int64_t at = 0; at < length_; at += kStream) {
      const int rows = static_cast<int>(length_ - at < kStream ? length_ - at : kStream);
      logits(stream, head, at, rows, tile);
      fold(tile, at, rows);
    }
  }

  void row_statistics(int64_t head) {
    if (args_.lse != nullptr) {
      for (int64_t i = 0; i < length_; ++i) {
        const double natural = static_cast<double>(args_.lse[head * args_.rows + first_ + i]);
        areas_.maxima[i] = static_cast<float>(natural * kLog2E);
        areas_.inverses[i] = 1;
      }
      return;
    }
    for (int64_t begin = 0; begin < length_; begin += kLanes) {
      const int count = static_cast<int>(length_ - begin < kLanes ? length_ - begin : kLanes);
      alignas(32) float maxima[kLanes];
      double sums[kLanes] = {};
      for (float& value : maxima) {
        value = -3e38f;
      }
      stream_tiles(query_, key_, head, begin, count, [&](const float* tile, int64_t, int rows) {
        (fast_ ? avx2::fold_rows : base::fold_rows)(tile, rows, maxima, sums);
      });
      for (int l = 0; l < count; ++l) {
        areas_.maxima[begin + l] = maxima[l];
        areas_.inverses[begin + l] = static_cast<float>(1.0 / sums[l]);
      }
    }
  }

  void column_sums(int64_t head) {
    for (int64_t begin = 0; begin < length_; begin += kLanes) {
      const int count = static_cast<int>(length_ - begin < kLanes ? length_ - begin : kLanes);
      double* columns = areas_.columns + begin;
      double part[kLanes] = {};
      stream_tiles(key_, query_, head, begin, count, [&](const float* tile, int64_t at, int rows) {
        (fast_ ? avx2::fold_columns : base::fold_columns)(tile, rows, areas_.maxima + at,
                                                          areas_.inverses + at, part);
      });
      for (int l = 0; l < count; ++l) {
        columns[l] += part[l];
      }
    }
  }

  void pool(int64_t g) {
    const int64_t tokens = length_ / args_.pool;
    float* mass = args_.mass + first_ / args_.pool;
    const double divisor = static_cast<double>(args_.pool) * static_cast<double>(args_.heads);
    for (int64_t j = 0; j < tokens && !bad_; ++j) {
      double sum = 0;
      for (int64_t m = 0; m < args_.pool; ++m) {
        sum += areas_.columns[pooled_patch(args_, j, m)];
      }
      mass[j] = static_cast<float>(sum / divisor);
      bad_ |= non_finite(mass[j]);
    }
    if (bad_) {
      args_.flags[g] = MEDPRUNER_SEGMENT_NON_FINITE;
      for (int64_t j = 0; j < tokens; ++j) {
        mass[j] = bits_to_float(kNanF32);
      }
    }
  }

  void pool_keys() {
    const int64_t tokens = length_ / args_.pool;
    float* pooled = args_.pooled_keys + first_ / args_.pool * args_.dim;
    const double divisor = static_cast<double>(args_.pool) * static_cast<double>(args_.heads);
    for (int64_t j = 0; j < tokens; ++j) {
      double sums[kMaxDim] = {};
      for (int64_t m = 0; m < args_.pool; ++m) {
        for (int64_t h = 0; h < args_.heads; ++h) {
          const T* row = key_.row(pooled_patch(args_, j, m), h);
          for (int64_t c = 0; c < args_.dim; ++c) {
            sums[c] += static_cast<double>(to_float(row[c]));
          }
        }
      }
      for (int64_t c = 0; c < args_.dim; ++c) {
        pooled[j * args_.dim + c] = static_cast<float>(sums[c] / divisor);
      }
    }
  }

  const AttentionMassArgs& args_;
  Areas areas_;
  float factor_;
  bool fast_;
  int64_t first_ = 0;
  int64_t length_ = 0;
  Operand<T> query_ = {};
  Operand<T> key_ = {};
  bool bad_ = false;
  bool watch_ = false;
};

}  // namespace

size_t attention_mass_workspace(const AttentionMassArgs& args) {
  const Areas areas(args, nullptr);
  if (areas.overflow) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "query: its size overflows 64 bits");
  }
  return areas.size;
}

void attention_mass(const AttentionMassArgs& args) {
  switch (args.dtype) {
    case DType::kF16:
      return Runner<Half>(args).run();
    case DType::kBF16:
      return Runner<BFloat>(args).run();
    default:
      return Runner<float>(args).run();
  }
}

}  // namespace medpruner::cpu

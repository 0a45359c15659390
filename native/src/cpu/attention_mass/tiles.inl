/* SPDX-License-Identifier: Apache-2.0 */
// Tile kernels of attention_mass, included once per instruction-set tier, inside a namespace and under
// that tier's target options, with MEDPRUNER_VEC_BYTES (vec.inl), MEDPRUNER_ROW_GROUP and
// MEDPRUNER_PANEL_VECS, the register block. Neither width nor register block shows in a result: a logit
// is one chain of fused multiply-adds over ascending components, a maximum is exact, and the sums keep
// kSumLanes chains whatever the width.

#include "cpu/attention_mass/vec.inl"

constexpr int kGroup = MEDPRUNER_ROW_GROUP;                   // query rows of a register block
constexpr int kPanel = MEDPRUNER_PANEL_VECS * kWidth;         // its keys
constexpr int kTileVecs = kTileKeys / kWidth;
constexpr int kLaneVecs = kSumLanes / kWidth;
static_assert(kBlockRows % kGroup == 0 && kTileKeys % kPanel == 0 && kSumLanes % kWidth == 0,
              "the register block divides the tile");

/** The row as f32: itself, or converted into `room`. */
MEDPRUNER_BODY const float* as_floats(const float* row, int64_t, float*) { return row; }

template <class T>
MEDPRUNER_BODY const float* as_floats(const T* row, int64_t dim, float* room) {
  for (int64_t c = 0; c < dim; ++c) {
    room[c] = to_float(row[c]);
  }
  return room;
}

/**
 * Groups of kWide rows, each transposed to [dim][kWide] and padded with zeros, by squares of 4 x 4.
 * Returns the largest magnitude, as bits: NaN and infinity above all others.
 */
template <int kWide, int kAhead, class T>
MEDPRUNER_BODY uint32_t pack(const T* from, int64_t row_stride, int64_t count, int64_t dim,
                             float* to) {
  typedef float Quad __attribute__((vector_size(16)));
  typedef int32_t QuadInt __attribute__((vector_size(16)));
  static const T zeros[kMaxDim] = {};
  float room[4][kMaxDim];
  QuadInt tops = {};
  int32_t top = 0;
  for (int64_t begin = 0; begin < count; begin += kWide, to += dim * kWide) {
    for (int square = 0; square < kWide; square += 4) {
      const int at = square + 4 <= kWide ? square : kWide - 4;  // may do two rows twice
      const float* rows[4];
      for (int r = 0; r < 4; ++r) {
        const int64_t row = begin + at + r;
        const uintptr_t ahead = reinterpret_cast<uintptr_t>(from) +
                                static_cast<uintptr_t>((row + kAhead) * row_stride) * sizeof(T);
        for (uintptr_t line = 0; line < static_cast<uintptr_t>(dim) * sizeof(T); line += 64) {
          __builtin_prefetch(reinterpret_cast<const void*>(ahead + line), 0, 2);
        }
        rows[r] = as_floats(row < count ? from + row * row_stride : zeros, dim, room[r]);
      }
      int64_t c = 0;
      for (; c + 4 <= dim; c += 4) {
        Quad in[4];
        for (int r = 0; r < 4; ++r) {
          memcpy(&in[r], rows[r] + c, sizeof in[r]);
          const QuadInt magnitude = (QuadInt)in[r] & 0x7fffffff;
          tops = magnitude > tops ? magnitude : tops;
        }
        const Quad low01 = __builtin_shuffle(in[0], in[1], QuadInt{0, 4, 1, 5});
        const Quad high01 = __builtin_shuffle(in[0], in[1], QuadInt{2, 6, 3, 7});
        const Quad low23 = __builtin_shuffle(in[2], in[3], QuadInt{0, 4, 1, 5});
        const Quad high23 = __builtin_shuffle(in[2], in[3], QuadInt{2, 6, 3, 7});
        const Quad out[4] = {__builtin_shuffle(low01, low23, QuadInt{0, 1, 4, 5}),
                             __builtin_shuffle(low01, low23, QuadInt{2, 3, 6, 7}),
                             __builtin_shuffle(high01, high23, QuadInt{0, 1, 4, 5}),
                             __builtin_shuffle(high01, high23, QuadInt{2, 3, 6, 7})};
        for (int i = 0; i < 4; ++i) {
          memcpy(to + (c + i) * kWide + at, &out[i], sizeof out[i]);
        }
      }
      for (; c < dim; ++c) {
        for (int r = 0; r < 4; ++r) {
          const int32_t magnitude = static_cast<int32_t>(float_to_bits(rows[r][c]) & 0x7fffffffu);
          top = magnitude > top ? magnitude : top;
          to[c * kWide + at + r] = rows[r][c];
        }
      }
    }
  }
  for (int i = 0; i < 4; ++i) {
    top = tops[i] > top ? tops[i] : top;
  }
  return static_cast<uint32_t>(top);
}

template <class T>
static uint32_t pack_rows(const T* from, int64_t row_stride, int64_t count, int64_t dim, float* to) {
  return pack<kGroup, kBlockRows>(from, row_stride, count, dim, to);
}

template <class T>
static uint32_t pack_keys(const T* from, int64_t row_stride, int64_t count, int64_t dim, float* to) {
  return pack<kPanel, 16>(from, row_stride, count, dim, to);
}

/** dots[row][key] of one group of rows and one panel of keys. */
MEDPRUNER_BODY void dot_block(const float* group, const float* panel, int64_t dim, float* dots) {
  Vec sums[kGroup][MEDPRUNER_PANEL_VECS] = {};
  for (int64_t c = 0; c < dim; ++c) {
    Vec keys[MEDPRUNER_PANEL_VECS];
#pragma GCC unroll 16
    for (int v = 0; v < MEDPRUNER_PANEL_VECS; ++v) {
      keys[v] = load(panel + c * kPanel + v * kWidth);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kGroup; ++r) {
      const Vec query = splat(group[c * kGroup + r]);
#pragma GCC unroll 16
      for (int v = 0; v < MEDPRUNER_PANEL_VECS; ++v) {
        sums[r][v] = fused(query, keys[v], sums[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kGroup; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < MEDPRUNER_PANEL_VECS; ++v) {
      store(dots + r * kTileKeys + v * kWidth, sums[r][v]);
    }
  }
}

/** The dot products of a tile, [kBlockRows][kTileKeys]; those of keys from `keys` on are anything. */
static void dot_tile(const float* rows, const float* panels, int row_count, int keys, int64_t dim,
                     float* dots) {
  for (int p = 0; p < kTileKeys; p += kPanel) {
    if (p >= keys) {
      for (int r = 0; r < row_count; ++r) {
        memset(dots + r * kTileKeys + p, 0, (kTileKeys - p) * sizeof(float));
      }
      return;
    }
    for (int r = 0; r < row_count; r += kGroup) {
      dot_block(rows + r * dim, panels + p * dim, dim, dots + r * kTileKeys + p);
    }
  }
}

/** 2^x, 0 below 2^-126; x is at most 128, where it is infinite. Relative error below 2e-7. */
MEDPRUNER_BODY Vec exp2_vec(Vec x) {
  const Vec magic = splat(0x1.8p23f);  // adding it rounds to an integer, to nearest even
  const Vec shifted = x + magic;
  const Vec f = x - (shifted - magic);
  Vec p = splat(0x1.5bda4p-10f);
  p = fused(p, f, splat(0x1.3ce8acp-7f));
  p = fused(p, f, splat(0x1.c6b6d8p-5f));
  p = fused(p, f, splat(0x1.ebf9c2p-3f));
  p = fused(p, f, splat(0x1.62e42ap-1f));
  p = fused(p, f, splat(1.0f));
  return add_bits_where((Bits)p, (Bits)shifted << 23, x, splat(-126.0f));
}

/** Dot products of a row, -infinity for keys that are not there. */
template <bool kPadded>
MEDPRUNER_BODY Vec padded(const float* dots, const float* pad, int v) {
  const Vec dot = load(dots + v * kWidth);
  return kPadded ? dot + load(pad + v * kWidth) : dot;
}

/**
 * dot * factor - bias, rounded once. Of a bias that is not fine the product is rounded first, as the bias
 * was: what that takes from the row's largest logit could be hundreds, and 2^x of it zero or infinite.
 */
template <bool kFine>
MEDPRUNER_BODY Vec above_bias(Vec dot, float factor, float bias) {
  return kFine ? fused(dot, splat(factor), splat(-bias)) : dot * splat(factor) - splat(bias);
}

static bool is_fine(float bias) { return fabsf(bias) < kFineBias; }

/** The largest dot product of a row times the factor. */
template <bool kPadded>
static float top_logit(const float* dots, const float* pad, float factor) {
  float lanes[kWidth];
  Vec top = padded<kPadded>(dots, pad, 0);
  for (int v = 1; v < kTileVecs; ++v) {
    top = larger(top, padded<kPadded>(dots, pad, v));
  }
  store(lanes, top);
  for (int l = 1; l < kWidth; ++l) {
    lanes[0] = lanes[l] > lanes[0] ? lanes[l] : lanes[0];
  }
  return lanes[0] * factor;
}

/**
 * Turns dot products into exponentials 2^(factor * dot - bias[row]), in place, and adds them to the
 * row's kSumLanes sums. The bias follows the row's maximum: it moves up, and the sums with it, only when
 * a logit lies kSlack above it, so that nothing overflows and it seldom moves. pad[key] is 0, or
 * -infinity for keys that are not there.
 */
template <bool kPadded>
MEDPRUNER_BODY void exp_rows(float* dots, int row_count, float factor, const float* pad,
                             float* biases, float* sums) {
  for (int r = 0; r < row_count; ++r, dots += kTileKeys, sums += kSumLanes) {
    Vec logits[kTileVecs];
    const auto shift_as = [&](auto fine, float bias) __attribute__((always_inline)) {
#pragma GCC unroll 16
      for (int v = 0; v < kTileVecs; ++v) {
        logits[v] = above_bias<fine.value>(load(dots + v * kWidth), factor, bias);
        if (kPadded) {
          logits[v] += load(pad + v * kWidth);
        }
      }
    };
    const auto shift = [&](float bias) __attribute__((always_inline)) {
      if (__builtin_expect(is_fine(bias), 1)) {
        shift_as(std::true_type(), bias);
      } else {
        shift_as(std::false_type(), bias);
      }
    };
    shift(biases[r]);
    Vec top = logits[0];
#pragma GCC unroll 16
    for (int v = 1; v < kTileVecs; ++v) {
      top = larger(top, logits[v]);
    }
    if (__builtin_expect(any_above(top, splat(kSlack)), 0)) {
      const float bias = top_logit<kPadded>(dots, pad, factor);
      const Vec rescale = exp2_vec(splat(biases[r] - bias));
      for (int v = 0; v < kLaneVecs; ++v) {
        store(sums + v * kWidth, load(sums + v * kWidth) * rescale);
      }
      biases[r] = bias;
      shift(bias);
    }
#pragma GCC unroll 16
    for (int v = 0; v < kTileVecs; ++v) {
      logits[v] = exp2_vec(logits[v]);
      store(dots + v * kWidth, logits[v]);
    }
#pragma GCC unroll 16
    for (int v = 0; v < kLaneVecs; ++v) {
      const Vec low = logits[v] + logits[v + kLaneVecs];
      const Vec high = logits[v + 2 * kLaneVecs] + logits[v + 3 * kLaneVecs];
      store(sums + v * kWidth, load(sums + v * kWidth) + (low + high));
    }
  }
}

static void exp_tile(float* dots, int row_count, int keys, float factor, const float* pad,
                     float* biases, float* sums) {
  if (keys == kTileKeys) {
    exp_rows<false>(dots, row_count, factor, pad, biases, sums);
  } else {
    exp_rows<true>(dots, row_count, factor, pad, biases, sums);
  }
}

/** weights[row] = 2^(from[row] - to[row]) * inverses[row]. */
static void row_weights(const float* from, const float* to, const float* inverses, float* weights) {
  for (int r = 0; r < kBlockRows; r += kWidth) {
    store(weights + r, exp2_vec(load(from + r) - load(to + r)) * load(inverses + r));
  }
}

/** columns[key] += sum over the rows, ascending in f32, of weights[row] * tile[row][key]. */
template <class Term>
MEDPRUNER_BODY void add_rows(int row_count, const float* weights, double* columns,
                             const Term& term) {
  constexpr int kChains = kTileVecs < 4 ? kTileVecs : 4;
  for (int base = 0; base < kTileKeys; base += kChains * kWidth) {
    Vec sums[kChains] = {};
    for (int r = 0; r < row_count; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kChains; ++v) {
        sums[v] = fused(term(r, base + v * kWidth), splat(weights[r]), sums[v]);
      }
    }
    float parts[kChains * kWidth];
#pragma GCC unroll 16
    for (int v = 0; v < kChains; ++v) {
      store(parts + v * kWidth, sums[v]);
    }
    for (int l = 0; l < kChains * kWidth; ++l) {
      columns[base + l] += static_cast<double>(parts[l]);
    }
  }
}

static void add_columns(const float* tile, int row_count, const float* weights, double* columns) {
  add_rows(row_count, weights, columns, [&](int r, int at) __attribute__((always_inline)) {
    return load(tile + r * kTileKeys + at);
  });
}

template <bool kFine>
MEDPRUNER_BODY void exp_columns_as(const float* dots, int row_count, float factor,
                                   const float* biases, const float* weights, double* columns) {
  add_rows(row_count, weights, columns, [&](int r, int at) __attribute__((always_inline)) {
    const float* const row = dots + r * kTileKeys + at;
    const Vec logit = kFine || is_fine(biases[r]) ? above_bias<true>(load(row), factor, biases[r])
                                                  : above_bias<false>(load(row), factor, biases[r]);
    // A wrong lse can put a logit anywhere: from 128 on 2^x is infinite.
    return exp2_vec(smaller(logit, splat(128.0f)));
  });
}

/** As exp_tile and add_columns in one, with the rows' final biases. */
static void exp_columns(const float* dots, int row_count, float factor, const float* biases,
                        const float* weights, double* columns) {
  bool fine = true;
  for (int r = 0; r < row_count; ++r) {
    fine &= is_fine(biases[r]);
  }
  if (__builtin_expect(fine, 1)) {
    exp_columns_as<true>(dots, row_count, factor, biases, weights, columns);
  } else {
    exp_columns_as<false>(dots, row_count, factor, biases, weights, columns);
  }
}

/** sums[c] += the rows of all heads, in f64. */
template <class T>
static void sum_heads(const T* row, int64_t head_stride, int64_t heads, int64_t dim, double* sums) {
  for (int64_t h = 0; h < heads; ++h, row += head_stride) {
    for (int64_t c = 0; c < dim; ++c) {
      sums[c] += static_cast<double>(to_float(row[c]));
    }
  }
}

template <class T>
constexpr Kernels<T> kKernels = {pack_rows<T>, pack_keys<T>, dot_tile,    exp_tile,
                                 row_weights,  add_columns,  exp_columns, sum_heads<T>};

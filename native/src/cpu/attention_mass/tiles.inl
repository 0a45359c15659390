/* SPDX-License-Identifier: Apache-2.0 */
// Tile kernels of attention_mass, included once per instruction-set tier, inside a namespace and under
// that tier's target options. MEDPRUNER_TILE_ROWS streamed rows are computed at once: 2 fill the 16
// registers of AVX2, 1 those of SSE2. Every value is its own chain of separate multiplications and
// additions over ascending components, so neither the tier nor the tile shape shows in the result.

typedef float Vec __attribute__((vector_size(32)));
typedef int32_t IntVec __attribute__((vector_size(32)));
constexpr int kWidth = 8;

static inline Vec load(const float* from) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

static inline void store(float* to, Vec value) { __builtin_memcpy(to, &value, sizeof value); }

/** 2^x; 0 below 2^-126. Relative error below 2e-7. */
static inline Vec exp2_vec(Vec x) {
  const Vec lowest = Vec{} - 126.0f;
  const Vec highest = Vec{} + 127.0f;
  const IntVec vanishes = x < lowest;
  x = vanishes ? lowest : x;
  x = x > highest ? highest : x;
  const float magic = 0x1.8p23f;  // adding it rounds to an integer, to nearest even
  const Vec shifted = x + magic;
  const Vec f = x - (shifted - magic);
  Vec p = Vec{} + 0x1.41fbc2p-13f;
  p = p * f + 0x1.5f3e54p-10f;
  p = p * f + 0x1.3b2d4cp-7f;
  p = p * f + 0x1.c6aee8p-5f;
  p = p * f + 0x1.ebfbdcp-3f;
  p = p * f + 0x1.62e430p-1f;
  p = p * f + 1.0f;
  IntVec bits = (IntVec)p + ((IntVec)shifted << 23);
  return (Vec)(bits & ~vanishes);
}

/**
 * logits[b][a] = factor * sum_c rows[b][c] * lanes[c][a] for kStream streamed rows and kLanes lanes.
 * `count` rows are valid; the rest of the tile is left as it was.
 */
static void logit_tile(const float* lanes, const float* rows, int64_t row_stride, int count,
                       int64_t dim, float factor, float* logits) {
  constexpr int kGroup = 4;  // vectors of lanes per accumulator block
  for (int b = 0; b < count; b += MEDPRUNER_TILE_ROWS) {
    const float* row[MEDPRUNER_TILE_ROWS];
    for (int r = 0; r < MEDPRUNER_TILE_ROWS; ++r) {
      row[r] = rows + (b + r < count ? b + r : count - 1) * row_stride;
    }
    for (int base = 0; base < kLanes; base += kGroup * kWidth) {
      Vec sums[MEDPRUNER_TILE_ROWS][kGroup] = {};
      for (int64_t c = 0; c < dim; ++c) {
        for (int v = 0; v < kGroup; ++v) {
          const Vec lane = load(lanes + c * kLanes + base + v * kWidth);
          for (int r = 0; r < MEDPRUNER_TILE_ROWS; ++r) {
            sums[r][v] += lane * row[r][c];
          }
        }
      }
      for (int r = 0; r < MEDPRUNER_TILE_ROWS && b + r < count; ++r) {
        for (int v = 0; v < kGroup; ++v) {
          store(logits + (b + r) * kLanes + base + v * kWidth, sums[r][v] * factor);
        }
      }
    }
  }
}

/** Folds a tile into the running maximum and sum of exponentials of each lane. */
static void fold_rows(const float* logits, int count, float* maxima, double* sums) {
  for (int base = 0; base < kLanes; base += kWidth) {
    const Vec before = load(maxima + base);
    Vec top = before;
    for (int b = 0; b < count; ++b) {
      const Vec value = load(logits + b * kLanes + base);
      top = value > top ? value : top;
    }
    Vec part = {};
    for (int b = 0; b < count; ++b) {
      part += exp2_vec(load(logits + b * kLanes + base) - top);
    }
    const Vec rescale = exp2_vec(before - top);
    store(maxima + base, top);
    for (int l = 0; l < kWidth; ++l) {
      sums[base + l] = sums[base + l] * static_cast<double>(rescale[l]) +
                       static_cast<double>(part[l]);
    }
  }
}

/** Adds the probabilities of a tile, one streamed row a query, to the columns. */
static void fold_columns(const float* logits, int count, const float* maxima,
                         const float* inverses, double* columns) {
  for (int base = 0; base < kLanes; base += kWidth) {
    Vec part = {};
    for (int b = 0; b < count; ++b) {
      part += exp2_vec(load(logits + b * kLanes + base) - maxima[b]) * inverses[b];
    }
    for (int l = 0; l < kWidth; ++l) {
      columns[base + l] += static_cast<double>(part[l]);
    }
  }
}

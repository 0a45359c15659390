/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Inputs that the CPU tests and the GPU tests share. Everything seeded.

#include <math.h>

#include <algorithm>
#include <random>

#include "reference.hpp"

namespace cases {

using Random = std::mt19937_64;

inline int64_t integer(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

inline float normal(Random& random) { return std::normal_distribution<float>()(random); }

inline void fill(Random& random, uint8_t* v) { *v = static_cast<uint8_t>(integer(random, 0, 255)); }
inline void fill(Random& random, int16_t* v) {
  *v = static_cast<int16_t>(integer(random, -32768, 32767));
}
inline void fill(Random& random, int32_t* v) { *v = static_cast<int32_t>(integer(random, -9, 9)); }
inline void fill(Random& random, int64_t* v) { *v = integer(random, -99, 99); }
inline void fill(Random& random, float* v) { *v = normal(random); }
inline void fill(Random& random, F16* v) { reference::put(normal(random), v); }
inline void fill(Random& random, BF16* v) { reference::put(normal(random), v); }

/**
 * A matrix with `gap` unused values after each row, its first value at `offset`. Drawing tens of millions of
 * values took most of the GPU tests' time, so those beyond the first 131071 repeat them; that is a prime
 * number, so no two rows of a matrix repeat the same ones.
 */
template <class T>
Tensor<T> matrix(Random& random, int64_t rows, int64_t cols, int64_t gap = 0, uint64_t offset = 0) {
  constexpr size_t kDrawn = 131071;
  const int64_t stride = cols + gap;
  Tensor<T> t({rows, cols}, std::vector<T>(offset + static_cast<size_t>(rows * stride)));
  for (size_t i = 0; i < t.values.size(); ++i) {
    if (i < kDrawn) {
      fill(random, &t.values[i]);
    } else {
      t.values[i] = t.values[i - kDrawn];
    }
  }
  t.offset = offset;
  if (gap != 0) {
    t.strides = {stride, 1};
  }
  return t;
}

/** Offsets of segments of 0..longest rows, some of them empty. */
inline std::vector<int64_t> ragged(Random& random, int64_t segments, int64_t longest) {
  std::vector<int64_t> offsets = {0};
  for (int64_t g = 0; g < segments; ++g) {
    offsets.push_back(offsets.back() + (integer(random, 0, 4) == 0 ? 0 : integer(random, 1, longest)));
  }
  return offsets;
}

/** Scores of one of several characters, per segment. */
inline std::vector<float> scores(Random& random, const std::vector<int64_t>& offsets) {
  std::vector<float> values(static_cast<size_t>(offsets.back()));
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    const int64_t kind = integer(random, 0, 6);
    for (int64_t i = offsets[g]; i < offsets[g + 1]; ++i) {
      float& v = values[static_cast<size_t>(i)];
      switch (kind) {
        case 0:
          v = 1;
          break;
        case 1:  // few distinct values: ties
          v = static_cast<float>(integer(random, 0, 3)) / 4;
          break;
        case 2:  // signed zeros and subnormals
          v = integer(random, 0, 1) == 0 ? -0.0f : static_cast<float>(integer(random, 0, 3)) * 1e-45f;
          break;
        case 3:  // a sink
          v = i == offsets[g] ? 300.0f : expf(normal(random));
          break;
        case 4:
          v = normal(random);
          break;
        case 5:  // specials, rarely
          v = integer(random, 0, 30) == 0
                  ? std::vector<float>{NAN, INFINITY, -INFINITY, -1}[static_cast<size_t>(
                        integer(random, 0, 3))]
                  : 1.5f;
          break;
        default:  // as attention masses are: positive, mean about 1
          v = expf(normal(random) - 0.5f);
      }
    }
  }
  return values;
}

constexpr int kScoreKinds = 7;

/**
 * Scores of a segment: 0 lognormal, 1 all equal, 2 few distinct values, 3 a sink, 4 of both signs, 5 with a NaN,
 * 6 close to one another.
 */
inline std::vector<float> segment_scores(Random& random, int64_t n, int kind) {
  std::vector<float> values(static_cast<size_t>(n));
  for (float& v : values) {
    v = kind == 1   ? 0.25f
        : kind == 2 ? static_cast<float>(integer(random, 0, 3))
        : kind == 4 ? normal(random)
        : kind == 6 ? 1 + 0.01f * normal(random)
                    : expf(normal(random));
  }
  if (kind == 3 && n > 0) {
    values[values.size() / 2] = 300;
  } else if (kind == 5 && n > 0) {
    values.back() = NAN;
  }
  return values;
}

/** Of ten rows about `tenths` are 1. */
inline std::vector<uint8_t> mask(Random& random, int64_t rows, int64_t tenths) {
  std::vector<uint8_t> values(static_cast<size_t>(rows));
  for (uint8_t& in : values) {
    in = integer(random, 0, 9) < tenths ? 1 : 0;
  }
  return values;
}

/** Some rows for each segment, as gather_rows takes them. */
struct RowLists {
  std::vector<int64_t> indices, counts;
  int64_t total = 0;
};

inline RowLists row_lists(Random& random, const std::vector<int64_t>& offsets) {
  RowLists lists;
  lists.indices.assign(static_cast<size_t>(offsets.back()), -1);
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    lists.counts.push_back(integer(random, 0, offsets[g + 1] - offsets[g]));
    lists.total += lists.counts.back();
    for (int64_t i = 0; i < lists.counts.back(); ++i) {
      lists.indices[static_cast<size_t>(offsets[g] + i)] = integer(random, 0, offsets.back() - 1);
    }
  }
  return lists;
}

}  // namespace cases

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Queries and keys that take the rare branches of attention_mass on tensor cores.

#include <utility>

#include "ops.hpp"
#include "reference.hpp"

namespace mass_cases {

constexpr double kLn2 = 0.6931471805599453;  // as a scale: scores are base-2 logits, and exponentials exact

template <class T>
struct Scores {
  Tensor<T> query, key;
};

constexpr int64_t kOutgrownRows = 330;

/**
 * Scores that outgrow the first ones of their row, by less and by more than a sum has room for, in some rows of a warp and
 * not in others. `apart`: put where no query and key meet, so that their product never shows in a score.
 */
template <class T>
Scores<T> outgrown(float apart) {
  const auto zeros = [] {
    return Tensor<T>({kOutgrownRows, 1, 16}, std::vector<T>(static_cast<size_t>(kOutgrownRows * 16)));
  };
  Scores<T> s = {zeros(), zeros()};
  const auto put = [](Tensor<T>& t, int64_t row, int64_t component, float value) {
    reference::put(value, &t.values[static_cast<size_t>(row * 16 + component)]);
  };
  for (int64_t row = 0; row < kOutgrownRows; ++row) {
    put(s.query, row, 0, static_cast<float>(row % 5) * 4);
    // Logits of the queries with 16: 48 once in the second tile, 208 once in the third, 16 below now and then.
    put(s.key, row, 0, row == 129 ? 13.0f : (row == 70 ? 3.0f : (row % 7 == 3 ? -1.0f : 0.0f)));
  }
  put(s.key, 100, 1, apart);
  put(s.query, 50, 2, apart);
  return s;
}

/**
 * One lane of four has scores that outgrow its first ones to just below what another lane has from the start: its
 * sum, 2^115 over its top, counts, though 2^130 lie between the tops.
 */
template <class T>
Scores<T> far_tops() {
  const float keys[] = {20, 30, 40, 50, 60, 200, 80, 90, 100, 110, 130, 200, 150, 160, 170, 180, 190};
  Scores<T> s = {Tensor<T>({17, 1, 16}, std::vector<T>(17 * 16)), Tensor<T>({17, 1, 16}, std::vector<T>(17 * 16))};
  for (size_t row = 0; row < 17; ++row) {
    reference::put(1.0f, &s.query.values[row * 16]);
    reference::put(keys[row], &s.key.values[row * 16]);
  }
  return s;
}

/** One score that is the square of `component`, of the sign given: infinite in f32 as it is, or with a scale. */
inline Scores<BF16> one_score(float sign, float component) {
  Scores<BF16> s = {Tensor<BF16>({70, 1, 16}, std::vector<BF16>(70 * 16)),
                    Tensor<BF16>({70, 1, 16}, std::vector<BF16>(70 * 16))};
  reference::put(component, &s.query.values[16 * 69]);
  reference::put(sign * component, &s.key.values[16 * 45]);
  return s;
}

/** Its component, and the scale it is given with. */
constexpr std::pair<float, double> kBeyondF32[] = {{3e38f, 0}, {1e10f, 1e25}};

}  // namespace mass_cases

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The loops over a segment's scores, each in the best instruction-set tier; all tiers give the same
// bits. Scores are finite or -Inf, but for extremes(). Comparisons are of floats, so -0 equals +0.

#include <stdint.h>

namespace medpruner::cpu {

/** Order keys (common/exp2poly.hpp) of the smallest and the largest score; low <= high. */
struct Extremes {
  uint32_t low, high;
};

/** Any scores, at least one. A NaN lies outside the keys of the infinities, on the side of its sign. */
Extremes extremes(const float* scores, int64_t n);

/** Fills weights[0, n) of a SOFTMAX segment and returns their sum. */
uint64_t softmax_weights(const float* scores, int64_t n, float max, double factor,
                         uint32_t* weights);

/** The same for MASS; max = 0 gives each the weight 2^31. */
uint64_t mass_weights(const float* scores, int64_t n, float max, uint32_t* weights);

constexpr int kPivots = 3;

/** sums[p] = the weights of the scores >= pivots[p]. */
void sums_at_least(const float* scores, const uint32_t* weights, int64_t n, const float* pivots,
                   uint64_t* sums);

/**
 * Copies the scores in [low, high), with their weights, to the front of the outputs; returns how many.
 * The outputs may be the inputs.
 */
int64_t take_between(const float* scores, const uint32_t* weights, int64_t n, float low, float high,
                     float* taken_scores, uint32_t* taken_weights);

/**
 * For i in [begin, end): mask[i] = scores[i] >= at_least; where that holds, list[kept++] = row + i.
 * list has room for `end` entries, kept <= begin, and what lies behind the last kept one is spoilt.
 * Returns kept.
 */
int64_t mark_at_least(const float* scores, int64_t begin, int64_t end, float at_least, int64_t row,
                      uint8_t* mask, int64_t* list, int64_t kept);

/** The sum of the weights whose mask is not 0. */
uint64_t masked_sum(const uint32_t* weights, const uint8_t* mask, int64_t n);

}  // namespace medpruner::cpu

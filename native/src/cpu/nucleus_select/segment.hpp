/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Selection within one segment, the whole of nucleus_select but the volume bounds.

#include <stdint.h>

#include "common/op_args.hpp"
#include "medpruner/ops.h"

namespace medpruner::cpu {

/** Space for as many scores as the segment has; the areas of threads that run at once are apart. */
struct SegmentScratch {
  uint32_t* weights;
  float* candidates;
};

/** A segment of up to so many scores is handled with both areas on the stack, 32 KiB that stay in L1. */
constexpr int64_t kStackScores = 4096;

constexpr uint32_t kKeptWhole = MEDPRUNER_SEGMENT_NON_FINITE | MEDPRUNER_SEGMENT_NEGATIVE_MASS;

/** What a prefix of the order (score descending, index ascending) ends with. */
struct Threshold {
  float value;     // every greater score is in it ...
  int64_t equal;   // ... and this many of the equal ones, lowest index first,
  int64_t ties;    // of so many
  uint64_t mass;   // the weights of the prefix
};

/**
 * The shortest prefix whose weights reach `target`, which is at least 1 and at most their sum. Equal
 * scores have equal weights. The weights are destroyed; no score is NaN or +Inf.
 */
Threshold find_threshold(const float* scores, uint32_t* weights, int64_t n, uint64_t target,
                         float* candidates);

/**
 * Segment g: its rows of mask and kept_indices, and its count, mass and flags. Scratch is used when the
 * segment has more than kStackScores scores. Returns the count.
 */
int64_t select_segment(const NucleusSelectArgs& args, int64_t g, const SegmentScratch& scratch);

/** kept_indices, count and mass of segment g from its mask and flags. */
void list_segment(const NucleusSelectArgs& args, int64_t g, const SegmentScratch& scratch);

}  // namespace medpruner::cpu

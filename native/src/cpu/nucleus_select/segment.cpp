/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/nucleus_select/segment.hpp"

#include <string.h>

#include "common/exp2poly.hpp"
#include "cpu/nucleus_select/vectors.hpp"

namespace medpruner::cpu {
namespace {

/** Few enough that all pairs are compared at once; a power of two for the compiler's vectors. */
constexpr int kFew = 16;

float key_to_float(uint32_t key) { return bits_to_float(key_to_bits(key)); }

/** The threshold among up to kFew candidates, above which lies the mass `above`. */
Threshold among_few(const float* scores, const uint32_t* weights, int n, uint64_t above,
                    uint64_t target) {
  float value[kFew];
  uint64_t weight[kFew];
  for (int i = 0; i < kFew; ++i) {
    value[i] = i < n ? scores[i] : scores[0];
    weight[i] = i < n ? weights[i] : 0;
  }
  uint64_t at_least[kFew] = {};
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < kFew; ++i) {
      at_least[i] += value[j] >= value[i] ? weight[j] : 0;
    }
  }
  int best = -1;
  for (int i = 0; i < n; ++i) {
    if (above + at_least[i] >= target && (best < 0 || value[i] > value[best])) {
      best = i;
    }
  }
  int64_t ties = 0;
  for (int i = 0; i < n; ++i) {
    ties += value[i] == value[best];
  }
  const uint64_t unit = weight[best];
  const uint64_t greater = above + at_least[best] - static_cast<uint64_t>(ties) * unit;
  const uint64_t equal = (target - greater + unit - 1) / unit;
  return {value[best], static_cast<int64_t>(equal), ties, greater + equal * unit};
}

/** The index behind the `equal`-th score that equals `value`. */
int64_t cut_behind(const float* scores, float value, int64_t equal) {
  int64_t i = 0;
  while (equal > 0) {
    equal -= scores[i++] == value;
  }
  return i;
}

/** Marks and lists the prefix; returns its length. */
int64_t mark_prefix(const Threshold& threshold, const float* scores, int64_t n, int64_t row,
                    uint8_t* mask, int64_t* list) {
  const bool every_tie = threshold.equal == threshold.ties;
  const int64_t cut = every_tie ? n : cut_behind(scores, threshold.value, threshold.equal);
  int64_t kept = mark_at_least(scores, 0, cut, threshold.value, row, mask, list, 0);
  if (!every_tie) {
    const float next = key_to_float(order_key(float_to_bits(threshold.value)) + 1);
    kept = mark_at_least(scores, cut, n, next, row, mask, list, kept);
  }
  return kept;
}

uint64_t fill_weights(const NucleusSelectArgs& args, const float* scores, int64_t n,
                      uint32_t max_key, uint32_t* weights) {
  const float max = key_to_float(max_key);
  return args.mass_score ? mass_weights(scores, n, max, weights)
                         : softmax_weights(scores, n, max, args.factor, weights);
}

uint32_t classify(const Extremes& range, bool mass_score) {
  constexpr uint32_t minus_inf = 0x007fffffu;
  constexpr uint32_t plus_inf = 0xff800000u;
  constexpr uint32_t zero = 0x80000000u;
  if (range.low < minus_inf || range.high >= plus_inf || range.high == minus_inf) {
    return MEDPRUNER_SEGMENT_NON_FINITE;
  }
  return mass_score && range.low < zero ? MEDPRUNER_SEGMENT_NEGATIVE_MASS : 0;
}

int64_t bounded_length(const NucleusSelectArgs& args, int64_t length, int64_t n) {
  if (args.min_tokens > length) {
    length = args.min_tokens < n ? args.min_tokens : n;
  }
  return args.max_tokens > 0 && length > args.max_tokens ? args.max_tokens : length;
}

double share(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

/** Where a segment's outputs go, and its scores. */
struct Segment {
  const float* scores;
  int64_t row, n;
  uint8_t* mask;
  int64_t* list;

  Segment(const NucleusSelectArgs& args, int64_t g)
      : scores(args.scores + args.offsets[g]),
        row(args.offsets[g]),
        n(args.offsets[g + 1] - row),
        mask(args.mask + row),
        list(args.kept_indices + row) {}

  void keep_whole() const {
    memset(mask, 1, static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      list[i] = row + i;
    }
  }

  void end_list(int64_t kept) const {
    for (int64_t i = kept; i < n; ++i) {
      list[i] = -1;
    }
  }
};

/** `call` with the caller's scratch, or with some of the stack. */
template <class Call>
auto with_scratch(int64_t n, const SegmentScratch& scratch, const Call& call) {
  if (n > kStackScores) {
    return call(scratch);
  }
  alignas(64) uint32_t weights[kStackScores];
  alignas(64) float candidates[kStackScores];
  return call(SegmentScratch{weights, candidates});
}

/** A segment that has no flag. Returns the count; the mass goes to args. */
int64_t select_ranked(const NucleusSelectArgs& args, int64_t g, const Segment& segment,
                      uint32_t max_key, const SegmentScratch& scratch) {
  const float* const scores = segment.scores;
  const int64_t n = segment.n;
  int64_t length = n;
  if (!args.keep_all) {
    const uint64_t total = fill_weights(args, scores, n, max_key, scratch.weights);
    const Threshold threshold = find_threshold(
        scores, scratch.weights, n, mass_target(args.tau_q62, total), scratch.candidates);
    length = mark_prefix(threshold, scores, n, segment.row, segment.mask, segment.list);
    args.kept_mass[g] = share(threshold.mass, total);
  } else {
    segment.keep_whole();
    args.kept_mass[g] = 1;
  }
  const int64_t bounded = bounded_length(args, length, n);
  if (bounded != length) {
    for (int64_t i = 0; i < n; ++i) {
      scratch.weights[i] = 1;
    }
    const Threshold threshold = find_threshold(
        scores, scratch.weights, n, static_cast<uint64_t>(bounded), scratch.candidates);
    mark_prefix(threshold, scores, n, segment.row, segment.mask, segment.list);
    const uint64_t total = fill_weights(args, scores, n, max_key, scratch.weights);
    args.kept_mass[g] = share(masked_sum(scratch.weights, segment.mask, n), total);
  }
  return bounded;
}

}  // namespace

Threshold find_threshold(const float* scores, uint32_t* weights, int64_t n, uint64_t target,
                         float* candidates) {
  uint64_t above = 0;  // the weights of the scores above all candidates
  while (n > kFew) {
    // The candidates' keys lie in [low, high], both ends taken, so each round drops at least one value
    // and three quarters of the interval: at most 16 rounds for any scores.
    const Extremes range = extremes(scores, n);
    if (range.low == range.high) {
      const uint64_t unit = weights[0];
      const uint64_t equal = (target - above + unit - 1) / unit;
      return {scores[0], static_cast<int64_t>(equal), n, above + equal * unit};
    }
    const uint64_t span = range.high - range.low;
    uint32_t keys[kPivots];
    float pivots[kPivots];
    for (int p = 0; p < kPivots; ++p) {  // descending, in (low, high]
      keys[p] = range.low + static_cast<uint32_t>((span * static_cast<uint64_t>(kPivots - p) +
                                                   kPivots) / (kPivots + 1));
      pivots[p] = key_to_float(keys[p]);
    }
    uint64_t sums[kPivots];
    sums_at_least(scores, weights, n, pivots, sums);
    int p = 0;
    while (p < kPivots && above + sums[p] < target) {
      ++p;
    }
    const float low = p < kPivots ? pivots[p] : key_to_float(range.low);
    const float high = p > 0 ? pivots[p - 1] : INFINITY;
    above += p > 0 ? sums[p - 1] : 0;
    n = take_between(scores, weights, n, low, high, candidates, weights);
    scores = candidates;
  }
  return among_few(scores, weights, static_cast<int>(n), above, target);
}

int64_t select_segment(const NucleusSelectArgs& args, int64_t g, const SegmentScratch& scratch) {
  const Segment segment(args, g);
  int64_t count = 0;
  args.flags[g] = 0;
  args.kept_mass[g] = 0;
  if (segment.n > 0) {
    const Extremes range = extremes(segment.scores, segment.n);
    args.flags[g] = classify(range, args.mass_score);
    if (args.flags[g] != 0) {
      segment.keep_whole();
      args.kept_mass[g] = 1;
      count = segment.n;
    } else {
      count = with_scratch(segment.n, scratch, [&](const SegmentScratch& areas) {
        return select_ranked(args, g, segment, range.high, areas);
      });
    }
  }
  args.kept_counts[g] = count;
  segment.end_list(count);
  return count;
}

void list_segment(const NucleusSelectArgs& args, int64_t g, const SegmentScratch& scratch) {
  const Segment segment(args, g);
  if (segment.n == 0 || (args.flags[g] & kKeptWhole) != 0) {
    return;  // as select_segment left it
  }
  int64_t kept = 0;
  for (int64_t i = 0; i < segment.n; ++i) {
    segment.list[kept] = segment.row + i;
    kept += segment.mask[i];
  }
  args.kept_counts[g] = kept;
  segment.end_list(kept);
  args.kept_mass[g] = with_scratch(segment.n, scratch, [&](const SegmentScratch& areas) {
    const uint32_t max_key = extremes(segment.scores, segment.n).high;
    const uint64_t total =
        fill_weights(args, segment.scores, segment.n, max_key, areas.weights);
    return share(masked_sum(areas.weights, segment.mask, segment.n), total);
  });
}

}  // namespace medpruner::cpu

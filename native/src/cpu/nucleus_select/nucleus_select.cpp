/* SPDX-License-Identifier: Apache-2.0 */
// K3 on the CPU: integer weights, then the threshold by a 4 x 8-bit histogram over the order keys. No
// sort and no floating-point sum, so the order of the additions cannot matter.

#include <string.h>

#include "common/exp2poly.hpp"
#include "cpu/backend.hpp"
#include "cpu/isa.hpp"
#include "medpruner/ops.h"

namespace medpruner::cpu {
namespace {

constexpr uint32_t kWholeFlags = MEDPRUNER_SEGMENT_NON_FINITE | MEDPRUNER_SEGMENT_NEGATIVE_MASS;

struct Threshold {
  uint32_t key;   // everything above is kept ...
  int64_t equal;  // ... and this many of those equal to it, lowest index first
};

MEDPRUNER_BODY void fill_softmax(const float* scores, int64_t n, float max, double factor,
                                 uint32_t* weights) {
  for (int64_t i = 0; i < n; ++i) {
    weights[i] = softmax_weight(scores[i], max, factor);
  }
}
MEDPRUNER_TIERS(void, softmax_weights, fill_softmax,
                (const float* scores, int64_t n, float max, double factor, uint32_t* weights),
                (scores, n, max, factor, weights))

/**
 * Walks the histogram levels. `each(visit)` calls visit(key, weight) for every candidate; the target is
 * a mass (by_mass) or a count, at least 1 and at most the total.
 */
template <class Each>
Threshold find_threshold(const Each& each, bool by_mass, uint64_t target) {
  uint32_t prefix = 0;
  uint64_t above = 0;  // mass or count strictly above the current prefix
  for (int shift = 24; shift >= 0; shift -= 8) {
    uint64_t histogram[256] = {};
    const uint32_t upper = shift == 24 ? 0 : 0xffffffffu << (shift + 8);
    each([&](uint32_t key, uint32_t weight) {
      if ((key & upper) == prefix) {
        histogram[(key >> shift) & 255u] += by_mass ? weight : 1;
      }
    });
    int digit = 255;
    while (digit > 0 && above + histogram[digit] < target) {
      above += histogram[digit--];
    }
    prefix |= static_cast<uint32_t>(digit) << shift;
  }
  uint64_t unit = 1;
  if (by_mass) {
    each([&](uint32_t key, uint32_t weight) { unit = key == prefix ? weight : unit; });
  }
  const uint64_t missing = target - above;
  return {prefix, static_cast<int64_t>((missing + unit - 1) / unit)};
}

/** Marks what the threshold keeps among the candidates; returns how many. */
template <class Candidate>
int64_t mark(const Threshold& threshold, const uint32_t* keys, int64_t begin, int64_t end,
             int64_t* equal_left, uint8_t value, uint8_t* mask, const Candidate& candidate) {
  int64_t marked = 0;
  for (int64_t i = begin; i < end; ++i) {
    if (!candidate(i)) {
      continue;
    }
    bool take = keys[i] > threshold.key;
    if (keys[i] == threshold.key && *equal_left > 0) {
      take = true;
      --*equal_left;
    }
    if (take) {
      mask[i] = value;
      ++marked;
    }
  }
  return marked;
}

uint32_t classify(const float* scores, int64_t n, bool mass_score) {
  bool special = false;
  bool negative = false;
  bool all_minus_inf = true;
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = float_to_bits(scores[i]);
    const bool minus_inf = bits == 0xff800000u;
    special |= non_finite(scores[i]) && !minus_inf;
    negative |= (bits & 0x80000000u) != 0 && bits != 0x80000000u;
    all_minus_inf &= minus_inf;
  }
  if (special || all_minus_inf) {
    return MEDPRUNER_SEGMENT_NON_FINITE;
  }
  return mass_score && negative ? MEDPRUNER_SEGMENT_NEGATIVE_MASS : 0;
}

class Selector {
 public:
  explicit Selector(const NucleusSelectArgs& args) : args_(args) {
    WorkspaceLayout layout(args.workspace);
    keys_ = layout.take<uint32_t>(args.rows);
    weights_ = layout.take<uint32_t>(args.rows);
  }

  void run() {
    for (int64_t g = 0; g < args_.segments; ++g) {
      select(g);
    }
    for (int64_t v = 0; v < args_.volume_count; ++v) {
      const bool all = args_.volumes == nullptr;
      bound_volume(all ? 0 : args_.volumes[v], all ? args_.segments : args_.volumes[v + 1]);
    }
    for (int64_t g = 0; g < args_.segments; ++g) {
      finish(g);
    }
  }

 private:
  void select(int64_t g) {
    const int64_t begin = args_.offsets[g];
    const int64_t end = args_.offsets[g + 1];
    const int64_t n = end - begin;
    args_.flags[g] = 0;
    if (n == 0) {
      return;
    }
    args_.flags[g] = classify(args_.scores + begin, n, args_.mass_score);
    if (args_.flags[g] != 0) {
      memset(args_.mask + begin, 1, static_cast<size_t>(n));
      return;
    }
    memset(args_.mask + begin, 0, static_cast<size_t>(n));
    const uint64_t total = weigh(begin, end);

    const auto each = [&](auto visit) {
      for (int64_t i = begin; i < end; ++i) {
        visit(keys_[i], weights_[i]);
      }
    };
    const auto all = [](int64_t) { return true; };
    int64_t length = n;
    if (args_.keep_all) {
      memset(args_.mask + begin, 1, static_cast<size_t>(n));
    } else {
      const unsigned __int128 product = static_cast<unsigned __int128>(args_.tau_q62) * total;
      const unsigned __int128 ceiling = ((static_cast<unsigned __int128>(1) << 62) - 1);
      uint64_t target = static_cast<uint64_t>((product + ceiling) >> 62);
      target = target > 1 ? target : 1;
      const Threshold threshold = find_threshold(each, true, target);
      int64_t equal = threshold.equal;
      length = mark(threshold, keys_, begin, end, &equal, 1, args_.mask, all);
    }
    int64_t bounded = length;
    if (args_.min_tokens > bounded) {
      bounded = args_.min_tokens < n ? args_.min_tokens : n;
    }
    if (args_.max_tokens > 0 && bounded > args_.max_tokens) {
      bounded = args_.max_tokens;
    }
    if (bounded != length) {
      memset(args_.mask + begin, 0, static_cast<size_t>(n));
      const Threshold threshold = find_threshold(each, false, static_cast<uint64_t>(bounded));
      int64_t equal = threshold.equal;
      mark(threshold, keys_, begin, end, &equal, 1, args_.mask, all);
    }
  }

  /** Fills keys and weights of a segment without special values; returns W. */
  uint64_t weigh(int64_t begin, int64_t end) {
    uint32_t max_key = 0;
    for (int64_t i = begin; i < end; ++i) {
      keys_[i] = order_key(float_to_bits(args_.scores[i]));
      max_key = keys_[i] > max_key ? keys_[i] : max_key;
    }
    const float max = bits_to_float(key_to_bits(max_key));
    if (!args_.mass_score) {
      softmax_weights(args_.scores + begin, end - begin, max, args_.factor, weights_ + begin);
    } else {
      for (int64_t i = begin; i < end; ++i) {
        weights_[i] = max == 0 ? 0x80000000u : mass_weight(args_.scores[i], max);
      }
    }
    uint64_t total = 0;
    for (int64_t i = begin; i < end; ++i) {
      total += weights_[i];
    }
    return total;
  }

  bool ranked(int64_t g) const { return (args_.flags[g] & kWholeFlags) == 0; }

  /** Volume floor and cap over the segments [first, last). */
  void bound_volume(int64_t first, int64_t last) {
    if (args_.volume_min_tokens == 0 && args_.volume_max_tokens == 0) {
      return;
    }
    int64_t tokens = 0;
    int64_t selected = 0;
    for (int64_t g = first; g < last; ++g) {
      if (ranked(g)) {
        tokens += args_.offsets[g + 1] - args_.offsets[g];
        for (int64_t i = args_.offsets[g]; i < args_.offsets[g + 1]; ++i) {
          selected += args_.mask[i];
        }
      }
    }
    int64_t floor = args_.volume_min_tokens < tokens ? args_.volume_min_tokens : tokens;
    if (selected < floor) {
      rank_volume(first, last, 0, floor - selected, 1);
    } else if (args_.volume_max_tokens > 0 && selected > args_.volume_max_tokens) {
      // 2 marks the best of the selected; then what stayed 1 is dropped.
      rank_volume(first, last, 1, args_.volume_max_tokens, 2);
      for (int64_t g = first; g < last; ++g) {
        if (ranked(g)) {
          for (int64_t i = args_.offsets[g]; i < args_.offsets[g + 1]; ++i) {
            args_.mask[i] = args_.mask[i] == 2 ? 1 : 0;
          }
        }
      }
    }
  }

  /** Sets the `count` best of the volume's tokens whose mask is `from` to `to`. */
  void rank_volume(int64_t first, int64_t last, uint8_t from, int64_t count, uint8_t to) {
    const auto each = [&](auto visit) {
      for (int64_t g = first; g < last; ++g) {
        if (ranked(g)) {
          for (int64_t i = args_.offsets[g]; i < args_.offsets[g + 1]; ++i) {
            if (args_.mask[i] == from) {
              visit(keys_[i], weights_[i]);
            }
          }
        }
      }
    };
    const Threshold threshold = find_threshold(each, false, static_cast<uint64_t>(count));
    int64_t equal = threshold.equal;
    for (int64_t g = first; g < last; ++g) {
      if (ranked(g)) {
        mark(threshold, keys_, args_.offsets[g], args_.offsets[g + 1], &equal, to, args_.mask,
             [&](int64_t i) { return args_.mask[i] == from; });
      }
    }
  }

  void finish(int64_t g) {
    const int64_t begin = args_.offsets[g];
    const int64_t end = args_.offsets[g + 1];
    const bool whole = !ranked(g);
    int64_t kept = 0;
    uint64_t kept_weight = 0;
    uint64_t total = 0;
    for (int64_t i = begin; i < end; ++i) {
      if (!whole) {
        total += weights_[i];
        kept_weight += args_.mask[i] != 0 ? weights_[i] : 0;
      }
      if (args_.mask[i] != 0) {
        args_.kept_indices[begin + kept++] = i;
      }
    }
    for (int64_t i = begin + kept; i < end; ++i) {
      args_.kept_indices[i] = -1;
    }
    args_.kept_counts[g] = kept;
    if (whole) {
      args_.kept_mass[g] = 1;
    } else {
      args_.kept_mass[g] =
          total == 0 ? 0 : static_cast<double>(kept_weight) / static_cast<double>(total);
    }
  }

  const NucleusSelectArgs& args_;
  uint32_t* keys_;
  uint32_t* weights_;
};

}  // namespace

size_t nucleus_select_workspace(const NucleusSelectArgs& args) {
  WorkspaceLayout layout(nullptr);
  layout.take<uint32_t>(args.rows);
  layout.take<uint32_t>(args.rows);
  return layout.size();
}

void nucleus_select(const NucleusSelectArgs& args) { Selector(args).run(); }

}  // namespace medpruner::cpu

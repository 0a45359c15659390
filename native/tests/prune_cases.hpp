/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// prune put together from the ops it stands for, and random inputs for both.

#include "cases.hpp"
#include "checks.hpp"

namespace prune_cases {

/** What medpruner_prune must give, by one call of each op. */
template <class T>
PruneResult<T> compose(medpruner_device device, PruneCase<T>& c) {
  PruneResult<T> r;
  const int64_t rows = c.features.shape[0];
  const size_t count = c.offsets.size() - 1;
  std::vector<uint32_t> flags(count);
  const auto take = [&](medpruner_status status, const std::vector<uint32_t>& more) {
    CHECK_EQUAL(status, MEDPRUNER_OK);
    for (size_t g = 0; g < count; ++g) {
      flags[g] |= more[g];
    }
  };
  if (c.with_query) {
    const bool blocks = c.params.attention.pooling == MEDPRUNER_POOLING_GRID;
    const int64_t pool = blocks ? c.params.attention.block_h * c.params.attention.block_w
                                : c.params.attention.group;
    std::vector<int64_t> patches = c.offsets;
    for (int64_t& offset : patches) {
      offset *= pool;
    }
    MassResult m = attention_mass(device, c.params.attention, c.query, c.key,
                                  c.lse.shape.empty() ? nullptr : &c.lse, patches);
    take(m.status, m.flags.values);
    r.mass = m.mass;
    r.pooled_keys = m.pooled_keys;
  } else {
    r.mass = c.mass;
    r.pooled_keys = c.keys;
  }
  const NucleusResult n =
      nucleus_select(device, c.params.nucleus, r.mass.values, c.offsets, c.volumes);
  take(n.status, n.flags.values);
  r.kept_mass = n.kept_mass;
  MergeResult<T> merge = contextual_merge(device, c.params.merge.ratio, &c.features, r.pooled_keys,
                                          n.mask.values, c.offsets);
  take(merge.status, merge.flags.values);
  r.role = merge.role;
  r.assignment = merge.assignment;
  // Of a dropped segment only the leading rows, which the ascending list begins with.
  std::vector<int64_t> counts = merge.kept_counts.values;
  for (size_t g = 0; g < count && !c.segments.empty(); ++g) {
    int64_t leading = 0;
    while (leading < counts[g] &&
           merge.kept_indices.values[static_cast<size_t>(c.offsets[g] + leading)] - c.offsets[g] <
               c.params.dropped_tokens) {
      ++leading;
    }
    counts[g] = c.segments[g] != 0 ? counts[g] : leading;
  }
  const auto& indices = merge.kept_indices.values;
  const auto features = gather_rows(device, merge.merged, indices, counts, c.offsets, c.capacity);
  take(features.status, features.flags.values);
  r.packed = features.packed;
  r.packed_offsets = features.packed_offsets;
  Tensor<int64_t> numbers({rows, 1}, std::vector<int64_t>(static_cast<size_t>(rows)));
  std::iota(numbers.values.begin(), numbers.values.end(), 0);
  r.packed_rows = gather_rows(device, numbers, indices, counts, c.offsets, c.capacity).packed;
  r.flags = vector_of(flags);
  r.status = MEDPRUNER_OK;
  return r;
}

/** Masses of every character, zero and repeated keys, strides, dropped segments, bounds. */
template <class T>
PruneCase<T> random_case(cases::Random& random, int round, int64_t longest, int64_t most_channels) {
  PruneCase<T> c;
  c.offsets = cases::ragged(random, cases::integer(random, 0, 5), longest);
  const int64_t rows = c.offsets.back();
  const int64_t count = static_cast<int64_t>(c.offsets.size()) - 1;
  c.mass = vector_of(cases::scores(random, c.offsets));
  const int64_t dim = cases::integer(random, 1, 40);
  c.keys = cases::matrix<float>(random, rows, dim, round % 3);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t kind = cases::integer(random, 0, 9);
    for (int64_t k = 0; kind < 2 && k < dim; ++k) {
      c.keys.values[static_cast<size_t>(i * (dim + round % 3) + k)] = kind == 0 ? 0 : 1;
    }
  }
  c.features = cases::matrix<T>(random, rows, cases::integer(random, 1, most_channels), round % 2,
                                static_cast<uint64_t>(round % 4));
  c.params.nucleus = nucleus(round % 2, std::vector<double>{1e-9, 0.5, 0.9, 1.0}[
                                            static_cast<size_t>(cases::integer(random, 0, 3))]);
  c.params.merge.ratio = std::vector<double>{0, 0.05, 0.3, 1}[static_cast<size_t>(round % 4)];
  if (round % 5 == 0) {
    c.params.nucleus.min_tokens = 2;
    c.params.nucleus.max_tokens = 9;
  }
  if (round % 3 == 0) {
    c.volumes = {0, count / 2, count};
    c.params.nucleus.volume_min_tokens = 3;
    c.params.nucleus.volume_max_tokens = cases::integer(random, 3, 40);
  }
  if (round % 4 != 0) {
    for (int64_t g = 0; g < count; ++g) {
      c.segments.push_back(static_cast<uint8_t>(cases::integer(random, 0, 2)));
    }
    c.params.dropped_tokens = std::vector<int64_t>{0, 1, 7, INT64_MAX}[static_cast<size_t>(
        cases::integer(random, 0, 3))];
  }
  c.capacity = rows + round % 3;
  return c;
}

/** A case of attention over patches of any of the three kinds of pooling. */
template <class T>
PruneCase<T> query_case(cases::Random& random, int round) {
  PruneCase<T> c = random_case<T>(random, round, 12, 20);
  c.with_query = true;
  const int kind = round % 3;
  if (kind == 2) {  // a whole grid of 6 tokens each, or nothing
    for (size_t g = 1; g < c.offsets.size(); ++g) {
      c.offsets[g] = c.offsets[g - 1] + (g % 3 == 0 ? 0 : 6);
    }
    c.features = cases::matrix<T>(random, c.offsets.back(), 5);
    c.capacity = c.offsets.back();
  }
  c.params.attention = kind == 0 ? contiguous(1) : (kind == 1 ? contiguous(3) : grid(4, 6, 2, 2));
  const int64_t pool = kind == 0 ? 1 : (kind == 1 ? 3 : 4);
  const int64_t patches = c.offsets.back() * pool;
  c.query = cases::matrix<T>(random, patches, 2 * 9);
  c.key = cases::matrix<T>(random, patches, 2 * 9);
  c.query.shape = c.key.shape = {patches, 2, 9};
  if (round % 2 == 0) {
    c.lse = Tensor<float>({2, patches}, std::vector<float>(static_cast<size_t>(2 * patches), 3));
  }
  if (round % 7 == 3 && patches > 5) {  // masses of NaN: that segment is kept whole
    reference::put(NAN, &c.query.values[5]);
  }
  return c;
}

/** So many segments of up to `longest` tokens, of which a quarter leave no more than their leading ones. */
inline PruneCase<BF16> many_segments(cases::Random& random, int64_t segments, int64_t longest,
                                     int64_t channels) {
  PruneCase<BF16> c;
  c.offsets = {0};
  for (int64_t g = 0; g < segments; ++g) {
    c.offsets.push_back(c.offsets.back() + cases::integer(random, 0, longest));
    c.segments.push_back(static_cast<uint8_t>(cases::integer(random, 0, 3)));
  }
  const int64_t rows = c.offsets.back();
  c.mass = vector_of(cases::scores(random, c.offsets));
  c.keys = cases::matrix<float>(random, rows, channels / 4);
  c.features = cases::matrix<BF16>(random, rows, channels);
  c.params.nucleus = nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.5);
  c.params.dropped_tokens = 3;
  c.capacity = rows;
  return c;
}

}  // namespace prune_cases

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Every op in every dtype on fixed inputs: what must give the same bits whoever runs it, where and when.

#include <functional>
#include <string>

#include "cases.hpp"

namespace jobs {

using Bytes = std::vector<unsigned char>;

/** run() makes one call and returns its status and all outputs; may be called by many threads. */
struct Job {
  std::string name;
  std::function<Bytes()> run;
};

/** Extents of the inputs. */
struct Size {
  int64_t slices, pixels;           // slice_anchor
  int64_t tokens, head_dim;         // attention_mass, two heads
  int64_t scores;                   // nucleus_select
  int64_t rows, key_dim, channels;  // contextual_merge, gather_rows, prune
};

template <class T>
void append(Bytes& bytes, const std::vector<T>& values) {
  const auto* first = reinterpret_cast<const unsigned char*>(values.data());
  bytes.insert(bytes.end(), first, first + values.size() * sizeof(T));
}

inline Bytes bytes_of(const AnchorResult& r) {
  Bytes b;
  append(b, std::vector<int32_t>{r.status});
  append(b, r.keep.values);
  append(b, r.distance.values);
  append(b, r.representative.values);
  append(b, r.kept_indices.values);
  append(b, r.kept_counts.values);
  append(b, r.flags.values);
  append(b, r.patch_distance.values);
  append(b, r.patch_index.values);
  return b;
}

inline Bytes bytes_of(const MassResult& r) {
  Bytes b;
  append(b, std::vector<int32_t>{r.status});
  append(b, r.mass.values);
  append(b, r.pooled_keys.values);
  append(b, r.flags.values);
  return b;
}

inline Bytes bytes_of(const NucleusResult& r) {
  Bytes b;
  append(b, std::vector<int32_t>{r.status});
  append(b, r.mask.values);
  append(b, r.kept_indices.values);
  append(b, r.kept_counts.values);
  append(b, r.kept_mass.values);
  append(b, r.flags.values);
  return b;
}

template <class T>
Bytes bytes_of(const MergeResult<T>& r) {
  Bytes b;
  append(b, std::vector<int32_t>{r.status});
  append(b, r.merged.values);
  append(b, r.role.values);
  append(b, r.assignment.values);
  append(b, r.kept_indices.values);
  append(b, r.kept_counts.values);
  append(b, r.flags.values);
  return b;
}

template <class T>
Bytes bytes_of(const GatherResult<T>& r) {
  Bytes b;
  append(b, std::vector<int32_t>{r.status});
  append(b, r.packed.values);
  append(b, r.packed_offsets.values);
  append(b, r.flags.values);
  return b;
}

template <class T>
Bytes bytes_of(const PruneResult<T>& r) {
  Bytes b;
  append(b, std::vector<int32_t>{r.status});
  append(b, r.mass.values);
  append(b, r.pooled_keys.values);
  append(b, r.packed.values);
  append(b, r.packed_rows.values);
  append(b, r.packed_offsets.values);
  append(b, r.role.values);
  append(b, r.assignment.values);
  append(b, r.kept_mass.values);
  append(b, r.flags.values);
  return b;
}

/** Positive masses with a spread, some of them subnormal: what flush-to-zero would lose. */
inline std::vector<float> masses(cases::Random& random, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) {
    v = cases::integer(random, 0, 15) == 0 ? 1e-40f : expf(cases::normal(random));
  }
  return values;
}

/** Scales some values down to where products of two of them are subnormal. */
template <class T>
void with_tiny_values(Tensor<T>& t) {
  for (size_t i = 0; i < t.values.size(); i += 7) {
    reference::put(i % 2 == 0 ? 3e-5f : -1e-5f, &t.values[i]);
  }
}

/** Three segments, one of them empty. */
inline std::vector<int64_t> offsets(int64_t rows) { return {0, rows / 3, rows / 3, rows}; }

template <class T>
void add_anchor(std::vector<Job>& all, medpruner_device device, const std::string& dtype,
                const Size& size, uint64_t seed) {
  cases::Random random(seed);
  const auto slices = cases::matrix<T>(random, size.slices, size.pixels, 1, 1);
  for (const bool decide_only : {false, true}) {
    all.push_back({"slice_anchor " + dtype + (decide_only ? " decide_only" : ""),
                   [=]() mutable {
                     Tensor<T> mine = slices;
                     return bytes_of(slice_anchor(device, mine, offsets(size.slices), 1.12, 1, 0,
                                                  decide_only));
                   }});
    // One row, so that any number of pixels will do; images are in slice_anchor_patches_test.
    const auto params = patches(1.12, 1, 1.5, {1, 1, size.pixels, 1, 37});
    all.push_back({"slice_anchor with patches " + dtype + (decide_only ? " decide_only" : ""),
                   [=]() mutable {
                     Tensor<T> mine = slices;
                     return bytes_of(slice_anchor_patches(device, mine, offsets(size.slices),
                                                          params, decide_only));
                   }});
  }
}

template <class T>
void add_token_ops(std::vector<Job>& all, medpruner_device device, const std::string& dtype,
                   const Size& size, uint64_t seed) {
  cases::Random random(seed);
  Tensor<T> query = cases::matrix<T>(random, size.tokens, 2 * size.head_dim);
  Tensor<T> key = cases::matrix<T>(random, size.tokens, 2 * size.head_dim);
  query.shape = key.shape = {size.tokens, 2, size.head_dim};
  with_tiny_values(query);
  with_tiny_values(key);
  all.push_back({"attention_mass " + dtype, [=]() mutable {
                   Tensor<T> q = query;
                   Tensor<T> k = key;
                   return bytes_of(attention_mass(device, contiguous(1), q, k, nullptr,
                                                  offsets(size.tokens)));
                 }});

  const Tensor<float> lse({2, size.tokens},
                          std::vector<float>(static_cast<size_t>(2 * size.tokens), 5.5f));
  all.push_back({"attention_mass with lse " + dtype, [=]() mutable {
                   Tensor<T> q = query;
                   Tensor<T> k = key;
                   Tensor<float> l = lse;
                   return bytes_of(attention_mass(device, contiguous(2), q, k, &l,
                                                  {0, size.tokens / 4 * 2, size.tokens / 2 * 2}));
                 }});

  Tensor<T> features = cases::matrix<T>(random, size.rows, size.channels);
  with_tiny_values(features);
  Tensor<float> keys = cases::matrix<float>(random, size.rows, size.key_dim);
  with_tiny_values(keys);
  std::vector<uint8_t> nucleus_mask(static_cast<size_t>(size.rows));
  for (size_t i = 0; i < nucleus_mask.size(); i += 3) {
    nucleus_mask[i] = 1;
  }
  all.push_back({"contextual_merge " + dtype, [=]() mutable {
                   Tensor<T> f = features;
                   Tensor<float> k = keys;
                   return bytes_of(contextual_merge(device, 0.1, &f, k, nucleus_mask,
                                                    offsets(size.rows)));
                 }});

  PruneCase<T> prune_case;
  prune_case.params.nucleus.tau = 0.5;
  prune_case.offsets = offsets(size.rows);
  prune_case.mass = vector_of(masses(random, size.rows));
  prune_case.keys = keys;
  prune_case.features = features;
  prune_case.capacity = size.rows;
  all.push_back({"prune " + dtype, [=]() mutable {
                   PruneCase<T> mine = prune_case;
                   return bytes_of(prune(device, mine));
                 }});
}

inline std::vector<Job> all(medpruner_device device, const Size& size) {
  std::vector<Job> result;
  add_anchor<uint8_t>(result, device, "u8", size, 1);
  add_anchor<int16_t>(result, device, "i16", size, 2);
  add_anchor<F16>(result, device, "f16", size, 3);
  add_anchor<BF16>(result, device, "bf16", size, 4);
  add_anchor<float>(result, device, "f32", size, 5);
  add_token_ops<F16>(result, device, "f16", size, 6);
  add_token_ops<BF16>(result, device, "bf16", size, 7);
  add_token_ops<float>(result, device, "f32", size, 8);
  cases::Random random(9);
  const std::vector<float> scores = masses(random, size.scores);
  for (const int32_t score : {MEDPRUNER_SCORE_SOFTMAX, MEDPRUNER_SCORE_MASS}) {
    result.push_back({score == MEDPRUNER_SCORE_MASS ? "nucleus_select mass"
                                                    : "nucleus_select softmax",
                      [=] {
                        return bytes_of(nucleus_select(device, nucleus(score, 0.9), scores,
                                                       offsets(size.scores)));
                      }});
  }
  auto bounded = nucleus(MEDPRUNER_SCORE_MASS, 0.9);
  bounded.volume_max_tokens = size.scores / 3;
  result.push_back({"nucleus_select of a bounded volume", [=] {
                      return bytes_of(
                          nucleus_select(device, bounded, scores, offsets(size.scores)));
                    }});
  const Tensor<float> source = cases::matrix<float>(random, size.rows, size.channels);
  std::vector<int64_t> indices(static_cast<size_t>(size.rows));
  for (size_t i = 0; i < indices.size(); ++i) {
    indices[i] = static_cast<int64_t>(i);
  }
  result.push_back({"gather_rows f32", [=]() mutable {
                      Tensor<float> mine = source;
                      return bytes_of(gather_rows(device, mine, indices, {size.rows / 4, 0, 2},
                                                  offsets(size.rows), size.rows));
                    }});
  return result;
}

}  // namespace jobs

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The ops as the tests call them: inputs and parameters in, outputs as host vectors, on either
// device.

#include <array>

#include "tensors.hpp"

struct AnchorResult {
  medpruner_status status = -1;
  Tensor<uint8_t> keep;
  Tensor<float> distance;
  Tensor<int32_t> representative, kept_indices, kept_counts;
  Tensor<uint32_t> flags;
  Tensor<float> patch_distance;  // with patches
  Tensor<int32_t> patch_index;
};

/** With decide_only, distance and flags stay as output() made them. */
template <class T>
AnchorResult slice_anchor(medpruner_device device, Tensor<T>& slices, std::vector<int64_t> offsets,
                          double gamma, double scale, int64_t max_gap = 0,
                          bool decide_only = false) {
  const medpruner_slice_anchor_params params = {
      sizeof params, decide_only ? uint32_t{MEDPRUNER_ANCHOR_DECIDE_ONLY} : 0u, gamma, scale,
      max_gap};
  const int64_t rows = slices.shape[0];
  Tensor<int64_t> bounds = vector_of(offsets);
  AnchorResult r;
  r.keep = output<uint8_t>({rows});
  r.distance = output<float>({rows});
  r.representative = output<int32_t>({rows});
  r.kept_indices = output<int32_t>({rows});
  r.kept_counts = output<int32_t>({static_cast<int64_t>(offsets.size()) - 1});
  r.flags = output<uint32_t>({rows});
  Call call(device);
  const auto* x = call.in(slices);
  const auto* o = call.in(bounds);
  size_t bytes = 0;
  r.status = medpruner_slice_anchor_workspace(&params, x, o, &bytes);
  if (r.status == MEDPRUNER_OK) {
    r.status = medpruner_slice_anchor(
        &params, x, o, call.out(r.keep), decide_only ? nullptr : call.out(r.distance),
        call.out(r.representative), call.out(r.kept_indices), call.out(r.kept_counts),
        decide_only ? nullptr : call.out(r.flags), call.workspace(bytes), bytes, call.stream());
  }
  call.finish();
  return r;
}

/** Patches of a slice: planes, height, width, height and width of a patch. */
inline medpruner_slice_anchor_patches_params patches(double gamma, double scale, double patch_gamma,
                                                     std::array<int64_t, 5> grid,
                                                     int64_t max_gap = 0) {
  return {sizeof(medpruner_slice_anchor_patches_params),
          0,
          {sizeof(medpruner_slice_anchor_params), 0, gamma, scale, max_gap},
          patch_gamma,
          grid[0],
          grid[1],
          grid[2],
          grid[3],
          grid[4]};
}

/** With decide_only, what has to be NULL stays as output() made it. */
template <class T>
AnchorResult slice_anchor_patches(medpruner_device device, Tensor<T>& slices,
                                  std::vector<int64_t> offsets,
                                  medpruner_slice_anchor_patches_params params,
                                  bool decide_only = false) {
  params.anchor.flags = decide_only ? uint32_t{MEDPRUNER_ANCHOR_DECIDE_ONLY} : 0u;
  const int64_t rows = slices.shape[0];
  Tensor<int64_t> bounds = vector_of(offsets);
  AnchorResult r;
  r.keep = output<uint8_t>({rows});
  r.distance = output<float>({rows});
  r.patch_distance = output<float>({rows});
  r.patch_index = output<int32_t>({rows});
  r.representative = output<int32_t>({rows});
  r.kept_indices = output<int32_t>({rows});
  r.kept_counts = output<int32_t>({static_cast<int64_t>(offsets.size()) - 1});
  r.flags = output<uint32_t>({rows});
  Call call(device);
  const auto full = [&](auto& tensor) { return decide_only ? nullptr : call.out(tensor); };
  const auto* x = call.in(slices);
  const auto* o = call.in(bounds);
  size_t bytes = 0;
  r.status = medpruner_slice_anchor_patches_workspace(&params, x, o, &bytes);
  if (r.status == MEDPRUNER_OK) {
    r.status = medpruner_slice_anchor_patches(
        &params, x, o, call.out(r.keep), full(r.distance), full(r.patch_distance),
        full(r.patch_index), call.out(r.representative), call.out(r.kept_indices),
        call.out(r.kept_counts), full(r.flags), call.workspace(bytes), bytes, call.stream());
  }
  call.finish();
  return r;
}

struct MassResult {
  medpruner_status status = -1;
  size_t workspace_bytes = 0;
  Tensor<float> mass, pooled_keys;
  Tensor<uint32_t> flags;
};

inline medpruner_attention_mass_params contiguous(int64_t group, double scale = 0) {
  return {sizeof(medpruner_attention_mass_params), MEDPRUNER_POOLING_CONTIGUOUS, scale, group,
          0, 0, 0, 0};
}

inline medpruner_attention_mass_params grid(int64_t h, int64_t w, int64_t bh, int64_t bw) {
  return {sizeof(medpruner_attention_mass_params), MEDPRUNER_POOLING_GRID, 0, 0, h, w, bh, bw};
}

template <class T>
MassResult attention_mass(medpruner_device device, const medpruner_attention_mass_params& params,
                          Tensor<T>& query, Tensor<T>& key, Tensor<float>* lse,
                          std::vector<int64_t> offsets, bool with_keys = true) {
  const bool blocks = params.pooling == MEDPRUNER_POOLING_GRID;
  const int64_t tokens =
      query.shape[0] / (blocks ? params.block_h * params.block_w : params.group);
  Tensor<int64_t> bounds = vector_of(offsets);
  MassResult r;
  r.mass = output<float>({tokens});
  r.pooled_keys = output<float>({tokens, query.shape[2]});
  r.flags = output<uint32_t>({static_cast<int64_t>(offsets.size()) - 1});
  Call call(device);
  const auto* q = call.in(query);
  const auto* k = call.in(key);
  const auto* l = lse == nullptr ? nullptr : call.in(*lse);
  const auto* o = call.in(bounds);
  r.status = medpruner_attention_mass_workspace(&params, q, k, o, &r.workspace_bytes);
  if (r.status == MEDPRUNER_OK) {
    r.status = medpruner_attention_mass(
        &params, q, k, l, o, call.out(r.mass), with_keys ? call.out(r.pooled_keys) : nullptr,
        call.out(r.flags), call.workspace(r.workspace_bytes), r.workspace_bytes, call.stream());
  }
  call.finish();
  return r;
}

struct NucleusResult {
  medpruner_status status = -1;
  Tensor<uint8_t> mask;
  Tensor<int64_t> kept_indices, kept_counts;
  Tensor<double> kept_mass;
  Tensor<uint32_t> flags;
};

inline medpruner_nucleus_select_params nucleus(int32_t score, double tau, double temperature = 2) {
  return {sizeof(medpruner_nucleus_select_params), score, tau, temperature, 0, 0, 0, 0};
}

inline NucleusResult nucleus_select(medpruner_device device,
                                    const medpruner_nucleus_select_params& params,
                                    std::vector<float> scores, std::vector<int64_t> offsets,
                                    std::vector<int64_t> volumes = {}) {
  const int64_t rows = static_cast<int64_t>(scores.size());
  const int64_t segments = static_cast<int64_t>(offsets.size()) - 1;
  Tensor<float> values = vector_of(scores);
  Tensor<int64_t> bounds = vector_of(offsets);
  Tensor<int64_t> groups = vector_of(volumes);
  NucleusResult r;
  r.mask = output<uint8_t>({rows});
  r.kept_indices = output<int64_t>({rows});
  r.kept_counts = output<int64_t>({segments});
  r.kept_mass = output<double>({segments});
  r.flags = output<uint32_t>({segments});
  Call call(device);
  const auto* s = call.in(values);
  const auto* o = call.in(bounds);
  const auto* v = volumes.empty() ? nullptr : call.in(groups);
  size_t bytes = 0;
  r.status = medpruner_nucleus_select_workspace(&params, s, o, v, &bytes);
  if (r.status == MEDPRUNER_OK) {
    r.status = medpruner_nucleus_select(&params, s, o, v, call.out(r.mask),
                                        call.out(r.kept_indices), call.out(r.kept_counts),
                                        call.out(r.kept_mass), call.out(r.flags),
                                        call.workspace(bytes), bytes, call.stream());
  }
  call.finish();
  return r;
}

template <class T>
struct MergeResult {
  medpruner_status status = -1;
  Tensor<T> merged;
  Tensor<uint8_t> role;
  Tensor<int64_t> assignment, kept_indices, kept_counts;
  Tensor<uint32_t> flags;
};

/** features may be null. In place: merged is the features tensor itself, returned as a copy. */
template <class T>
MergeResult<T> contextual_merge(medpruner_device device, double ratio, Tensor<T>* features,
                                Tensor<float>& keys, std::vector<uint8_t> nucleus_mask,
                                std::vector<int64_t> offsets, bool in_place = false) {
  const medpruner_contextual_merge_params params = {sizeof params, 0, ratio};
  const int64_t rows = keys.shape[0];
  const int64_t segments = static_cast<int64_t>(offsets.size()) - 1;
  Tensor<uint8_t> mask = vector_of(nucleus_mask);
  Tensor<int64_t> bounds = vector_of(offsets);
  MergeResult<T> r;
  if (features != nullptr && !in_place) {
    r.merged = output<T>(features->shape);
  }
  r.role = output<uint8_t>({rows});
  r.assignment = output<int64_t>({rows});
  r.kept_indices = output<int64_t>({rows});
  r.kept_counts = output<int64_t>({segments});
  r.flags = output<uint32_t>({segments});
  Call call(device);
  Tensor<T>* target = in_place ? features : &r.merged;
  const auto* m = features == nullptr ? nullptr : call.out(*target);
  const auto* f = features == nullptr ? nullptr : call.in(*features);
  const auto* k = call.in(keys);
  const auto* o = call.in(bounds);
  size_t bytes = 0;
  r.status = medpruner_contextual_merge_workspace(&params, k, o, &bytes);
  if (r.status == MEDPRUNER_OK) {
    r.status = medpruner_contextual_merge(
        &params, f, k, call.in(mask), o, m, call.out(r.role), call.out(r.assignment),
        call.out(r.kept_indices), call.out(r.kept_counts), call.out(r.flags), call.workspace(bytes),
        bytes, call.stream());
  }
  call.finish();
  if (in_place) {
    r.merged = *features;
  }
  return r;
}

template <class T>
struct GatherResult {
  medpruner_status status = -1;
  Tensor<T> packed;
  Tensor<int64_t> packed_offsets;
  Tensor<uint32_t> flags;
};

template <class T>
GatherResult<T> gather_rows(medpruner_device device, Tensor<T>& source,
                            std::vector<int64_t> indices, std::vector<int64_t> counts,
                            std::vector<int64_t> offsets, int64_t capacity) {
  const medpruner_gather_rows_params params = {sizeof params, 0};
  const int64_t segments = static_cast<int64_t>(offsets.size()) - 1;
  Tensor<int64_t> list = vector_of(indices);
  Tensor<int64_t> lengths = vector_of(counts);
  Tensor<int64_t> bounds = vector_of(offsets);
  GatherResult<T> r;
  r.packed = output<T>({capacity, source.shape[1]});
  r.packed_offsets = output<int64_t>({segments + 1});
  r.flags = output<uint32_t>({segments});
  Call call(device);
  const auto* s = call.in(source);
  const auto* o = call.in(bounds);
  size_t bytes = 0;
  r.status = medpruner_gather_rows_workspace(&params, s, o, &bytes);
  if (r.status == MEDPRUNER_OK) {
    r.status = medpruner_gather_rows(&params, s, call.in(list), call.in(lengths), o,
                                     call.out(r.packed), call.out(r.packed_offsets),
                                     call.out(r.flags), call.workspace(bytes), bytes,
                                     call.stream());
  }
  call.finish();
  return r;
}

template <class T>
struct PruneResult {
  medpruner_status status = -1;
  Tensor<float> mass, pooled_keys;  // what the call was given, or what it made of query and key
  Tensor<T> packed;
  Tensor<int64_t> packed_rows, packed_offsets, assignment;
  Tensor<uint8_t> role;
  Tensor<double> kept_mass;
  Tensor<uint32_t> flags;
};

/** What prune is given: query and key, or masses and keys. */
template <class T>
struct PruneCase {
  medpruner_prune_params params = {sizeof(medpruner_prune_params),
                                   0,
                                   contiguous(1),
                                   nucleus(MEDPRUNER_SCORE_MASS, 0.9),
                                   {sizeof(medpruner_contextual_merge_params), 0, 0.05},
                                   0};
  bool with_query = false;
  Tensor<T> query, key;
  Tensor<float> lse;  // no shape: none
  Tensor<float> mass, keys;
  Tensor<T> features;
  std::vector<int64_t> offsets, volumes;  // volumes empty: none
  std::vector<uint8_t> segments;          // empty: none
  int64_t capacity = 0;
};

template <class T>
PruneResult<T> prune(medpruner_device device, PruneCase<T>& c) {
  const int64_t rows = c.features.shape[0];
  const int64_t count = static_cast<int64_t>(c.offsets.size()) - 1;
  Tensor<int64_t> bounds = vector_of(c.offsets);
  Tensor<int64_t> groups = vector_of(c.volumes);
  Tensor<uint8_t> stay = vector_of(c.segments);
  PruneResult<T> r;
  if (c.with_query) {
    r.mass = output<float>({rows});
    r.pooled_keys = output<float>({rows, c.query.shape[2]});
  } else {
    r.mass = c.mass;
    r.pooled_keys = c.keys;
  }
  r.packed = output<T>({c.capacity, c.features.shape[1]});
  r.packed_rows = output<int64_t>({c.capacity});
  r.packed_offsets = output<int64_t>({count + 1});
  r.role = output<uint8_t>({rows});
  r.assignment = output<int64_t>({rows});
  r.kept_mass = output<double>({count});
  r.flags = output<uint32_t>({count});
  Call call(device);
  const auto* q = c.with_query ? call.in(c.query) : nullptr;
  const auto* k = c.with_query ? call.in(c.key) : nullptr;
  const auto* l = c.lse.shape.empty() ? nullptr : call.in(c.lse);
  const auto* m = c.with_query ? call.out(r.mass) : call.in(r.mass);
  const auto* p = c.with_query ? call.out(r.pooled_keys) : call.in(r.pooled_keys);
  const auto* f = call.in(c.features);
  const auto* o = call.in(bounds);
  const auto* s = c.segments.empty() ? nullptr : call.in(stay);
  const auto* v = c.volumes.empty() ? nullptr : call.in(groups);
  size_t bytes = 0;
  r.status = medpruner_prune_workspace(&c.params, q, k, p, f, o, v, &bytes);
  if (r.status == MEDPRUNER_OK) {
    r.status = medpruner_prune(&c.params, q, k, l, m, p, f, o, s, v, call.out(r.packed),
                               call.out(r.packed_rows), call.out(r.packed_offsets),
                               call.out(r.role), call.out(r.assignment), call.out(r.kept_mass),
                               call.out(r.flags), call.workspace(bytes), bytes, call.stream());
  }
  call.finish();
  return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// One small valid call of every op, with its descriptors in reach: the tests of bad input change one
// thing and call.

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "ops.hpp"

constexpr size_t kMostTensors = 17;

struct Argument {
  std::string name;
  bool optional;
  bool is_output;
  std::vector<unsigned char> memory;
  std::vector<int64_t> shape, strides;
  medpruner_tensor tensor;
  bool pass_null = false;
};

struct Fixture {
  std::string op;
  std::vector<unsigned char> params;
  std::vector<std::unique_ptr<Argument>> arguments;
  std::vector<unsigned char> workspace;
  size_t workspace_bytes = 0;
  void* stream = nullptr;
  std::function<medpruner_status(const void*, const medpruner_tensor* const*, void*, size_t, void*)>
      entry;

  template <class T>
  void add(const char* name, std::vector<int64_t> shape, std::vector<T> values, bool optional = false,
           bool is_output = false) {
    auto argument = std::make_unique<Argument>();
    argument->name = name;
    argument->optional = optional;
    argument->is_output = is_output;
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    argument->memory.assign(bytes, bytes + values.size() * sizeof(T));
    argument->shape = std::move(shape);
    argument->strides.assign(argument->shape.size(), 1);
    for (size_t i = argument->shape.size() - 1; i-- > 0;) {
      argument->strides[i] = argument->strides[i + 1] * argument->shape[i + 1];
    }
    argument->tensor = {argument->memory.data(), kCpu, static_cast<int32_t>(argument->shape.size()),
                        DTypeOf<T>::get(), argument->shape.data(), argument->strides.data(), 0};
    arguments.push_back(std::move(argument));
  }

  template <class T>
  void add_output(const char* name, std::vector<int64_t> shape, bool optional = false) {
    add<T>(name, shape, output<T>(shape).values, optional, true);
  }

  void set_workspace(size_t bytes) {
    workspace = std::vector<unsigned char>(bytes);
    workspace_bytes = bytes;
  }

  template <class P>
  void set_params(const P& value) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
    params.assign(bytes, bytes + sizeof value);
  }
  template <class P>
  P* params_as() {
    return reinterpret_cast<P*>(params.data());
  }

  medpruner_status call() {
    std::array<const medpruner_tensor*, kMostTensors> tensors = {};
    for (size_t i = 0; i < arguments.size(); ++i) {
      tensors[i] = arguments[i]->pass_null ? nullptr : &arguments[i]->tensor;
    }
    return entry(params.data(), tensors.data(), workspace.data(), workspace_bytes, stream);
  }

  bool outputs_untouched() const {
    for (const auto& argument : arguments) {
      for (unsigned char byte : argument->memory) {
        if (argument->is_output && byte != 0xCD) {
          return false;
        }
      }
    }
    return true;
  }
};

/** prune with its masses given, or with query and key. */
inline void make_prune_fixture(Fixture& f, bool with_query) {
  f.op = "prune";
  f.set_params(medpruner_prune_params{
      sizeof(medpruner_prune_params),
      0,
      contiguous(2),
      nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9),
      {sizeof(medpruner_contextual_merge_params), 0, 0.05},
      1});
  if (with_query) {
    f.add<float>("query", {8, 2, 3}, std::vector<float>(48, 1));
    f.add<float>("key", {8, 2, 3}, std::vector<float>(48, 1));
    f.add<float>("lse", {2, 8}, std::vector<float>(16, 3), true);
    f.add_output<float>("mass", {4});
    f.add_output<float>("pooled_keys", {4, 3});
  } else {
    f.add<float>("mass", {4}, std::vector<float>(4, 1));
    f.add<float>("pooled_keys", {4, 3}, std::vector<float>(12, 1));
  }
  f.add<float>("features", {4, 3}, std::vector<float>(12, 1));
  f.add<int64_t>("offsets", {3}, {0, 2, 4});
  f.add<uint8_t>("segments", {2}, {1, 0}, true);
  f.add<int64_t>("volumes", {2}, {0, 2}, true);
  f.add_output<float>("packed", {4, 3});
  f.add_output<int64_t>("packed_rows", {4});
  f.add_output<int64_t>("packed_offsets", {3});
  f.add_output<uint8_t>("role", {4});
  f.add_output<int64_t>("assignment", {4});
  f.add_output<double>("kept_mass", {2});
  f.add_output<uint32_t>("flags", {2});
  f.entry = [with_query](const void* p, const medpruner_tensor* const* t, void* w, size_t n,
                         void* s) {
    const medpruner_tensor* none[3] = {};
    const medpruner_tensor* const* a = with_query ? t : none;
    t += with_query ? 3 : 0;
    return medpruner_prune(static_cast<const medpruner_prune_params*>(p), a[0], a[1], a[2], t[0],
                           t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], t[10], t[11],
                           t[12], w, n, s);
  };
}

constexpr size_t kFixtures = 8;

/** More than any fixture's call needs, where it is not said otherwise. */
constexpr size_t kAmpleWorkspace = 1 << 16;

inline Fixture make_fixture(size_t which, size_t workspace = kAmpleWorkspace) {
  Fixture f;
  f.set_workspace(workspace);
  const std::vector<int64_t> offsets = {0, 2, 4};
  switch (which) {
    case 0:
      f.op = "slice_anchor";
      f.set_params(medpruner_slice_anchor_params{sizeof(medpruner_slice_anchor_params), 0, 0.05, 1, 0});
      f.add<float>("slices", {4, 3}, std::vector<float>(12, 1));
      f.add<int64_t>("offsets", {3}, offsets);
      f.add_output<uint8_t>("keep", {4});
      f.add_output<float>("distance", {4});
      f.add_output<int32_t>("representative", {4});
      f.add_output<int32_t>("kept_indices", {4});
      f.add_output<int32_t>("kept_counts", {2});
      f.add_output<uint32_t>("flags", {4});
      f.entry = [](const void* p, const medpruner_tensor* const* t, void* w, size_t n, void* s) {
        return medpruner_slice_anchor(static_cast<const medpruner_slice_anchor_params*>(p), t[0],
                                      t[1], t[2], t[3], t[4], t[5], t[6], t[7], w, n, s);
      };
      break;
    case 1:
      f.op = "attention_mass";
      f.set_params(contiguous(2));
      f.add<float>("query", {4, 2, 3}, std::vector<float>(24, 1));
      f.add<float>("key", {4, 2, 3}, std::vector<float>(24, 1));
      f.add<float>("lse", {2, 4}, std::vector<float>(8, 3), true);
      f.add<int64_t>("offsets", {3}, offsets);
      f.add_output<float>("mass", {2});
      f.add_output<float>("pooled_keys", {2, 3}, true);
      f.add_output<uint32_t>("flags", {2});
      f.entry = [](const void* p, const medpruner_tensor* const* t, void* w, size_t n, void* s) {
        return medpruner_attention_mass(static_cast<const medpruner_attention_mass_params*>(p),
                                        t[0], t[1], t[2], t[3], t[4], t[5], t[6], w, n, s);
      };
      break;
    case 2:
      f.op = "nucleus_select";
      f.set_params(nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9));
      f.add<float>("scores", {4}, std::vector<float>(4, 1));
      f.add<int64_t>("offsets", {3}, offsets);
      f.add<int64_t>("volumes", {2}, {0, 2}, true);
      f.add_output<uint8_t>("mask", {4});
      f.add_output<int64_t>("kept_indices", {4});
      f.add_output<int64_t>("kept_counts", {2});
      f.add_output<double>("kept_mass", {2});
      f.add_output<uint32_t>("flags", {2});
      f.entry = [](const void* p, const medpruner_tensor* const* t, void* w, size_t n, void* s) {
        return medpruner_nucleus_select(static_cast<const medpruner_nucleus_select_params*>(p),
                                        t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], w, n, s);
      };
      break;
    case 3:
      f.op = "contextual_merge";
      f.set_params(
          medpruner_contextual_merge_params{sizeof(medpruner_contextual_merge_params), 0, 0.05});
      f.add<float>("features", {4, 3}, std::vector<float>(12, 1));
      f.add<float>("keys", {4, 2}, std::vector<float>(8, 1));
      f.add<uint8_t>("nucleus", {4}, {1, 0, 0, 0});
      f.add<int64_t>("offsets", {3}, offsets);
      f.add_output<float>("merged", {4, 3});
      f.add_output<uint8_t>("role", {4});
      f.add_output<int64_t>("assignment", {4});
      f.add_output<int64_t>("kept_indices", {4});
      f.add_output<int64_t>("kept_counts", {2});
      f.add_output<uint32_t>("flags", {2});
      f.entry = [](const void* p, const medpruner_tensor* const* t, void* w, size_t n, void* s) {
        return medpruner_contextual_merge(static_cast<const medpruner_contextual_merge_params*>(p),
                                          t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8],
                                          t[9], w, n, s);
      };
      break;
    case 5:
    case 6:
      make_prune_fixture(f, which == 6);
      break;
    case 7:
      f.op = "slice_anchor_patches";
      f.set_params(patches(0.05, 1, 0.5, {1, 2, 3, 2, 2}));
      f.add<float>("slices", {4, 6}, std::vector<float>(24, 1));
      f.add<int64_t>("offsets", {3}, offsets);
      f.add_output<uint8_t>("keep", {4});
      f.add_output<float>("distance", {4});
      f.add_output<float>("patch_distance", {4});
      f.add_output<int32_t>("patch_index", {4});
      f.add_output<int32_t>("representative", {4});
      f.add_output<int32_t>("kept_indices", {4});
      f.add_output<int32_t>("kept_counts", {2});
      f.add_output<uint32_t>("flags", {4});
      f.entry = [](const void* p, const medpruner_tensor* const* t, void* w, size_t n, void* s) {
        return medpruner_slice_anchor_patches(
            static_cast<const medpruner_slice_anchor_patches_params*>(p), t[0], t[1], t[2], t[3],
            t[4], t[5], t[6], t[7], t[8], t[9], w, n, s);
      };
      break;
    default:
      f.op = "gather_rows";
      f.set_params(medpruner_gather_rows_params{sizeof(medpruner_gather_rows_params), 0});
      f.add<float>("source", {4, 3}, std::vector<float>(12, 1));
      f.add<int64_t>("indices", {4}, {0, 1, 3, -1});
      f.add<int64_t>("counts", {2}, {2, 1});
      f.add<int64_t>("offsets", {3}, offsets);
      f.add_output<float>("packed", {3, 3});
      f.add_output<int64_t>("packed_offsets", {3});
      f.add_output<uint32_t>("flags", {2});
      f.entry = [](const void* p, const medpruner_tensor* const* t, void* w, size_t n, void* s) {
        return medpruner_gather_rows(static_cast<const medpruner_gather_rows_params*>(p), t[0],
                                     t[1], t[2], t[3], t[4], t[5], t[6], w, n, s);
      };
  }
  return f;
}

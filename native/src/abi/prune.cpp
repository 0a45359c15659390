/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/prune.h"

#include <inttypes.h>

#include "abi/op_checks.hpp"
#include "cpu/backend.hpp"
#include "cpu/pool.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

/** A workspace query has no lse, mass and segments. */
struct Inputs {
  const medpruner_tensor *query, *key, *lse, *mass, *pooled_keys, *features, *offsets, *segments,
      *volumes;
};

void check_nested(const char* field, uint32_t size, size_t expected) {
  if (size != expected) {
    fail(kInvalid, "params: %s.struct_size is %u, expected %zu", field,
         static_cast<unsigned>(size), expected);
  }
}

PruneArgs check_values(const medpruner_prune_params* params, bool with_query) {
  check_params(params);
  check_reserved(params->reserved);
  if (with_query) {
    check_nested("attention", params->attention.struct_size, sizeof params->attention);
  }
  check_nested("nucleus", params->nucleus.struct_size, sizeof params->nucleus);
  check_nested("merge", params->merge.struct_size, sizeof params->merge);
  if (params->dropped_tokens < 0) {
    fail(kInvalid, "params: dropped_tokens is %" PRId64 ", expected >= 0", params->dropped_tokens);
  }
  PruneArgs args = {};
  args.nucleus = check_nucleus_params(&params->nucleus);
  args.merge = check_merge_params(&params->merge);
  args.dropped_tokens = params->dropped_tokens;
  args.with_query = with_query;
  return args;
}

void check_query_absent(const char* name, const medpruner_tensor* other) {
  if (other != nullptr) {
    fail(kInvalid, "query: is NULL, but %s is given", name);
  }
}

/** Everything up to the masses and keys, which are inputs or outputs. */
PruneArgs check_attention(Checker& checker, const medpruner_prune_params* params, const Inputs& in,
                          bool call) {
  PruneArgs args = check_values(params, in.query != nullptr);
  int64_t rows = kFree;
  View keys;
  View mass;
  if (args.with_query) {
    args.attention = check_query_key(checker, &params->attention, in.query, in.key);
    if (in.lse != nullptr) {
      args.attention.lse = checker
                               .input("lse", in.lse, bit(DType::kF32),
                                      {args.attention.heads, args.attention.rows})
                               .as<const float>();
    }
    rows = args.attention.rows / args.attention.pool;
    if (call) {
      mass = checker.output("mass", in.mass, bit(DType::kF32), {rows});
    }
    keys = checker.output("pooled_keys", in.pooled_keys, bit(DType::kF32),
                          {rows, args.attention.dim});
  } else {
    check_query_absent("key", in.key);
    check_query_absent("lse", in.lse);
    if (call) {
      mass = checker.input("mass", in.mass, bit(DType::kF32), {kFree});
      rows = mass.shape[0];
    }
    keys = checker.input("pooled_keys", in.pooled_keys, bit(DType::kF32), {rows, kFree},
                         Layout::kRowStride);
  }
  rows = keys.shape[0];
  if (rows > UINT32_MAX) {
    fail(kInvalid, "%s: shape[0] is %" PRId64 ", expected less than 2^32",
         call ? "mass" : "pooled_keys", rows);
  }
  args.mass = mass.as<float>();
  args.pooled_keys = keys.as<float>();
  args.merge.keys = args.pooled_keys;
  args.merge.rows = rows;
  args.merge.dim = keys.shape[1];
  args.merge.key_stride = keys.strides[0];
  args.nucleus.scores = args.mass;
  args.nucleus.rows = rows;
  return args;
}

PruneArgs check_inputs(Checker& checker, const medpruner_prune_params* params, const Inputs& in,
                       bool call) {
  PruneArgs args = check_attention(checker, params, in, call);
  const View features = checker.input("features", in.features, kFloatTypes,
                                      {args.merge.rows, kFree}, Layout::kRowStride);
  args.merge.features = features.data;
  args.merge.dtype = features.dtype;
  args.merge.channels = features.shape[1];
  args.merge.feature_stride = features.strides[0];
  args.merge.offsets = check_bounds(checker, "offsets", in.offsets, &args.merge.segments);
  args.nucleus.offsets = args.merge.offsets;
  args.nucleus.segments = args.merge.segments;
  args.attention.segments = args.merge.segments;
  if (in.segments != nullptr) {
    args.segment_kept = checker.input("segments", in.segments, bit(DType::kU8),
                                      {args.merge.segments})
                            .as<const uint8_t>();
  }
  args.nucleus.volume_count = 1;
  if (in.volumes != nullptr) {
    args.nucleus.volumes =
        check_bounds(checker, "volumes", in.volumes, &args.nucleus.volume_count);
  }
  return args;
}

/** Contents of the offsets; CPU only. */
void check_contents(const PruneArgs& args) {
  const NucleusSelectArgs& n = args.nucleus;
  check_offsets("offsets", n.offsets, n.segments + 1, n.rows, "features");
  if (n.volumes != nullptr) {
    check_offsets("volumes", n.volumes, n.volume_count + 1, n.segments, "flags (the segments)");
  }
  const AttentionMassArgs& a = args.attention;
  for (int64_t g = 0; args.with_query && a.grid && g < n.segments; ++g) {
    const int64_t length = n.offsets[g + 1] - n.offsets[g];
    const int64_t whole = a.grid_h / a.block_h * (a.grid_w / a.block_w);
    if (length != 0 && length != whole) {
      fail(kInvalid, "offsets: segment %" PRId64 " has %" PRId64 " tokens, expected %" PRId64
           ", those of the grid", g, length, whole);
    }
  }
}

/** `workers` counts on the CPU only. */
size_t workspace_size(const Checker& checker, const PruneArgs& args, int workers) {
  return checker.on_cuda() ? cuda::prune_workspace(args) : cpu::prune_workspace(args, workers);
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_prune_workspace(const medpruner_prune_params* params,
                                           const medpruner_tensor* query,
                                           const medpruner_tensor* key,
                                           const medpruner_tensor* pooled_keys,
                                           const medpruner_tensor* features,
                                           const medpruner_tensor* offsets,
                                           const medpruner_tensor* volumes, size_t* bytes) {
  return guard([&] {
    Checker checker(false);
    const Inputs in = {query, key, nullptr, nullptr, pooled_keys, features, offsets, nullptr,
                       volumes};
    const PruneArgs args = check_inputs(checker, params, in, false);
    check_bytes_out(bytes);
    checker.require_backend();
    *bytes = workspace_size(checker, args, cpu::threads());
  });
}

medpruner_status medpruner_prune(
    const medpruner_prune_params* params, const medpruner_tensor* query,
    const medpruner_tensor* key, const medpruner_tensor* lse, const medpruner_tensor* mass,
    const medpruner_tensor* pooled_keys, const medpruner_tensor* features,
    const medpruner_tensor* offsets, const medpruner_tensor* segments,
    const medpruner_tensor* volumes, const medpruner_tensor* packed,
    const medpruner_tensor* packed_rows, const medpruner_tensor* packed_offsets,
    const medpruner_tensor* role, const medpruner_tensor* assignment,
    const medpruner_tensor* kept_mass, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream) {
  return guard([&] {
    Checker checker(true);
    const Inputs in = {query,   key,      lse,     mass,   pooled_keys, features,
                       offsets, segments, volumes};
    PruneArgs args = check_inputs(checker, params, in, true);
    const int64_t rows = args.merge.rows;
    const int64_t count = args.merge.segments;
    const View rows_out = checker.output("packed", packed, bit(args.merge.dtype),
                                         {kFree, args.merge.channels});
    args.packed = rows_out.data;
    args.capacity = rows_out.shape[0];
    args.packed_rows =
        checker.output("packed_rows", packed_rows, bit(DType::kI64), {args.capacity}).as<int64_t>();
    args.packed_offsets =
        checker.output("packed_offsets", packed_offsets, bit(DType::kI64), {count + 1})
            .as<int64_t>();
    args.merge.role = checker.output("role", role, bit(DType::kU8), {rows}).as<uint8_t>();
    args.merge.assignment =
        checker.output("assignment", assignment, bit(DType::kI64), {rows}).as<int64_t>();
    args.nucleus.kept_mass =
        checker.output("kept_mass", kept_mass, bit(DType::kF64), {count}).as<double>();
    args.flags = checker.output("flags", flags, bit(DType::kU32), {count}).as<uint32_t>();
    checker.require_backend();
    args.workspace_bytes =
        checker.finish(workspace, workspace_bytes, workspace_size(checker, args, 1),
                       workspace_size(checker, args, cpu::threads()), stream);
    args.workspace = workspace;
    if (checker.on_cuda()) {
      cuda::prune(args, {checker.device_id(), stream});
    } else {
      check_contents(args);
      cpu::prune(args);
    }
  });
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/attention_mass.h"

#include <inttypes.h>
#include <math.h>

#include "abi/op_checks.hpp"
#include "cpu/backend.hpp"
#include "cpu/pool.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;
constexpr int64_t kMaxHeadDim = 256;

void check_positive(const char* field, int64_t value) {
  if (value < 1) {
    fail(kInvalid, "params: %s is %" PRId64 ", expected >= 1", field, value);
  }
}

void check_block(const char* block_name, int64_t block, const char* grid_name, int64_t grid) {
  if (grid % block != 0) {
    fail(kInvalid, "params: %s is %" PRId64 ", expected a divisor of %s, %" PRId64, block_name,
         block, grid_name, grid);
  }
}

void check_pooling(const medpruner_attention_mass_params* params, AttentionMassArgs& args) {
  if (params->pooling == MEDPRUNER_POOLING_CONTIGUOUS) {
    check_positive("group", params->group);
    args.pool = params->group;
  } else if (params->pooling == MEDPRUNER_POOLING_GRID) {
    check_positive("grid_h", params->grid_h);
    check_positive("grid_w", params->grid_w);
    check_positive("block_h", params->block_h);
    check_positive("block_w", params->block_w);
    check_block("block_h", params->block_h, "grid_h", params->grid_h);
    check_block("block_w", params->block_w, "grid_w", params->grid_w);
    int64_t patches = 0;
    if (__builtin_mul_overflow(params->grid_h, params->grid_w, &patches)) {
      fail(kInvalid, "params: grid_h * grid_w overflows 64 bits");
    }
    args.grid = true;
    args.grid_h = params->grid_h;
    args.grid_w = params->grid_w;
    args.block_h = params->block_h;
    args.block_w = params->block_w;
    args.pool = params->block_h * params->block_w;
  } else {
    fail(kInvalid, "params: pooling is %d, expected 0 (CONTIGUOUS) or 1 (GRID)",
         static_cast<int>(params->pooling));
  }
}

}  // namespace

AttentionMassArgs check_query_key(Checker& checker, const medpruner_attention_mass_params* params,
                                  const medpruner_tensor* query, const medpruner_tensor* key) {
  check_params(params);
  AttentionMassArgs args = {};
  if (!isfinite(params->scale) || params->scale < 0) {
    fail(kInvalid, "params: scale is %.17g, expected finite and >= 0", params->scale);
  }
  check_pooling(params, args);

  const View q = checker.input("query", query, kFloatTypes, {kFree, kFree, kFree},
                               Layout::kInnerCompact);
  if (q.shape[1] < 1) {
    fail(kInvalid, "query: shape[1] is 0, expected at least one head");
  }
  if (q.shape[2] < 1 || q.shape[2] > kMaxHeadDim) {
    fail(kInvalid, "query: shape[2] is %" PRId64 ", expected a head dimension in [1, %" PRId64 "]",
         q.shape[2], kMaxHeadDim);
  }
  if (q.shape[0] % args.pool != 0) {
    fail(kInvalid, "query: shape[0] is %" PRId64 ", expected a multiple of the %" PRId64
         " patches pooled per token", q.shape[0], args.pool);
  }
  const View k = checker.input("key", key, bit(q.dtype), {q.shape[0], q.shape[1], q.shape[2]},
                               Layout::kInnerCompact);
  args.query = q.data;
  args.key = k.data;
  args.dtype = q.dtype;
  args.rows = q.shape[0];
  args.heads = q.shape[1];
  args.dim = q.shape[2];
  args.query_row_stride = q.strides[0];
  args.query_head_stride = q.strides[1];
  args.key_row_stride = k.strides[0];
  args.key_head_stride = k.strides[1];
  args.scale = params->scale == 0 ? 1.0 / sqrt(static_cast<double>(args.dim)) : params->scale;
  return args;
}

namespace {

/** Every segment must fit its pooling; CPU only. */
void check_lengths(const AttentionMassArgs& args) {
  for (int64_t g = 0; g < args.segments; ++g) {
    const int64_t length = args.offsets[g + 1] - args.offsets[g];
    if (length == 0) {
      continue;
    }
    if (args.grid && length != args.grid_h * args.grid_w) {
      fail(kInvalid, "offsets: segment %" PRId64 " has %" PRId64 " patches, expected grid_h * "
           "grid_w = %" PRId64, g, length, args.grid_h * args.grid_w);
    }
    if (length % args.pool != 0) {
      fail(kInvalid, "offsets: segment %" PRId64 " has %" PRId64 " patches, expected a multiple of "
           "group = %" PRId64, g, length, args.pool);
    }
  }
}

/** `workers` counts on the CPU only. */
size_t workspace_size(const Checker& checker, const AttentionMassArgs& args, int workers) {
  return checker.on_cuda() ? cuda::attention_mass_workspace(args)
                           : cpu::attention_mass_workspace(args, workers);
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_attention_mass_workspace(const medpruner_attention_mass_params* params,
                                                    const medpruner_tensor* query,
                                                    const medpruner_tensor* key,
                                                    const medpruner_tensor* offsets,
                                                    size_t* bytes) {
  return guard([&] {
    Checker checker(false);
    AttentionMassArgs args = check_query_key(checker, params, query, key);
    args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
    check_bytes_out(bytes);
    checker.require_backend();
    *bytes = workspace_size(checker, args, cpu::threads());
  });
}

medpruner_status medpruner_attention_mass(
    const medpruner_attention_mass_params* params, const medpruner_tensor* query,
    const medpruner_tensor* key, const medpruner_tensor* lse, const medpruner_tensor* offsets,
    const medpruner_tensor* mass, const medpruner_tensor* pooled_keys,
    const medpruner_tensor* flags, void* workspace, size_t workspace_bytes, void* stream) {
  return guard([&] {
    Checker checker(true);
    AttentionMassArgs args = check_query_key(checker, params, query, key);
    if (lse != nullptr) {
      args.lse =
          checker.input("lse", lse, bit(DType::kF32), {args.heads, args.rows}).as<const float>();
    }
    args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
    const int64_t tokens = args.rows / args.pool;
    args.mass = checker.output("mass", mass, bit(DType::kF32), {tokens}).as<float>();
    if (pooled_keys != nullptr) {
      args.pooled_keys =
          checker.output("pooled_keys", pooled_keys, bit(DType::kF32), {tokens, args.dim})
              .as<float>();
    }
    args.flags = checker.output("flags", flags, bit(DType::kU32), {args.segments}).as<uint32_t>();
    checker.require_backend();
    args.workspace_bytes =
        checker.finish(workspace, workspace_bytes, workspace_size(checker, args, 1),
                       workspace_size(checker, args, cpu::threads()), stream);
    args.workspace = workspace;
    if (checker.on_cuda()) {
      cuda::attention_mass(args, {checker.device_id(), stream});
    } else {
      check_offsets("offsets", args.offsets, args.segments + 1, args.rows, "query");
      check_lengths(args);
      cpu::attention_mass(args);
    }
  });
}

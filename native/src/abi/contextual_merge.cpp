/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/contextual_merge.h"

#include "abi/op_checks.hpp"
#include "cpu/backend.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

}  // namespace

ContextualMergeArgs check_merge_params(const medpruner_contextual_merge_params* params) {
  check_params(params);
  check_reserved(params->reserved);
  if (!(params->ratio >= 0 && params->ratio <= 1)) {
    fail(kInvalid, "params: ratio is %.17g, expected in [0, 1]", params->ratio);
  }
  ContextualMergeArgs args = {};
  args.ratio = params->ratio;
  return args;
}

namespace {

/** @param rows kFree in the workspace query and without features */
void check_keys(Checker& checker, const medpruner_tensor* keys, int64_t rows,
                ContextualMergeArgs& args) {
  const View view =
      checker.input("keys", keys, bit(DType::kF32), {rows, kFree}, Layout::kRowStride);
  args.keys = view.as<const float>();
  args.rows = view.shape[0];
  args.dim = view.shape[1];
  args.key_stride = view.strides[0];
}

size_t workspace_size(const Checker& checker, const ContextualMergeArgs& args) {
  return checker.on_cuda() ? cuda::contextual_merge_workspace(args)
                           : cpu::contextual_merge_workspace(args);
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_contextual_merge_workspace(
    const medpruner_contextual_merge_params* params, const medpruner_tensor* keys,
    const medpruner_tensor* offsets, size_t* bytes) {
  return guard([&] {
    Checker checker(false);
    ContextualMergeArgs args = check_merge_params(params);
    check_keys(checker, keys, kFree, args);
    args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
    check_bytes_out(bytes);
    checker.require_backend();
    *bytes = workspace_size(checker, args);
  });
}

medpruner_status medpruner_contextual_merge(
    const medpruner_contextual_merge_params* params, const medpruner_tensor* features,
    const medpruner_tensor* keys, const medpruner_tensor* nucleus, const medpruner_tensor* offsets,
    const medpruner_tensor* merged, const medpruner_tensor* role,
    const medpruner_tensor* assignment, const medpruner_tensor* kept_indices,
    const medpruner_tensor* kept_counts, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream) {
  return guard([&] {
    Checker checker(true);
    ContextualMergeArgs args = check_merge_params(params);
    int64_t rows = kFree;
    if (features != nullptr) {
      const View view =
          checker.input("features", features, kFloatTypes, {kFree, kFree}, Layout::kRowStride);
      args.features = view.data;
      args.dtype = view.dtype;
      args.channels = view.shape[1];
      args.feature_stride = view.strides[0];
      rows = view.shape[0];
    }
    check_keys(checker, keys, rows, args);
    rows = args.rows;
    args.nucleus = checker.input("nucleus", nucleus, bit(DType::kU8), {rows}).as<const uint8_t>();
    args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
    if (features == nullptr && merged != nullptr) {
      fail(kInvalid, "merged: is given, expected NULL because features is NULL");
    }
    if (features != nullptr) {
      const View view = checker.output("merged", merged, bit(args.dtype), {rows, args.channels},
                                       Layout::kRowStride);
      args.merged = view.data;
      args.merged_stride = view.strides[0];
      checker.allow_alias("features", "merged");
    }
    args.role = checker.output("role", role, bit(DType::kU8), {rows}).as<uint8_t>();
    args.assignment =
        checker.output("assignment", assignment, bit(DType::kI64), {rows}).as<int64_t>();
    args.kept_indices =
        checker.output("kept_indices", kept_indices, bit(DType::kI64), {rows}).as<int64_t>();
    args.kept_counts =
        checker.output("kept_counts", kept_counts, bit(DType::kI64), {args.segments}).as<int64_t>();
    args.flags = checker.output("flags", flags, bit(DType::kU32), {args.segments}).as<uint32_t>();
    checker.require_backend();
    checker.finish(workspace, workspace_bytes, workspace_size(checker, args), stream);
    args.workspace = workspace;
    if (checker.on_cuda()) {
      cuda::contextual_merge(args, {checker.device_id(), stream});
    } else {
      check_offsets("offsets", args.offsets, args.segments + 1, rows, "keys");
      cpu::contextual_merge(args);
    }
  });
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/slice_anchor.h"

#include <inttypes.h>
#include <math.h>

#include "abi/tensor_check.hpp"
#include "cpu/backend.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;
constexpr uint32_t kSliceTypes = bit(DType::kU8) | bit(DType::kI16) | bit(DType::kF16) |
                                 bit(DType::kBF16) | bit(DType::kF32);

SliceAnchorArgs check_inputs(Checker& checker, const medpruner_slice_anchor_params* params,
                             const medpruner_tensor* slices, const medpruner_tensor* offsets) {
  check_params(params);
  if ((params->flags & ~static_cast<uint32_t>(MEDPRUNER_ANCHOR_DECIDE_ONLY)) != 0) {
    fail(kInvalid, "params: flags is 0x%x, expected 0 or MEDPRUNER_ANCHOR_DECIDE_ONLY (1)",
         static_cast<unsigned>(params->flags));
  }
  if (isnan(params->gamma)) {
    fail(kInvalid, "params: gamma is NaN");
  }
  if (!isfinite(params->scale) || params->scale <= 0) {
    fail(kInvalid, "params: scale is %g, expected finite and > 0", params->scale);
  }
  if (params->max_gap < 0) {
    fail(kInvalid, "params: max_gap is %" PRId64 ", expected >= 0", params->max_gap);
  }
  SliceAnchorArgs args = {};
  args.gamma = static_cast<float>(params->gamma);
  args.scale = params->scale;
  args.max_gap = params->max_gap;
  args.decide_only = (params->flags & MEDPRUNER_ANCHOR_DECIDE_ONLY) != 0;

  const View view =
      checker.input("slices", slices, kSliceTypes, {kFree, kFree}, Layout::kRowStride);
  if (view.shape[1] < 1) {
    fail(kInvalid, "slices: shape[1] is 0, expected >= 1");
  }
  if (view.shape[0] > INT32_MAX) {
    fail(kInvalid, "slices: shape[0] is %" PRId64 ", expected less than 2^31", view.shape[0]);
  }
  args.slices = view.data;
  args.dtype = view.dtype;
  args.rows = view.shape[0];
  args.cols = view.shape[1];
  args.row_stride = view.strides[0];

  const View offset_view = checker.input("offsets", offsets, bit(DType::kI64), {kFree});
  if (offset_view.shape[0] < 1) {
    fail(kInvalid, "offsets: shape is [0], expected at least one value");
  }
  args.offsets = offset_view.as<const int64_t>();
  args.segments = offset_view.shape[0] - 1;
  return args;
}

/** An output that deciding alone leaves unknown. */
View full_output(Checker& checker, const char* name, const medpruner_tensor* tensor, DType dtype,
                 const SliceAnchorArgs& args) {
  if (!args.decide_only) {
    return checker.output(name, tensor, bit(dtype), {args.rows});
  }
  if (tensor != nullptr) {
    fail(kInvalid, "%s: is not NULL, but params.flags has MEDPRUNER_ANCHOR_DECIDE_ONLY", name);
  }
  return {};
}

size_t workspace_size(const Checker& checker, const SliceAnchorArgs& args) {
  return checker.on_cuda() ? cuda::slice_anchor_workspace(args) : cpu::slice_anchor_workspace(args);
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_slice_anchor_workspace(const medpruner_slice_anchor_params* params,
                                                  const medpruner_tensor* slices,
                                                  const medpruner_tensor* offsets, size_t* bytes) {
  return guard([&] {
    Checker checker(false);
    const SliceAnchorArgs args = check_inputs(checker, params, slices, offsets);
    check_bytes_out(bytes);
    checker.require_backend();
    *bytes = workspace_size(checker, args);
  });
}

medpruner_status medpruner_slice_anchor(
    const medpruner_slice_anchor_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, const medpruner_tensor* keep, const medpruner_tensor* distance,
    const medpruner_tensor* representative, const medpruner_tensor* kept_indices,
    const medpruner_tensor* kept_counts, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream) {
  return guard([&] {
    Checker checker(true);
    SliceAnchorArgs args = check_inputs(checker, params, slices, offsets);
    const int64_t rows = args.rows;
    args.keep = checker.output("keep", keep, bit(DType::kU8), {rows}).as<uint8_t>();
    args.distance = full_output(checker, "distance", distance, DType::kF32, args).as<float>();
    args.representative =
        checker.output("representative", representative, bit(DType::kI32), {rows}).as<int32_t>();
    args.kept_indices =
        checker.output("kept_indices", kept_indices, bit(DType::kI32), {rows}).as<int32_t>();
    args.kept_counts =
        checker.output("kept_counts", kept_counts, bit(DType::kI32), {args.segments}).as<int32_t>();
    args.flags = full_output(checker, "flags", flags, DType::kU32, args).as<uint32_t>();
    checker.require_backend();
    checker.finish(workspace, workspace_bytes, workspace_size(checker, args), stream);
    args.workspace = workspace;
    if (checker.on_cuda()) {
      cuda::slice_anchor(args, {checker.device_id(), stream});
    } else {
      check_offsets("offsets", args.offsets, args.segments + 1, rows, "slices");
      cpu::slice_anchor(args);
    }
  });
}

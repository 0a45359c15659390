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
constexpr int64_t kMostPatchValues = 65536;

void check_anchor_params(const medpruner_slice_anchor_params* params) {
  if ((params->flags & ~static_cast<uint32_t>(MEDPRUNER_ANCHOR_DECIDE_ONLY)) != 0) {
    fail(kInvalid, "params: flags is 0x%x, expected 0 or MEDPRUNER_ANCHOR_DECIDE_ONLY (1)",
         static_cast<unsigned>(params->flags));
  }
  if (isnan(params->gamma)) {
    fail(kInvalid, "params: gamma is NaN");
  }
  if (!isfinite(params->scale) || params->scale <= 0) {
    fail(kInvalid, "params: scale is %.17g, expected finite and > 0", params->scale);
  }
  if (params->max_gap < 0) {
    fail(kInvalid, "params: max_gap is %" PRId64 ", expected >= 0", params->max_gap);
  }
}

/** What the entries with patches and without them are given. */
struct Params {
  const medpruner_slice_anchor_params* anchor;
  const medpruner_slice_anchor_patches_params* patches;  // null without
};

Params check_values(const medpruner_slice_anchor_params* params) {
  check_params(params);
  check_anchor_params(params);
  return {params, nullptr};
}

void check_extent(const char* name, int64_t extent) {
  if (extent < 1) {
    fail(kInvalid, "params: %s is %" PRId64 ", expected >= 1", name, extent);
  }
}

Params check_values(const medpruner_slice_anchor_patches_params* params) {
  check_params(params);
  check_reserved(params->reserved);
  if (params->anchor.struct_size != sizeof params->anchor) {
    fail(kInvalid, "params: anchor.struct_size is %u, expected %zu",
         static_cast<unsigned>(params->anchor.struct_size), sizeof params->anchor);
  }
  check_anchor_params(&params->anchor);
  if (isnan(params->patch_gamma)) {
    fail(kInvalid, "params: patch_gamma is NaN");
  }
  check_extent("channels", params->channels);
  check_extent("height", params->height);
  check_extent("width", params->width);
  check_extent("patch_height", params->patch_height);
  check_extent("patch_width", params->patch_width);
  // Sums of integers over a plane of a patch then fit 32 bits.
  int64_t patch_values = 0;
  if (__builtin_mul_overflow(params->patch_height, params->patch_width, &patch_values) ||
      patch_values > kMostPatchValues) {
    fail(kInvalid, "params: patch_height * patch_width is %" PRId64 " * %" PRId64
         ", expected at most %" PRId64, params->patch_height, params->patch_width,
         kMostPatchValues);
  }
  return {&params->anchor, params};
}

PatchGrid check_grid(const medpruner_slice_anchor_patches_params* params, int64_t cols) {
  const PatchGrid grid = {params->channels, params->height, params->width, params->patch_height,
                          params->patch_width};
  int64_t values = 0;
  if (__builtin_mul_overflow(grid.planes, grid.height, &values) ||
      __builtin_mul_overflow(values, grid.width, &values) || values != cols) {
    fail(kInvalid, "slices: shape[1] is %" PRId64 ", expected %" PRId64 " * %" PRId64 " * %" PRId64
         ", as params says", cols, grid.planes, grid.height, grid.width);
  }
  if (grid.rows() * grid.columns() > INT32_MAX) {
    fail(kInvalid, "params: the grid has %" PRId64 " * %" PRId64 " patches, expected less than 2^31",
         grid.rows(), grid.columns());
  }
  return grid;
}

SliceAnchorArgs check_inputs(Checker& checker, const Params& given,
                             const medpruner_tensor* slices, const medpruner_tensor* offsets) {
  const medpruner_slice_anchor_params* params = given.anchor;
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
  if (given.patches != nullptr) {
    args.with_patches = true;
    args.grid = check_grid(given.patches, args.cols);
    args.patch_gamma = static_cast<float>(given.patches->patch_gamma);
  }

  args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
  return args;
}

/** An output that deciding alone leaves unknown. */
View full_output(Checker& checker, const char* name, const medpruner_tensor* tensor, DType dtype,
                 const SliceAnchorArgs& args) {
  if (!args.decide_only) {
    return checker.output(name, tensor, bit(dtype), {args.rows});
  }
  if (tensor != nullptr) {
    fail(kInvalid, "%s: is not NULL, but the flags of params have MEDPRUNER_ANCHOR_DECIDE_ONLY", name);
  }
  return {};
}

size_t workspace_size(const Checker& checker, const SliceAnchorArgs& args) {
  return checker.on_cuda() ? cuda::slice_anchor_workspace(args) : cpu::slice_anchor_workspace(args);
}

/** The tensors in the order of the signature; those of patches are not looked at without patches. */
struct Outputs {
  const medpruner_tensor *keep, *distance, *patch_distance, *patch_index, *representative,
      *kept_indices, *kept_counts, *flags;
};

template <class P>
medpruner_status query(const P* params, const medpruner_tensor* slices,
                       const medpruner_tensor* offsets, size_t* bytes) {
  return guard([&] {
    Checker checker(false);
    const SliceAnchorArgs args = check_inputs(checker, check_values(params), slices, offsets);
    check_bytes_out(bytes);
    checker.require_backend();
    *bytes = workspace_size(checker, args);
  });
}

template <class P>
medpruner_status call(const P* params, const medpruner_tensor* slices,
                      const medpruner_tensor* offsets, const Outputs& out, void* workspace,
                      size_t workspace_bytes, void* stream) {
  return guard([&] {
    Checker checker(true);
    SliceAnchorArgs args = check_inputs(checker, check_values(params), slices, offsets);
    const int64_t rows = args.rows;
    args.keep = checker.output("keep", out.keep, bit(DType::kU8), {rows}).as<uint8_t>();
    args.distance = full_output(checker, "distance", out.distance, DType::kF32, args).as<float>();
    if (args.with_patches) {
      args.patch_distance =
          full_output(checker, "patch_distance", out.patch_distance, DType::kF32, args).as<float>();
      args.patch_index =
          full_output(checker, "patch_index", out.patch_index, DType::kI32, args).as<int32_t>();
    }
    args.representative =
        checker.output("representative", out.representative, bit(DType::kI32), {rows})
            .as<int32_t>();
    args.kept_indices =
        checker.output("kept_indices", out.kept_indices, bit(DType::kI32), {rows}).as<int32_t>();
    args.kept_counts = checker.output("kept_counts", out.kept_counts, bit(DType::kI32),
                                      {args.segments})
                           .as<int32_t>();
    args.flags = full_output(checker, "flags", out.flags, DType::kU32, args).as<uint32_t>();
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

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_slice_anchor_workspace(const medpruner_slice_anchor_params* params,
                                                  const medpruner_tensor* slices,
                                                  const medpruner_tensor* offsets, size_t* bytes) {
  return query(params, slices, offsets, bytes);
}

medpruner_status medpruner_slice_anchor(
    const medpruner_slice_anchor_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, const medpruner_tensor* keep, const medpruner_tensor* distance,
    const medpruner_tensor* representative, const medpruner_tensor* kept_indices,
    const medpruner_tensor* kept_counts, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream) {
  return call(params, slices, offsets,
              {keep, distance, nullptr, nullptr, representative, kept_indices, kept_counts, flags},
              workspace, workspace_bytes, stream);
}

medpruner_status medpruner_slice_anchor_patches_workspace(
    const medpruner_slice_anchor_patches_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, size_t* bytes) {
  return query(params, slices, offsets, bytes);
}

medpruner_status medpruner_slice_anchor_patches(
    const medpruner_slice_anchor_patches_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, const medpruner_tensor* keep, const medpruner_tensor* distance,
    const medpruner_tensor* patch_distance, const medpruner_tensor* patch_index,
    const medpruner_tensor* representative, const medpruner_tensor* kept_indices,
    const medpruner_tensor* kept_counts, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream) {
  return call(params, slices, offsets,
              {keep, distance, patch_distance, patch_index, representative, kept_indices,
               kept_counts, flags},
              workspace, workspace_bytes, stream);
}

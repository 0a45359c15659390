/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/slice_anchor.h"

#include "op.hpp"

namespace medpruner::ort {
namespace {

enum Input { kSlices, kOffsets };
enum Output {
  kKeptIndices,
  kKeptCounts,
  kKeep,
  kRepresentative,
  kDistance,
  kFlags,
  kPatchDistance,
  kPatchIndex
};

/** Rows [D, S] of slices of any rank. */
std::vector<int64_t> rows(const std::vector<int64_t>& shape) {
  if (shape.size() < 2) {
    invalid("slices: has " + std::to_string(shape.size()) +
            " dimensions, expected at least 2: [D, ...]");
  }
  int64_t values = 1;
  for (size_t i = 1; i < shape.size(); ++i) {
    if (__builtin_mul_overflow(values, shape[i], &values)) {
      invalid("slices: a slice has more than 2^63 values");
    }
  }
  return {shape[0], values};
}

class SliceAnchor : public Kernel {
 public:
  SliceAnchor(const Attributes& attributes, ONNXTensorElementDataType element) {
    params_.struct_size = sizeof params_;
    params_.gamma = attributes.real("gamma");
    params_.scale = attributes.real("scale", 1);
    params_.max_gap = attributes.integer("max_gap", 0);
    const std::optional<double> patch_gamma = attributes.maybe_real("patch_gamma");
    const std::vector<int64_t> patch = attributes.integers("patch", 2);
    if (patch_gamma.has_value() == patch.empty()) {
      invalid("attributes patch_gamma and patch go together, one of them is missing");
    }
    guarded_ = patch_gamma.has_value();
    patch_gamma_ = patch_gamma.value_or(0);
    patch_height_ = guarded_ ? patch[0] : 1;
    patch_width_ = guarded_ ? patch[1] : 1;

    // What the attributes alone say wrong is said now, when the session is made.
    const Tensor none(nullptr, dtype(element), {0, 1});
    const Tensor offsets(nullptr, {MEDPRUNER_DTYPE_INT, 64, 1}, {1});
    workspace(params_, with_patches(params_, {0, 1, 1}), none, offsets);
  }

  void compute(Call& call) const override {
    std::optional<Tensor> given = call.maybe_input(kSlices);
    if (!given) {
      invalid("slices: is missing");
    }
    const Tensor slices = given->reshaped(rows(given->shape()));
    const int64_t depth = slices.shape()[0];
    const Tensor offsets = call.offsets(kOffsets, "offsets", depth);
    const int64_t volumes = offsets.shape()[0] - 1;

    std::optional<Tensor> keep = call.maybe_output(kKeep, {depth});
    std::optional<Tensor> wide = call.maybe_output(kRepresentative, {depth});
    std::optional<Tensor> distance = call.maybe_output(kDistance, {depth});
    std::optional<Tensor> flags = call.maybe_flags(kFlags, depth);
    std::optional<Tensor> patch_distance = call.maybe_output(kPatchDistance, {depth});
    std::optional<Tensor> patch_index = call.maybe_output(kPatchIndex, {depth});
    if (!guarded_ && (patch_distance || patch_index)) {
      invalid("outputs patch_distance and patch_index need the attributes patch_gamma and patch");
    }
    Scratch& scratch = call.scratch();
    wanted_or(keep, scratch, MEDPRUNER_DTYPE_UINT, 8, {depth});
    const Tensor representative = scratch.tensor(MEDPRUNER_DTYPE_INT, 32, {depth});
    const Tensor indices = scratch.tensor(MEDPRUNER_DTYPE_INT, 32, {depth});
    const Tensor counts = scratch.tensor(MEDPRUNER_DTYPE_INT, 32, {volumes});

    medpruner_slice_anchor_params params = params_;
    if (!distance && !flags && !patch_distance && !patch_index) {
      params.flags = MEDPRUNER_ANCHOR_DECIDE_ONLY;  // reading may end early
    } else {
      wanted_or(distance, scratch, MEDPRUNER_DTYPE_FLOAT, 32, {depth});
      wanted_or(flags, scratch, MEDPRUNER_DTYPE_UINT, 32, {depth});
      if (guarded_) {
        wanted_or(patch_distance, scratch, MEDPRUNER_DTYPE_FLOAT, 32, {depth});
        wanted_or(patch_index, scratch, MEDPRUNER_DTYPE_INT, 32, {depth});
      }
    }
    const medpruner_slice_anchor_patches_params patches = with_patches(params, given->shape());
    const size_t bytes = workspace(params, patches, slices, offsets);
    void* memory = scratch.take(bytes);
    check(guarded_ ? medpruner_slice_anchor_patches(
                         &patches, slices.view(), offsets.view(), keep->view(), view(distance),
                         view(patch_distance), view(patch_index), representative.view(),
                         indices.view(), counts.view(), view(flags), memory, bytes, nullptr)
                   : medpruner_slice_anchor(&params, slices.view(), offsets.view(), keep->view(),
                                            view(distance), representative.view(), indices.view(),
                                            counts.view(), view(flags), memory, bytes, nullptr));

    const int32_t* count = counts.data<int32_t>();
    if (const auto out = call.maybe_output(kKeptCounts, {volumes})) {
      for (int64_t g = 0; g < volumes; ++g) {
        out->data<int64_t>()[g] = count[g];
      }
    }
    if (const auto out = call.maybe_output(kKeptIndices, {total(count, volumes)})) {
      pack(indices.data<int32_t>(), count, offsets.data<int64_t>(), volumes, out->data<int64_t>());
    }
    if (wide) {
      for (int64_t i = 0; i < depth; ++i) {
        wide->data<int64_t>()[i] = representative.data<int32_t>()[i];
      }
    }
  }

 private:
  /** Slices [D, H, W] or [D, C, H, W]; without the guard nothing looks at it. */
  medpruner_slice_anchor_patches_params with_patches(const medpruner_slice_anchor_params& anchor,
                                                     const std::vector<int64_t>& shape) const {
    medpruner_slice_anchor_patches_params params = {};
    params.struct_size = sizeof params;
    params.anchor = anchor;
    params.patch_gamma = patch_gamma_;
    params.patch_height = patch_height_;
    params.patch_width = patch_width_;
    const size_t rank = shape.size();
    if (guarded_ && rank != 3 && rank != 4) {
      invalid("slices: has " + std::to_string(rank) +
              " dimensions, but with patches it must be [D, H, W] or [D, C, H, W]");
    }
    params.channels = rank == 4 ? shape[1] : 1;
    params.height = guarded_ ? shape[rank - 2] : 1;
    params.width = guarded_ ? shape[rank - 1] : 1;
    return params;
  }

  size_t workspace(const medpruner_slice_anchor_params& params,
                   const medpruner_slice_anchor_patches_params& patches, const Tensor& slices,
                   const Tensor& offsets) const {
    size_t bytes = 0;
    check(guarded_ ? medpruner_slice_anchor_patches_workspace(&patches, slices.view(),
                                                              offsets.view(), &bytes)
                   : medpruner_slice_anchor_workspace(&params, slices.view(), offsets.view(),
                                                      &bytes));
    return bytes;
  }

  medpruner_slice_anchor_params params_ = {};
  bool guarded_ = false;
  double patch_gamma_ = 0;
  int64_t patch_height_ = 1, patch_width_ = 1;
};

void infer(const ShapeCall& call) {
  call.output(kKeptIndices, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, {ShapeCall::fresh()});
}

}  // namespace

const Definition& slice_anchor() {
  static const Definition& definition = *new Definition{
      "SliceAnchor",
      {{kElement, false}, {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true}},
      {{ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, true}},
      {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16,
       ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16,
       ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
      [](const Attributes& attributes,
         ONNXTensorElementDataType element) -> std::unique_ptr<Kernel> {
        return std::make_unique<SliceAnchor>(attributes, element);
      },
      infer};
  return definition;
}

}  // namespace medpruner::ort

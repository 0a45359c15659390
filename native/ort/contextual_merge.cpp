/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/contextual_merge.h"

#include <string.h>

#include "op.hpp"

namespace medpruner::ort {
namespace {

enum Input { kFeatures, kKeys, kNucleus, kOffsets };
enum Output { kTokens, kKeptIndices, kTokenOffsets, kRole, kAssignment, kFlags };

class ContextualMerge : public Kernel {
 public:
  explicit ContextualMerge(const Attributes& attributes) {
    params_.struct_size = sizeof params_;
    params_.ratio = attributes.real("ratio");

    const Tensor none(nullptr, {MEDPRUNER_DTYPE_FLOAT, 32, 1}, {0, 1});
    const Tensor offsets(nullptr, {MEDPRUNER_DTYPE_INT, 64, 1}, {1});
    workspace(none, offsets);
  }

  void compute(Call& call) const override {
    const Tensor features = call.input(kFeatures, "features", 2);
    const Tensor keys = call.input(kKeys, "keys", 2);
    const Tensor nucleus = call.input(kNucleus, "nucleus", 1);
    const int64_t tokens = features.shape()[0];
    const int64_t width = features.shape()[1];
    const medpruner_dtype type = features.view()->dtype;
    const Tensor offsets = call.offsets(kOffsets, "offsets", tokens);
    const int64_t segments = offsets.shape()[0] - 1;

    Scratch& scratch = call.scratch();
    std::optional<Tensor> role = call.maybe_output(kRole, {tokens});
    std::optional<Tensor> assignment = call.maybe_output(kAssignment, {tokens});
    std::optional<Tensor> flags = call.maybe_flags(kFlags, segments);
    wanted_or(role, scratch, MEDPRUNER_DTYPE_UINT, 8, {tokens});
    wanted_or(assignment, scratch, MEDPRUNER_DTYPE_INT, 64, {tokens});
    wanted_or(flags, scratch, MEDPRUNER_DTYPE_UINT, 32, {segments});
    const Tensor merged = scratch.tensor(type.code, type.bits, {tokens, width});
    const Tensor indices = scratch.tensor(MEDPRUNER_DTYPE_INT, 64, {tokens});
    const Tensor counts = scratch.tensor(MEDPRUNER_DTYPE_INT, 64, {segments});
    const size_t bytes = workspace(keys, offsets);
    check(medpruner_contextual_merge(&params_, features.view(), keys.view(), nucleus.view(),
                                     offsets.view(), merged.view(), role->view(),
                                     assignment->view(), indices.view(), counts.view(),
                                     flags->view(), scratch.take(bytes), bytes, nullptr));

    const int64_t* count = counts.data<int64_t>();
    const int64_t kept = total(count, segments);
    std::optional<Tensor> rows = call.maybe_output(kKeptIndices, {kept});
    wanted_or(rows, scratch, MEDPRUNER_DTYPE_INT, 64, {kept});
    int64_t* row = rows->data<int64_t>();
    pack(indices.data<int64_t>(), count, offsets.data<int64_t>(), segments, row);
    if (const auto out = call.maybe_output(kTokenOffsets, {segments + 1})) {
      int64_t* offset = out->data<int64_t>();
      offset[0] = 0;
      for (int64_t g = 0; g < segments; ++g) {
        offset[g + 1] = offset[g] + count[g];
      }
    }
    if (const auto out = call.maybe_output(kTokens, {kept, width})) {
      const size_t row_bytes = static_cast<size_t>(width) * (type.bits / 8u);
      if (row_bytes > 0) {
        for (int64_t i = 0; i < kept; ++i) {
          memcpy(out->data<char>() + i * row_bytes, merged.data<char>() + row[i] * row_bytes,
                 row_bytes);
        }
      }
    }
  }

 private:
  size_t workspace(const Tensor& keys, const Tensor& offsets) const {
    size_t bytes = 0;
    check(medpruner_contextual_merge_workspace(&params_, keys.view(), offsets.view(), &bytes));
    return bytes;
  }

  medpruner_contextual_merge_params params_ = {};
};

void infer(const ShapeCall& call) {
  const auto features = call.input(kFeatures);
  const auto offsets = call.input(kOffsets);
  const Extent kept = ShapeCall::fresh();
  const bool whole = features && features->size() == 2;
  call.output(kTokens, call.element(kFeatures), {kept, whole ? (*features)[1] : ShapeCall::fresh()});
  call.output(kKeptIndices, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, {kept});
  call.output(kTokenOffsets, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
              {offsets ? (*offsets)[0] : ShapeCall::fresh()});
}

}  // namespace

const Definition& contextual_merge() {
  static const Definition& definition = *new Definition{
      "ContextualMerge",
      {{kElement, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true}},
      {{kElement, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, true}},
      {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16,
       ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
      [](const Attributes& attributes, ONNXTensorElementDataType) -> std::unique_ptr<Kernel> {
        return std::make_unique<ContextualMerge>(attributes);
      },
      infer};
  return definition;
}

}  // namespace medpruner::ort

/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/nucleus_select.h"

#include "op.hpp"

namespace medpruner::ort {
namespace {

enum Input { kScores, kOffsets, kVolumes };
enum Output { kNucleus, kKeptIndices, kKeptCounts, kKeptMass, kFlags };

int32_t score(const std::string& name) {
  if (name == "softmax") {
    return MEDPRUNER_SCORE_SOFTMAX;
  }
  if (name == "mass") {
    return MEDPRUNER_SCORE_MASS;
  }
  invalid("attribute score is \"" + name + "\", expected \"softmax\" or \"mass\"");
}

class NucleusSelect : public Kernel {
 public:
  explicit NucleusSelect(const Attributes& attributes) {
    params_.struct_size = sizeof params_;
    params_.score = score(attributes.text("score", "softmax"));
    params_.tau = attributes.real("tau");
    params_.temperature = attributes.real("temperature", 1);
    params_.min_tokens = attributes.integer("min_tokens", 0);
    params_.max_tokens = attributes.integer("max_tokens", 0);
    params_.volume_min_tokens = attributes.integer("volume_min_tokens", 0);
    params_.volume_max_tokens = attributes.integer("volume_max_tokens", 0);

    const Tensor none(nullptr, {MEDPRUNER_DTYPE_FLOAT, 32, 1}, {0});
    const Tensor offsets(nullptr, {MEDPRUNER_DTYPE_INT, 64, 1}, {1});
    workspace(none, offsets, std::nullopt);
  }

  void compute(Call& call) const override {
    const Tensor scores = call.input(kScores, "scores", 1);
    const int64_t tokens = scores.shape()[0];
    const Tensor offsets = call.offsets(kOffsets, "offsets", tokens);
    const int64_t segments = offsets.shape()[0] - 1;
    const std::optional<Tensor> volumes = call.maybe_input(kVolumes);

    Scratch& scratch = call.scratch();
    std::optional<Tensor> nucleus = call.maybe_output(kNucleus, {tokens});
    std::optional<Tensor> counts = call.maybe_output(kKeptCounts, {segments});
    std::optional<Tensor> mass = call.maybe_output(kKeptMass, {segments});
    std::optional<Tensor> flags = call.maybe_flags(kFlags, segments);
    wanted_or(nucleus, scratch, MEDPRUNER_DTYPE_UINT, 8, {tokens});
    wanted_or(counts, scratch, MEDPRUNER_DTYPE_INT, 64, {segments});
    wanted_or(mass, scratch, MEDPRUNER_DTYPE_FLOAT, 64, {segments});
    wanted_or(flags, scratch, MEDPRUNER_DTYPE_UINT, 32, {segments});
    const Tensor indices = scratch.tensor(MEDPRUNER_DTYPE_INT, 64, {tokens});
    const size_t bytes = workspace(scores, offsets, volumes);
    check(medpruner_nucleus_select(&params_, scores.view(), offsets.view(), view(volumes),
                                   nucleus->view(), indices.view(), counts->view(), mass->view(),
                                   flags->view(), scratch.take(bytes), bytes, nullptr));
    const int64_t* count = counts->data<int64_t>();
    if (const auto out = call.maybe_output(kKeptIndices, {total(count, segments)})) {
      pack(indices.data<int64_t>(), count, offsets.data<int64_t>(), segments, out->data<int64_t>());
    }
  }

 private:
  size_t workspace(const Tensor& scores, const Tensor& offsets,
                   const std::optional<Tensor>& volumes) const {
    size_t bytes = 0;
    check(medpruner_nucleus_select_workspace(&params_, scores.view(), offsets.view(), view(volumes),
                                             &bytes));
    return bytes;
  }

  medpruner_nucleus_select_params params_ = {};
};

void infer(const ShapeCall& call) {
  const auto scores = call.input(kScores);
  call.output(kNucleus, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL,
              {scores ? (*scores)[0] : ShapeCall::fresh()});
}

}  // namespace

const Definition& nucleus_select() {
  static const Definition& definition = *new Definition{
      "NucleusSelect",
      {{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true}},
      {{ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, true}},
      {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
      [](const Attributes& attributes, ONNXTensorElementDataType) -> std::unique_ptr<Kernel> {
        return std::make_unique<NucleusSelect>(attributes);
      },
      infer};
  return definition;
}

}  // namespace medpruner::ort

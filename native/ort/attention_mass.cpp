/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/attention_mass.h"

#include "op.hpp"

namespace medpruner::ort {
namespace {

enum Input { kQuery, kKey, kOffsets, kLse };
enum Output { kMass, kPooledKeys, kTokenOffsets, kFlags };

class AttentionMass : public Kernel {
 public:
  AttentionMass(const Attributes& attributes, ONNXTensorElementDataType element) {
    params_.struct_size = sizeof params_;
    params_.scale = attributes.real("scale", 0);
    params_.group = attributes.integer("group", 1);
    const std::vector<int64_t> grid = attributes.integers("grid", 2);
    const std::vector<int64_t> block = attributes.integers("block", 2);
    if (grid.empty() != block.empty()) {
      invalid("attributes grid and block go together, one of them is missing");
    }
    if (!grid.empty() && params_.group != 1) {
      invalid("attribute group is for patches without a grid, leave one of the two out");
    }
    params_.pooling = grid.empty() ? MEDPRUNER_POOLING_CONTIGUOUS : MEDPRUNER_POOLING_GRID;
    params_.grid_h = grid.empty() ? 0 : grid[0];
    params_.grid_w = grid.empty() ? 0 : grid[1];
    params_.block_h = grid.empty() ? 0 : block[0];
    params_.block_w = grid.empty() ? 0 : block[1];

    const Tensor none(nullptr, dtype(element), {0, 1, 1});
    const Tensor offsets(nullptr, {MEDPRUNER_DTYPE_INT, 64, 1}, {1});
    workspace(none, none, offsets);
  }

  void compute(Call& call) const override {
    const Tensor query = call.input(kQuery, "query", 3);
    const Tensor key = call.input(kKey, "key", 3);
    const int64_t patches = query.shape()[0];
    const Tensor offsets = call.offsets(kOffsets, "offsets", patches);
    const std::optional<Tensor> lse = call.maybe_input(kLse);
    const int64_t segments = offsets.shape()[0] - 1;
    const size_t bytes = workspace(query, key, offsets);  // refuses what is divided by below

    const int64_t pool =
        params_.pooling == MEDPRUNER_POOLING_GRID ? params_.block_h * params_.block_w : params_.group;
    const int64_t tokens = patches / pool;
    Scratch& scratch = call.scratch();
    std::optional<Tensor> mass = call.maybe_output(kMass, {tokens});
    wanted_or(mass, scratch, MEDPRUNER_DTYPE_FLOAT, 32, {tokens});
    const auto pooled_keys = call.maybe_output(kPooledKeys, {tokens, query.shape()[2]});
    std::optional<Tensor> flags = call.maybe_flags(kFlags, segments);
    wanted_or(flags, scratch, MEDPRUNER_DTYPE_UINT, 32, {segments});
    check(medpruner_attention_mass(&params_, query.view(), key.view(), view(lse), offsets.view(),
                                   mass->view(), view(pooled_keys), view(flags),
                                   scratch.take(bytes), bytes, nullptr));
    if (const auto out = call.maybe_output(kTokenOffsets, {segments + 1})) {
      for (int64_t g = 0; g <= segments; ++g) {
        out->data<int64_t>()[g] = offsets.data<int64_t>()[g] / pool;
      }
    }
  }

 private:
  size_t workspace(const Tensor& query, const Tensor& key, const Tensor& offsets) const {
    size_t bytes = 0;
    check(medpruner_attention_mass_workspace(&params_, query.view(), key.view(), offsets.view(),
                                             &bytes));
    return bytes;
  }

  medpruner_attention_mass_params params_ = {};
};

void infer(const ShapeCall& call) {
  const auto query = call.input(kQuery);
  const auto offsets = call.input(kOffsets);
  const std::vector<int64_t> block = call.integers("block");
  const int64_t pool = block.size() == 2 ? block[0] * block[1] : call.integer("group", 1);
  const bool whole = query && query->size() == 3;
  const Extent tokens = whole ? ShapeCall::divided((*query)[0], pool) : ShapeCall::fresh();
  call.output(kMass, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, {tokens});
  call.output(kPooledKeys, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
              {tokens, whole ? (*query)[2] : ShapeCall::fresh()});
  call.output(kTokenOffsets, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
              {offsets ? (*offsets)[0] : ShapeCall::fresh()});
}

}  // namespace

const Definition& attention_mass() {
  static const Definition& definition = *new Definition{
      "AttentionMass",
      {{kElement, false},
       {kElement, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, true},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, true}},
      {{ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, false},
       {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, true}},
      {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16,
       ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
      [](const Attributes& attributes,
         ONNXTensorElementDataType element) -> std::unique_ptr<Kernel> {
        return std::make_unique<AttentionMass>(attributes, element);
      },
      infer};
  return definition;
}

}  // namespace medpruner::ort

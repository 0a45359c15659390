/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What an op of the domain is made of: a definition (name, ports, element types), a kernel made once per
// node, and the OrtCustomOp that ONNX Runtime calls, one per element type.

#include <memory>
#include <vector>

#include "api.hpp"
#include "attributes.hpp"
#include "shapes.hpp"
#include "tensors.hpp"

namespace medpruner::ort {

/** Stands for the element type that the op is registered for. */
constexpr ONNXTensorElementDataType kElement = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;

/** An input or output. */
struct Port {
  ONNXTensorElementDataType type;
  bool optional;
};

/** A node's op with its attributes. Used by many threads at once. */
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void compute(Call& call) const = 0;
};

struct Definition {
  const char* name;
  std::vector<Port> inputs;
  /** The required ones first; a node must name them all, and those alone have a shape to infer. */
  std::vector<Port> outputs;
  std::vector<ONNXTensorElementDataType> elements;
  /** Checks the attributes as far as they can be without data. */
  std::unique_ptr<Kernel> (*make)(const Attributes& attributes, ONNXTensorElementDataType element);
  /** Of every element type: ONNX Runtime calls that of the first one for all. */
  void (*infer)(const ShapeCall& call);
};

const Definition& slice_anchor();
const Definition& attention_mass();
const Definition& nucleus_select();
const Definition& contextual_merge();

/** The functions of one op for one element type and one table of ONNX Runtime's functions. */
class CustomOp : public OrtCustomOp {
 public:
  CustomOp(const OrtApi& api, const Definition& definition, ONNXTensorElementDataType element,
           bool infers_shapes);
  CustomOp(const CustomOp&) = delete;
  CustomOp& operator=(const CustomOp&) = delete;

  const OrtApi& api;
  const Definition& definition;
  const ONNXTensorElementDataType element;
};

}  // namespace medpruner::ort

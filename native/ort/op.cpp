/* SPDX-License-Identifier: Apache-2.0 */
#include "op.hpp"

namespace medpruner::ort {
namespace {

const CustomOp& self(const OrtCustomOp* op) { return *static_cast<const CustomOp*>(op); }

/** A kernel and what its calls need; ONNX Runtime's op_kernel. */
struct Node {
  const OrtApi& api;
  const char* name;
  std::unique_ptr<Kernel> kernel;
};

ONNXTensorElementDataType type(const OrtCustomOp* op, const Port& port) {
  return port.type == kElement ? self(op).element : port.type;
}

OrtCustomOpInputOutputCharacteristic characteristic(const Port& port) {
  return port.optional ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
}

OrtStatus* create_kernel(const OrtCustomOp* op, const OrtApi*, const OrtKernelInfo* info,
                         void** kernel) {
  const CustomOp& own = self(op);
  return guard(own.api, own.definition.name, [&] {
    auto node = std::make_unique<Node>(
        Node{own.api, own.definition.name,
             own.definition.make(Attributes(own.api, info), own.element)});
    *kernel = node.release();
  });
}

OrtStatus* compute(void* kernel, OrtKernelContext* context) {
  const Node& node = *static_cast<const Node*>(kernel);
  return guard(node.api, node.name, [&] {
    Call call(node.api, context);
    node.kernel->compute(call);
  });
}

OrtStatus* infer(const OrtCustomOp* op, OrtShapeInferContext* context) {
  const CustomOp& own = self(op);
  return guard(own.api, own.definition.name,
               [&] { own.definition.infer(ShapeCall(own.api, context)); });
}

}  // namespace

CustomOp::CustomOp(const OrtApi& table, const Definition& ops, ONNXTensorElementDataType type_of,
                   bool infers_shapes)
    : OrtCustomOp{}, api(table), definition(ops), element(type_of) {
  version = kApiVersion;
  GetName = [](const OrtCustomOp* op) { return self(op).definition.name; };
  // None: the CPU's. ONNX Runtime copies what lies on another device.
  GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };
  GetInputTypeCount = [](const OrtCustomOp* op) { return self(op).definition.inputs.size(); };
  GetInputType = [](const OrtCustomOp* op, size_t i) {
    return type(op, self(op).definition.inputs.at(i));
  };
  GetInputCharacteristic = [](const OrtCustomOp* op, size_t i) {
    return characteristic(self(op).definition.inputs.at(i));
  };
  GetInputMemoryType = [](const OrtCustomOp*, size_t) { return OrtMemTypeDefault; };
  GetOutputTypeCount = [](const OrtCustomOp* op) { return self(op).definition.outputs.size(); };
  GetOutputType = [](const OrtCustomOp* op, size_t i) {
    return type(op, self(op).definition.outputs.at(i));
  };
  GetOutputCharacteristic = [](const OrtCustomOp* op, size_t i) {
    return characteristic(self(op).definition.outputs.at(i));
  };
  CreateKernelV2 = create_kernel;
  KernelComputeV2 = compute;
  KernelDestroy = [](void* kernel) { delete static_cast<Node*>(kernel); };
  InferOutputShapeFn = infers_shapes ? infer : nullptr;
}

}  // namespace medpruner::ort

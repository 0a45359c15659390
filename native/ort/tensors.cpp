/* SPDX-License-Identifier: Apache-2.0 */
#include "tensors.hpp"

#include <stdlib.h>

#include <string>

namespace medpruner::ort {

medpruner_dtype dtype(ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      return {MEDPRUNER_DTYPE_UINT, 8, 1};
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
      return {MEDPRUNER_DTYPE_INT, 16, 1};
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return {MEDPRUNER_DTYPE_INT, 32, 1};
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return {MEDPRUNER_DTYPE_INT, 64, 1};
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
      return {MEDPRUNER_DTYPE_FLOAT, 16, 1};
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
      return {MEDPRUNER_DTYPE_BFLOAT, 16, 1};
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return {MEDPRUNER_DTYPE_FLOAT, 32, 1};
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return {MEDPRUNER_DTYPE_FLOAT, 64, 1};
    default:
      fail(ORT_FAIL, "element type " + std::to_string(type) + " is in no op's schema");
  }
}

Tensor::Tensor(void* data, medpruner_dtype dtype, std::vector<int64_t> shape)
    : shape_(std::move(shape)),
      view_{data,    {MEDPRUNER_DEVICE_CPU, 0}, static_cast<int32_t>(shape_.size()), dtype,
            shape_.data(), nullptr,               0} {}

Tensor Tensor::reshaped(std::vector<int64_t> shape) const {
  return Tensor(view_.data, view_.dtype, std::move(shape));
}

void* Scratch::take(size_t bytes) {
  constexpr size_t kAlignment = 64;
  if (bytes > SIZE_MAX - kAlignment) {
    throw std::bad_alloc();
  }
  void* block = aligned_alloc(kAlignment, (bytes + kAlignment) / kAlignment * kAlignment);
  if (block == nullptr) {
    throw std::bad_alloc();
  }
  std::unique_ptr<void, Free> owned(block);
  blocks_.push_back(std::move(owned));
  return block;
}

void Scratch::Free::operator()(void* block) const { free(block); }

Tensor Scratch::tensor(uint8_t code, uint8_t bits, std::vector<int64_t> shape) {
  // Shapes here are those of tensors that exist, of elements up to eight bytes.
  size_t bytes = bits / 8u;
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes)) {
      throw std::bad_alloc();
    }
  }
  return Tensor(take(bytes), {code, bits, 1}, std::move(shape));
}

namespace {

Tensor from_value(const OrtApi& api, const OrtValue* value) {
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  check(api, api.GetTensorTypeAndShape(value, &raw));
  const Owned<OrtTensorTypeAndShapeInfo> info(raw, api.ReleaseTensorTypeAndShapeInfo);
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  size_t rank = 0;
  check(api, api.GetTensorElementType(info.get(), &type));
  check(api, api.GetDimensionsCount(info.get(), &rank));
  std::vector<int64_t> shape(rank);
  check(api, api.GetDimensions(info.get(), shape.data(), rank));
  void* data = nullptr;
  // The C API has no getter for constant data; inputs are only read.
  check(api, api.GetTensorMutableData(const_cast<OrtValue*>(value), &data));
  return Tensor(data, dtype(type), std::move(shape));
}

}  // namespace

std::optional<Tensor> Call::maybe_input(size_t index) const {
  size_t count = 0;
  check(api_, api_.KernelContext_GetInputCount(context_, &count));
  const OrtValue* value = nullptr;
  if (index < count) {
    check(api_, api_.KernelContext_GetInput(context_, index, &value));
  }
  if (value == nullptr) {
    return std::nullopt;
  }
  return from_value(api_, value);
}

Tensor Call::input(size_t index, const char* name, size_t rank) const {
  std::optional<Tensor> tensor = maybe_input(index);
  if (!tensor) {
    invalid(std::string(name) + ": is missing");
  }
  if (tensor->shape().size() != rank) {
    invalid(std::string(name) + ": has " + std::to_string(tensor->shape().size()) +
            " dimensions, expected " + std::to_string(rank));
  }
  return std::move(*tensor);
}

std::optional<Tensor> Call::maybe_output(size_t index, std::vector<int64_t> shape) const {
  size_t count = 0;
  check(api_, api_.KernelContext_GetOutputCount(context_, &count));
  OrtValue* value = nullptr;
  if (index < count) {
    check(api_, api_.KernelContext_GetOutput(context_, index, shape.data(), shape.size(), &value));
  }
  if (value == nullptr) {
    return std::nullopt;
  }
  return from_value(api_, value);
}

std::optional<Tensor> Call::maybe_flags(size_t index, int64_t count) const {
  std::optional<Tensor> output = maybe_output(index, {count});
  if (output) {
    output = Tensor(output->data<void>(), {MEDPRUNER_DTYPE_UINT, 32, 1}, {count});
  }
  return output;
}

Tensor Call::offsets(size_t index, const char* name, int64_t rows) {
  std::optional<Tensor> given = maybe_input(index);
  if (!given) {
    Tensor whole = scratch_.tensor(MEDPRUNER_DTYPE_INT, 64, {2});
    whole.data<int64_t>()[0] = 0;
    whole.data<int64_t>()[1] = rows;
    return whole;
  }
  if (given->shape().size() != 1 || given->shape()[0] < 1) {
    invalid(std::string(name) + ": expected one dimension and at least one value");
  }
  return std::move(*given);
}

const Tensor& wanted_or(std::optional<Tensor>& output, Scratch& scratch, uint8_t code, uint8_t bits,
                        std::vector<int64_t> shape) {
  if (!output) {
    output = scratch.tensor(code, bits, std::move(shape));
  }
  return *output;
}

}  // namespace medpruner::ort

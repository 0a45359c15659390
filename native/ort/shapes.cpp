/* SPDX-License-Identifier: Apache-2.0 */
#include "shapes.hpp"

#include <atomic>

namespace medpruner::ort {

const OrtTensorTypeAndShapeInfo* ShapeCall::info(size_t index) const {
  size_t count = 0;
  check(api_, api_.ShapeInferContext_GetInputCount(context_, &count));
  OrtTensorTypeAndShapeInfo* info = nullptr;  // the context's own
  return index < count &&
                 succeeded(api_, api_.ShapeInferContext_GetInputTypeShape(context_, index, &info))
             ? info
             : nullptr;
}

ONNXTensorElementDataType ShapeCall::element(size_t index) const {
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  if (const OrtTensorTypeAndShapeInfo* own = info(index)) {
    check(api_, api_.GetTensorElementType(own, &type));
  }
  return type;
}

std::optional<std::vector<Extent>> ShapeCall::input(size_t index) const {
  const OrtTensorTypeAndShapeInfo* own = info(index);
  size_t rank = 0;
  if (own != nullptr) {
    check(api_, api_.GetDimensionsCount(own, &rank));
  }
  if (rank == 0) {  // unknown looks like a scalar; no op takes one
    return std::nullopt;
  }
  std::vector<int64_t> values(rank);
  std::vector<const char*> names(rank);
  check(api_, api_.GetDimensions(own, values.data(), rank));
  check(api_, api_.GetSymbolicDimensions(own, names.data(), rank));
  std::vector<Extent> shape;
  for (size_t i = 0; i < rank; ++i) {
    const std::string name = names[i] == nullptr ? "" : names[i];
    shape.push_back({name.empty() ? values[i] : -1, name});
  }
  return shape;
}

void ShapeCall::output(size_t index, ONNXTensorElementDataType type,
                       std::vector<Extent> shape) const {
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  check(api_, api_.CreateTensorTypeAndShapeInfo(&raw));
  const Owned<OrtTensorTypeAndShapeInfo> info(raw, api_.ReleaseTensorTypeAndShapeInfo);
  std::vector<int64_t> values;
  std::vector<const char*> names;
  for (Extent& extent : shape) {
    if (!extent.known() && extent.name.empty()) {
      extent = fresh();
    }
    values.push_back(extent.value);
    names.push_back(extent.known() ? "" : extent.name.c_str());
  }
  check(api_, api_.SetTensorElementType(info.get(), type));
  check(api_, api_.SetDimensions(info.get(), values.data(), values.size()));
  check(api_, api_.SetSymbolicDimensions(info.get(), names.data(), names.size()));
  check(api_, api_.ShapeInferContext_SetOutputTypeShape(context_, index, info.get()));
}

int64_t ShapeCall::integer(const char* attribute, int64_t fallback) const {
  const OrtOpAttr* found = nullptr;
  int64_t value = fallback;
  size_t size = 0;
  if (!succeeded(api_, api_.ShapeInferContext_GetAttribute(context_, attribute, &found)) ||
      !succeeded(api_, api_.ReadOpAttr(found, ORT_OP_ATTR_INT, &value, sizeof value, &size))) {
    return fallback;
  }
  return value;
}

std::vector<int64_t> ShapeCall::integers(const char* attribute) const {
  constexpr size_t kMost = 2;
  const OrtOpAttr* found = nullptr;
  std::vector<int64_t> values(kMost);
  size_t size = 0;
  if (!succeeded(api_, api_.ShapeInferContext_GetAttribute(context_, attribute, &found)) ||
      !succeeded(api_, api_.ReadOpAttr(found, ORT_OP_ATTR_INTS, values.data(),
                                       kMost * sizeof(int64_t), &size))) {
    return {};
  }
  values.resize(size / sizeof(int64_t));
  return values;
}

Extent ShapeCall::fresh() {
  static std::atomic<uint64_t> next{0};
  return {-1, "medpruner_" + std::to_string(next.fetch_add(1))};
}

Extent ShapeCall::divided(const Extent& extent, int64_t by) {
  if (by == 1) {
    return extent;
  }
  return extent.known() && by > 0 && extent.value % by == 0 ? Extent{extent.value / by, ""}
                                                            : fresh();
}

}  // namespace medpruner::ort

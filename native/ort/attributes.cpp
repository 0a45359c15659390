/* SPDX-License-Identifier: Apache-2.0 */
#include "attributes.hpp"

#include <math.h>
#include <string.h>

#include <charconv>

namespace medpruner::ort {
namespace {

/** The double that is written like the float: its shortest digits, a whole number, times a power of ten. */
double decimal(float value) {
  if (!isfinite(value) || value == truncf(value)) {  // whole numbers are what they are
    return value;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  double digits = 0;
  int exponent = 0;
  const char* at = *text == '-' ? text + 1 : text;
  for (bool fraction = false; at < end.ptr && *at != 'e'; ++at) {
    if (*at == '.') {
      fraction = true;
    } else {
      digits = digits * 10 + (*at - '0');
      exponent -= fraction;
    }
  }
  int power = 0;
  if (at < end.ptr) {
    std::from_chars(at + (at[1] == '+' ? 2 : 1), end.ptr, power);
  }
  exponent += power;
  constexpr int kLeast = -22;  // 10^22 is the last power that a double holds exactly
  if (exponent < kLeast || exponent > 0) {
    return value;
  }
  double scale = 1;
  for (int i = 0; i < -exponent; ++i) {
    scale *= 10;
  }
  // Both are exact, so there is one rounding, that of a literal.
  return copysign(digits / scale, value);
}

}  // namespace

double Attributes::real(const char* name) const {
  const std::optional<double> value = maybe_real(name);
  if (!value) {
    invalid(std::string("attribute ") + name + " is missing");
  }
  return *value;
}

double Attributes::real(const char* name, double fallback) const {
  return maybe_real(name).value_or(fallback);
}

std::optional<double> Attributes::maybe_real(const char* name) const {
  float single = 0;
  if (succeeded(api_, api_.KernelInfoGetAttribute_float(info_, name, &single))) {
    return decimal(single);
  }
  int64_t whole = 0;
  if (succeeded(api_, api_.KernelInfoGetAttribute_int64(info_, name, &whole))) {
    return static_cast<double>(whole);
  }
  const std::optional<double> exact = tensor(name);
  if (!exact) {
    refuse_other_types(name, "a FLOAT, an INT or a TENSOR of one DOUBLE");
  }
  return exact;
}

std::optional<double> Attributes::tensor(const char* name) const {
  OrtAllocator* allocator = nullptr;
  check(api_, api_.GetAllocatorWithDefaultOptions(&allocator));
  OrtValue* raw = nullptr;
  if (!succeeded(api_, api_.KernelInfoGetAttribute_tensor(info_, name, allocator, &raw))) {
    return std::nullopt;
  }
  const Owned<OrtValue> value(raw, api_.ReleaseValue);
  OrtTensorTypeAndShapeInfo* raw_info = nullptr;
  check(api_, api_.GetTensorTypeAndShape(value.get(), &raw_info));
  const Owned<OrtTensorTypeAndShapeInfo> info(raw_info, api_.ReleaseTensorTypeAndShapeInfo);
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  size_t count = 0;
  check(api_, api_.GetTensorElementType(info.get(), &type));
  check(api_, api_.GetTensorShapeElementCount(info.get(), &count));
  if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE || count != 1) {
    invalid(std::string("attribute ") + name + " is a TENSOR, expected one of one DOUBLE");
  }
  void* data = nullptr;
  check(api_, api_.GetTensorMutableData(value.get(), &data));
  return *static_cast<const double*>(data);
}

int64_t Attributes::integer(const char* name, int64_t fallback) const {
  int64_t value = fallback;
  if (!succeeded(api_, api_.KernelInfoGetAttribute_int64(info_, name, &value))) {
    refuse_other_types(name, "an INT");
    return fallback;
  }
  return value;
}

std::vector<int64_t> Attributes::integers(const char* name, size_t count) const {
  size_t size = 0;
  std::vector<int64_t> values;
  if (succeeded(api_, api_.KernelInfoGetAttributeArray_int64(info_, name, nullptr, &size))) {
    values.resize(size);
    if (size > 0) {
      check(api_, api_.KernelInfoGetAttributeArray_int64(info_, name, values.data(), &size));
    }
  }
  if (values.empty()) {
    refuse_other_types(name, (std::to_string(count) + " INTS").c_str());
  } else if (values.size() != count) {
    invalid(std::string("attribute ") + name + " has " + std::to_string(values.size()) +
            " values, expected " + std::to_string(count));
  }
  return values;
}

std::string Attributes::text(const char* name, const char* fallback) const {
  size_t size = 0;
  if (!succeeded(api_, api_.KernelInfoGetAttribute_string(info_, name, nullptr, &size))) {
    refuse_other_types(name, "a STRING");
    return fallback;
  }
  std::string value(size, '\0');
  check(api_, api_.KernelInfoGetAttribute_string(info_, name, value.data(), &size));
  value.resize(size - 1);  // the terminator is counted
  return value;
}

void Attributes::refuse_other_types(const char* name, const char* expected) const {
  float single = 0;
  int64_t whole = 0;
  size_t texts = 0;
  size_t floats = 0;
  size_t ints = 0;
  // The C API cannot say whether an attribute exists; each getter succeeds for its own type alone.
  if (succeeded(api_, api_.KernelInfoGetAttribute_float(info_, name, &single)) ||
      succeeded(api_, api_.KernelInfoGetAttribute_int64(info_, name, &whole)) ||
      succeeded(api_, api_.KernelInfoGetAttribute_string(info_, name, nullptr, &texts)) ||
      (succeeded(api_, api_.KernelInfoGetAttributeArray_float(info_, name, nullptr, &floats)) &&
       floats > 0) ||
      (succeeded(api_, api_.KernelInfoGetAttributeArray_int64(info_, name, nullptr, &ints)) &&
       ints > 0) ||
      is_of_another_type(name)) {
    invalid(std::string("attribute ") + name + " has the wrong type, expected " + expected);
  }
}

bool Attributes::is_of_another_type(const char* name) const {
  // TENSOR, and STRINGS and graphs, of which API 17 has no getter. That an attribute is there, but
  // of another type, is in the text alone, in these words since ONNX Runtime's first release.
  int64_t whole = 0;
  OrtStatus* status = api_.KernelInfoGetAttribute_int64(info_, name, &whole);
  const bool other =
      status != nullptr && strstr(api_.GetErrorMessage(status), "type don't match") != nullptr;
  if (status != nullptr) {
    api_.ReleaseStatus(status);
  }
  return other;
}

}  // namespace medpruner::ort

/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/tensor_check.hpp"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

struct DTypeName {
  DType type;
  uint8_t code, bits;
  const char* name;
};
constexpr DTypeName kDTypes[] = {
    {DType::kU8, MEDPRUNER_DTYPE_UINT, 8, "u8"},     {DType::kI16, MEDPRUNER_DTYPE_INT, 16, "i16"},
    {DType::kI32, MEDPRUNER_DTYPE_INT, 32, "i32"},   {DType::kI64, MEDPRUNER_DTYPE_INT, 64, "i64"},
    {DType::kU32, MEDPRUNER_DTYPE_UINT, 32, "u32"},  {DType::kF16, MEDPRUNER_DTYPE_FLOAT, 16, "f16"},
    {DType::kBF16, MEDPRUNER_DTYPE_BFLOAT, 16, "bf16"},
    {DType::kF32, MEDPRUNER_DTYPE_FLOAT, 32, "f32"}, {DType::kF64, MEDPRUNER_DTYPE_FLOAT, 64, "f64"},
};

DType classify(const medpruner_dtype& dtype) {
  for (const DTypeName& known : kDTypes) {
    if (known.code == dtype.code && known.bits == dtype.bits) {
      return known.type;
    }
  }
  return DType::kOther;
}

void describe(const medpruner_dtype& dtype, char* text, size_t capacity) {
  for (const DTypeName& known : kDTypes) {
    if (known.code == dtype.code && known.bits == dtype.bits) {
      snprintf(text, capacity, "%s", known.name);
      return;
    }
  }
  snprintf(text, capacity, "code %u with %u bits", dtype.code, dtype.bits);
}

void describe_set(uint32_t dtypes, char* text, size_t capacity) {
  if (dtypes == kAnyPlain) {
    snprintf(text, capacity, "a type of 8, 16, 32 or 64 bits");
    return;
  }
  size_t used = 0;
  text[0] = '\0';
  for (const DTypeName& known : kDTypes) {
    if ((dtypes & bit(known.type)) != 0 && used < capacity) {
      used += static_cast<size_t>(
          snprintf(text + used, capacity - used, "%s%s", used == 0 ? "" : " or ", known.name));
    }
  }
}

void describe_shape(const int64_t* shape, size_t count, char* text, size_t capacity) {
  size_t used = static_cast<size_t>(snprintf(text, capacity, "["));
  for (size_t i = 0; i < count && used < capacity; ++i) {
    const char* comma = i == 0 ? "" : ", ";
    used += static_cast<size_t>(
        shape[i] == kFree ? snprintf(text + used, capacity - used, "%sany", comma)
                          : snprintf(text + used, capacity - used, "%s%" PRId64, comma, shape[i]));
  }
  if (used < capacity) {
    snprintf(text + used, capacity - used, "]");
  }
}

void check_dtype(const char* name, const medpruner_dtype& dtype, uint32_t dtypes) {
  if (dtype.lanes != 1) {
    fail(kInvalid, "%s: lanes is %u, expected 1", name, static_cast<unsigned>(dtype.lanes));
  }
  const bool plain_width =
      dtype.bits == 8 || dtype.bits == 16 || dtype.bits == 32 || dtype.bits == 64;
  const DType type = classify(dtype);
  const bool accepted = dtypes == kAnyPlain ? plain_width
                                            : type != DType::kOther && (dtypes & bit(type)) != 0;
  if (!accepted) {
    char actual[48];
    char expected[96];
    describe(dtype, actual, sizeof actual);
    describe_set(dtypes, expected, sizeof expected);
    fail(kInvalid, "%s: dtype is %s, expected %s", name, actual, expected);
  }
}

void check_shape(const char* name, const medpruner_tensor* tensor,
                 std::initializer_list<int64_t> shape) {
  bool same = true;
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t extent = tensor->shape[i];
    if (extent < 0) {
      fail(kInvalid, "%s: shape[%zu] is %" PRId64 ", expected >= 0", name, i, extent);
    }
    const int64_t expected = shape.begin()[i];
    same = same && (expected == kFree || expected == extent);
  }
  if (!same) {
    char actual[96];
    char expected[96];
    describe_shape(tensor->shape, shape.size(), actual, sizeof actual);
    describe_shape(shape.begin(), shape.size(), expected, sizeof expected);
    fail(kInvalid, "%s: shape is %s, expected %s", name, actual, expected);
  }
}

bool is_empty(const View& view, int ndim) {
  for (int i = 0; i < ndim; ++i) {
    if (view.shape[i] == 0) {
      return true;
    }
  }
  return false;
}

[[noreturn]] void too_large(const char* name) {
  fail(kInvalid, "%s: its size overflows 64 bits", name);
}

void check_strides(const char* name, const View& view, int ndim, Layout layout, bool output) {
  int64_t compact = 1;
  for (int i = ndim - 1; i >= 0; --i) {
    const bool any = (layout == Layout::kRowStride && i == 0) ||
                     (layout == Layout::kInnerCompact && i < ndim - 1);
    if (view.shape[i] > 1 && !any && view.strides[i] != compact) {
      fail(kInvalid, "%s: strides[%d] is %" PRId64 ", expected %" PRId64, name, i, view.strides[i],
           compact);
    }
    if (__builtin_mul_overflow(compact, view.shape[i], &compact)) {
      too_large(name);
    }
  }
  if (output && layout == Layout::kRowStride && view.shape[0] > 1) {
    const int64_t stride = view.strides[0];
    if (stride < view.shape[1] && stride > -view.shape[1]) {
      fail(kInvalid, "%s: strides[0] is %" PRId64 ", expected at least %" PRId64
           ", so that its rows do not overlap", name, stride, view.shape[1]);
    }
  }
}

/** Signed byte distance from element 0 to the lowest and one past the highest byte. */
void extent_bytes(const char* name, const View& view, int ndim, int64_t* low, int64_t* high) {
  *low = 0;
  *high = view.element_bytes;
  for (int i = 0; i < ndim; ++i) {
    int64_t span = 0;
    if (view.shape[i] > 1 &&
        (__builtin_mul_overflow(view.shape[i] - 1, view.strides[i], &span) ||
         __builtin_mul_overflow(span, view.element_bytes, &span))) {
      too_large(name);
    }
    int64_t* side = span < 0 ? low : high;
    if (__builtin_add_overflow(*side, span, side)) {
      too_large(name);
    }
  }
}

}  // namespace

void Checker::check_device(const char* name, const medpruner_device& device) {
  if (!has_device_) {
    if (device.device_type != MEDPRUNER_DEVICE_CPU && device.device_type != MEDPRUNER_DEVICE_CUDA) {
      fail(kInvalid, "%s: device_type is %d, expected 1 (CPU) or 2 (CUDA)", name,
           static_cast<int>(device.device_type));
    }
    if (device.device_type == MEDPRUNER_DEVICE_CPU && device.device_id != 0) {
      fail(kInvalid, "%s: device_id is %d, expected 0 on the CPU", name,
           static_cast<int>(device.device_id));
    }
    if (device.device_id < 0) {
      fail(kInvalid, "%s: device_id is %d, expected >= 0", name,
           static_cast<int>(device.device_id));
    }
    device_ = device;
    has_device_ = true;
    first_name_ = name;
  } else if (device.device_type != device_.device_type || device.device_id != device_.device_id) {
    fail(kInvalid, "%s: device is (%d, %d), expected (%d, %d) as that of %s", name,
         static_cast<int>(device.device_type), static_cast<int>(device.device_id),
         static_cast<int>(device_.device_type), static_cast<int>(device_.device_id), first_name_);
  }
}

void Checker::add_range(const char* name, uintptr_t begin, uintptr_t end, int64_t row_stride,
                        bool output) {
  if (range_count_ >= static_cast<int>(sizeof ranges_ / sizeof ranges_[0])) {
    fail(MEDPRUNER_ERR_INTERNAL, "%s: too many tensors in one call", name);
  }
  ranges_[range_count_++] = {name, begin, end, row_stride, output};
}

View Checker::check(const char* name, const medpruner_tensor* tensor, uint32_t dtypes,
                    std::initializer_list<int64_t> shape, Layout layout, bool output) {
  if (tensor == nullptr) {
    fail(kInvalid, "%s: is NULL", name);
  }
  const int ndim = static_cast<int>(shape.size());
  if (tensor->ndim != ndim) {
    fail(kInvalid, "%s: ndim is %d, expected %d", name, static_cast<int>(tensor->ndim), ndim);
  }
  check_dtype(name, tensor->dtype, dtypes);
  if (tensor->shape == nullptr) {
    fail(kInvalid, "%s: shape is NULL", name);
  }
  check_shape(name, tensor, shape);

  View view;
  view.dtype = classify(tensor->dtype);
  view.element_bytes = tensor->dtype.bits / 8;
  for (int i = 0; i < ndim; ++i) {
    view.shape[i] = tensor->shape[i];
  }
  const bool empty = is_empty(view, ndim);
  if (tensor->strides != nullptr) {
    memcpy(view.strides, tensor->strides, static_cast<size_t>(ndim) * sizeof(int64_t));
  } else {
    int64_t compact = 1;
    for (int i = ndim - 1; i >= 0; --i) {
      view.strides[i] = compact;
      if (!empty && __builtin_mul_overflow(compact, view.shape[i], &compact)) {
        too_large(name);
      }
    }
  }
  int64_t low = 0;
  int64_t high = 0;
  if (!empty) {
    check_strides(name, view, ndim, layout, output);
    extent_bytes(name, view, ndim, &low, &high);
  }
  check_device(name, tensor->device);

  uintptr_t address = reinterpret_cast<uintptr_t>(tensor->data);
  const bool null_data = tensor->data == nullptr;
  if (with_data_ && !empty) {
    if (null_data) {
      fail(kInvalid, "%s: data is NULL", name);
    }
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (__builtin_add_overflow(address, tensor->byte_offset, &address) ||
        __builtin_add_overflow(address, low, &begin) ||
        __builtin_add_overflow(address, high, &end)) {
      fail(kInvalid, "%s: its address range overflows", name);
    }
    if (address % static_cast<uintptr_t>(view.element_bytes) != 0) {
      fail(kInvalid, "%s: data + byte_offset is not aligned to the element size, %d bytes", name,
           static_cast<int>(view.element_bytes));
    }
    view.data = reinterpret_cast<char*>(address);
    // Of one row no stride is reached: what it says is not looked at.
    add_range(name, begin, end, ndim > 0 && view.shape[0] > 1 ? view.strides[0] : 0, output);
  }
  return view;
}

void Checker::allow_alias(const char* input_name, const char* output_name) {
  alias_input_ = input_name;
  alias_output_ = output_name;
}

void Checker::require_backend() const {
  if (!on_cuda()) {
    return;
  }
  char reason[512];
  const int32_t count = cuda::device_count(reason, sizeof reason);
  if (count == 0) {
    fail(MEDPRUNER_ERR_BACKEND_UNAVAILABLE, "%s: lies on CUDA, which is unavailable: %s",
         first_name_, reason);
  }
  if (device_.device_id >= count) {
    fail(kInvalid, "%s: device_id is %d, expected less than %d, the number of CUDA devices",
         first_name_, static_cast<int>(device_.device_id), static_cast<int>(count));
  }
}

void Checker::finish(void* workspace, size_t workspace_bytes, size_t needed, void* stream) {
  if (!on_cuda() && stream != nullptr) {
    fail(kInvalid, "stream: is not NULL, but the tensors lie on the CPU");
  }
  if (workspace_bytes < needed) {
    fail(MEDPRUNER_ERR_WORKSPACE_TOO_SMALL, "workspace: has %zu bytes, expected at least %zu",
         workspace_bytes, needed);
  }
  if (needed > 0) {
    const uintptr_t begin = reinterpret_cast<uintptr_t>(workspace);
    if (workspace == nullptr) {
      fail(kInvalid, "workspace: is NULL, expected %zu bytes", needed);
    }
    if (begin % 16 != 0) {
      fail(kInvalid, "workspace: is not aligned to 16 bytes");
    }
    uintptr_t end = 0;
    if (__builtin_add_overflow(begin, needed, &end)) {
      fail(kInvalid, "workspace: its address range overflows");
    }
    add_range("workspace", begin, end, 0, true);
  }
  for (int i = 0; i < range_count_; ++i) {
    for (int j = 0; j < i; ++j) {
      const Range& a = ranges_[j];
      const Range& b = ranges_[i];
      if ((!a.output && !b.output) || a.begin >= b.end || b.begin >= a.end) {
        continue;
      }
      const bool alias = alias_input_ != nullptr && strcmp(a.name, alias_input_) == 0 &&
                         strcmp(b.name, alias_output_) == 0 && a.begin == b.begin &&
                         a.end == b.end && a.row_stride == b.row_stride;
      if (!alias) {
        fail(kInvalid, "%s: overlaps %s", b.name, a.name);
      }
    }
  }
}

void check_reserved(uint32_t reserved) {
  if (reserved != 0) {
    fail(kInvalid, "params: reserved is %u, expected 0", static_cast<unsigned>(reserved));
  }
}

void check_bytes_out(const size_t* bytes) {
  if (bytes == nullptr) {
    fail(kInvalid, "bytes: is NULL");
  }
}

const int64_t* check_bounds(Checker& checker, const char* name, const medpruner_tensor* tensor, int64_t* count) {
  const View view = checker.input(name, tensor, bit(DType::kI64), {kFree});
  if (view.shape[0] < 1) {
    fail(kInvalid, "%s: shape is [0], expected at least one value", name);
  }
  *count = view.shape[0] - 1;
  return view.as<const int64_t>();
}

void check_offsets(const char* name, const int64_t* offsets, int64_t count, int64_t rows,
                   const char* rows_of) {
  if (offsets[0] != 0) {
    fail(kInvalid, "%s: the first value is %" PRId64 ", expected 0", name, offsets[0]);
  }
  for (int64_t i = 1; i < count; ++i) {
    if (offsets[i] < offsets[i - 1]) {
      fail(kInvalid, "%s: value %" PRId64 " is %" PRId64 ", less than the %" PRId64
           " before it; expected ascending", name, i, offsets[i], offsets[i - 1]);
    }
  }
  if (offsets[count - 1] != rows) {
    fail(kInvalid, "%s: the last value is %" PRId64 ", expected %" PRId64 ", the rows of %s", name,
         offsets[count - 1], rows, rows_of);
  }
}

size_t layout_size(const WorkspaceLayout& layout) {
  if (layout.overflow()) {
    fail(kInvalid, "workspace: its size overflows 64 bits");
  }
  return layout.size();
}

}  // namespace medpruner

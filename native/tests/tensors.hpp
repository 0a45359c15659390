/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Tensors owned by a test, and a Call that hands them to an op on either device: on the CPU in place,
// on CUDA through copies made with the library's own memory entries.

#include <stdint.h>
#include <string.h>

#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "medpruner/medpruner.h"

struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};

template <class T>
struct DTypeOf;
#define DTYPE_OF(type, code, width)                                        \
  template <>                                                              \
  struct DTypeOf<type> {                                                   \
    static medpruner_dtype get() { return {code, width, 1}; }              \
  };
DTYPE_OF(uint8_t, MEDPRUNER_DTYPE_UINT, 8)
DTYPE_OF(int16_t, MEDPRUNER_DTYPE_INT, 16)
DTYPE_OF(int32_t, MEDPRUNER_DTYPE_INT, 32)
DTYPE_OF(int64_t, MEDPRUNER_DTYPE_INT, 64)
DTYPE_OF(uint32_t, MEDPRUNER_DTYPE_UINT, 32)
DTYPE_OF(F16, MEDPRUNER_DTYPE_FLOAT, 16)
DTYPE_OF(BF16, MEDPRUNER_DTYPE_BFLOAT, 16)
DTYPE_OF(float, MEDPRUNER_DTYPE_FLOAT, 32)
DTYPE_OF(double, MEDPRUNER_DTYPE_FLOAT, 64)
#undef DTYPE_OF

/** The values, and how a descriptor sees them. Default: compact, from value 0 on. */
template <class T>
struct Tensor {
  std::vector<T> values;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // empty = NULL in the descriptor
  uint64_t offset = 0;           // in values, becomes byte_offset

  Tensor() = default;
  Tensor(std::vector<int64_t> extents, std::vector<T> data)
      : values(std::move(data)), shape(std::move(extents)) {}
};

template <class T>
Tensor<T> vector_of(std::vector<T> values) {
  const int64_t count = static_cast<int64_t>(values.size());
  return Tensor<T>({count}, std::move(values));
}

/** An output, filled with 0xCD so that what an op leaves alone is visible. */
template <class T>
Tensor<T> output(std::vector<int64_t> shape) {
  size_t count = 1;
  for (int64_t extent : shape) {
    count *= static_cast<size_t>(extent);
  }
  Tensor<T> result(std::move(shape), std::vector<T>(count));
  if (count > 0) {
    memset(result.values.data(), 0xCD, count * sizeof(T));
  }
  return result;
}

inline std::string last_error() {
  char text[1024];
  medpruner_last_error(text, sizeof text, nullptr);
  return text;
}

constexpr medpruner_device kCpu = {MEDPRUNER_DEVICE_CPU, 0};
constexpr medpruner_device kGpu = {MEDPRUNER_DEVICE_CUDA, 0};

/** One op call: descriptors, device copies, workspace, stream. */
class Call {
 public:
  explicit Call(medpruner_device device) : device_(device) {
    require(medpruner_stream_create(&device_, &stream_));
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    for (const Copy& copy : copies_) {
      medpruner_free(&device_, copy.memory);
    }
    medpruner_free(&device_, workspace_);
    medpruner_stream_destroy(&device_, stream_);
  }

  template <class T>
  const medpruner_tensor* in(Tensor<T>& tensor) {
    return describe(tensor, false);
  }
  template <class T>
  const medpruner_tensor* out(Tensor<T>& tensor) {
    return describe(tensor, true);
  }

  /** Exactly the bytes asked for, filled with garbage. */
  void* workspace(size_t bytes) {
    medpruner_free(&device_, workspace_);
    workspace_ = nullptr;
    require(medpruner_alloc(&device_, bytes, &workspace_));
    const std::vector<unsigned char> garbage(bytes, 0xA5);
    require(medpruner_copy(workspace_, &device_, garbage.data(), &kCpu, bytes, stream_));
    require(medpruner_stream_synchronize(&device_, stream_));
    return workspace_;
  }

  void* stream() const { return stream_; }

  /** Brings the outputs back to the host. */
  void finish() {
    for (const Copy& copy : copies_) {
      if (copy.output) {
        require(medpruner_copy(copy.host, &kCpu, copy.memory, &device_, copy.bytes, stream_));
      }
    }
    require(medpruner_stream_synchronize(&device_, stream_));
  }

 private:
  struct Copy {
    void* host;
    void* memory;
    size_t bytes;
    bool output;
  };

  static void require(medpruner_status status) {
    if (status != MEDPRUNER_OK) {
      throw std::runtime_error(last_error());
    }
  }

  template <class T>
  const medpruner_tensor* describe(Tensor<T>& tensor, bool output) {
    void* memory = tensor.values.data();
    const size_t bytes = tensor.values.size() * sizeof(T);
    if (device_.device_type == MEDPRUNER_DEVICE_CUDA && bytes > 0) {
      const void* host = memory;
      for (const Copy& copy : copies_) {
        if (copy.host == host) {  // the same memory twice: an in-place call
          return add(tensor, copy.memory);
        }
      }
      require(medpruner_alloc(&device_, bytes, &memory));
      copies_.push_back({tensor.values.data(), memory, bytes, output});
      require(medpruner_copy(memory, &device_, host, &kCpu, bytes, stream_));
    }
    return add(tensor, memory);
  }

  template <class T>
  const medpruner_tensor* add(Tensor<T>& tensor, void* memory) {
    views_.push_back({memory, device_, static_cast<int32_t>(tensor.shape.size()),
                      DTypeOf<T>::get(), tensor.shape.data(),
                      tensor.strides.empty() ? nullptr : tensor.strides.data(),
                      tensor.offset * sizeof(T)});
    return &views_.back();
  }

  medpruner_device device_;
  void* stream_ = nullptr;
  void* workspace_ = nullptr;
  std::vector<Copy> copies_;
  std::deque<medpruner_tensor> views_;
};

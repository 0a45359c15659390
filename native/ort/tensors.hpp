/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <optional>
#include <vector>

#include "api.hpp"
#include "medpruner/tensor.h"

namespace medpruner::ort {

/** dtype of an element type of ONNX; bool is seen as its bytes, uint8. */
medpruner_dtype dtype(ONNXTensorElementDataType type);

/** Host memory as the library's ops take it. Not copyable: the view points into its shape. */
class Tensor {
 public:
  Tensor(void* data, medpruner_dtype dtype, std::vector<int64_t> shape);
  Tensor(Tensor&&) = default;
  Tensor& operator=(Tensor&&) = default;
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  const medpruner_tensor* view() const { return &view_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  template <class T>
  T* data() const {
    return static_cast<T*>(view_.data);
  }
  /** The same memory with another shape of as many elements. */
  Tensor reshaped(std::vector<int64_t> shape) const;

 private:
  std::vector<int64_t> shape_;
  medpruner_tensor view_;
};

/** Host memory for one call: what the library writes and the graph did not ask for, or not as such. */
class Scratch {
 public:
  /** Aligned to 64 bytes, contents undefined, freed with this object. */
  void* take(size_t bytes);
  Tensor tensor(uint8_t code, uint8_t bits, std::vector<int64_t> shape);

 private:
  struct Free {
    void operator()(void* block) const;
  };
  std::vector<std::unique_ptr<void, Free>> blocks_;
};

/** One run of a node: its inputs and outputs. */
class Call {
 public:
  Call(const OrtApi& api, OrtKernelContext* context) : api_(api), context_(context) {}

  /** None when the node leaves an optional input out. */
  std::optional<Tensor> maybe_input(size_t index) const;
  Tensor input(size_t index, const char* name, size_t rank) const;
  /** None when nobody wants it. To be asked for once. */
  std::optional<Tensor> maybe_output(size_t index, std::vector<int64_t> shape) const;

  /** An output of int32 that the library fills with the bits of its uint32 flags. */
  std::optional<Tensor> maybe_flags(size_t index, int64_t count) const;

  /** int64 [G+1] from an optional input; absent, one segment of all the rows. */
  Tensor offsets(size_t index, const char* name, int64_t rows);

  Scratch& scratch() { return scratch_; }

 private:
  const OrtApi& api_;
  OrtKernelContext* context_;
  Scratch scratch_;
};

/** The output if it is wanted, else memory nobody reads. */
const Tensor& wanted_or(std::optional<Tensor>& output, Scratch& scratch, uint8_t code, uint8_t bits,
                        std::vector<int64_t> shape);

/** The view of an optional tensor, NULL without one. */
inline const medpruner_tensor* view(const std::optional<Tensor>& tensor) {
  return tensor ? tensor->view() : nullptr;
}

/**
 * The first counts[g] entries of each segment, one segment after the other. Index lists of the library
 * leave the rest of a segment unused.
 */
template <class Index, class Count>
void pack(const Index* indices, const Count* counts, const int64_t* offsets, int64_t segments,
          int64_t* packed) {
  for (int64_t g = 0; g < segments; ++g) {
    for (int64_t i = 0; i < counts[g]; ++i) {
      *packed++ = indices[offsets[g] + i];
    }
  }
}

template <class Count>
int64_t total(const Count* counts, int64_t segments) {
  int64_t sum = 0;
  for (int64_t g = 0; g < segments; ++g) {
    sum += counts[g];
  }
  return sum;
}

}  // namespace medpruner::ort

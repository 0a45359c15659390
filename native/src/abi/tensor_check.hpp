/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Checks of the C entries. Order, the same in every entry: params, each tensor in the order of the
// signature (null, ndim, dtype, shape, strides, device, address), values across tensors, backend,
// stream, workspace, overlaps, and on the CPU the contents of the offsets. All of it comes before any
// work; the first violation fails with a text that starts with the argument's name.

#include <stddef.h>
#include <stdint.h>

#include <initializer_list>

#include "common/float_environment.hpp"
#include "common/op_args.hpp"
#include "common/status.hpp"
#include "common/visit.hpp"
#include "medpruner/tensor.h"

namespace medpruner {

constexpr uint32_t kAnyPlain = 0xffffffffu;  // any dtype of 1, 2, 4 or 8 bytes

enum class Layout {
  kCompact,       // row-major without gaps
  kRowStride,     // 2-D: any stride of the rows, contiguous values
  kInnerCompact,  // 3-D: any strides but the last
};

struct View {
  char* data = nullptr;  // element 0, byte_offset applied
  DType dtype = DType::kOther;
  int64_t element_bytes = 0;
  int64_t shape[3] = {0, 0, 0};
  int64_t strides[3] = {0, 0, 0};

  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
};

constexpr int64_t kFree = -1;  // an extent the op does not prescribe

/** Lives as long as the call, in the float environment that results are defined in. */
class Checker {
 public:
  /** A workspace query has no data to look at. */
  explicit Checker(bool with_data) : with_data_(with_data) {}

  View input(const char* name, const medpruner_tensor* tensor, uint32_t dtypes,
             std::initializer_list<int64_t> shape, Layout layout = Layout::kCompact) {
    return check(name, tensor, dtypes, shape, layout, false);
  }
  View output(const char* name, const medpruner_tensor* tensor, uint32_t dtypes,
              std::initializer_list<int64_t> shape, Layout layout = Layout::kCompact) {
    return check(name, tensor, dtypes, shape, layout, true);
  }

  /** Allows the two tensors, named as they were checked, to be the same memory. */
  void allow_alias(const char* input_name, const char* output_name);

  bool on_cuda() const { return device_.device_type == MEDPRUNER_DEVICE_CUDA; }
  int32_t device_id() const { return device_.device_id; }

  /** Fails when the tensors' device cannot run here. */
  void require_backend() const;

  /** Stream, workspace and overlaps; the last checks before work. */
  void finish(void* workspace, size_t workspace_bytes, size_t needed, void* stream);

  /** As finish(), where a larger workspace serves more threads; the bytes of it to use. */
  size_t finish(void* workspace, size_t workspace_bytes, size_t least, size_t most, void* stream) {
    const size_t useful = workspace_bytes < most ? workspace_bytes : most;
    const size_t used = useful > least ? useful : least;
    finish(workspace, workspace_bytes, used, stream);
    return used;
  }

 private:
  struct Range {
    const char* name;
    uintptr_t begin, end;  // end exclusive; empty when equal
    int64_t row_stride;
    bool output;
  };

  View check(const char* name, const medpruner_tensor* tensor, uint32_t dtypes,
             std::initializer_list<int64_t> shape, Layout layout, bool output);
  void check_device(const char* name, const medpruner_device& device);
  void add_range(const char* name, uintptr_t begin, uintptr_t end, int64_t row_stride, bool output);

  FloatEnvironment environment_;
  bool with_data_;
  bool has_device_ = false;
  const char* first_name_ = nullptr;
  medpruner_device device_ = {0, 0};
  const char* alias_input_ = nullptr;
  const char* alias_output_ = nullptr;
  Range ranges_[18] = {};
  int range_count_ = 0;
};

/** Null and struct_size of a params struct. */
template <class Params>
void check_params(const Params* params) {
  if (params == nullptr) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "params: is NULL");
  }
  if (params->struct_size != sizeof(Params)) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "params: struct_size is %u, expected %zu",
         static_cast<unsigned>(params->struct_size), sizeof(Params));
  }
}

void check_reserved(uint32_t reserved);

/** The result of a size query. */
void check_bytes_out(const size_t* bytes);

/** An int64 [count + 1] of offsets, by its descriptor alone; what they say is check_offsets()'s to look at. */
const int64_t* check_bounds(Checker& checker, const char* name, const medpruner_tensor* tensor, int64_t* count);

/** int64 [count]: ascending from 0 to `rows`. CPU only. */
void check_offsets(const char* name, const int64_t* offsets, int64_t count, int64_t rows,
                   const char* rows_of);

/** Fails when a layout overflowed. */
size_t layout_size(const WorkspaceLayout& layout);

}  // namespace medpruner

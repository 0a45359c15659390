/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the clocks have of the CUDA runtime.

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace cuda_clock {

inline void check(cudaError_t code, const char* call) {
  if (code != cudaSuccess) {
    throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(code));
  }
}

/** Of the current device. */
inline int attribute(cudaDeviceAttr which) {
  int device = 0, value = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

/** Device memory for one scope. */
class Memory {
 public:
  explicit Memory(size_t bytes) { check(cudaMalloc(&data_, bytes), "cudaMalloc"); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { cudaFree(data_); }
  void* get() const { return data_; }

 private:
  void* data_ = nullptr;
};

}  // namespace cuda_clock

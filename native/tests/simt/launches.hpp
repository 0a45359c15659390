/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Launches of small kernels by the executor's own tests.

#include <string>
#include <type_traits>
#include <vector>

#include "executor/executor.hpp"
#include "harness.hpp"

/** Device memory for `count` values; undefined unless given. */
template <class T>
struct Device {
  T* data = nullptr;
  size_t count;

  explicit Device(size_t n) : count(n) { allocate(); }
  explicit Device(const std::vector<T>& values) : count(values.size()) {
    allocate();
    CHECK_EQUAL(cudaMemcpyAsync(data, values.data(), count * sizeof(T), cudaMemcpyHostToDevice,
                                nullptr),
                cudaSuccess);
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() { cudaFree(data); }

  std::vector<T> host() const {
    std::vector<T> values(count);
    CHECK_EQUAL(
        cudaMemcpyAsync(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost, nullptr),
        cudaSuccess);
    return values;
  }

 private:
  void allocate() {
    void* memory = nullptr;
    CHECK_EQUAL(cudaMalloc(&memory, count * sizeof(T)), cudaSuccess);
    data = static_cast<T*>(memory);
  }
};

/** The text of the fault, or "" after a clean run. */
template <class... Parameters>
std::string run(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared,
                std::common_type_t<Parameters>... arguments) {
  void* pointers[] = {static_cast<void*>(&arguments)...};
  simt::clear_fault();
  const cudaError_t code = cudaLaunchKernel(kernel, grid, block, pointers, shared);
  CHECK((code == cudaSuccess) == simt::fault_text().empty());
  return simt::fault_text();
}

inline void set_seed(uint64_t seed) {
  simt::options() = {};
  simt::options().seed = seed;
  simt::options().preemption = seed % 2 == 0 ? 0 : 8;
}

inline void check_contains(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    CHECK(text.find(part) != std::string::npos);
    if (text.find(part) == std::string::npos) {
      fprintf(stderr, "  no \"%s\" in \"%s\"\n", part.c_str(), text.c_str());
    }
  }
}

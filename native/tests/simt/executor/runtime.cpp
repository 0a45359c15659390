/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <set>

#include "cuda_runtime.h"
#include "executor/image.hpp"
#include "executor/memory.hpp"

namespace {

std::set<cudaStream_t>& streams() {
  static std::set<cudaStream_t> all;
  return all;
}

bool known(cudaStream_t stream) { return stream == nullptr || streams().count(stream) != 0; }

bool is_filling(const uint8_t* bytes, size_t count) {
  return count >= 8 && (bytes[0] == 0xA5 || bytes[0] == 0xCD) &&
         std::all_of(bytes, bytes + count, [&](uint8_t b) { return b == bytes[0]; });
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  snprintf(properties->name, sizeof properties->name, "SIMT executor");
  properties->totalGlobalMem = size_t{1} << 29;
  properties->major = 9;
  properties->multiProcessorCount = 1;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }

const char* cudaGetErrorString(cudaError_t code) {
  switch (code) {
    case cudaSuccess:
      return "no error";
    case cudaErrorLaunchFailure:
      return simt::fault_text().c_str();
    case cudaErrorMemoryAllocation:
      return "out of memory";
    default:
      return "invalid argument";
  }
}
cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  *pointer = simt::allocate(bytes);
  return *pointer == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFree(void* pointer) {
  return pointer == nullptr || simt::release(pointer) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaMemcpyAsync(void* destination, const void* source, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (!known(stream) || (to_device && !simt::in_allocation(destination, bytes)) ||
      (from_device && !simt::in_allocation(source, bytes))) {
    return cudaErrorInvalidValue;
  }
  memcpy(destination, source, bytes);
  if (to_device && from_device) {
    simt::copy_definedness(destination, source, bytes);
  } else if (to_device) {
    simt::mark_written_by_host(destination, bytes,
                               !is_filling(static_cast<const uint8_t*>(source), bytes));
  }
  return cudaSuccess;
}
cudaError_t cudaMemcpyPeerAsync(void* destination, int, const void* source, int, size_t bytes,
                                cudaStream_t stream) {
  return cudaMemcpyAsync(destination, source, bytes, cudaMemcpyDeviceToDevice, stream);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  static uintptr_t number = 0;
  *stream = reinterpret_cast<cudaStream_t>(++number * 16);
  streams().insert(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return streams().erase(stream) == 1 ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return known(stream) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t simt::launch(const void* kernel, dim3 grid, dim3 block, size_t shared,
                         cudaStream_t stream, Body body) {
  if (!known(stream)) {
    return cudaErrorInvalidValue;
  }
  const std::string name = function_name(kernel);
  return run_grid(name.c_str(), {grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared, body)
             ? cudaSuccess
             : cudaErrorLaunchFailure;
}

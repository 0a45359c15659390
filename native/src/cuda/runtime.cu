/* SPDX-License-Identifier: Apache-2.0 */
// Devices, memory and streams by the CUDA runtime, which is linked statically and looks for the driver
// when first used: without one every call here returns an error instead of failing to load.

#include <stdio.h>
#include <string.h>

#include "cuda/backend.hpp"
#include "cuda/common/launch.cuh"

namespace medpruner::cuda {
namespace {

struct Devices {
  int count = 0;
  char reason[256] = {};

  Devices() {
    const cudaError_t code = cudaGetDeviceCount(&count);
    if (code == cudaSuccess && count > 0) {
      return;
    }
    cudaGetLastError();
    count = 0;
    if (code == cudaErrorInsufficientDriver) {
      int driver = 0;
      cudaDriverGetVersion(&driver);
      if (driver == 0) {
        snprintf(reason, sizeof reason, "no CUDA driver: libcuda.so.1 was not found");
      } else {
        snprintf(reason, sizeof reason,
                 "the CUDA driver is too old: it supports CUDA %d.%d, this library needs %d.%d",
                 driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
                 CUDART_VERSION % 1000 / 10);
      }
    } else {
      snprintf(reason, sizeof reason, "no CUDA device: %s", cudaGetErrorString(code));
    }
  }
};

cudaMemcpyKind memcpy_kind(Direction direction) {
  switch (direction) {
    case Direction::kToDevice:
      return cudaMemcpyHostToDevice;
    case Direction::kToHost:
      return cudaMemcpyDeviceToHost;
    case Direction::kBetweenDevices:
      break;
  }
  return cudaMemcpyDeviceToDevice;
}

const Devices& devices() {
  static const Devices found;
  return found;
}

}  // namespace

int32_t device_count(char* reason, size_t capacity) noexcept {
  const Devices& found = devices();
  if (found.count == 0 && reason != nullptr && capacity > 0) {
    snprintf(reason, capacity, "%s", found.reason);
  }
  return found.count;
}

int32_t built_with() noexcept { return CUDART_VERSION; }

void device_info(int32_t index, medpruner_cuda_device_info* info) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  info->compute_major = properties.major;
  info->compute_minor = properties.minor;
  info->multiprocessors = properties.multiProcessorCount;
  info->total_memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  check(cudaDriverGetVersion(&info->driver_version), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&info->runtime_version), "cudaRuntimeGetVersion");
  snprintf(info->name, sizeof info->name, "%s", properties.name);
}

void* allocate(int32_t device, size_t bytes) {
  const DeviceScope scope(device);
  void* memory = nullptr;
  const cudaError_t code = cudaMalloc(&memory, bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    fail(MEDPRUNER_ERR_OUT_OF_MEMORY, "bytes: %zu bytes of CUDA memory are not available on device "
         "%d", bytes, static_cast<int>(device));
  }
  check(code, "cudaMalloc");
  return memory;
}

void release(int32_t device, void* pointer) {
  const DeviceScope scope(device);
  check(cudaFree(pointer), "cudaFree");
}

void copy(int32_t device, void* destination, int32_t destination_device, const void* source,
          int32_t source_device, Direction direction, size_t bytes, void* stream) {
  const DeviceScope scope(device);
  const cudaStream_t queue = static_cast<cudaStream_t>(stream);
  if (direction == Direction::kBetweenDevices && destination_device != source_device) {
    check(cudaMemcpyPeerAsync(destination, destination_device, source, source_device, bytes, queue),
          "cudaMemcpyPeerAsync");
    return;
  }
  check(cudaMemcpyAsync(destination, source, bytes, memcpy_kind(direction), queue), "cudaMemcpyAsync");
}

void* stream_create(int32_t device) {
  const DeviceScope scope(device);
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return stream;
}

void stream_destroy(int32_t device, void* stream) {
  const DeviceScope scope(device);
  const cudaStream_t queue = static_cast<cudaStream_t>(stream);
  const cudaError_t waited = cudaStreamSynchronize(queue);
  check(cudaStreamDestroy(queue), "cudaStreamDestroy");
  check(waited, "cudaStreamSynchronize");
}

void stream_synchronize(int32_t device, void* stream) {
  const DeviceScope scope(device);
  check(cudaStreamSynchronize(static_cast<cudaStream_t>(stream)), "cudaStreamSynchronize");
}

}  // namespace medpruner::cuda

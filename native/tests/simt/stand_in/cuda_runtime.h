/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The CUDA runtime calls that the library makes, on the executor: one device, or several by name, whose memory lies in
// the executor's arena; streams are counted but everything runs at once, in the order of the calls.

#include <stddef.h>

#include <set>
#include <utility>

#include "cuda_device.hpp"

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorInvalidDevice = 101,
  cudaErrorLaunchFailure = 719,
  cudaErrorInvalidClusterSize = 912,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice
};
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
};
enum cudaFuncAttribute {
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributeNonPortableClusterSizeAllowed = 10,
};
enum cudaLaunchAttributeID {
  cudaLaunchAttributeClusterDimension = 4,
  cudaLaunchAttributeProgrammaticStreamSerialization = 6,
};
struct cudaFuncAttributes {
  int ptxVersion;
};
struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem;
  int major, minor, multiProcessorCount;
};
typedef struct CUstream_st* cudaStream_t;
constexpr unsigned cudaStreamNonBlocking = 1;
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  struct {
    struct {
      unsigned x, y, z;
    } clusterDim;
    int programmaticStreamSerializationAllowed;
  } val;
};
struct cudaLaunchConfig_t {
  dim3 grid, block;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};
#define CUDART_VERSION 13000
constexpr unsigned long long cudaEnableDefault = 0;

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
/** Makes the device's context, as since CUDA 12. */
cudaError_t cudaSetDevice(int device);
/** Of the driver there is cuDevicePrimaryCtxGetState alone. */
cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned version,
                                             unsigned long long flags);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
/** After cudaErrorLaunchFailure the text of the fault. */
const char* cudaGetErrorString(cudaError_t code);
/** Of the errors that simt::options() asks for, and of cudaSetDevice. */
cudaError_t cudaGetLastError();
cudaError_t cudaMalloc(void** pointer, size_t bytes);
cudaError_t cudaFree(void* pointer);
/**
 * At once. Memory filled from the host with 8 or more bytes that are all 0xA5 or all 0xCD, the fillings
 * that the tests use for workspaces and outputs, counts as not initialised.
 */
cudaError_t cudaMemcpyAsync(void* destination, const void* source, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemcpyPeerAsync(void* destination, int destination_device, const void* source,
                                int source_device, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

namespace simt {

struct Attributes {
  unsigned cluster = 1;  // blocks, along x
  bool dependent = false;

  Attributes() = default;
  explicit Attributes(const cudaLaunchConfig_t& config);
};

/** The devices that have a context; tests may change it. */
std::set<int>& contexts();

cudaError_t set_attribute(const void* kernel, cudaFuncAttribute attribute, int value);
/** Clusters that a device runs at once: eight, if the kernel takes them at all. */
cudaError_t count_clusters(int* clusters, const void* kernel, unsigned blocks);
cudaError_t launch(const void* kernel, dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                   Attributes attributes, Body body);

template <class... Parameters>
struct TypedLaunch {
  void (*kernel)(Parameters...);
  void** arguments;

  template <size_t... Index>
  SIMT_RAW static void run(const TypedLaunch& self, std::index_sequence<Index...>) {
    self.kernel(*static_cast<std::remove_const_t<Parameters>*>(self.arguments[Index])...);
  }
  SIMT_RAW static void run(const void* context) {
    run(*static_cast<const TypedLaunch*>(context), std::index_sequence_for<Parameters...>());
  }
};

}  // namespace simt

/** As the overloads of CUDA's C++ header, for typed kernels. */
template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute,
                                 int value) {
  return simt::set_attribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
/** The code is of the device's own kind. */
template <class... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*)(Parameters...)) {
  attributes->ptxVersion = simt::options().compute_capability;
  return cudaSuccess;
}
template <class... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments,
                             size_t shared = 0, cudaStream_t stream = nullptr) {
  using Typed = simt::TypedLaunch<Parameters...>;
  const Typed typed = {kernel, arguments};
  return simt::launch(reinterpret_cast<const void*>(kernel), grid, block, shared, stream, {},
                      {static_cast<void (*)(const void*)>(&Typed::run), &typed});
}
template <class... Parameters>
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, void (*kernel)(Parameters...),
                                           const cudaLaunchConfig_t* config) {
  return simt::count_clusters(clusters, reinterpret_cast<const void*>(kernel),
                              simt::Attributes(*config).cluster);
}
/** With two attributes: that the launch may begin before the former one has ended, and clusters. */
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments... arguments) {
  using Typed = simt::TypedLaunch<Parameters...>;
  void* pointers[] = {static_cast<void*>(&arguments)...};
  const Typed typed = {kernel, pointers};
  return simt::launch(reinterpret_cast<const void*>(kernel), config->grid, config->block,
                      config->dynamicSmemBytes, config->stream, simt::Attributes(*config),
                      {static_cast<void (*)(const void*)>(&Typed::run), &typed});
}

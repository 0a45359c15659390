/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The host side of a launch. Launches go through the macros MEDPRUNER_LAUNCH* alone, so that the same
// sources can be compiled by something else than nvcc.

#include <cuda_runtime.h>
#include <stdint.h>

#include <type_traits>

#include "common/status.hpp"

namespace medpruner::cuda {

/** Fails on an error and clears it, so that it does not show up in the caller's own checks. */
inline void check(cudaError_t code, const char* call) {
  if (code != cudaSuccess) {
    cudaGetLastError();
    fail_cuda(static_cast<int32_t>(code), call, cudaGetErrorString(code));
  }
}

/** Whether the process has made the device's primary context; true where the driver cannot be asked. */
inline bool has_context(int device) {
  using GetState = int (*)(int, unsigned*, int*);  // a CUdevice is the number of the device, a CUresult of 0 is good
  // By way of the runtime, for the library is not linked to the driver.
  static const GetState get_state = [] {
    void* found = nullptr;
#if CUDART_VERSION >= 12050
    const cudaError_t code = cudaGetDriverEntryPointByVersion("cuDevicePrimaryCtxGetState", &found, 7000,
                                                              cudaEnableDefault);
#else
    const cudaError_t code =
        cudaGetDriverEntryPoint("cuDevicePrimaryCtxGetState", &found, cudaEnableDefault);
#endif
    if (code != cudaSuccess) {
      cudaGetLastError();
      return static_cast<GetState>(nullptr);
    }
    return reinterpret_cast<GetState>(found);
  }();
  unsigned flags = 0;
  int active = 0;
  return get_state == nullptr || get_state(device, &flags, &active) != 0 || active != 0;
}

/**
 * Makes a device current and restores the former one, if that has a context. A thread that has never used CUDA is at
 * device 0: going back there would make a context on a GPU that the process does not use, hundreds of MB of its memory.
 */
class DeviceScope {
 public:
  explicit DeviceScope(int32_t device) {
    check(cudaGetDevice(&former_), "cudaGetDevice");
    if (former_ != device) {
      check(cudaSetDevice(device), "cudaSetDevice");
      changed_ = true;
    }
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;
  ~DeviceScope() {
    if (changed_ && has_context(former_) && cudaSetDevice(former_) != cudaSuccess) {
      cudaGetLastError();  // so that it does not show up in the caller's own checks
    }
  }

 private:
  int former_ = 0;
  bool changed_ = false;
};

/**
 * An extent of a grid's first axis; `argument` is what it grows with. It may refuse, and a refused call has launched
 * nothing: all extents that it can refuse are asked for before the first launch of a call.
 */
inline unsigned grid_extent(int64_t count, const char* argument = "offsets") {
  if (count > INT32_MAX) {
    fail(MEDPRUNER_ERR_UNSUPPORTED, "%s: more than 2^31 - 1 blocks of work in one CUDA call", argument);
  }
  return static_cast<unsigned>(count);
}

/** Shared memory that a launch gets without asking, on every device. */
constexpr size_t kDefaultShared = 48 * 1024;

/** major * 10 + minor. */
inline int compute_capability(int32_t device) {
  int major = 0;
  int minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
        "cudaDeviceGetAttribute");
  return major * 10 + minor;
}

inline int multiprocessors(int32_t device) {
  int count = 0;
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
        "cudaDeviceGetAttribute");
  return count;
}

/** Dynamic shared memory of a launch: its bytes, and the most that any launch of the kernel has. */
struct SharedBytes {
  size_t bytes, most;

  SharedBytes(size_t of_all) : bytes(of_all), most(of_all) {}
  SharedBytes(size_t of_this, size_t of_any) : bytes(of_this), most(of_any) {}
};

/** What a launch with that shared memory needs beforehand. */
template <class... Parameters>
cudaError_t permit_shared(void (*kernel)(Parameters...), SharedBytes shared) {
  if (shared.bytes <= kDefaultShared) {
    return cudaSuccess;
  }
  // Of the current device; not a stream operation, so never captured. Always the most: a lower limit would refuse what
  // another thread is about to launch.
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared.most));
}

/** cudaLaunchKernel, whose result is of this launch only, unlike cudaGetLastError after <<<>>>. */
template <class... Parameters>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block, SharedBytes shared,
            void* stream, std::common_type_t<Parameters>... arguments) {
  check(permit_shared(kernel, shared), name);
  void* pointers[] = {static_cast<void*>(&arguments)...};
  check(cudaLaunchKernel(kernel, grid, block, pointers, shared.bytes, static_cast<cudaStream_t>(stream)),
        name);
}

/** Whether launch_dependent() may start this kernel early: by the code that the device runs, not by what it is. */
template <class... Parameters>
bool waits_itself(const char* name, void (*kernel)(Parameters...)) {
  cudaFuncAttributes attributes = {};
  check(cudaFuncGetAttributes(&attributes, kernel), name);
  return attributes.ptxVersion >= 90;
}

/**
 * As launch(), but the kernel, which is one of dependent.cuh, may begin before the former launch of the
 * stream has ended, if it `waits` itself.
 */
template <class... Parameters>
void launch_dependent(const char* name, bool waits, void (*kernel)(Parameters...), dim3 grid,
                      dim3 block, SharedBytes shared, void* stream,
                      std::common_type_t<Parameters>... arguments) {
  if (!waits) {
    return launch<Parameters...>(name, kernel, grid, block, shared, stream, arguments...);
  }
  check(permit_shared(kernel, shared), name);
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  const cudaLaunchConfig_t config = {grid, block, shared.bytes, static_cast<cudaStream_t>(stream), &early, 1};
  check(cudaLaunchKernelEx(&config, kernel, arguments...), name);
}

/** Blocks of a cluster that every device with clusters takes; more have to be asked for. */
constexpr unsigned kPortableCluster = 8;

/** Calls launch(config) with what a launch of clusters along the grid's first axis needs. */
template <class Launch>
cudaError_t with_clusters(unsigned blocks, dim3 grid, dim3 block, SharedBytes shared, void* stream,
                          const Launch& launch) {
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {blocks, 1, 1};
  const cudaLaunchConfig_t config = {grid, block, shared.bytes, static_cast<cudaStream_t>(stream),
                                     &cluster, 1};
  return launch(&config);
}

/**
 * How many such clusters the current device runs at a time, 0: none; prepares the kernel for launch_clusters(). An error
 * is none too: some drivers answer cudaErrorInvalidClusterSize where a GPU, or a slice of one, has no room for 16 blocks.
 */
template <class... Parameters>
int clusters_at_once(const char* name, void (*kernel)(Parameters...), unsigned blocks, dim3 block,
                     SharedBytes shared) {
  if (!waits_itself(name, kernel)) {
    return 0;
  }
  int clusters = 0;
  cudaError_t code = permit_shared(kernel, shared);
  if (code == cudaSuccess && blocks > kPortableCluster) {
    code = cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
  }
  if (code == cudaSuccess) {
    code = with_clusters(blocks, blocks, block, shared, nullptr, [&](const cudaLaunchConfig_t* config) {
      return cudaOccupancyMaxActiveClusters(&clusters, kernel, config);
    });
  }
  if (code != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return clusters;
}

/** As launch(), in clusters of `blocks` along the grid's first axis; a kernel of cluster.cuh. */
template <class... Parameters>
void launch_clusters(const char* name, unsigned blocks, void (*kernel)(Parameters...), dim3 grid, dim3 block,
                     SharedBytes shared, void* stream, std::common_type_t<Parameters>... arguments) {
  check(with_clusters(blocks, grid, block, shared, stream,
                      [&](const cudaLaunchConfig_t* config) {
                        return cudaLaunchKernelEx(config, kernel, arguments...);
                      }),
        name);
}

}  // namespace medpruner::cuda

#define MEDPRUNER_LAUNCH(kernel, grid, block, stream, ...) \
  ::medpruner::cuda::launch(#kernel, kernel, grid, block, 0, stream, __VA_ARGS__)

/** With `shared`, SharedBytes of dynamic shared memory. */
#define MEDPRUNER_LAUNCH_SHARED(kernel, grid, block, shared, stream, ...) \
  ::medpruner::cuda::launch(#kernel, kernel, grid, block, shared, stream, __VA_ARGS__)

/** As MEDPRUNER_LAUNCH_SHARED, of a kernel of dependent.cuh; `waits`: waits_itself() of it. */
#define MEDPRUNER_LAUNCH_DEPENDENT(waits, kernel, grid, block, shared, stream, ...)       \
  ::medpruner::cuda::launch_dependent(#kernel, waits, kernel, grid, block, shared, stream, \
                                      __VA_ARGS__)

/** As MEDPRUNER_LAUNCH_SHARED, in clusters of `blocks`, where clusters_at_once() is not 0. */
#define MEDPRUNER_LAUNCH_CLUSTERS(blocks, kernel, grid, block, shared, stream, ...) \
  ::medpruner::cuda::launch_clusters(#kernel, blocks, kernel, grid, block, shared, stream, __VA_ARGS__)

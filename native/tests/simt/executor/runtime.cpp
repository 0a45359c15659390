/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <set>

#include "cuda_runtime.h"
#include "executor/image.hpp"
#include "executor/memory.hpp"
#include "executor/scheduler.hpp"

namespace {

std::set<cudaStream_t>& streams() {
  static std::set<cudaStream_t> all;
  return all;
}

bool known(cudaStream_t stream) { return stream == nullptr || streams().count(stream) != 0; }

constexpr size_t kDefaultShared = 48 * 1024;
/** What a block can have: the least of any device of sm_80 and later, and more on sm_90. */
size_t most_shared() { return simt::options().compute_capability == 90 ? 227 * 1024 : 99 * 1024; }

/** Kernels that cudaFuncSetAttribute has allowed more, or less. */
std::map<const void*, size_t>& shared_limits() {
  static std::map<const void*, size_t> all;
  return all;
}

/** Kernels that cudaFuncSetAttribute has allowed clusters of more blocks than every device has. */
std::set<const void*>& large_clusters() {
  static std::set<const void*> all;
  return all;
}

int g_device = 0;
cudaError_t g_last_error = cudaSuccess;

cudaError_t failed(cudaError_t code) {
  g_last_error = code;
  return code;
}

bool takes_clusters(const void* kernel, unsigned blocks) {
  const unsigned most = large_clusters().count(kernel) != 0 ? simt::kMostClusterBlocks
                                                            : simt::kPortableClusterBlocks;
  return blocks <= 1 || (simt::options().compute_capability >= 90 && blocks <= most);
}

/** As the driver's call of that name. */
int primary_context_state(int device, unsigned* flags, int* active) {
  *flags = 0;
  *active = simt::contexts().count(device) != 0 ? 1 : 0;
  return 0;
}

bool is_filling(const uint8_t* bytes, size_t count) {
  return count >= 8 && (bytes[0] == 0xA5 || bytes[0] == 0xCD) &&
         std::all_of(bytes, bytes + count, [&](uint8_t b) { return b == bytes[0]; });
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  *count = simt::options().devices;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = g_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= simt::options().devices) {
    return failed(cudaErrorInvalidDevice);
  }
  if (device == simt::options().taken_device) {
    return failed(cudaErrorDevicesUnavailable);
  }
  g_device = device;
  simt::contexts().insert(device);
  return cudaSuccess;
}
cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned, unsigned long long) {
  *function = strcmp(symbol, "cuDevicePrimaryCtxGetState") == 0
                  ? reinterpret_cast<void*>(&primary_context_state)
                  : nullptr;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  snprintf(properties->name, sizeof properties->name, "SIMT executor");
  properties->totalGlobalMem = size_t{1} << 29;
  properties->major = simt::options().compute_capability / 10;
  properties->minor = simt::options().compute_capability % 10;
  properties->multiProcessorCount = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const int capability = simt::options().compute_capability;
  *value = attribute == cudaDevAttrComputeCapabilityMajor   ? capability / 10
           : attribute == cudaDevAttrComputeCapabilityMinor ? capability % 10
                                                            : 1;
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
cudaError_t cudaGetLastError() {
  const cudaError_t last = g_last_error;
  g_last_error = cudaSuccess;
  return last;
}

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

cudaError_t simt::set_attribute(const void* kernel, cudaFuncAttribute attribute, int bytes) {
  if (attribute == cudaFuncAttributeNonPortableClusterSizeAllowed) {
    large_clusters().insert(kernel);
    return cudaSuccess;
  }
  const size_t limit = static_cast<size_t>(bytes);
  if (bytes < 0 || limit > most_shared()) {
    return cudaErrorInvalidValue;
  }
  const auto set = shared_limits().emplace(kernel, limit).first;
  if (limit < set->second) {
    fault("kernel " + function_name(kernel) + " is allowed " + std::to_string(limit) +
          " bytes of dynamic shared memory, less than the " + std::to_string(set->second) +
          " that another thread may be about to launch it with");
    return cudaErrorInvalidValue;
  }
  set->second = limit;
  return cudaSuccess;
}

namespace {
std::set<std::string> g_grids_lowered;

dim3 limited(const std::string& name, dim3 grid) {
  const std::string plain = name.substr(0, name.find('<'));
  const auto found = simt::options().grid_limits.find(plain);
  if (found != simt::options().grid_limits.end()) {
    unsigned& extent = found->second.first == 'x' ? grid.x : grid.y;
    if (extent > found->second.second) {
      extent = found->second.second;
      g_grids_lowered.insert(plain);
    }
  }
  return grid;
}
}  // namespace

const std::set<std::string>& simt::grids_lowered() { return g_grids_lowered; }

simt::Attributes::Attributes(const cudaLaunchConfig_t& config) {
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    if (config.attrs[i].id == cudaLaunchAttributeClusterDimension) {
      cluster = config.attrs[i].val.clusterDim.x;
    } else {
      dependent = config.attrs[i].val.programmaticStreamSerializationAllowed != 0;
    }
  }
}

std::set<int>& simt::contexts() {
  static std::set<int> all;
  return all;
}

cudaError_t simt::count_clusters(int* clusters, const void* kernel, unsigned blocks) {
  if (options().refuses_cluster_query) {
    return failed(cudaErrorInvalidClusterSize);
  }
  *clusters = takes_clusters(kernel, blocks) ? 8 : 0;
  return cudaSuccess;
}

cudaError_t simt::launch(const void* kernel, dim3 grid, dim3 block, size_t shared,
                         cudaStream_t stream, Attributes attributes, Body body) {
  if (!known(stream) || !takes_clusters(kernel, attributes.cluster)) {
    return cudaErrorInvalidValue;
  }
  const std::string name = function_name(kernel);
  const auto found = shared_limits().find(kernel);
  const size_t limit = found == shared_limits().end() ? kDefaultShared : found->second;
  if (shared > limit) {
    fault("kernel " + name + " is launched with " + std::to_string(shared) +
          " bytes of dynamic shared memory, allowed are " + std::to_string(limit) +
          " unless cudaFuncSetAttribute says more");
    return cudaErrorInvalidValue;
  }
  grid = limited(name, grid);
  return run_grid(name.c_str(), {grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared,
                  static_cast<int>(attributes.cluster), attributes.dependent, body)
             ? cudaSuccess
             : cudaErrorLaunchFailure;
}

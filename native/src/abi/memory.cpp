/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/memory.h"

#include <stdlib.h>
#include <string.h>

#include "abi/device_check.hpp"
#include "common/status.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

void check_cpu_stream(const void* stream) {
  if (stream != nullptr) {
    fail(kInvalid, "stream: is not NULL, but the device is the CPU");
  }
}

/** One of the two is on CUDA. */
cuda::Direction direction(bool to_cuda, bool from_cuda) {
  if (!from_cuda) {
    return cuda::Direction::kToDevice;
  }
  return to_cuda ? cuda::Direction::kBetweenDevices : cuda::Direction::kToHost;
}

bool overlap(const void* a, const void* b, size_t bytes) {
  const uintptr_t x = reinterpret_cast<uintptr_t>(a);
  const uintptr_t y = reinterpret_cast<uintptr_t>(b);
  return x < y ? y - x < bytes : x - y < bytes;
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_alloc(const medpruner_device* device, size_t bytes, void** pointer) {
  return guard([&] {
    if (pointer == nullptr) {
      fail(kInvalid, "pointer: is NULL");
    }
    const bool on_cuda = check_device("device", device);
    if (bytes == 0) {
      *pointer = nullptr;
      return;
    }
    if (on_cuda) {
      *pointer = cuda::allocate(device->device_id, bytes);
      return;
    }
    void* memory = bytes > SIZE_MAX - 63 ? nullptr : aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory == nullptr) {
      fail(MEDPRUNER_ERR_OUT_OF_MEMORY, "bytes: %zu bytes of host memory are not available", bytes);
    }
    *pointer = memory;
  });
}

medpruner_status medpruner_free(const medpruner_device* device, void* pointer) {
  return guard([&] {
    const bool on_cuda = check_device("device", device);
    if (pointer == nullptr) {
      return;
    }
    if (on_cuda) {
      cuda::release(device->device_id, pointer);
    } else {
      free(pointer);
    }
  });
}

medpruner_status medpruner_copy(void* destination, const medpruner_device* destination_device,
                                const void* source, const medpruner_device* source_device,
                                size_t bytes, void* stream) {
  return guard([&] {
    const bool to_cuda = check_device("destination_device", destination_device);
    const bool from_cuda = check_device("source_device", source_device);
    if (!to_cuda && !from_cuda) {
      check_cpu_stream(stream);
    }
    if (bytes == 0) {
      return;
    }
    if (destination == nullptr) {
      fail(kInvalid, "destination: is NULL");
    }
    if (source == nullptr) {
      fail(kInvalid, "source: is NULL");
    }
    if (to_cuda == from_cuda && destination_device->device_id == source_device->device_id &&
        overlap(destination, source, bytes)) {
      fail(kInvalid, "source: overlaps destination");
    }
    if (!to_cuda && !from_cuda) {
      memcpy(destination, source, bytes);
      return;
    }
    const int32_t device = to_cuda ? destination_device->device_id : source_device->device_id;
    cuda::copy(device, destination, destination_device->device_id, source,
               source_device->device_id, direction(to_cuda, from_cuda), bytes, stream);
  });
}

medpruner_status medpruner_stream_create(const medpruner_device* device, void** stream) {
  return guard([&] {
    if (stream == nullptr) {
      fail(kInvalid, "stream: is NULL");
    }
    *stream = check_device("device", device) ? cuda::stream_create(device->device_id) : nullptr;
  });
}

medpruner_status medpruner_stream_destroy(const medpruner_device* device, void* stream) {
  return guard([&] {
    if (!check_device("device", device)) {
      check_cpu_stream(stream);
    } else if (stream != nullptr) {
      cuda::stream_destroy(device->device_id, stream);
    }
  });
}

medpruner_status medpruner_stream_synchronize(const medpruner_device* device, void* stream) {
  return guard([&] {
    if (!check_device("device", device)) {
      check_cpu_stream(stream);
    } else {
      cuda::stream_synchronize(device->device_id, stream);
    }
  });
}

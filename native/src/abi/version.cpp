/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/version.h"

#include "medpruner/threads.h"

#include <string.h>

#include "common/status.hpp"
#include "cpu/isa.hpp"
#include "cpu/pool.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

#if defined(__clang__)
constexpr const char* kCompiler = "Clang " __clang_version__;
#elif defined(__GNUC__)
constexpr const char* kCompiler = "GCC " __VERSION__;
#else
constexpr const char* kCompiler = "unknown";
#endif

/** CMake hands the list over with commas; the interface speaks of semicolons. */
struct Architectures {
  char text[128] = {};
  constexpr Architectures() {
#if defined(MEDPRUNER_HAS_CUDA)
    const char* source = MEDPRUNER_CUDA_ARCHS;
    for (size_t i = 0; i + 1 < sizeof text && source[i] != '\0'; ++i) {
      text[i] = source[i] == ',' ? ';' : source[i];
    }
#endif
  }
};
constexpr Architectures kArchitectures;

template <class Info>
void check_info(const Info* info) {
  if (info == nullptr) {
    fail(kInvalid, "info: is NULL");
  }
  if (info->struct_size != sizeof(Info)) {
    fail(kInvalid, "info: struct_size is %u, expected %zu",
         static_cast<unsigned>(info->struct_size), sizeof(Info));
  }
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

uint32_t medpruner_abi_version(void) {
  return static_cast<uint32_t>(MEDPRUNER_ABI_MAJOR) << 16 | MEDPRUNER_ABI_MINOR;
}

medpruner_status medpruner_get_build_info(medpruner_build_info* info) {
  return guard([&] {
    check_info(info);
    info->cuda_version = cuda::built_with();
    info->has_cuda = info->cuda_version != 0 ? 1 : 0;
    info->reserved = 0;
    info->version = MEDPRUNER_VERSION;
    info->compiler = kCompiler;
    info->build_type = MEDPRUNER_BUILD_TYPE;
    info->cuda_architectures = kArchitectures.text;
  });
}

const char* medpruner_cpu_isa(void) {
#if defined(__aarch64__)
  return "neon";
#else
  switch (cpu::active_isa()) {
    case cpu::Isa::kAvx512:
      return "avx512";
    case cpu::Isa::kAvx2Fma:
      return "avx2+fma";
    default:
      return "x86-64";
  }
#endif
}

medpruner_status medpruner_set_cpu_threads(int32_t threads) {
  return guard([&] {
    if (threads < 0 || threads > cpu::kMaxThreads) {
      fail(kInvalid, "threads: is %d, expected in [0, %d]", static_cast<int>(threads),
           cpu::kMaxThreads);
    }
    cpu::set_threads(threads);
  });
}

int32_t medpruner_cpu_threads(void) { return cpu::threads(); }

medpruner_status medpruner_cuda_device_count(int32_t* count, char* reason, size_t capacity) {
  return guard([&] {
    if (count == nullptr) {
      fail(kInvalid, "count: is NULL");
    }
    if (reason == nullptr && capacity > 0) {
      fail(kInvalid, "reason: is NULL, expected NULL only with capacity 0");
    }
    if (capacity > 0) {
      reason[0] = '\0';
    }
    *count = cuda::device_count(reason, capacity);
  });
}

medpruner_status medpruner_cuda_device_get(int32_t index, medpruner_cuda_device_info* info) {
  return guard([&] {
    check_info(info);
    char reason[512];
    const int32_t count = cuda::device_count(reason, sizeof reason);
    if (count == 0) {
      fail(MEDPRUNER_ERR_BACKEND_UNAVAILABLE, "CUDA is unavailable: %s", reason);
    }
    if (index < 0 || index >= count) {
      fail(kInvalid, "index: is %d, expected in [0, %d)", static_cast<int>(index),
           static_cast<int>(count));
    }
    medpruner_cuda_device_info filled;
    memset(&filled, 0, sizeof filled);
    filled.struct_size = sizeof filled;
    cuda::device_info(index, &filled);
    *info = filled;
  });
}

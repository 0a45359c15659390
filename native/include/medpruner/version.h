/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file version.h
 * Versions, what this build contains, and what this machine offers. No call here needs a driver, and
 * where CUDA is missing medpruner_cuda_device_get() alone fails.
 */
#ifndef MEDPRUNER_VERSION_H
#define MEDPRUNER_VERSION_H

#include <stdint.h>

#include "medpruner/export.h"
#include "medpruner/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A change of the major number breaks callers; the minor number grows with additions. */
#define MEDPRUNER_ABI_MAJOR 1
#define MEDPRUNER_ABI_MINOR 3

/** ABI of the loaded library: major << 16 | minor. */
MEDPRUNER_API uint32_t medpruner_abi_version(void);

/** What the library was built from. The strings are static and never NULL. */
typedef struct medpruner_build_info {
  /** sizeof(medpruner_build_info) as the caller knows it; set by the caller. */
  uint32_t struct_size;
  /** 1 when the CUDA backend is compiled in. */
  uint32_t has_cuda;
  /** CUDART_VERSION it was compiled with (13000 for 13.0), 0 without CUDA. */
  int32_t cuda_version;
  int32_t reserved;
  /** Library version, "0.1.0". */
  const char* version;
  /** Compiler and its version. */
  const char* compiler;
  /** CMake build type. */
  const char* build_type;
  /** Architectures with machine code, "80;90;120"; empty without CUDA. */
  const char* cuda_architectures;
} medpruner_build_info;

/** Fills @p info; its struct_size must be set. */
MEDPRUNER_API medpruner_status medpruner_get_build_info(medpruner_build_info* info);

/**
 * Instruction-set tier the CPU kernels run in: "x86-64", "avx2+fma", "avx512" or, on AArch64, "neon". The
 * best this CPU has, unless MEDPRUNER_MAX_ISA in the environment, read once, names a lower one; any
 * other value of it is ignored. A static string. Results do not depend on the tier.
 */
MEDPRUNER_API const char* medpruner_cpu_isa(void);

/**
 * Number of usable CUDA devices. With none, MEDPRUNER_OK is still returned, @p count is 0 and
 * @p reason says why ("no CUDA driver: ...").
 *
 * @param[out] count    required
 * @param[out] reason   may be NULL when @p capacity is 0; terminated, truncated if need be
 * @param[in]  capacity bytes in @p reason
 */
MEDPRUNER_API medpruner_status medpruner_cuda_device_count(int32_t* count, char* reason,
                                                           size_t capacity);

/** Properties of one CUDA device. */
typedef struct medpruner_cuda_device_info {
  uint32_t struct_size;
  int32_t compute_major;
  int32_t compute_minor;
  int32_t multiprocessors;
  int64_t total_memory_bytes;
  /** Driver and runtime versions as CUDA numbers them (13000 = 13.0). */
  int32_t driver_version;
  int32_t runtime_version;
  char name[256];
} medpruner_cuda_device_info;

/** MEDPRUNER_ERR_BACKEND_UNAVAILABLE without CUDA, MEDPRUNER_ERR_INVALID_ARGUMENT for no such index. */
MEDPRUNER_API medpruner_status medpruner_cuda_device_get(int32_t index,
                                                         medpruner_cuda_device_info* info);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_VERSION_H */

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <vector>

#include "harness.hpp"
#include "medpruner/medpruner.h"

/** The exit code ctest reads as skipped. */
constexpr int kSkipped = 77;

/**
 * Under compute-sanitizer, which slows kernels down 10 to 1000 times: every kernel, dtype and branch of a
 * launch is still taken, on a few small inputs.
 */
inline bool gpu_quick() {
  static const bool quick = getenv("MEDPRUNER_GPU_QUICK") != nullptr;
  return quick;
}

/** Repetitions of a test: a tenth in quick mode. */
inline int gpu_rounds(int full) { return gpu_quick() ? (full + 9) / 10 : full; }

/** Sizes, or other inputs, of a test. */
template <class T>
std::vector<T> gpu_cases(std::vector<T> full, std::vector<T> quick) {
  return gpu_quick() ? quick : full;
}

/** Runs the tests when there is a device; else says why not. */
inline int run_gpu_tests() {
  int32_t count = 0;
  char reason[256] = "";
  if (medpruner_cuda_device_count(&count, reason, sizeof reason) != MEDPRUNER_OK || count == 0) {
    printf("SKIP: %s\n", reason);
    return kSkipped;
  }
  return harness::run_tests();
}

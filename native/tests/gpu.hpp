/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "harness.hpp"
#include "medpruner/medpruner.h"

/** The exit code ctest reads as skipped. */
constexpr int kSkipped = 77;

/** Repetitions of a test: a tenth under compute-sanitizer, which slows kernels down 10 to 100 times. */
inline int gpu_rounds(int full) {
  return getenv("MEDPRUNER_GPU_QUICK") == nullptr ? full : (full + 9) / 10;
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

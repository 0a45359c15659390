/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "harness.hpp"
#include "medpruner/medpruner.h"

/** The exit code ctest reads as skipped. */
constexpr int kSkipped = 77;

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

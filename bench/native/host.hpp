/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include <string>

/** What a results file says about the machine it comes from. */
struct Host {
  std::string cpu, os;
  int cores = 0;
  int64_t memory_bytes = 0;

  static Host here();
};

/** UTC, "2026-01-31T12:00:00Z". */
std::string now();

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

namespace medpruner {

/**
 * The arithmetic every result is defined in, for the time of a call: round to nearest even, subnormals
 * kept. Callers may come with something else: a framework that flushed subnormals for speed, a JVM
 * thread that native code left in another rounding mode. Restores what it found. Threads of the pool
 * are made inside such a scope and inherit it.
 */
class FloatEnvironment {
 public:
  FloatEnvironment() noexcept;
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  uint64_t former_;
};

}  // namespace medpruner

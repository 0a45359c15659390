/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The weights of nucleus_select.h, the same operation sequence on every backend and in Java. Compiled
// without contraction: only the fma() calls fuse.

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/hd.hpp"

namespace medpruner {

/** rint(exp2poly(y) * 2^31) for y <= 0. */
MEDPRUNER_HD inline uint32_t exp2_weight(double y) {
  // Clamped so that the arithmetic below is defined for every y; the result is discarded then.
  const bool vanishes = y < -32.0;
  const double x = vanishes ? -32.0 : y;
  const double n = rint(x);
  const double f = x - n;
  double p = 0x1.41fbc20404cb4p-13;
  p = fma(p, f, 0x1.5f3e5436f4de1p-10);
  p = fma(p, f, 0x1.3b2d4cec4a36cp-7);
  p = fma(p, f, 0x1.c6aee88bcf164p-5);
  p = fma(p, f, 0x1.ebfbdc3c314c5p-3);
  p = fma(p, f, 0x1.62e430af291fap-1);
  p = fma(p, f, 1.0);
  const int64_t exponent = static_cast<int64_t>(static_cast<int32_t>(n)) + 31 + 1023;
  const uint64_t power_bits = static_cast<uint64_t>(exponent) << 52;
  double power;
  memcpy(&power, &power_bits, sizeof power);
  const double weight = rint(p * power);
  return vanishes ? 0u : static_cast<uint32_t>(static_cast<int64_t>(weight));
}

/** SOFTMAX: `factor` is log2(e) / temperature, `max` the segment's largest score. */
MEDPRUNER_HD inline uint32_t softmax_weight(float value, float max, double factor) {
  const double difference = static_cast<double>(value) - static_cast<double>(max);
  return exp2_weight(difference * factor);
}

/** MASS: for max > 0 and 0 <= value <= max. */
MEDPRUNER_HD inline uint32_t mass_weight(float value, float max) {
  const double share = static_cast<double>(value) / static_cast<double>(max);
  return static_cast<uint32_t>(static_cast<int64_t>(rint(share * 2147483648.0)));
}

/** Orders floats as their values do, -0 equal to +0: larger key, larger score. No NaN. */
MEDPRUNER_HD inline uint32_t order_key(uint32_t bits) {
  if (bits == 0x80000000u) {
    bits = 0;
  }
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

MEDPRUNER_HD inline uint32_t key_to_bits(uint32_t key) {
  return (key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key;
}

}  // namespace medpruner

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The weights of nucleus_select.h, the same operation sequence on every backend and in Java. Compiled
// without contraction: only the fma() calls fuse.

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/hd.hpp"

namespace medpruner {

/**
 * Adding it rounds a double of magnitude below 2^51 to an integer, ties to even as rint() does, and leaves
 * that integer in the low bits. rint() and the conversion to u32 each need an instruction that SSE2 and
 * AVX2 do not have, and that GPUs run at a fraction of the rate of an addition.
 */
constexpr double kRounder = 0x1.8p52;

MEDPRUNER_HD inline uint64_t double_to_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/** rint(exp2poly(n + f) * 2^31) for n + f in [-32, 0]; shifted = n + kRounder. */
MEDPRUNER_HD inline uint32_t exp2_weight_by(double shifted, double f) {
  double p = 0x1.41fbc20404cb4p-13;
  p = fma(p, f, 0x1.5f3e5436f4de1p-10);
  p = fma(p, f, 0x1.3b2d4cec4a36cp-7);
  p = fma(p, f, 0x1.c6aee88bcf164p-5);
  p = fma(p, f, 0x1.ebfbdc3c314c5p-3);
  p = fma(p, f, 0x1.62e430af291fap-1);
  p = fma(p, f, 1.0);
  const uint64_t power_bits = (double_to_bits(shifted) + (31 + 1023)) << 52;  // 2^(n + 31)
  double power;
  memcpy(&power, &power_bits, sizeof power);
  return static_cast<uint32_t>(double_to_bits(p * power + kRounder));
}

/** rint(exp2poly(y) * 2^31) for y <= 0. */
MEDPRUNER_HD inline uint32_t exp2_weight(double y) {
  // The weight of -32 is rint(0.5) = 0, so the clamp is all that "0 when y < -32" takes.
  const double x = y < -32.0 ? -32.0 : y;
  const double shifted = x + kRounder;
  return exp2_weight_by(shifted, x - (shifted - kRounder));
}

/** SOFTMAX: `factor` is log2(e) / temperature, `max` the segment's largest score. */
MEDPRUNER_HD inline uint32_t softmax_weight(float value, float max, double factor) {
  const double difference = static_cast<double>(value) - static_cast<double>(max);
  return exp2_weight(difference * factor);
}

/** MASS: for max > 0 and 0 <= value <= max. */
MEDPRUNER_HD inline uint32_t mass_weight(float value, float max) {
  const double share = static_cast<double>(value) / static_cast<double>(max);
  return static_cast<uint32_t>(double_to_bits(share * 2147483648.0 + kRounder));
}

/** M of nucleus_select.h: ceil(t * W / 2^62) in 128 bits, at least 1. */
MEDPRUNER_HD inline uint64_t mass_target(uint64_t tau_q62, uint64_t total) {
  const unsigned __int128 product = static_cast<unsigned __int128>(tau_q62) * total;
  const unsigned __int128 rounded = product + ((static_cast<unsigned __int128>(1) << 62) - 1);
  const uint64_t target = static_cast<uint64_t>(rounded >> 62);
  return target > 1 ? target : 1;
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

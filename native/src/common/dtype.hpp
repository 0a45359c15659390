/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// f16 and bf16 conversions by integer operations, the same on host and device: to f32 exactly, from
// f32 rounded to nearest even, NaN to one canonical pattern.

#include <stdint.h>
#include <string.h>

#include "common/hd.hpp"

namespace medpruner {

enum class DType : int32_t { kU8, kI16, kI32, kI64, kU32, kF16, kBF16, kF32, kF64, kOther };

MEDPRUNER_HD inline float bits_to_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

MEDPRUNER_HD inline uint32_t float_to_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

constexpr uint32_t kNanF32 = 0x7fc00000u;
constexpr uint16_t kNanBF16 = 0x7fc0u;
constexpr uint16_t kNanF16 = 0x7e00u;

/** NaN or infinity, by bits: not subject to how a compiler treats NaN comparisons. */
MEDPRUNER_HD inline bool non_finite(float value) {
  return (float_to_bits(value) & 0x7f800000u) == 0x7f800000u;
}

MEDPRUNER_HD inline bool is_nan(float value) {
  return (float_to_bits(value) & 0x7fffffffu) > 0x7f800000u;
}

MEDPRUNER_HD inline float canonical(float value) {
  return is_nan(value) ? bits_to_float(kNanF32) : value;
}

/** Storage types: distinct from uint16_t so that templates can tell them apart. */
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

MEDPRUNER_HD inline float to_float(float value) { return value; }

MEDPRUNER_HD inline float to_float(BFloat value) {
  return bits_to_float(static_cast<uint32_t>(value.bits) << 16);
}

MEDPRUNER_HD inline float to_float(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
  const uint32_t rest = value.bits & 0x7fffu;
  // Subnormals: rest * 2^-24 is exact and a normal f32.
  const uint32_t small = float_to_bits(static_cast<float>(static_cast<int32_t>(rest)) * 0x1p-24f);
  const uint32_t normal = (rest << 13) + (112u << 23);
  const uint32_t special = 0x7f800000u | (rest << 13);
  const uint32_t magnitude = rest < 0x0400u ? small : (rest < 0x7c00u ? normal : special);
  return bits_to_float(sign | magnitude);
}

MEDPRUNER_HD inline void from_float(float value, float* out) { *out = canonical(value); }

MEDPRUNER_HD inline void from_float(float value, BFloat* out) {
  if (is_nan(value)) {
    out->bits = kNanBF16;
    return;
  }
  const uint32_t bits = float_to_bits(value);
  out->bits = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

MEDPRUNER_HD inline void from_float(float value, Half* out) {
  if (is_nan(value)) {
    out->bits = kNanF16;
    return;
  }
  const uint32_t bits = float_to_bits(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t result;
  if (magnitude >= 0x477ff000u) {  // from 65520 on the nearest is infinity
    result = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // normal f16: 2^-14 and above
    const uint32_t shifted = magnitude - (112u << 23);
    result = (shifted + 0x0fffu + ((shifted >> 13) & 1u)) >> 13;
  } else if (magnitude >= 0x33000000u) {  // 2^-25 and above: a subnormal f16, or a tie to one
    const uint32_t shift = 126u - (magnitude >> 23);
    const uint32_t mantissa = (magnitude & 0x007fffffu) | 0x00800000u;
    const uint32_t half = 1u << (shift - 1);
    const uint32_t floor = mantissa >> shift;
    result = floor + (((mantissa & ((1u << shift) - 1u)) + (floor & 1u)) > half ? 1u : 0u);
  } else {
    result = 0;
  }
  out->bits = static_cast<uint16_t>(sign | result);
}

}  // namespace medpruner

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// From the dtype of a call to the storage type of its kernels. What an entry lets through and what has a kernel are one
// list: a dtype that has none is refused, never read as another.

#include "common/dtype.hpp"
#include "common/status.hpp"

namespace medpruner {

/** Set of DType, as bits. */
constexpr uint32_t bit(DType type) { return 1u << static_cast<int>(type); }

/** Features, queries and keys: what visit_float() takes. */
constexpr uint32_t kFloatTypes = bit(DType::kF16) | bit(DType::kBF16) | bit(DType::kF32);
/** Slices: what visit_slice() takes. */
constexpr uint32_t kSliceTypes = kFloatTypes | bit(DType::kU8) | bit(DType::kI16);

/** Calls body(T{}) for the storage type T. */
template <class Body>
void visit_float(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::kF16:
      return body(Half{});
    case DType::kBF16:
      return body(BFloat{});
    case DType::kF32:
      return body(float{});
    default:
      break;
  }
  fail(MEDPRUNER_ERR_INTERNAL, "dtype %d was let through, but no kernel reads it", static_cast<int>(dtype));
}

/** As visit_float(), for slices. */
template <class Body>
void visit_slice(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::kU8:
      return body(uint8_t{});
    case DType::kI16:
      return body(int16_t{});
    default:
      return visit_float(dtype, body);
  }
}

}  // namespace medpruner

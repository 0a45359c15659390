/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tensor.h
 * A borrowed view of memory, laid out exactly like DLPack's DLTensor (v1.x), so that a DLTensor* can
 * be passed as a medpruner_tensor*. The library never owns, frees or keeps a view: `shape` and
 * `strides` need to live for the call only; `data` until the stream has passed the call (at once on
 * the CPU). Views are read-only where an op takes `const medpruner_tensor*` for an input; outputs are
 * written through the same type.
 *
 * A tensor of zero elements may have NULL data. Memory must be aligned to its element size.
 */
#ifndef MEDPRUNER_TENSOR_H
#define MEDPRUNER_TENSOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Device types, as DLDeviceType numbers them. */
enum { MEDPRUNER_DEVICE_CPU = 1, MEDPRUNER_DEVICE_CUDA = 2 };

/** dtype codes, as DLDataTypeCode numbers them. */
enum {
  MEDPRUNER_DTYPE_INT = 0,
  MEDPRUNER_DTYPE_UINT = 1,
  MEDPRUNER_DTYPE_FLOAT = 2,
  MEDPRUNER_DTYPE_BFLOAT = 4
};

/** Identical to DLDevice. */
typedef struct medpruner_device {
  int32_t device_type;
  int32_t device_id;
} medpruner_device;

/** Identical to DLDataType; lanes is always 1 here. */
typedef struct medpruner_dtype {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} medpruner_dtype;

/** Identical to DLTensor. */
typedef struct medpruner_tensor {
  /** Host or device address; element 0 lies at data + byte_offset. */
  void* data;
  medpruner_device device;
  int32_t ndim;
  medpruner_dtype dtype;
  /** ndim extents, each >= 0. */
  int64_t* shape;
  /** ndim strides in elements, or NULL for compact row-major. */
  int64_t* strides;
  uint64_t byte_offset;
} medpruner_tensor;

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_TENSOR_H */

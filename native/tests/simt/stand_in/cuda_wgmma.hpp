/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stands in for what src/cuda/common/wgmma.cuh issues by PTX. A product is worked out at the wait for its group,
// as late as it can be, and until then its result is NaN; each warp of a warpgroup multiplies by itself.

#include "cuda_device.hpp"

namespace medpruner::cuda {

struct SharedMatrix {
  ::simt::SharedMatrix at;

  SharedMatrix behind(int bytes) const {
    return {{at.start + bytes, at.unit_stride, at.group_stride, at.swizzled}};
  }
};

inline SharedMatrix shared_matrix(const void* start, int unit_stride, int group_stride) {
  return {{static_cast<const char*>(start), unit_stride, group_stride, false}};
}

constexpr int kSwizzledRow = 128;

inline int swizzled_unit(int row, int unit) { return row * kSwizzledRow + (unit ^ (row & 7)) * 16; }

inline SharedMatrix swizzled_matrix(const void* start) {
  return {{static_cast<const char*>(start), 16, 8 * kSwizzledRow, true}};
}

inline void warpgroup_arrive() {}
inline void fence_for_products() {}
inline void finish_before_wait(float* slot, float value) { *slot = value; }
inline void warpgroup_commit() { ::simt::commit_products(); }

template <int kGroups>
void warpgroup_wait(float (&)[32], SIMT_SITE) {
  ::simt::wait_for_products(kGroups, {file, line});
}

template <bool kAdd>
void warpgroup_multiply(float (&c)[32], SharedMatrix a, SharedMatrix b, BFloat, SIMT_SITE) {
  ::simt::start_product(c, a.at, b.at, kAdd, true, {file, line});
}
template <bool kAdd>
void warpgroup_multiply(float (&c)[32], SharedMatrix a, SharedMatrix b, Half, SIMT_SITE) {
  ::simt::start_product(c, a.at, b.at, kAdd, false, {file, line});
}

}  // namespace medpruner::cuda

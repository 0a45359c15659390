/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// How a block writes the mask and the list of a segment in units that are wider than their elements, wherever
// the segment begins.

#include <stdint.h>

namespace medpruner::cuda {

/**
 * Of the tokens place, place + 1, ... kUnit - 1 and, with kGroups of them, of those 32 kUnit further on and so
 * on: bit j of `bits` for number j.
 */
template <int kUnit, int kGroups>
__device__ inline void write_mask(uint8_t* mask, int place, int n, uint32_t bits) {
  const bool whole = kUnit == 4 && reinterpret_cast<uintptr_t>(mask) % 4 == 0;
#pragma unroll
  for (int q = 0; q < kGroups; ++q) {
    const int first = place + q * 32 * kUnit;
    const uint32_t own = bits >> (q * kUnit) & ((1u << kUnit) - 1u);
    if (whole && first + kUnit <= n) {
      *reinterpret_cast<uint32_t*>(mask + first) = own * 0x00204081u & 0x01010101u;  // bit c to byte c
    } else {
#pragma unroll
      for (int c = 0; c < kUnit; ++c) {
        if (first + c < n) {
          mask[first + c] = own >> c & 1u;
        }
      }
    }
  }
}

/** 1 for a list that begins in the middle of 16 bytes, else 0. */
__device__ inline int lead_of(const int64_t* list) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(list) / sizeof *list % 2);
}

/** list[0, kept) from `rows`, which are kept > 0 from rows[lead] on, and -1 up to n: two at a time. All threads. */
template <int kThreads>
__device__ inline void write_list(int64_t* list, const uint32_t* rows, int lead, int kept, int n) {
  const int thread = static_cast<int>(threadIdx.x);
#pragma unroll 1
  for (int i = 2 * thread - lead; i < kept; i += 2 * kThreads) {
    const uint32_t* own = rows + lead + i;
    if (i >= 0 && i + 1 < kept) {
      const uint2 two = *reinterpret_cast<const uint2*>(own);
      *reinterpret_cast<longlong2*>(list + i) = make_longlong2(two.x, two.y);
    } else {
      const int one = i < 0 ? 0 : i;
      list[one] = own[one - i];
    }
  }
  const int even = kept + (kept + lead) % 2;
#pragma unroll 1
  for (int i = even + 2 * thread; i + 1 < n; i += 2 * kThreads) {
    *reinterpret_cast<longlong2*>(list + i) = make_longlong2(-1, -1);
  }
  if (thread == 0 && even > kept && kept < n) {
    list[kept] = -1;
  }
  if (thread == 0 && (n + lead) % 2 != 0 && even < n) {
    list[n - 1] = -1;
  }
}

}  // namespace medpruner::cuda

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

/**
 * list[0, kept) from `rows`, which are kept > 0 from rows[lead] on, and -1 up to n, which kItems a thread hold:
 * two at a time. All threads.
 */
template <int kThreads, int kItems>
__device__ inline void write_list(int64_t* list, const uint32_t* rows, int lead, int kept, int n) {
  constexpr int kPairs = kItems / 2;
  const int thread = static_cast<int>(threadIdx.x);
  const int pairs = (kept - lead) / 2;
  const uint2* from = reinterpret_cast<const uint2*>(rows + 2 * lead) + thread;
  longlong2* to = reinterpret_cast<longlong2*>(list + lead) + thread;
#pragma unroll
  for (int u = 0; u < kPairs; ++u) {
    if (thread + u * kThreads < pairs) {
      const uint2 two = from[u * kThreads];
      to[u * kThreads] = make_longlong2(two.x, two.y);
    }
  }
  const int even = kept + (kept + lead) % 2;
  longlong2* rest = reinterpret_cast<longlong2*>(list + even) + thread;
#pragma unroll
  for (int u = 0; u < kPairs; ++u) {
    if (thread + u * kThreads < (n - even) / 2) {
      rest[u * kThreads] = make_longlong2(-1, -1);
    }
  }
  if (thread == 0) {
    if (lead != 0) {
      list[0] = rows[1];
    }
    if ((kept - lead) % 2 != 0) {
      list[kept - 1] = rows[lead + kept - 1];
    }
    if (even > kept && kept < n) {
      list[kept] = -1;
    }
    if ((n + lead) % 2 != 0 && even < n) {
      list[n - 1] = -1;
    }
  }
}

}  // namespace medpruner::cuda

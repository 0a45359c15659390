/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// How the work of ragged batches is cut into tasks of the pool.

#include <stdint.h>

namespace medpruner::cpu {

/** The segment that holds a row: the last that begins at or before it. */
inline int64_t segment_holding(const int64_t* offsets, int64_t segments, int64_t row) {
  int64_t low = 0;
  int64_t high = segments;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (offsets[middle] <= row ? low : high) = middle;
  }
  return low;
}

/** Rows of features that make a task of the pool: 128 KB, read and written in some 30 us. */
inline int64_t rows_per_task(int64_t row_bytes) {
  return row_bytes < 1 << 17 ? (1 << 17) / (row_bytes + 1) + 1 : 1;
}

}  // namespace medpruner::cpu

/* SPDX-License-Identifier: Apache-2.0 */
// K5 on the CPU: copies the listed rows in order, some 128 KB of them to a task of the pool.

#include <string.h>

#include "cpu/backend.hpp"
#include "cpu/pool.hpp"
#include "cpu/segments.hpp"

namespace medpruner::cpu {

void gather_rows(const GatherRowsArgs& args) {
  args.packed_offsets[0] = 0;
  for (int64_t g = 0; g < args.segments; ++g) {
    args.packed_offsets[g + 1] = args.packed_offsets[g] + args.counts[g];
    args.flags[g] = 0;
  }
  const int64_t total = args.packed_offsets[args.segments];
  if (total == 0 || args.row_bytes == 0) {
    return;
  }
  const int64_t width = rows_per_task(args.row_bytes);
  parallel_for((total - 1) / width + 1, threads(), [&](int64_t task, int) {
    const int64_t end = (task + 1) * width < total ? (task + 1) * width : total;
    int64_t row = task * width;
    for (int64_t g = segment_holding(args.packed_offsets, args.segments, row); row < end; ++g) {
      const int64_t* indices = args.indices + args.offsets[g] - args.packed_offsets[g];
      for (; row < end && row < args.packed_offsets[g + 1]; ++row) {
        memcpy(args.packed + row * args.row_bytes,
               args.source + indices[row] * args.row_stride_bytes,
               static_cast<size_t>(args.row_bytes));
      }
    }
  });
}

}  // namespace medpruner::cpu

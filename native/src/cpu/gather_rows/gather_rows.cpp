/* SPDX-License-Identifier: Apache-2.0 */
// K5 on the CPU: copies the listed rows in order.

#include <string.h>

#include "cpu/backend.hpp"

namespace medpruner::cpu {

void gather_rows(const GatherRowsArgs& args) {
  int64_t row = 0;
  for (int64_t g = 0; g < args.segments; ++g) {
    args.packed_offsets[g] = row;
    args.flags[g] = 0;
    const int64_t begin = args.offsets[g];
    for (int64_t i = begin; i < begin + args.counts[g]; ++i, ++row) {
      if (args.row_bytes > 0) {
        memcpy(args.packed + row * args.row_bytes,
               args.source + args.indices[i] * args.row_stride_bytes,
               static_cast<size_t>(args.row_bytes));
      }
    }
  }
  args.packed_offsets[args.segments] = row;
}

}  // namespace medpruner::cpu

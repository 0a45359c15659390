/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

namespace medpruner::cuda {

/** The longest segments that a warp and a block hold in registers; no result depends on it. */
struct NucleusLimits {
  int64_t warp_rows = 1024;
  int64_t block_rows = 16384;
};

#if defined(MEDPRUNER_SIMT)
/** Tests on the SIMT executor lower it, so that small inputs take every path. */
extern NucleusLimits g_nucleus_limits;
#endif

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

namespace medpruner::cuda {

/** How a pass of attention_mass is cut up; no result depends on it. */
struct MassLimits {
  unsigned blocks = 1 << 20;  // at most: they stride over what lies beyond
  int block_rows = 0;         // of a tensor-core pass; 0: as the sizes suggest
};

#if defined(MEDPRUNER_SIMT)
/** Tests on the SIMT executor change it, to show that. */
extern MassLimits g_mass_limits;
#endif

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

namespace medpruner::cuda {

/** Most blocks of a pass of attention_mass: they stride over what lies beyond. */
struct MassLimits {
  unsigned blocks = 1 << 20;
};

#if defined(MEDPRUNER_SIMT)
/** Tests on the SIMT executor change it, to show that no result depends on the grid. */
extern MassLimits g_mass_limits;
#endif

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/op_args.hpp"

namespace medpruner::cuda {

/** How a pass of attention_mass is cut up; no result depends on it. */
struct MassLimits {
  unsigned blocks = 1 << 20;  // at most: they stride over what lies beyond
  int block_rows = 0;         // of a tensor-core pass; 0: as the sizes suggest
};

/** Refuses what the launches cannot number; a call that goes on to attention_mass() asks before launches of its own. */
void check_mass_extents(const AttentionMassArgs& args);

#if defined(MEDPRUNER_SIMT)
/** Tests on the SIMT executor change it, to show that. */
extern MassLimits g_mass_limits;
#endif

}  // namespace medpruner::cuda

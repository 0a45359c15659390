/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stands in for what src/cuda/common/dependent.cuh issues by PTX. Launches follow one another here; that
// nothing is done before the wait which must come behind it, the executor checks.

#include "cuda_device.hpp"

namespace medpruner::cuda {

inline void await_former_launch(SIMT_SITE) { ::simt::await_former_launch({file, line}); }
inline void admit_next_launch() {}

}  // namespace medpruner::cuda

/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/slice_anchor/windows.cuh"

namespace medpruner::cuda {

MEDPRUNER_WINDOWS(, BFloat);

}  // namespace medpruner::cuda

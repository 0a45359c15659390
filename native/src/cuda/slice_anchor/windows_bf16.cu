/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/slice_anchor/windows.cuh"

namespace medpruner::cuda {

template void run_windows<BFloat>(const SliceAnchorArgs&, const AnchorWorkspace&, bool, void*);

}  // namespace medpruner::cuda

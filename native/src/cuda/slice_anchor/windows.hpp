/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cuda/slice_anchor/walk.cuh"

namespace medpruner::cuda {

/**
 * Launches the windows of a call, with patches or without, one after another. `list_last`: the last one lists the
 * segments, which are few. Each dtype's is compiled in a file of its own, windows_<dtype>.cu, for together they take
 * the compiler minutes.
 */
template <class T>
void run_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, bool list_last, void* stream);

extern template void run_windows<uint8_t>(const SliceAnchorArgs&, const AnchorWorkspace&, bool, void*);
extern template void run_windows<int16_t>(const SliceAnchorArgs&, const AnchorWorkspace&, bool, void*);
extern template void run_windows<Half>(const SliceAnchorArgs&, const AnchorWorkspace&, bool, void*);
extern template void run_windows<BFloat>(const SliceAnchorArgs&, const AnchorWorkspace&, bool, void*);
extern template void run_windows<float>(const SliceAnchorArgs&, const AnchorWorkspace&, bool, void*);

}  // namespace medpruner::cuda

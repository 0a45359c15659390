/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cuda/slice_anchor/walk.cuh"

namespace medpruner::cuda {

/** Blocks of a window; refuses more than a launch takes, so it is asked before the first one. */
template <class T>
unsigned window_blocks(const SliceAnchorArgs& args);

/**
 * Launches the windows of a call, with patches or without, one after another. `list_last`: the last one lists the
 * segments, which are few. Each dtype's is compiled in a file of its own, windows_<dtype>.cu, for together they take
 * the compiler minutes.
 */
template <class T>
void run_windows(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, unsigned blocks, bool list_last,
                 void* stream);

/** `keyword` is empty where a windows_<dtype>.cu instantiates them. */
#define MEDPRUNER_WINDOWS(keyword, T)                                                                         \
  keyword template unsigned window_blocks<T>(const SliceAnchorArgs&);                                         \
  keyword template void run_windows<T>(const SliceAnchorArgs&, const AnchorWorkspace&, unsigned, bool, void*)

MEDPRUNER_WINDOWS(extern, uint8_t);
MEDPRUNER_WINDOWS(extern, int16_t);
MEDPRUNER_WINDOWS(extern, Half);
MEDPRUNER_WINDOWS(extern, BFloat);
MEDPRUNER_WINDOWS(extern, float);

}  // namespace medpruner::cuda
